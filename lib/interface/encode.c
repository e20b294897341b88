/* Writes the operation's output straight into the answer, and answers conditional requests. */
#include <banyan/json.h>

#include "interface/chain.h"
#include "interface/crud.h"
#include "interface/etag.h"

typedef struct encode_config {
	int  status;
	bool conditional; /* a GET: may be answered 304 */
	bool checked;     /* in development an answer that its model does not describe is an error */
} encode_config;

static bool encode_configure(const by__setup *setup, encode_config *config)
{
	config->status = setup->endpoint->status;
	config->checked = setup->options->debug;
	config->conditional = setup->endpoint->method == BY_GET || setup->endpoint->method == BY_HEAD;
	return true;
}

static void tag_answer(by__call *call)
{
	const by_model *model = NULL;
	const void     *resource = by__answer_resource(call->endpoint, call->out, &model);

	if (resource != NULL && call->request->response.etag == NULL)
		call->request->response.etag = by__etag_of(call->ctx->arena, model, resource);
}

static by_error *check_output(by__call *call)
{
	const by_model *model = call->endpoint->operation->out;
	by_faults      *faults = by_faults_new(call->ctx->arena);

	by_model_check(model, call->out, BY_FAULT_BODY, "", faults);
	const by_fault *first = by_faults_at(faults, 0);

	if (first == NULL)
		return BY_OK;
	return by_error_internal(call->ctx->arena, by_fail(call->ctx, INTERNAL, NULL),
	    "the answer is not what its model %s (%s:%d) describes, in %zu places; first: %s %s", model->name,
	    model->place.file, model->place.line, by_faults_count(faults), first->where, first->detail);
}

static by_error *write_output(by__call *call)
{
	by__response *response = &call->request->response;
	by_buf       *out = by__response_body(call->ctx);

	by_json_write(out, call->endpoint->operation->out, call->out, NULL);
	if (response->content_type == NULL)
		response->content_type = "application/json";
	return by_buf_finish(out);
}

static bool not_modified(const by__call *call, const encode_config *config)
{
	const by__response *response = &call->request->response;

	return config->conditional && response->status == 200 && response->etag != NULL &&
	    by__etag_none_match(by_request_header(call->ctx, "If-None-Match"), response->etag);
}

static by_error *encode_around(by__call *call, const encode_config *config, by__nothing *state)
{
	by__response       *response = &call->request->response;
	const by_operation *operation = call->endpoint->operation;

	(void)state;
	call->out = operation->out ? by_alloc_raw(call->ctx->arena, operation->out->size) : NULL;
	BY_TRY(by__next(call));
	if (response->started)
		return BY_OK;
	if (response->status == 0)
		response->status = config->status;
	if (call->out != NULL && config->checked)
		BY_TRY(check_output(call));
	if (call->out != NULL)
		tag_answer(call);
	/* A tagged answer may be kept, and is asked for again each time; others are not kept. */
	if (response->cache_control == NULL)
		response->cache_control = response->etag != NULL && config->conditional ? "no-cache" : "no-store";
	if (not_modified(call, config))
		response->status = 304;
	else if (call->out != NULL && response->status != 204)
		BY_TRY(write_output(call));
	return by__response_check(call->ctx);
}

BY__INTERCEPTOR(encode, encode_config, by__nothing);
