/* Reads and checks the input: every fault of path, query, headers and body in one answer. */
#include <string.h>

#include <banyan/json.h>

#include "interface/bind.h"
#include "interface/chain.h"
#include "interface/form.h"

enum { BODY_FIRST = 4096, BODY_AHEAD = 65536 };

typedef struct decode_config {
	const by_model *in;
	const by_model *body;  /* NULL: none */
	const by_field *whole; /* the field that is the body; NULL: members of the input are */
	bool            own;   /* the body is all of the input */
	bool            forms; /* it may be a form */
} decode_config;

static const by_field *whole_body_field(const by_model *model)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->fields[i].from == BY_FROM_WHOLE_BODY)
			return &model->fields[i];
	return NULL;
}

static bool decode_configure(const by__setup *setup, decode_config *config)
{
	const by__endpoint *endpoint = setup->endpoint;
	const by_model     *in = endpoint->operation->in;

	config->in = in;
	config->body = endpoint->body;
	config->forms = endpoint->route && endpoint->route->accepts != BY_JSON_ONLY;
	if (in != NULL) {
		config->whole = whole_body_field(in);
		config->own = endpoint->body == in;
	}
	/* Health checks and scrapers may add what they like. */
	return endpoint->version != NULL;
}

/* The whole body; the limit is applied while it comes. What is declared is not believed beyond 64 KiB. */
static by_error *read_body(by_ctx *ctx, by_text *body)
{
	by_request *request = by__request(ctx);
	size_t      first = BODY_FIRST;
	by_buf      out;

	if (request->length_kind == BY__LENGTH_DECLARED)
		first = request->length < BODY_AHEAD ? (size_t)request->length + 1 : BODY_AHEAD;
	by_buf_init(&out, ctx->arena, first);
	while (!request->body_ended) {
		size_t got;

		if (!by_buf_reserve(&out, 1))
			return by_buf_finish(&out);
		BY_TRY(by__request_read(ctx, out.data + out.len, out.cap - out.len, &got));
		out.len += got;
	}
	*body = (by_text){ out.data, out.len };
	return BY_OK;
}

static by_error *missing_body(by_ctx *ctx)
{
	return by_fail(ctx, BAD_REQUEST, "A JSON body is required.");
}

/* A nested model that is the body itself. */
static by_error *decode_whole(by_ctx *ctx, const decode_config *config, by_faults *faults, by_text body, void *in)
{
	const by_field *field = config->whole;
	void           *at = (char *)in + field->offset;
	by_json_options options = { .in = BY_FAULT_BODY, .partial = field->partial };

	if (body.len == 0)
		return field->pointer || field->optional ? BY_OK : missing_body(ctx);
	if (field->pointer) {
		void *value = by_alloc(ctx->arena, field->model->size);

		memcpy(at, &value, sizeof(value));
		at = value;
	}
	if (field->partial)
		options.present = at; /* a by_present is its first member */
	return by_json_read(faults, body, config->body, at, &options);
}

/* Members of the body beside fields from elsewhere: read on the side, since reading sets the whole object. */
static by_error *decode_members(by_ctx *ctx, const decode_config *config, by_faults *faults, by_text body, void *in)
{
	char *aside = by_alloc(ctx->arena, config->in->size);

	if (body.len == 0)
		return missing_body(ctx);
	BY_TRY(by_json_read(faults, body, config->body, aside, NULL));
	for (size_t i = 0; i < config->body->count; i++) {
		const by_field *field = &config->body->fields[i];

		memcpy((char *)in + field->offset, aside + field->offset, field->size);
	}
	return BY_OK;
}

static by_error *decode_body(by_ctx *ctx, const decode_config *config, by_faults *faults, void *in)
{
	by_text body = { NULL, 0 };

	BY_TRY(read_body(ctx, &body));
	by_accepts form = config->forms ? by__form_of(by__request(ctx)->content_type) : BY_JSON_ONLY;

	if (form != BY_JSON_ONLY)
		BY_TRY(by__form_json(ctx, config->body, form, body, faults, &body));
	if (config->whole != NULL)
		return decode_whole(ctx, config, faults, body, in);
	if (!config->own)
		return decode_members(ctx, config, faults, body, in);
	return body.len > 0 ? by_json_read(faults, body, config->in, in, NULL) : missing_body(ctx);
}

static by_error *decode_input(by__call *call, const decode_config *config)
{
	by_ctx    *ctx = call->ctx;
	by_faults *faults = by_faults_new(ctx->arena);

	call->in = by_alloc_raw(ctx->arena, config->in->size);
	by_model_init(config->in, call->in);
	if (config->body != NULL)
		BY_TRY(decode_body(ctx, config, faults, call->in));
	BY_TRY(by__bind(ctx, call->endpoint, faults, call->in));
	if (config->in->rules != NULL && !config->own && by_faults_count(faults) == 0)
		config->in->rules(faults, call->in);
	return by_faults_error(faults);
}

/* Without an input there may still be parameters, and all of them are unknown. */
static by_error *decode_nothing(by__call *call)
{
	by_faults *faults = by_faults_new(call->ctx->arena);

	BY_TRY(by__bind(call->ctx, call->endpoint, faults, NULL));
	return by_faults_error(faults);
}

static by_error *decode_around(by__call *call, const decode_config *config, by__nothing *state)
{
	(void)state;
	BY_TRY(config->in != NULL ? decode_input(call, config) : decode_nothing(call));
	return by__next(call);
}

BY__INTERCEPTOR(decode, decode_config, by__nothing);
