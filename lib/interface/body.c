/* The policy of .max_body, .accepts and the time a body may take: what can be refused before a byte of it is read. */
#include <string.h>
#include <strings.h>

#include <banyan/task.h>

#include "interface/chain.h"
#include "interface/form.h"
#include "interface/media.h"

typedef struct body_config {
	size_t      max;
	size_t      rate_min;
	by_duration timeout;
	by_accepts  accepts;
	bool        json;     /* the operation's input has a body */
	bool        optional; /* which may be missing */
} body_config;

static bool body_is_optional(const by__endpoint *endpoint)
{
	const by_model *in = endpoint->operation->in;

	for (size_t i = 0; i < in->count; i++)
		if (in->fields[i].from == BY_FROM_WHOLE_BODY)
			return in->fields[i].pointer || in->fields[i].optional;
	return false;
}

static bool body_configure(const by__setup *setup, body_config *config)
{
	const by__endpoint *endpoint = setup->endpoint;
	const by_route     *row = endpoint->route;

	config->max = row && row->max_body ? row->max_body : setup->options->body_max;
	config->rate_min = row && row->body_rate_min ? row->body_rate_min : setup->options->body_rate_min;
	config->timeout = row && row->body_timeout_ms ? BY_MILLISECONDS(row->body_timeout_ms) : setup->options->body_timeout;
	config->accepts = row ? row->accepts : BY_JSON_ONLY;
	config->json = endpoint->body != NULL;
	config->optional = config->json && body_is_optional(endpoint);
	return true;
}

static bool charset_is_utf8(by_text parameters)
{
	by_text name, value;

	while (by__media_parameter(&parameters, &name, &value))
		if (by__same_word(name, "charset") && !by__same_word(value, "utf-8") && !by__same_word(value, "utf8"))
			return false;
	return true;
}

/* application/json, or a type with the suffix +json (RFC 6839). */
static bool is_json(by_text type)
{
	return by__same_word(type, "application/json") ||
	    (type.len > 17 && strncasecmp(type.ptr, "application/", 12) == 0 &&
	        strncasecmp(type.ptr + type.len - 5, "+json", 5) == 0);
}

static const char *const accepted[] = {
	[BY_JSON_ONLY] = "application/json",
	[BY_FORM_URLENCODED] = "application/json or application/x-www-form-urlencoded",
	[BY_FORM_MULTIPART] = "application/json or multipart/form-data",
	[BY_FORMS] = "application/json, application/x-www-form-urlencoded or multipart/form-data",
};

/* All are read as UTF-8: JSON by RFC 8259 section 8.1, forms as browsers send them. */
static by_error *check_media(by_ctx *ctx, const by_request *request, by_accepts accepts)
{
	by_text encoding = by_request_header(ctx, "Content-Encoding");
	by_text rest = request->content_type;
	by_text type = by__media_type(&rest);

	if (encoding.len > 0 && !by__same_word(encoding, "identity"))
		return by_fail(ctx, UNSUPPORTED_MEDIA_TYPE, "The body must come without a content encoding.");
	if ((is_json(type) || (by__form_of(type) & accepts) != 0) && charset_is_utf8(rest))
		return BY_OK;
	return by_fail(ctx, UNSUPPORTED_MEDIA_TYPE, "The body must be %s in UTF-8.", accepted[accepts]);
}

static by_error *body_around(by__call *call, const body_config *config, by__nothing *state)
{
	by_request *request = call->request;
	bool        empty = request->length_kind == BY__LENGTH_DECLARED && request->length == 0;
	bool        unsaid = request->length_kind == BY__LENGTH_UNKNOWN && request->content_type.len == 0;

	(void)state;
	request->body_max = config->max;
	request->body_rate_min = config->rate_min;
	request->body_timeout = request->exchange->body_timeout = config->timeout;
	if (request->length_kind == BY__LENGTH_DECLARED && request->length > config->max)
		return by__request_too_large(call->ctx);
	/* Without body and without type there is nothing to refuse here: decode says what is missing. */
	if (config->json && !((empty || unsaid) && (config->optional || request->content_type.len == 0)))
		BY_TRY(check_media(call->ctx, request, config->accepts));
	if (request->length_kind == BY__LENGTH_INVALID)
		return by_fail(call->ctx, BAD_REQUEST, "Content-Length is not a number.");
	return by__next(call);
}

BY__INTERCEPTOR(body, body_config, by__nothing);
