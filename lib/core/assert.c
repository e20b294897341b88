/* The end of a process that found itself broken: one line, then abort(). */
#include <stdio.h>
#include <stdlib.h>

#include <banyan/assert.h>

void by_abort(const char *grade, const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, grade, what);
	abort();
}
