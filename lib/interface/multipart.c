/* Reads a form off the request's body: the parser behind by_request_read. */
#include <inttypes.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/buf.h>
#include <banyan/multipart.h>

#include "core/utf8.h"
#include "interface/media.h"
#include "interface/multipart_parser.h"
#include "interface/request.h"

enum { PARTS = 100, HEADERS = 4096, PIECE = 4096 };

struct by_multipart {
	by_ctx              *ctx;
	by__multipart_parser parser;
	by_part              part;
	size_t               parts_left;
	size_t               headers_max;
	bool                 in_part;
	by_text              waiting; /* of the part's bytes */
	const char          *at, *end;
	char                 piece[PIECE];
};

static by_error *boundary_of(by_ctx *ctx, by_text *boundary)
{
	by_text rest = by__request(ctx)->content_type;
	by_text name;

	if (!by__same_word(by__media_type(&rest), "multipart/form-data"))
		return by_fail(ctx, UNSUPPORTED_MEDIA_TYPE, "The body must be multipart/form-data.");
	while (by__media_parameter(&rest, &name, boundary))
		if (by__same_word(name, "boundary"))
			return BY_OK;
	*boundary = BY_TEXT("");
	return BY_OK;
}

by_error *by_multipart_open(by_ctx *ctx, const by_multipart_limits *limits, by_multipart **out)
{
	static const by_multipart_limits zero;
	by_multipart                    *form = BY_NEW(ctx->arena, by_multipart);
	by_text                          boundary = BY_TEXT("");

	if (limits == NULL)
		limits = &zero;
	form->ctx = ctx;
	form->parts_left = limits->parts ? limits->parts : PARTS;
	form->headers_max = limits->headers ? limits->headers : HEADERS;
	BY_TRY(boundary_of(ctx, &boundary));
	if (!by__multipart_init(&form->parser, boundary, by_alloc_raw(ctx->arena, form->headers_max), form->headers_max))
		return by_fail(ctx, BAD_REQUEST, "Content-Type must name a boundary of 1 to %d characters.", BY__BOUNDARY_MAX);
	*out = form;
	return BY_OK;
}

static by_error *refill(by_multipart *form)
{
	size_t got;

	BY_TRY(by_request_read(form->ctx, form->piece, sizeof(form->piece), &got));
	if (got == 0)
		return by_fail(form->ctx, MALFORMED, "The form ends before its closing boundary.");
	form->at = form->piece;
	form->end = form->piece + got;
	return BY_OK;
}

static by_error *broken(const by_multipart *form)
{
	if (form->parser.oversized)
		return by_fail(form->ctx, BAD_REQUEST, "The headers of a part may hold at most %zu bytes.", form->headers_max);
	return by_fail(form->ctx, MALFORMED, "The form is not well-formed: %s, before byte %" PRIu64 ".", form->parser.why,
	    form->parser.at);
}

static by_error *pull(by_multipart *form, by__multipart_event *event)
{
	while ((*event = by__multipart_next(&form->parser, &form->at, form->end)) == BY__MULTIPART_MORE)
		BY_TRY(refill(form));
	return *event == BY__MULTIPART_BROKEN ? broken(form) : BY_OK;
}

/* What follows the form is read too: only then its length is known to be true. */
static by_error *finish(by_multipart *form)
{
	size_t got;

	do
		BY_TRY(by_request_read(form->ctx, form->piece, sizeof(form->piece), &got));
	while (got > 0);
	return BY_OK;
}

by_error *by_multipart_next(by_multipart *form, const by_part **part)
{
	by__multipart_event event;

	*part = NULL;
	form->in_part = false;
	form->waiting.len = 0;
	do
		BY_TRY(pull(form, &event));
	while (event != BY__MULTIPART_PART && event != BY__MULTIPART_END);
	if (event == BY__MULTIPART_END)
		return finish(form);
	if (form->parts_left == 0)
		return by_fail(form->ctx, BAD_REQUEST, "The form has too many parts.");
	form->parts_left--;
	form->in_part = true;
	form->part = (by_part){ form->parser.name, form->parser.filename, form->parser.content_type };
	*part = &form->part;
	return BY_OK;
}

by_error *by_multipart_read(by_multipart *form, void *data, size_t capacity, size_t *got)
{
	BY_REQUIRE(capacity > 0);
	*got = 0;
	if (form->in_part && form->waiting.len == 0) {
		by__multipart_event event;

		BY_TRY(pull(form, &event));
		if (event == BY__MULTIPART_DATA)
			form->waiting = form->parser.data;
		else
			form->in_part = false;
	}
	if (form->waiting.len == 0)
		return BY_OK;
	*got = form->waiting.len < capacity ? form->waiting.len : capacity;
	memcpy(data, form->waiting.ptr, *got);
	form->waiting.ptr += *got;
	form->waiting.len -= *got;
	return BY_OK;
}

by_error *by_multipart_text(by_multipart *form, size_t max, const char **text)
{
	by_buf out;
	char   piece[512];
	size_t got;

	by_buf_init(&out, form->ctx->arena, 64);
	for (;;) {
		BY_TRY(by_multipart_read(form, piece, sizeof(piece), &got));
		if (got == 0)
			break;
		if (got > max - out.len)
			return by_fail(form->ctx, PAYLOAD_TOO_LARGE, "A field of the form may hold at most %zu bytes.", max);
		by_put(&out, piece, got);
	}
	BY_TRY(by_buf_finish(&out));
	if (!by__utf8_valid((by_text){ out.data, out.len }) || memchr(out.data, '\0', out.len))
		return by_fail(form->ctx, MALFORMED, "A text field of the form is not UTF-8.");
	*text = by_buf_string(&out);
	return BY_OK;
}
