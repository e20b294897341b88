/* Puts an application's endpoints behind one router and their chains, and serves requests through them. */
#include <string.h>

#include <banyan/time.h>

#include "core/shared.h"
#include "interface/builtin.h"
#include "interface/chain.h"
#include "interface/doctor.h"
#include "interface/health.h"
#include "interface/openapi.h"
#include "interface/router.h"
#include "interface/server.h"
#include "interface/status.h"

/* Requests that no endpoint takes, one per method, so that each is counted as what it was. */
typedef struct unmatched {
	by__endpoint     endpoint;
	const by__chain *chain;
} unmatched;

/* What an endpoint is served with. */
typedef struct served {
	const by__chain *chain;
	uint64_t         poison; /* its by__poison_key; 0: one of the framework's own, which are never refused for it */
} served;

struct by__server {
	by_arena          *arena;
	const by_app      *app;
	by__server_options options;
	by_text            base_path;
	by__endpoints      endpoints;
	by__router        *router;
	served            *served;  /* by the endpoint's index */
	bool               builtin_only;
	uint64_t           queue_timeout; /* nanoseconds */
	unmatched          unmatched[BY_METHOD_COUNT];
	uint64_t           started; /* by_clock */
};

#define ALL_METHODS "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"

static by_error *refuse_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const by_request *request = by__request(ctx);

	(void)operation;
	(void)in;
	(void)out;
	by_respond_header(ctx, "Allow", request->routed.allow);
	return BY_OK;
}

static const by_error_kind *const refusals[] = {
	BY_ERROR_KIND(BAD_REQUEST), BY_ERROR_KIND(NOT_FOUND), BY_ERROR_KIND(METHOD_NOT_ALLOWED), BY_ERROR_KIND(URI_TOO_LONG),
	NULL
};

static const by_error_kind *const builtin_errors[] = { BY_ERROR_KIND(INTERNAL), BY_ERROR_KIND(UNAVAILABLE), NULL };

static const by_operation refuse = { "refuse", NULL, NULL, refuse_call, BY_HERE_INIT };

static bool is_builtin(const by__endpoint *endpoint)
{
	return endpoint->version == NULL;
}

static by_text base_path_of(by_arena *arena, const char *path)
{
	by_text text = { path ? path : "", path ? strlen(path) : 0 };

	while (text.len > 0 && text.ptr[text.len - 1] == '/')
		text.len--;
	return (by_text){ by_copy_text(arena, text), text.len };
}

static void add_builtins(by__server *server)
{
	by__endpoints *all = &server->endpoints;
	by__endpoint  *grown = BY_NEW_ARRAY(server->arena, by__endpoint, all->count + 16 + server->app->version_count);
	size_t         count = all->count;

	if (count > 0)
		memcpy(grown, all->items, count * sizeof(*grown));
	count += by__health_endpoints(server->arena, server, &grown[count]);
	count += by__document_endpoints(server->arena, server, &grown[count]);
	count += by__status_endpoints(server->arena, server, &grown[count]);
	count += by__doctor_endpoints(server->arena, server, &grown[count]);
	for (size_t i = all->count; i < count; i++) {
		grown[i].index = (uint32_t)i;
		grown[i].errors = builtin_errors;
	}
	*all = (by__endpoints){ grown, count };
}

static void make_chains(by__server *server, by_buf *mistakes)
{
	static const by__interceptor *const short_chain[] = { &by__observe, &by__problem, &by__encode, &by__operate };
	by__setup setup = { .arena = server->arena, .options = &server->options, .mistakes = mistakes };

	server->served = BY_NEW_ARRAY(server->arena, served, server->endpoints.count);
	for (size_t i = 0; i < server->endpoints.count; i++) {
		const by__endpoint *endpoint = setup.endpoint = &server->endpoints.items[i];

		server->served[i].chain = by__chain_new(&setup);
		if (!is_builtin(endpoint))
			server->served[i].poison = by__poison_key(by_method_name(endpoint->method), endpoint->path);
	}
	for (int i = 0; i < BY_METHOD_COUNT; i++) {
		unmatched *each = &server->unmatched[i];

		each->endpoint = (by__endpoint){
			.method = (by_method)i, .name = "unmatched", .operation = &refuse, .access = BY_PUBLIC, .status = 204,
			.errors = refusals
		};
		setup.endpoint = &each->endpoint;
		each->chain = by__chain_of(&setup, short_chain, BY_COUNT(short_chain));
	}
}

by_error *by__server_new(by_arena *arena, const by_app *app, const by__server_options *options, by__server **server)
{
	by__server *made = BY_NEW(arena, by__server);
	by_buf      mistakes;

	by_buf_init(&mistakes, arena, 1024);
	made->arena = arena;
	made->app = app;
	made->options = *options;
	made->base_path = base_path_of(arena, options->base_path);
	made->queue_timeout = options->queue_timeout.us > 0 ? (uint64_t)options->queue_timeout.us * 1000 : UINT64_MAX;
	made->started = by_clock();
	by__refusals_reserve();
	(void)by__shared_get();
	by__endpoints_compile(arena, app, &made->endpoints, &mistakes);
	if (mistakes.len == 0)
		by__openapi_check(arena, app, &made->endpoints, &mistakes);
	BY_TRY(by_model_compile(arena, &by__health_model));
	BY_TRY(by_model_compile(arena, &by__status_model));
	BY_TRY(by_model_compile(arena, &by__doctor_echo_model));
	add_builtins(made);
	made->router = by__router_new(arena, &made->endpoints, &mistakes);
	if (mistakes.len == 0)
		make_chains(made, &mistakes);
	if (mistakes.len > 0)
		return by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&mistakes));
	*server = made;
	return BY_OK;
}

/* What stands in the way of a request before any endpoint is known; NULL when it is routed. */
static by_error *route(const by__server *server, by_ctx *ctx, by_request *request)
{
	if (request->target.ptr == NULL || request->method_name.len == 0)
		return by_fail(ctx, BAD_REQUEST, "The web server passed no REQUEST_URI or no REQUEST_METHOD.");
	if (request->target.len > BY__TARGET_MAX)
		return by_fail(ctx, URI_TOO_LONG, "The request target may hold at most %d bytes.", BY__TARGET_MAX);
	if (request->target.len == 1 && request->target.ptr[0] == '*' && request->method == BY_OPTIONS) {
		request->path = request->target;
		request->routed.allow = ALL_METHODS;
		return BY_OK;
	}
	bool ours = by__request_target(request, server->base_path);

	if (!ours)
		return by_fail(ctx, NOT_FOUND, "There is nothing at this address.");
	switch (by__router_find(server->router, ctx->arena, request->method, request->path, &request->routed)) {
	case BY__MATCHED:
		if (!server->builtin_only || is_builtin(request->routed.endpoint))
			return BY_OK;
		request->routed.endpoint = NULL;
		return by_fail(ctx, NOT_FOUND, "There is nothing at this address.");
	case BY__MATCH_BAD_PATH:
		return by_fail(ctx, BAD_REQUEST, 
		    "The path must begin with a slash, be percent-encoded UTF-8, and have no segment that is \".\" or \"..\".");
	case BY__MATCH_NO_PATH:
		return by_fail(ctx, NOT_FOUND, "There is nothing at this address.");
	case BY__MATCH_NO_METHOD:
		break;
	}
	if (request->method == BY_OPTIONS)
		return BY_OK;
	return by_fail(ctx, METHOD_NOT_ALLOWED, "This address takes %s.", request->routed.allow);
}

/* How long it has waited, before us and here. */
static uint64_t waited_by(const by__exchange *exchange, const by_request *request)
{
	uint64_t here = exchange->begun - exchange->received;
	uint64_t before = request->start.ptr != NULL ? by__waited_since(request->start, by_time_now()) : 0;

	return before > here ? before : here;
}

/* Why a request that could be served is not; NULL when it is. A 404 needs no such reason. */
static by_error *state_refuses(const by__server *server, by_ctx *ctx, by_request *request)
{
	const by__exchange *exchange = request->exchange;
	const by__endpoint *endpoint = request->routed.endpoint;
	bool                builtin = endpoint == NULL || is_builtin(endpoint);
	uint64_t            waited = 0;

	if (exchange->begun != 0) {
		waited = waited_by(exchange, request);
		by__waited_observe(waited);
	}
	if (exchange->refusal != BY__REFUSE_NOT && !(builtin && exchange->refusal != BY__REFUSE_STOPPING))
		return by__refuse(ctx, exchange->refusal, 0);
	if (builtin)
		return BY_OK;
	if (BY_UNLIKELY(waited > server->queue_timeout))
		return by__refuse(ctx, BY__REFUSE_QUEUE_TIMEOUT, 0);
	uint32_t rest = by__poisoned(server->served[endpoint->index].poison);

	return BY_UNLIKELY(rest > 0) ? by__refuse(ctx, BY__REFUSE_POISONED, rest) : BY_OK;
}

bool by__server_serve(by__server *server, by_ctx *ctx, by__exchange *exchange)
{
	by_request      *request = BY_NEW(ctx->arena, by_request);
	by__call         call = { .ctx = ctx, .request = request };
	const by__chain *chain;

	by__request_init(request, exchange);
	request->body_max = server->options.body_max;
	request->body_timeout = exchange->body_timeout = server->options.body_timeout;
	request->body_rate_min = server->options.body_rate_min;
	request->proxies = server->options.proxies;
	ctx->request = request;
	request->refusal = route(server, ctx, request);
	by_error *refused = state_refuses(server, ctx, request);

	if (BY_UNLIKELY(refused != BY_OK)) {
		request->refusal = refused;
		request->unserved = true;
	}
	if (request->routed.endpoint != NULL) {
		call.endpoint = request->routed.endpoint;
		chain = server->served[call.endpoint->index].chain;
		ctx->route = call.endpoint->path;
		ctx->operation = call.endpoint->name;
	} else {
		call.endpoint = &server->unmatched[request->method].endpoint;
		chain = server->unmatched[request->method].chain;
	}
	BY_IGNORE(by__chain_run(chain, &call), "the problem link has answered it");
	return !request->response.broken;
}

const by__endpoints *by__server_endpoints(const by__server *server)
{
	return &server->endpoints;
}

const by_app *by__server_app(const by__server *server)
{
	return server->app;
}

by_text by__server_base_path(const by__server *server)
{
	return server->base_path;
}

bool by__server_policy(const by__server *server, const by__endpoint *endpoint, size_t index, const char **name)
{
	const by__chain *chain = server->served[endpoint->index].chain;

	if (index >= by__chain_length(chain))
		return false;
	*name = by__chain_name(chain, index);
	return true;
}

void by__server_restrict(by__server *server)
{
	server->builtin_only = true;
}

bool by__server_is_builtin(const by__server *server, by_text target)
{
	const char *query = memchr(target.ptr, '?', target.len);
	by_text     path = { target.ptr, query ? (size_t)(query - target.ptr) : target.len };
	by_text     base = server->base_path;

	if (path.len < base.len || memcmp(path.ptr, base.ptr, base.len) != 0)
		return false;
	path = (by_text){ path.ptr + base.len, path.len - base.len };
	for (size_t i = 0; i < server->endpoints.count; i++) {
		const by__endpoint *endpoint = &server->endpoints.items[i];

		if (is_builtin(endpoint) && strlen(endpoint->path) == path.len && memcmp(endpoint->path, path.ptr, path.len) == 0)
			return true;
	}
	return false;
}

size_t by__server_body_max(const by__server *server, const by__endpoint *endpoint)
{
	size_t own = endpoint->route ? endpoint->route->max_body : 0;

	return own > 0 || !endpoint->body ? own : server->options.body_max;
}

const char *by__server_doctor(const by__server *server)
{
	return server->options.doctor;
}

double by__server_uptime(const by__server *server)
{
	uint64_t milliseconds = (by_clock() - server->started) / 1000000;

	return (double)milliseconds / 1e3;
}

by_arena *by__server_arena(const by__server *server)
{
	return server->arena;
}
