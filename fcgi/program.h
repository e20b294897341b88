/* This process's own program: what to execute, with which words, to become a newer one of itself. */
#ifndef BY_FCGI_PROGRAM_H
#define BY_FCGI_PROGRAM_H

#include <banyan/arena.h>

/*
 * Notes how the process was started; first thing in main(). The path stays as
 * it was written, made absolute, so that a symbolic link that is changed later
 * leads to the new program.
 */
void by__program_note(by_arena *arena, char **argv);

/* The words it was started with, NULL at the end. */
char *const *by__program_words(void);

/* What stands at its path now, perhaps a newer version. */
const char *by__program_path(void);

/* The very program that runs, even when its file was replaced or removed. */
#define BY__PROGRAM_SELF "/proc/self/exe"

#endif
