/* Takes the pairs out of a form and writes them as one JSON object, field by field of the model. */
#include <inttypes.h>
#include <string.h>

#include <banyan/buf.h>
#include <banyan/json.h>
#include <banyan/kind.h>

#include "core/json_reader.h"
#include "core/number.h"
#include "core/utf8.h"
#include "interface/form.h"
#include "interface/media.h"
#include "interface/multipart_parser.h"
#include "interface/request.h"
#include "interface/uri.h"

enum { PAIRS_MAX = 1000, HEADERS_MAX = 4096 };

typedef struct pair {
	by_text name;
	by_text value;
	bool    file;  /* its bytes are not text */
	bool    taken; /* written already */
} pair;

typedef struct form {
	by_ctx *ctx;
	pair   *pairs;
	size_t  count;
	size_t  room;
} form;

by_accepts by__form_of(by_text content_type)
{
	by_text type = by__media_type(&content_type);

	if (by__same_word(type, "application/x-www-form-urlencoded"))
		return BY_FORM_URLENCODED;
	return by__same_word(type, "multipart/form-data") ? BY_FORM_MULTIPART : BY_JSON_ONLY;
}

/* ---- pairs ---- */

static by_error *add(form *f, pair one)
{
	if (f->count == PAIRS_MAX)
		return by_fail(f->ctx, BAD_REQUEST, "A form may hold at most %d values.", PAIRS_MAX);
	if (f->count == f->room) {
		size_t room = f->room ? f->room * 2 : 32;
		pair  *grown = BY_NEW_ARRAY(f->ctx->arena, pair, room);

		if (f->count > 0)
			memcpy(grown, f->pairs, f->count * sizeof(*grown));
		f->pairs = grown;
		f->room = room;
	}
	f->pairs[f->count++] = one;
	return BY_OK;
}

static by_error *read_urlencoded(form *f, by_text body)
{
	const char *at = body.ptr;
	const char *end = at + body.len;

	while (at < end) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		const char *last = amp ? amp : end;
		const char *equals = memchr(at, '=', (size_t)(last - at));
		const char *value = equals ? equals + 1 : last;
		pair        one = { .taken = false };

		if (!by__uri_decode(f->ctx->arena, (by_text){ at, (size_t)((equals ? equals : last) - at) }, true, &one.name) ||
		    !by__uri_decode(f->ctx->arena, (by_text){ value, (size_t)(last - value) }, true, &one.value))
			return by_fail(f->ctx, MALFORMED, "The form is not percent-encoded UTF-8.");
		if (last > at)
			BY_TRY(add(f, one));
		at = last + 1;
	}
	return BY_OK;
}

static by_error *start_parser(form *f, by__multipart_parser *parser)
{
	by_text rest = by__request(f->ctx)->content_type;
	by_text name;
	by_text value;

	(void)by__media_type(&rest);
	while (by__media_parameter(&rest, &name, &value))
		if (by__same_word(name, "boundary") &&
		    by__multipart_init(parser, value, by_alloc_raw(f->ctx->arena, HEADERS_MAX), HEADERS_MAX))
			return BY_OK;
	return by_fail(f->ctx, BAD_REQUEST, "Content-Type must name a boundary of 1 to %d characters.", BY__BOUNDARY_MAX);
}

/* The bytes of one part. Where they lie in one piece in the body they stay there. */
static by__multipart_event read_value(by__multipart_parser *parser, const char **at, const char *end, by_buf *value)
{
	by__multipart_event event;

	while ((event = by__multipart_next(parser, at, end)) == BY__MULTIPART_DATA)
		by_put_text(value, parser->data);
	return event;
}

static by_error *read_part(form *f, by__multipart_parser *parser, const char **at, const char *end,
    by__multipart_event *event)
{
	by_arena *arena = f->ctx->arena;
	by_text   name = { parser->name, strlen(parser->name) };
	pair      one = { .name = { by_copy_text(arena, name), name.len }, .file = parser->filename != NULL };
	bool      chosen = !one.file || parser->filename[0] != '\0';
	by_buf    value;

	by_buf_init(&value, arena, 64);
	*event = read_value(parser, at, end, &value);
	BY_TRY(by_buf_finish(&value));
	one.value = (by_text){ value.data, value.len };
	if (!one.file && !by__utf8_valid(one.value))
		return by_fail(f->ctx, MALFORMED, "A text field of the form is not UTF-8.");
	/* A browser sends an empty part where no file was chosen. */
	return chosen ? add(f, one) : BY_OK;
}

static by_error *read_multipart(form *f, by_text body)
{
	by__multipart_parser parser;
	by__multipart_event  event;
	const char          *at = body.ptr;
	const char          *end = at + body.len;

	BY_TRY(start_parser(f, &parser));
	for (;;) {
		event = by__multipart_next(&parser, &at, end);
		if (event == BY__MULTIPART_PART)
			BY_TRY(read_part(f, &parser, &at, end, &event));
		if (event == BY__MULTIPART_END)
			return BY_OK;
		if (event == BY__MULTIPART_MORE)
			return by_fail(f->ctx, MALFORMED, "The form ends before its closing boundary.");
		if (event == BY__MULTIPART_BROKEN)
			return by_fail(f->ctx, MALFORMED, "The form is not well-formed: %s, before byte %" PRIu64 ".", parser.why,
			    parser.at);
	}
}

/* ---- JSON ---- */

typedef enum value_form { AS_TEXT, AS_NUMBER, AS_BOOL, AS_JSON, AS_BYTES } value_form;

static value_form value_form_of(const by_kind *kind)
{
	static const struct { const by_kind *kind; value_form as; } forms[] = {
		{ &by_kind_bool, AS_BOOL }, { &by_kind_int32, AS_NUMBER }, { &by_kind_int64, AS_NUMBER },
		{ &by_kind_double, AS_NUMBER }, { &by_kind_json, AS_JSON }, { &by_kind_bytes, AS_BYTES },
	};

	for (size_t i = 0; i < BY_COUNT(forms); i++)
		if (forms[i].kind == kind)
			return forms[i].as;
	return AS_TEXT;
}

static void put_base64(by_json_writer *w, by_arena *arena, by_text bytes)
{
	by_buf text;

	by_buf_init(&text, arena, bytes.len * 4 / 3 + 4);
	by_put_base64url(&text, (by_bytes){ (const uint8_t *)bytes.ptr, bytes.len });
	by_json_text(w, (by_text){ text.data, text.len });
}

/* What cannot be what the kind wants stays text, and the reader says what it must be. */
static void put_value(by_json_writer *w, by_arena *arena, const by_kind *kind, const pair *one)
{
	value_form as = value_form_of(kind);
	by_text    text = one->value;

	if (as == AS_BYTES && one->file)
		put_base64(w, arena, text);
	else if (as == AS_BOOL && (by__same_word(text, "true") || by__same_word(text, "on")))
		by_json_bool(w, true);
	else if (as == AS_BOOL && by__same_word(text, "false"))
		by_json_bool(w, false);
	else if ((as == AS_NUMBER && by__number_is(text)) || (as == AS_JSON && by__json_accept(arena, text, &text)))
		by_json_raw(w, text);
	else
		by_json_text(w, text);
}

static bool same_name(const pair *a, by_text name)
{
	return !a->taken && a->name.len == name.len && memcmp(a->name.ptr, name.ptr, name.len) == 0;
}

static void put_list(by_json_writer *w, form *f, const by_field *field, by_text name)
{
	by_json_array(w);
	for (size_t i = 0; i < f->count; i++)
		if (same_name(&f->pairs[i], name)) {
			put_value(w, f->ctx->arena, field->items->kind, &f->pairs[i]);
			f->pairs[i].taken = true;
		}
	by_json_array_end(w);
}

/* An input that was left empty: browsers send it all the same. Of text it may be meant. */
static bool is_left_empty(const by_field *field, const pair *one)
{
	return one->value.len == 0 && !one->file && (field->pointer || field->optional) &&
	    field->kind != &by_kind_string && field->kind != &by_kind_secret;
}

static void put_single(by_json_writer *w, form *f, const by_field *field, pair *one, by_faults *faults)
{
	bool twice = false;

	if (field != NULL && is_left_empty(field, one))
		by_json_null(w);
	else
		put_value(w, f->ctx->arena, field ? field->kind : &by_kind_string, one);
	one->taken = true;
	for (size_t i = 0; i < f->count; i++)
		if (same_name(&f->pairs[i], one->name))
			twice = f->pairs[i].taken = true;
	if (twice && field != NULL) {
		const by_where root = { .name = { "", 0 }, .in = BY_FAULT_BODY };
		const by_where here = { .up = &root, .name = one->name };

		by_fault_at(faults, &here, "duplicate", "may be given only once");
	}
}

static void put_object(form *f, const by_model *model, by_faults *faults, by_buf *out)
{
	by_json_writer w;

	by_json_writer_init(&w, out);
	by_json_object(&w);
	for (size_t i = 0; i < f->count; i++) {
		pair           *one = &f->pairs[i];
		const by_field *field = one->taken ? NULL : by_model_field(model, one->name);

		if (one->taken)
			continue;
		by_json_name_text(&w, one->name);
		if (field != NULL && field->items != NULL)
			put_list(&w, f, field, one->name);
		else
			put_single(&w, f, field, one, faults);
	}
	by_json_object_end(&w);
}

by_error *by__form_json(by_ctx *ctx, const by_model *model, by_accepts type, by_text body, by_faults *faults, by_text *json)
{
	form   f = { .ctx = ctx };
	by_buf out;

	BY_TRY(type == BY_FORM_URLENCODED ? read_urlencoded(&f, body) : read_multipart(&f, body));
	by_buf_init(&out, ctx->arena, body.len + 64);
	put_object(&f, model, faults, &out);
	BY_TRY(by_buf_finish(&out));
	*json = (by_text){ out.data, out.len };
	return BY_OK;
}

const char *by__form_mistake(by_arena *arena, const by_model *model)
{
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];
		const by_field *value = field->items ? field->items : field;

		if (value->model != NULL || value->items != NULL)
			return by_format(arena, "the field %s holds more than one value, which a form cannot", field->name);
	}
	return NULL;
}
