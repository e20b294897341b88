/*
 * One request and its answer, as the gateway in front of it sees them: FastCGI,
 * CGI, and the test client implement this, and nothing else differs between
 * them.
 */
#ifndef BY_INTERFACE_EXCHANGE_H
#define BY_INTERFACE_EXCHANGE_H

#include <banyan/ctx.h>
#include <banyan/task.h>

#include "interface/refusal.h"

typedef struct by__exchange by__exchange;

typedef struct by__exchange_driver {
	/* More of the body, at least a byte unless it has ended (got 0). CANCELLED when the peer is gone. Parks. */
	by_error *(*read)(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got);
	/* Part of the answer: CGI headers ("Status: 200 OK\r\n…\r\n\r\n"), then the body. Buffers; parks when it must wait. */
	by_error *(*write)(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len);
	/* Sends what is buffered; what is left of that at the end of the answer the gateway sends by itself. Parks. */
	by_error *(*flush)(by__exchange *exchange, by_ctx *ctx);
	/* The answer is a stream that may stay open for as long as it likes, and is not one of the requests that are limited. */
	void      (*stream)(by__exchange *exchange); /* NULL: there is no limit */
} by__exchange_driver;

struct by__exchange {
	const by__exchange_driver *driver;
	char *const *env;         /* CGI/1.1 variables, "NAME=value", NULL at the end (RFC 3875) */
	uint64_t     received;    /* by_clock when its first byte was seen */
	uint64_t     begun;       /* by_clock when the gateway let it run; 0: it never makes requests wait */
	by__refusal  refusal;     /* set by the gateway: it is answered so, before any handler; or its handler is cancelled so */
	bool         gone;        /* set by the driver: the peer is not there any more, and nobody hears an answer */
	bool         broken_off;  /* set by the server: the answer ends short, and its end must not look like one */
	by_duration  body_timeout; /* set by the server: longest silence while the body is read; 0: the gateway's own */
	bool         told_to_end; /* by by__exchange_end_stream */
	by_wait     *stream;      /* what a stream of events waits for now; NULL: nothing */
};

/*
 * Tells the request that its worker stops. A stream of events then ends as
 * soon as it is at a wait or its next event, with a last `retry:` line, and its
 * answer is complete; any other request takes no notice. Does not park.
 */
void by__exchange_end_stream(by__exchange *exchange);

#endif
