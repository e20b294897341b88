/* The policy of .max_body and of media types: what can be refused before a byte of the body is read. */
#include <string.h>
#include <strings.h>

#include "core/text.h"
#include "interface/chain.h"

typedef struct body_config {
	size_t max;
	bool   json;     /* the operation takes a JSON body */
	bool   optional; /* which may be missing */
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

	config->max = endpoint->route && endpoint->route->max_body ? endpoint->route->max_body : setup->options->body_max;
	config->json = endpoint->body != NULL;
	config->optional = config->json && body_is_optional(endpoint);
	return true;
}

/* Takes the part before `mark` off the text. */
static by_text cut(by_text *text, char mark)
{
	const char *at = text->len > 0 ? memchr(text->ptr, mark, text->len) : NULL;
	by_text     part = { text->ptr, at ? (size_t)(at - text->ptr) : text->len };

	*text = at ? (by_text){ at + 1, text->len - part.len - 1 } : BY_TEXT("");
	return by__trim(part);
}

static bool charset_is_utf8(by_text parameters)
{
	while (parameters.len > 0) {
		by_text value = cut(&parameters, ';');
		by_text name = cut(&value, '=');

		value = by__trim(value);
		if (value.len > 1 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
			value = (by_text){ value.ptr + 1, value.len - 2 };
		if (by__same_word(name, "charset") && !by__same_word(value, "utf-8") && !by__same_word(value, "utf8"))
			return false;
	}
	return true;
}

/* application/json, or a type with the suffix +json (RFC 6839), in UTF-8 (RFC 8259 section 8.1). */
static bool is_json(by_text content_type)
{
	by_text rest = content_type;
	by_text type = cut(&rest, ';');
	bool    json = by__same_word(type, "application/json") ||
	    (type.len > 17 && strncasecmp(type.ptr, "application/", 12) == 0 &&
	        strncasecmp(type.ptr + type.len - 5, "+json", 5) == 0);

	return json && charset_is_utf8(rest);
}

static by_error *check_media(by_ctx *ctx, const by_request *request)
{
	by_text encoding = by_request_header(ctx, "Content-Encoding");

	if (encoding.len > 0 && !by__same_word(encoding, "identity"))
		return by_fail(ctx, UNSUPPORTED_MEDIA_TYPE, "The body must come without a content encoding.");
	if (!is_json(request->content_type))
		return by_fail(ctx, UNSUPPORTED_MEDIA_TYPE, "The body must be application/json in UTF-8.");
	return BY_OK;
}

static by_error *body_around(by__call *call, const body_config *config, by__nothing *state)
{
	by_request *request = call->request;
	bool        empty = request->length_kind == BY__LENGTH_DECLARED && request->length == 0;
	bool        unsaid = request->length_kind == BY__LENGTH_UNKNOWN && request->content_type.len == 0;

	(void)state;
	request->body_max = config->max;
	if (request->length_kind == BY__LENGTH_DECLARED && request->length > config->max)
		return by__request_too_large(call->ctx);
	/* Without body and without type there is nothing to refuse here: decode says what is missing. */
	if (config->json && !((empty || unsaid) && (config->optional || request->content_type.len == 0)))
		BY_TRY(check_media(call->ctx, request));
	if (request->length_kind == BY__LENGTH_INVALID)
		return by_fail(call->ctx, BAD_REQUEST, "Content-Length is not a number.");
	return by__next(call);
}

BY__INTERCEPTOR(body, body_config, by__nothing);
