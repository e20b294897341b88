/*
 * One request and its answer, as the gateway in front of it sees them: FastCGI,
 * CGI, and the test client implement this, and nothing else differs between
 * them.
 */
#ifndef BY_INTERFACE_EXCHANGE_H
#define BY_INTERFACE_EXCHANGE_H

#include <banyan/ctx.h>

#include "interface/refusal.h"

typedef struct by__exchange by__exchange;

typedef struct by__exchange_driver {
	/* More of the body, at least a byte unless it has ended (got 0). CANCELLED when the peer is gone. Parks. */
	by_error *(*read)(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got);
	/* Part of the answer: CGI headers ("Status: 200 OK\r\n…\r\n\r\n"), then the body. Buffers; parks when it must wait. */
	by_error *(*write)(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len);
	/* Sends what is buffered; what is left of that at the end of the answer the gateway sends by itself. Parks. */
	by_error *(*flush)(by__exchange *exchange, by_ctx *ctx);
} by__exchange_driver;

struct by__exchange {
	const by__exchange_driver *driver;
	char *const *env;         /* CGI/1.1 variables, "NAME=value", NULL at the end (RFC 3875) */
	uint64_t     received;    /* by_clock when its first byte was seen */
	uint64_t     begun;       /* by_clock when the gateway let it run; 0: it never makes requests wait */
	by__refusal  refusal;     /* set by the gateway: it is answered so, before any handler; or its handler is cancelled so */
	bool         ending;      /* set by the gateway: the worker leaves or stops; streams are to end */
	bool         gone;        /* set by the driver: the peer is not there any more, and nobody hears an answer */
	bool         broken_off;  /* set by the server: the answer ends short, and its end must not look like one */
};

#endif
