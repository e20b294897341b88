/* Turns errors into problem documents; what is ours alone is logged and never shown. */
#include <banyan/json.h>
#define BY_LOG_NAME "http"
#include <banyan/log.h>

#include "core/shared.h"
#include "interface/chain.h"
#include "interface/problem.h"

#define FRIENDLY "Something went wrong on our side. The error has been recorded under its error_id."

enum { RETRY_AFTER_DEFAULT = 1 };

static void put_member(by_json_writer *w, const char *name, const char *value)
{
	by_json_name(w, name);
	by_json_string(w, value);
}

static void put_fault(by_json_writer *w, const by_fault *fault)
{
	static const char *const places[] = { "body", "path", "query", "header", "setting" };

	by_json_object(w);
	if (fault->in == BY_FAULT_BODY) {
		put_member(w, "pointer", fault->where);
	} else {
		put_member(w, "in", places[fault->in]);
		put_member(w, "name", fault->where);
	}
	put_member(w, "code", fault->code);
	put_member(w, "detail", fault->detail);
	by_json_object_end(w);
}

static void put_faults(by_json_writer *w, const by_error *error)
{
	by_json_name(w, "errors");
	by_json_array(w);
	for (size_t i = 0; i < error->fault_count; i++)
		put_fault(w, &error->faults[i]);
	by_json_array_end(w);
}

/* A detail is written to be shown, but that of a 500 may have come from anywhere. */
static const char *detail_of(const by_error *error)
{
	if (error->kind->status == 500)
		return FRIENDLY;
	return error->detail ? error->detail : error->kind->title;
}

static void write_document(by_ctx *ctx, const by_error *error)
{
	by_json_writer w;
	by_buf        *out = by__response_body(ctx);

	by_json_writer_init(&w, out);
	by_json_object(&w);
	by_json_name(&w, "type");
	by_json_string(&w, by_format(ctx->arena, "/problems/%s", error->kind->slug));
	put_member(&w, "title", error->kind->title);
	by_json_name(&w, "status");
	by_json_int(&w, error->kind->status);
	put_member(&w, "detail", detail_of(error));
	by_json_name(&w, "instance");
	by_json_text(&w, by__request(ctx)->full_path);
	put_member(&w, "request_id", ctx->request_id);
	if (error->id[0] != '\0' && error->kind->status >= 500)
		put_member(&w, "error_id", error->id);
	if (error->fault_count > 0)
		put_faults(&w, error);
	by_json_object_end(&w);
}

/* The detail as a challenge may hold it (RFC 6750 section 3): an application's may quote what a client sent. */
static const char *challenge_text(by_ctx *ctx, const by_error *error)
{
	char *text = by_copy(ctx->arena, detail_of(error));

	for (char *c = text; *c != '\0'; c++)
		if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
			*c = '?';
	return text;
}

static void put_headers(by_ctx *ctx, const by_error *error)
{
	by_request *request = by__request(ctx);
	int         status = error->kind->status;
	uint32_t    retry = error->retry_after;

	if (status == 405 && request->routed.allow != NULL)
		by_respond_header(ctx, "Allow", request->routed.allow);
	if (status == 401)
		by_respond_header(ctx, "WWW-Authenticate", request->token_sent
		    ? by_format(ctx->arena, "Bearer error=\"invalid_token\", error_description=\"%s\"", challenge_text(ctx, error))
		    : "Bearer");
	if (retry == 0 && (status == 503 || status == 429))
		retry = RETRY_AFTER_DEFAULT;
	if (retry > 0)
		by_respond_header(ctx, "Retry-After", by_format(ctx->arena, "%u", retry));
}

/* A client that has gone is not answered. One that is still there is told to come again, or that we gave up by ourselves. */
static by_error *resolve_cancelled(by_ctx *ctx, by_error *error)
{
	by_request *request = by__request(ctx);

	if (!by_error_is(error, CANCELLED) || request->exchange->gone)
		return error;
	if (request->exchange->refusal != BY__REFUSE_NOT || by__shared_draining())
		return by_error_because(by__refuse(ctx, BY__REFUSE_STOPPING, 0), error);
	return by_error_because(by_fail(ctx, INTERNAL, NULL), error);
}

void by__problem_respond(by_ctx *ctx, by_error *error)
{
	by__response *response = &by__request(ctx)->response;

	error = resolve_cancelled(ctx, error);
	if (error->kind->status >= 500 && !by__request(ctx)->unserved)
		by_log_error(ctx, BY_LOG_ERROR, "request failed", error);
	else
		by_debug(ctx, "request refused", BY_F("kind", error->kind->name));
	if (response->started || by_error_is(error, CANCELLED)) {
		response->broken = true;
		by__request(ctx)->exchange->broken_off = response->started;
		response->status = response->started ? response->status : error->kind->status;
		return;
	}
	by__response_reset(ctx);
	response->status = error->kind->status;
	response->content_type = "application/problem+json";
	response->cache_control = "no-store";
	put_headers(ctx, error);
	write_document(ctx, error);
}

static bool problem_configure(const by__setup *setup, by__nothing *config)
{
	(void)setup;
	(void)config;
	return true;
}

static by_error *problem_around(by__call *call, const by__nothing *config, by__nothing *state)
{
	by_error *error = call->request->refusal ? call->request->refusal : by__next(call);

	(void)config;
	(void)state;
	if (error != BY_OK && !by__events_end(call->ctx, error))
		by__problem_respond(call->ctx, error);
	return BY_OK;
}

BY__INTERCEPTOR(problem, by__nothing, by__nothing);
