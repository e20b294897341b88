/* Patterns of fields, compiled once and matched with limits. Internal. */
#ifndef BY_CORE_PATTERN_H
#define BY_CORE_PATTERN_H

#include <banyan/arena.h>
#include <banyan/base.h>

typedef enum by__pattern_result {
	BY__PATTERN_MATCH,
	BY__PATTERN_NO_MATCH,
	BY__PATTERN_LIMIT /* the match took too long or too much memory and was given up */
} by__pattern_result;

/*
 * Compiles the pattern and keeps it for the life of the process, found again by
 * its address. Before threads. NULL on success, else what is wrong with it, in
 * the arena.
 */
const char *by__pattern_compile(by_arena *arena, const char *pattern);
/* The pattern must have been compiled. Safe from every thread; allocates only a thread's first time. */
by__pattern_result by__pattern_match(const char *pattern, by_text text);

#endif
