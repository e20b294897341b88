/* One GET to an application over its own socket, as a web server would send it. For commands only: it blocks. */
#ifndef BY_CLI_FASTCGI_CLIENT_H
#define BY_CLI_FASTCGI_CLIENT_H

#include <banyan/arena.h>
#include <banyan/base.h>

typedef struct by__fastcgi_answer {
	int         status; /* 0: there was no answer, or none that is one */
	const char *body;   /* NUL-terminated, in the arena */
	size_t      len;
} by__fastcgi_answer;

/* Connects to "unix:path" or "host:port"; -1: nothing listens there, and errno says why. */
int by__fastcgi_connect(by_arena *arena, const char *address);
/*
 * Asks on a connected descriptor, which it closes; waits at most three seconds
 * for each piece of the answer. An answer beyond 1 MiB is cut.
 */
by__fastcgi_answer by__fastcgi_get(by_arena *arena, int fd, const char *uri);

#endif
