/* One request as the chain sees it: its target, its headers, its body as it comes. */
#ifndef BY_INTERFACE_REQUEST_H
#define BY_INTERFACE_REQUEST_H

#include <banyan/assert.h>
#include <banyan/http.h>

#include "interface/client.h"
#include "interface/events.h"
#include "interface/exchange.h"
#include "interface/response.h"
#include "interface/router.h"

enum {
	BY__REQUEST_MAGIC = 0x62797271, /* "byrq" */
	BY__TARGET_MAX = 8192,          /* bytes of REQUEST_URI */
	BY__REQUEST_ID_MAX = 128,
	BY__BODY_GRACE = 10             /* seconds a body may come as slowly as it likes */
};

typedef enum by__length { BY__LENGTH_UNKNOWN, BY__LENGTH_DECLARED, BY__LENGTH_INVALID } by__length;

struct by_request {
	uint32_t      magic;
	by__exchange *exchange;
	uint64_t      started;     /* by_clock */
	by_method     method;      /* NONE: one we do not know */
	by_text       method_name; /* as sent */
	by_text       target;      /* REQUEST_URI; ptr NULL: absent */
	by_text       full_path;   /* raw, without query: what links back to us begin with */
	by_text       path;        /* the same without base path */
	by_text       query;       /* raw, without '?' */
	by_text       content_type;
	by_text       remote;      /* REMOTE_ADDR */
	by_text       authorization;
	by_text       request_id;  /* as sent */
	by_text       traceparent;
	by_text       start;       /* REQUEST_START */

	by__length    length_kind;
	uint64_t      length;      /* declared */
	uint64_t      received;    /* bytes of body read so far */
	size_t        body_max;
	by_duration   body_timeout;
	size_t        body_rate_min; /* bytes a second; 0: any */
	uint64_t      body_waited; /* ns spent in waiting for it */
	bool          body_ended;

	bool          token_sent;
	by_error     *refusal;     /* what it is answered instead of being served: the router's, or for the state of the service */
	bool          unserved;    /* of these the latter: no fault to log */
	by__routed    routed;
	char          id[BY__REQUEST_ID_MAX + 1];
	by__response  response;
	by__events    events;
	by__proxies   proxies;
	by__client    client;     /* found out when first asked for */
};

static inline by_request *by__request(const by_ctx *ctx)
{
	return BY_CHECKED(ctx->request, by_request, BY__REQUEST_MAGIC);
}

/* Reads the gateway's variables once. The request is zeroed. */
void by__request_init(by_request *request, by__exchange *exchange);
/* Splits the target, in origin form or absolute form (RFC 9112 section 3.2), and takes the base path off; false: not under it. */
bool by__request_target(by_request *request, by_text base_path);
/* A variable of the gateway by its name; ptr NULL when absent. */
by_text by__request_variable(const by_request *request, const char *name);
/*
 * More of the body; 0 bytes is its end. PAYLOAD_TOO_LARGE at the first byte
 * over the limit, BAD_REQUEST when it differs from its declared length,
 * REQUEST_TIMEOUT after body_timeout of silence, and when it comes slower than
 * body_rate_min after BY__BODY_GRACE seconds of waiting. Parks.
 */
BY_MUST_CHECK by_error *by__request_read(by_ctx *ctx, void *data, size_t capacity, size_t *got);
BY_MUST_CHECK by_error *by__request_too_large(by_ctx *ctx);

by_method by__method_of(by_text name);
/* ASCII letters in any case. */
bool by__same_word(by_text text, const char *word);

#endif
