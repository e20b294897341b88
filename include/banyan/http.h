/*
 * The request and the answer, for operations that need more than their models.
 * Reading the body and answering are for the request's own coroutine: child
 * tasks and offloaded functions hand it what they have made.
 */
#ifndef BANYAN_HTTP_H
#define BANYAN_HTTP_H

#include <banyan/ctx.h>

BY_BEGIN

typedef struct by_request by_request;

typedef enum by_method {
	BY_METHOD_NONE,
	BY_GET, BY_HEAD, BY_POST, BY_PUT, BY_PATCH, BY_DELETE, BY_OPTIONS,
	BY_METHOD_COUNT
} by_method;

BY_API const char *by_method_name(by_method method);

BY_API by_method by_request_method(const by_ctx *ctx);
/* The raw path and query, as the client sent them, without the base path. */
BY_API by_text by_request_path(const by_ctx *ctx);
BY_API by_text by_request_query(const by_ctx *ctx);
/* A header by its name in any case; ptr NULL when absent. HTTP_PROXY is never given. */
BY_API by_text by_request_header(const by_ctx *ctx, const char *name);

/*
 * Who asks, and what they called us: as the web server saw it, or, where that
 * was a proxy of TRUSTED_PROXIES, as the proxies say (FORWARDED_HEADERS). What
 * is malformed is ignored as a whole. Host and URL hold what clients send:
 * compare a host with those you know before you mail a link with it.
 */
/* The address; ptr NULL when the web server passed none. */
BY_API by_text by_request_client(const by_ctx *ctx);
/* "http" or "https". */
BY_API by_text by_request_scheme(const by_ctx *ctx);
/* With its port, unless that is the scheme's own: "lab.example.org", "[2001:db8::1]:8443". */
BY_API by_text by_request_host(const by_ctx *ctx);
/* The absolute URL of this request, base path and query included; in the arena. */
BY_API const char *by_request_url(const by_ctx *ctx);

/*
 * Reads more of the body, for operations without a body in their input; 0
 * bytes is its end. PAYLOAD_TOO_LARGE at the first byte over the limit,
 * BAD_REQUEST when it ends short of its declared length, REQUEST_TIMEOUT when
 * it falls silent or comes too slowly. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_request_read(by_ctx *ctx, void *data, size_t capacity, size_t *got);

/*
 * Before the answer begins. Name and value are copied. A value with a CR or LF
 * would be a header of its own: the request then fails with INTERNAL.
 */
BY_API void by_respond_status(by_ctx *ctx, int status);
BY_API void by_respond_header(by_ctx *ctx, const char *name, const char *value);

/*
 * Answers piece by piece: the headers leave with the first call. An operation
 * that does so has no output model. Parks when the client is slow; CANCELLED
 * when it has gone.
 */
BY_API BY_MUST_CHECK by_error *by_respond_write(by_ctx *ctx, const char *data, size_t len);
/* Sends what is waiting. Parks. */
BY_API BY_MUST_CHECK by_error *by_respond_flush(by_ctx *ctx);

BY_END

#endif
