/* Single requests to a web server, byte for byte as they are asked for, and what can be told of the answers. */
#ifndef BY_CLI_DOCTOR_HTTP_H
#define BY_CLI_DOCTOR_HTTP_H

#include <banyan/arena.h>
#include <banyan/base.h>

typedef struct by__http by__http; /* one connection, kept while the server keeps it */

typedef struct by__http_ask {
	const char        *method;  /* NULL: GET */
	const char        *url;     /* its path is sent as it is */
	const char *const *headers; /* "Name: value", NULL at the end; may be NULL */
	size_t             body;    /* bytes of body, which are of no meaning */
	bool               chunked; /* the body's length is not said */
	bool               insecure;/* whoever's certificate it is */
} by__http_ask;

typedef struct by__http_answer {
	int         status;     /* 0: there was no whole answer */
	bool        untrusted;  /* because the certificate is not one to trust */
	const char *failure;    /* why there was none */
	const char *headers;    /* all lines */
	const char *body;
	size_t      body_len;
	double      first_byte; /* seconds from the first byte of body to the end of the answer */
	bool        http2;      /* or newer */
	bool        reused;     /* the connection was there already */
	const char *address;    /* of the server */
} by__http_answer;

/* NULL with the reason, when this program was built without the library that it takes. */
by__http *by__http_new(by_arena *arena, const char **reason);
void by__http_free(by__http **http);
/* Waits at most 30 seconds. What is given lives in the arena. */
by__http_answer by__http_send(by__http *http, const by__http_ask *ask);
/* The value of a header, in the arena, or NULL. */
const char *by__http_header(by_arena *arena, const by__http_answer *answer, const char *name);

#endif
