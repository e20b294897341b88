/*
 * The outermost link: gives the request its ids, sends the answer, and reports
 * it: metrics and one access line. It allocates from the request's arena only.
 */
#include <string.h>

#include <banyan/id.h>
#include <banyan/log.h>
#include <banyan/metric.h>
#include <banyan/time.h>

#include "core/shared.h"
#include "interface/chain.h"
#include "interface/trace.h"

static const by_metric duration_metric = {
	.name = "http_server_request_duration_seconds",
	.help = "Duration of HTTP requests, from their first byte to the last of the answer.",
	.type = BY_HISTOGRAM,
	.labels = { "http_request_method", "http_route", "http_response_status_code" }
};

static const by_metric active_metric = {
	.name = "http_server_active_requests",
	.help = "HTTP requests that run now.",
	.type = BY_GAUGE
};

/* One series per status that the endpoint may answer; the last one is for any other. */
typedef struct status_series {
	int       status;
	by_series series;
} status_series;

typedef struct observe_config {
	status_series *statuses;
	size_t         count;
	by_series      active;
	bool           access_log;
	const char    *route; /* NULL: nothing matched */
	size_t         route_len;
} observe_config;

static void reserve(observe_config *config, const by__endpoint *endpoint, int status)
{
	char        text[8] = "_OTHER";
	const char *values[] = { by_method_name(endpoint->method), config->route ? config->route : "", text };

	if (endpoint->method == BY_METHOD_NONE)
		values[0] = "_OTHER";
	for (size_t i = 0; i < config->count; i++)
		if (config->statuses[i].status == status)
			return;
	if (status != 0) {
		text[0] = (char)('0' + status / 100);
		text[1] = (char)('0' + status / 10 % 10);
		text[2] = (char)('0' + status % 10);
		text[3] = '\0';
	}
	config->statuses[config->count++] = (status_series){ status, by_metric_series(&duration_metric, values) };
}

static bool observe_configure(const by__setup *setup, observe_config *config)
{
	static const char *const none[] = { NULL };
	const by__endpoint      *endpoint = setup->endpoint;
	size_t                   errors = 0;

	while (endpoint->errors != NULL && endpoint->errors[errors] != NULL)
		errors++;
	config->route = endpoint->path;
	config->route_len = endpoint->path ? strlen(endpoint->path) : 0;
	config->access_log = setup->options->access_log;
	config->active = by_metric_series(&active_metric, none);
	config->statuses = BY_NEW_ARRAY(setup->arena, status_series, errors + 4);
	reserve(config, endpoint, endpoint->status);
	for (size_t i = 0; i < errors; i++)
		reserve(config, endpoint, endpoint->errors[i]->status);
	reserve(config, endpoint, 499);
	if (endpoint->method == BY_GET)
		reserve(config, endpoint, 304);
	reserve(config, endpoint, 0);
	return true;
}

static by_series series_of(const observe_config *config, int status)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->statuses[i].status == status)
			return config->statuses[i].series;
	return config->statuses[config->count - 1].series;
}

/* Safe in a header, a log line and a shell: what clients make ids of. */
static bool request_id_valid(by_text id)
{
	if (id.ptr == NULL || id.len == 0 || id.len > BY__REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && memchr("-_.:~+/=@", c, 9) == NULL)
			return false;
	}
	return true;
}

static void identify(by_ctx *ctx, by_request *request)
{
	by_text state = request->traceparent.ptr ? by_request_header(ctx, "tracestate") : (by_text){ NULL, 0 };

	if (request_id_valid(request->request_id)) {
		memcpy(request->id, request->request_id.ptr, request->request_id.len);
		request->id[request->request_id.len] = '\0';
	} else {
		by_ulid_print(by_ulid_new(), request->id);
	}
	ctx->request_id = request->id;
	by__trace_begin(ctx->arena, request->traceparent, state, &ctx->trace);
}

static void copy_cut(char *to, size_t room, const char *from, size_t len)
{
	size_t count = len < room ? len : room - 1;

	memcpy(to, from, count);
	to[count] = '\0';
}

/* What a crash or stall report says was running. */
static void slot_begin(const by_request *request, const observe_config *config)
{
	by__slot *slot = by__shared_slot();

	if (slot == NULL)
		return;
	copy_cut(slot->method, sizeof(slot->method), request->method_name.ptr ? request->method_name.ptr : "",
	    request->method_name.len);
	copy_cut(slot->route, sizeof(slot->route), config->route ? config->route : "", config->route_len);
	copy_cut(slot->request_id, sizeof(slot->request_id), request->id, strlen(request->id));
}

static void put_text_member(by_buf *out, const char *name, size_t len, by_text value)
{
	by_put(out, name, len);
	if (value.ptr != NULL)
		by_put_json_text(out, value);
	else
		BY_PUT(out, "null");
}

#define PUT_TEXT(out, name, value) put_text_member((out), ",\"" name "\":", sizeof(",\"" name "\":") - 1, (value))

static by_text string_text(const char *string)
{
	return string ? (by_text){ string, strlen(string) } : (by_text){ NULL, 0 };
}

static void put_milliseconds(by_buf *out, uint64_t ns)
{
	uint64_t us = ns / 1000;
	char     fraction[4] = { '.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10), (char)('0' + us % 10) };

	by_put_uint(out, us / 1000);
	by_put(out, fraction, sizeof(fraction));
}

/* The query stays out: it may carry personal data and tokens. */
static void write_access_line(const by__call *call, const observe_config *config, uint64_t ns)
{
	static char         space[2048];
	const by_ctx       *ctx = call->ctx;
	const by_request   *request = call->request;
	by_buf              out = { .data = space, .cap = sizeof(space), .arena = ctx->arena };
	char                time[BY_TIME_TEXT];
	char                trace[BY__TRACE_ID];

	BY_PUT(&out, "{\"timestamp\":\"");
	by_put(&out, time, by_time_print(by_time_now(), time));
	BY_PUT(&out, "\",\"level\":\"info\",\"logger\":\"access\"");
	PUT_TEXT(&out, "method", request->method_name);
	PUT_TEXT(&out, "path", request->path);
	PUT_TEXT(&out, "route", ((by_text){ config->route, config->route_len }));
	BY_PUT(&out, ",\"status\":");
	by_put_int(&out, request->response.status);
	BY_PUT(&out, ",\"duration_ms\":");
	put_milliseconds(&out, ns);
	BY_PUT(&out, ",\"bytes_in\":");
	by_put_uint(&out, request->received);
	BY_PUT(&out, ",\"bytes_out\":");
	by_put_uint(&out, request->response.sent);
	PUT_TEXT(&out, "client", by_request_client(ctx));
	PUT_TEXT(&out, "user_id", string_text(ctx->principal ? ctx->principal->subject : NULL));
	PUT_TEXT(&out, "request_id", string_text(ctx->request_id));
	by__trace_id_print(&ctx->trace, trace);
	PUT_TEXT(&out, "trace_id", ((by_text){ trace, sizeof(trace) }));
	BY_PUT(&out, "}\n");
	if (out.error == BY_OK)
		by_log_line(out.data, out.len);
}

static by_error *observe_around(by__call *call, const observe_config *config, by__nothing *state)
{
	by_request *request = call->request;

	(void)state;
	by_gauge_add(config->active, 1);
	identify(call->ctx, request);
	slot_begin(request, config);
	by_error *error = by__next(call);

	by__response_send(call->ctx);
	uint64_t ns = by_clock() - request->started;

	by_gauge_add(config->active, -1);
	by_observe(&duration_metric, series_of(config, request->response.status), (double)ns / 1e9);
	if (config->access_log)
		write_access_line(call, config, ns);
	return error;
}

BY__INTERCEPTOR(observe, observe_config, by__nothing);
