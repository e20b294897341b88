/*
 * The HTTP side of an application: all routes compiled, ready to serve.
 * Compiled once before fork; serves on every worker.
 */
#ifndef BY_INTERFACE_SERVER_H
#define BY_INTERFACE_SERVER_H

#include <banyan/app.h>
#include <banyan/buf.h>
#include <banyan/provider.h>

#include "interface/client.h"
#include "interface/endpoint.h"
#include "interface/exchange.h"

typedef struct by__server by__server;

typedef struct by__server_options {
	const char *base_path;      /* stripped from REQUEST_URI; "" none */
	size_t      body_max;       /* bytes */
	by_duration request_timeout;
	by_duration body_timeout;   /* silence while a body is read */
	by_duration queue_timeout;  /* a request that waited for longer before it ran is refused; 0: never */
	size_t      body_rate_min;  /* bytes a second that a body must come in on average; 0: any */
	by__proxies proxies;
	bool        access_log;
	bool        debug;          /* APP_ENV is dev: answers are checked against their models */
	const char *environment;    /* APP_ENV */
	const char *doctor;         /* file of by__doctor_path; NULL: nobody is told of requests */
} by__server_options;

/*
 * Checks and compiles every table of the application. CONFIGURATION lists all
 * mistakes at once, each with file, line and remedy.
 */
BY_MUST_CHECK by_error *by__server_new(by_arena *arena, const by_app *app, const by__server_options *options,
    by__server **server);

/*
 * Serves one request in the current coroutine: reads it, runs its chain,
 * writes its answer and its access line. `ctx` is fresh: an arena and the
 * providers. False: the answer was broken off, and the connection cannot be
 * used again. A body may be left unread; its rest is the gateway's to take. Parks.
 */
bool by__server_serve(by__server *server, by_ctx *ctx, by__exchange *exchange);

/* From now on it serves the framework's own endpoints and no other: 404. */
void by__server_restrict(by__server *server);
/* Whether a request target (ptr not NULL) names one of the framework's own endpoints, which answer however busy the rest is. */
bool by__server_is_builtin(const by__server *server, by_text target);

/* Everything that is mounted, the framework's own endpoints included. */
const by__endpoints *by__server_endpoints(const by__server *server);
const by_app *by__server_app(const by__server *server);
/* What every path begins with for clients; "" when nothing. */
by_text by__server_base_path(const by__server *server);
/* The names of the policies around an endpoint, from the outside in; false at the end. */
bool by__server_policy(const by__server *server, const by__endpoint *endpoint, size_t index, const char **name);
/* The most bytes of body that an operation takes; 0: it takes none. */
size_t by__server_body_max(const by__server *server, const by__endpoint *endpoint);
/* by__server_options.doctor. */
const char *by__server_doctor(const by__server *server);
/* Seconds since by__server_new. */
double by__server_uptime(const by__server *server);
/* As long-lived as the server; of this process after fork. */
by_arena *by__server_arena(const by__server *server);

/* The OpenAPI document of a version; NULL: the newest. Nothing for a version that there is not. */
void by__server_openapi(const by__server *server, const char *version, by_buf *out);
/* Every route with its policies and where it was declared, as a table or as JSON; NULL: of all versions. */
void by__server_routes(const by__server *server, const char *version, bool json, by_buf *out);

#endif
