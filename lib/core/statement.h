/* Interned statements, and what the database drivers know of one beside its public part. Internal. */
#ifndef BY_CORE_STATEMENT_H
#define BY_CORE_STATEMENT_H

#include <banyan/arena.h>
#include <banyan/database.h>

/* The first keyword: the `operation` label of metrics, and what may be retried. */
typedef enum by__verb {
	BY__VERB_SELECT,
	BY__VERB_INSERT,
	BY__VERB_UPDATE,
	BY__VERB_DELETE,
	BY__VERB_WITH,
	BY__VERB_OTHER, /* may leave something behind in its session */
	BY__VERB_COUNT
} by__verb;

#define BY__STATEMENT_TRANSIENT UINT32_MAX /* the id of a statement that is not kept prepared */

enum { BY__STATEMENT_DYNAMIC_MAX = 1000 };

typedef struct by__statement {
	by_statement base; /* every by_statement is one of these */
	by__verb     verb;
	uint64_t     hash;
	struct by__statement *next; /* in its bucket */
} by__statement;

static inline const by__statement *by__statement_of(const by_statement *statement)
{
	return (const by__statement *)(const void *)statement;
}

/*
 * As by_statement_of, for a text composed at run time: once
 * BY__STATEMENT_DYNAMIC_MAX texts are known, a new one lives in the arena only
 * and is not kept prepared.
 */
const by_statement *by__statement_dynamic(by_arena *arena, const char *name, by_text sql);

/* A line of a script, from 1, without the white space around it: what an error shows of it. In the arena. */
const char *by__script_line(by_arena *arena, const char *script, int line);

#endif
