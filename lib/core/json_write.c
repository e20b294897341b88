/* Writing JSON: structs straight into the buffer through their plan, and documents by hand. */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/json.h>

#include "core/plan.h"

static const by_json_style plain_style;

static bool left_out(const by_field *field, const by_json_style *style)
{
	if (field->kind == &by_kind_secret)
		return !style->mask_secrets;
	return field->write_only && !style->all_fields;
}

/* The comma, the name and the colon; before the first member no comma. */
static void put_prefix(by_buf *out, const by__member *member, bool first)
{
	size_t len = member->prefix_len - first;

	if (BY_LIKELY(len <= BY__PREFIX_CHUNK && out->cap - out->len >= BY__PREFIX_CHUNK)) {
		memcpy(out->data + out->len, member->prefix + first, BY__PREFIX_CHUNK);
		out->len += len;
	} else {
		by_put(out, member->prefix + first, len);
	}
}

void by_json_write(by_buf *out, const by_model *model, const void *object, const by_json_style *style)
{
	const by_plan *plan = by__plan(model);
	bool           first = true;

	if (style == NULL)
		style = &plain_style;
	by_put_char(out, '{');
	for (size_t i = 0; i < plan->count; i++) {
		const by__member *member = &plan->members[i];
		const by_field   *field = member->field;

		if (member->hidden && left_out(field, style))
			continue;
		const void *value = member->direct ? (const char *)object + field->offset : by_field_value(field, object);

		if (value == NULL && style->skip_null)
			continue;
		put_prefix(out, member, first);
		first = false;
		if (value != NULL)
			field->kind->write(out, field, value, style);
		else
			BY_PUT(out, "null");
	}
	by_put_char(out, '}');
}

void by_json_write_field(by_buf *out, const by_field *field, const void *object, const by_json_style *style)
{
	const void *value = by_field_value(field, object);

	if (style == NULL)
		style = &plain_style;
	if (value == NULL || left_out(field, style))
		BY_PUT(out, "null");
	else
		field->kind->write(out, field, value, style);
}

/* ---- by hand ---- */

void by_json_writer_init(by_json_writer *w, by_buf *out)
{
	*w = (by_json_writer){ .out = out };
}

/* The comma before a member or item that is not the first; none between a name and its value. */
static void separate(by_json_writer *w)
{
	uint64_t bit = (uint64_t)1 << (w->depth & 63);

	if (w->after_name) {
		w->after_name = false;
		return;
	}
	if (w->has_members & bit)
		by_put_char(w->out, ',');
	w->has_members |= bit;
}

static void open_bracket(by_json_writer *w, char bracket)
{
	separate(w);
	BY_REQUIRE(w->depth < 63);
	w->depth++;
	w->has_members &= ~((uint64_t)1 << w->depth);
	by_put_char(w->out, bracket);
}

static void close_bracket(by_json_writer *w, char bracket)
{
	BY_REQUIRE(w->depth > 0 && !w->after_name);
	w->depth--;
	by_put_char(w->out, bracket);
}

void by_json_object(by_json_writer *w)
{
	open_bracket(w, '{');
}

void by_json_object_end(by_json_writer *w)
{
	close_bracket(w, '}');
}

void by_json_array(by_json_writer *w)
{
	open_bracket(w, '[');
}

void by_json_array_end(by_json_writer *w)
{
	close_bracket(w, ']');
}

void by_json_name(by_json_writer *w, const char *name)
{
	by_json_name_text(w, (by_text){ name, strlen(name) });
}

void by_json_name_text(by_json_writer *w, by_text name)
{
	BY_REQUIRE(!w->after_name);
	separate(w);
	by_put_json_text(w->out, name);
	by_put_char(w->out, ':');
	w->after_name = true;
}

void by_json_string(by_json_writer *w, const char *value)
{
	if (value == NULL)
		by_json_null(w);
	else
		by_json_text(w, (by_text){ value, strlen(value) });
}

void by_json_text(by_json_writer *w, by_text value)
{
	separate(w);
	by_put_json_text(w->out, value);
}

void by_json_int(by_json_writer *w, int64_t value)
{
	separate(w);
	by_put_int(w->out, value);
}

void by_json_double(by_json_writer *w, double value)
{
	separate(w);
	by_put_double(w->out, value);
}

void by_json_bool(by_json_writer *w, bool value)
{
	separate(w);
	if (value)
		BY_PUT(w->out, "true");
	else
		BY_PUT(w->out, "false");
}

void by_json_null(by_json_writer *w)
{
	separate(w);
	BY_PUT(w->out, "null");
}

void by_json_raw(by_json_writer *w, by_text json)
{
	separate(w);
	by_put_text(w->out, json);
}
