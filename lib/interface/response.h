/*
 * The answer to one request: collected until the chain has run, then sent in
 * one piece, or streamed by an operation that writes it itself.
 */
#ifndef BY_INTERFACE_RESPONSE_H
#define BY_INTERFACE_RESPONSE_H

#include <banyan/buf.h>
#include <banyan/http.h>

enum {
	BY__HEADERS_MAX = 3584,  /* bytes; web servers refuse answers with more than about 4 kB of headers */
	BY__HEADERS_ROOM = 512   /* kept free in front of a body, so that headers and body leave in one write */
};

typedef struct by__response {
	int         status;       /* 0: not decided yet */
	const char *content_type; /* NULL: none, or JSON when there is a body */
	const char *cache_control;
	const char *etag;         /* with its quotes */
	by_buf      headers;      /* further "Name: value\r\n" lines; made with the first */
	const char *split_header; /* the name of one whose value holds a line end; NULL: none */
	size_t      policy_headers; /* of those, the bytes that policies set: they stay when the operation fails */
	by_buf      body;         /* BY__HEADERS_ROOM bytes, then the body; made with by__response_body */
	bool        has_body;
	by_text     document;     /* a body that belongs to someone else, instead */
	bool        has_document;
	bool        started;      /* headers have left */
	bool        broken;       /* the client is gone, or got only a part */
	uint64_t    sent;         /* bytes of body */
} by__response;

/* The buffer to write the body into, empty. */
by_buf *by__response_body(by_ctx *ctx);
/* Answers with a text that outlives the request. */
void by__response_document(by_ctx *ctx, const char *content_type, by_text document);
/* What policies have set so far stays when the operation fails. */
void by__response_mark(by_ctx *ctx);
/* Forgets status, body and everything the operation set; policies' headers stay. */
void by__response_reset(by_ctx *ctx);
/* INTERNAL, naming the header for the log, when one would be split or the web server would not take so many. */
BY_MUST_CHECK by_error *by__response_check(by_ctx *ctx);
/* Time to send what is ready, also after the deadline or a cancellation by ourselves. */
void by__response_grant_time(by_ctx *ctx);
/* Sends what was collected. Errors are kept in `broken`. Parks. */
void by__response_send(by_ctx *ctx);

/* The reason phrase of a status (RFC 9110 section 15), or "". */
const char *by__status_reason(int status);

#endif
