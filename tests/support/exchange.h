/* A gateway in memory: gives a request to a server and keeps its answer. For tests of everything behind the wire. */
#ifndef TESTS_SUPPORT_EXCHANGE_H
#define TESTS_SUPPORT_EXCHANGE_H

#include <banyan/arena.h>
#include <banyan/provider.h>

#include "interface/server.h"

typedef struct test_request {
	const char        *method;         /* NULL: GET */
	const char        *target;         /* REQUEST_URI; NULL: not passed */
	const char *const *variables;      /* further "NAME=value", NULL at the end; may be NULL */
	const char        *body;           /* NULL: none */
	size_t             body_len;       /* 0: strlen */
	const char        *content_type;   /* NULL: application/json when there is a body; "": none */
	const char        *content_length; /* NULL: the true one; "": not said */
	size_t             piece;          /* bytes of body per read; 0: as many as fit */
	bool               silent;         /* nothing comes after the body, not even its end */
	size_t             takes;          /* bytes of the answer, and then none before the deadline; 0: all */
	bool               gone;           /* the client is not there any more when the body is read */
	by_providers      *providers;
	by_arena          *arena;          /* of the request, where it is served alone; NULL: that of the answer */
} test_request;

typedef struct test_answer {
	int         status;
	const char *headers; /* all lines, NUL-terminated */
	const char *body;    /* NUL-terminated */
	size_t      body_len;
	bool        reusable;
	bool        broken_off;
	unsigned    writes;  /* calls of the exchange */
	unsigned    reads;
} test_answer;

/* The server of an application, with small limits and without an access log. Aborts when it does not compile. */
by__server *test_server(by_arena *arena, const by_app *app);
/* Serves one request in a coroutine on a loop of its own. The answer is in the arena. */
test_answer test_serve(by_arena *arena, by__server *server, const test_request *request);
/* Serves many at once, each in a coroutine and an arena of its own, and waits for them all. */
void test_serve_together(by_arena *arena, by__server *server, const test_request *requests, size_t count,
    test_answer *answers);
/* The value of a header, or NULL; in the arena. */
const char *test_header(by_arena *arena, const test_answer *answer, const char *name);

#endif
