/*
 * Examples: the model's own where it gives some, else values made from each
 * field's kind and constraints. The same model always has the same example.
 */
#include <inttypes.h>
#include <string.h>

#include <banyan/kind.h>

#include "interface/openapi.h"

enum { MOST_NESTING = 4 };

static void put_object(by_json_writer *w, const by_model *model, unsigned usage, int depth);

/* The value of kinds whose constraints leave it alone, in their text form. */
static const struct { const by_kind *kind; const char *text; } plain[] = {
	{ &by_kind_bool, "true" },
	{ &by_kind_decimal, "12.50" },
	{ &by_kind_bytes, "AQID" },
	{ &by_kind_time, "2026-03-14T08:30:00Z" },
	{ &by_kind_date, "2026-03-14" },
	{ &by_kind_duration, "30s" },
	{ &by_kind_size, "1MiB" },
	{ &by_kind_ulid, "01KA1V3C5T8M2Q9RZX4B7N6YEH" },
	{ &by_kind_uuid, "0198f6a2-7c41-7d3e-9b52-6f1c0e8d4a37" },
	{ &by_kind_json, "{}" },
	{ &by_kind_secret, "correct-horse-battery" },
};

static const struct { const by_format_rule *format; const char *text; } formatted[] = {
	{ &by_format_email, "ada@example.org" },
	{ &by_format_uri, "https://example.org/" },
	{ &by_format_hostname, "example.org" },
	{ &by_format_ipv4, "192.0.2.1" },
	{ &by_format_ipv6, "2001:db8::1" },
	{ &by_format_slug, "an-example" },
};

static const char *string_text(by_arena *arena, const by_field *field)
{
	for (size_t i = 0; i < BY_COUNT(formatted); i++)
		if (field->format == formatted[i].format)
			return formatted[i].text;
	const char  *text = "text";
	const size_t len = strlen(text);
	if (field->max_length > 0 && field->max_length < len)
		return by_copy_text(arena, (by_text){ text, field->max_length });
	if (field->min_length <= len)
		return text;
	char *longer = by_alloc(arena, field->min_length + 1);
	for (size_t i = 0; i < field->min_length; i++)
		longer[i] = text[i % len];
	return longer;
}

static int64_t integer_within(const by_field *field)
{
	int64_t value = 1;
	if (field->minimum.set)
		value = field->minimum.integer;
	else if (field->exclusive_minimum.set)
		value = field->exclusive_minimum.integer + 1;
	else if (field->maximum.set && field->maximum.integer < value)
		value = field->maximum.integer;
	else if (field->exclusive_maximum.set && field->exclusive_maximum.integer <= value)
		value = field->exclusive_maximum.integer - 1;
	const int64_t step = field->multiple_of.set ? field->multiple_of.integer : 1;
	return step > 1 && value % step != 0 ? value + step - value % step : value;
}

static double double_within(const by_field *field)
{
	const by_number *low = field->minimum.set ? &field->minimum : &field->exclusive_minimum;
	const by_number *high = field->maximum.set ? &field->maximum : &field->exclusive_maximum;
	double value = 1.5;
	if (low->set && high->set)
		value = low->real + (high->real - low->real) / 2;
	else if (low->set && value <= low->real)
		value = low->real + 1;
	else if (high->set && value >= high->real)
		value = high->real - 1;
	const double step = field->multiple_of.set ? field->multiple_of.real : 0;
	return step > 0 ? step * (double)((int64_t)(value / step) + 1) : value;
}

/* A value within the field's constraints, in the kind's text form. */
static const char *text_of(by_arena *arena, const by_field *field)
{
	if (field->kind == &by_kind_enum)
		return field->values->values[0];
	if (field->kind == &by_kind_int32 || field->kind == &by_kind_int64)
		return by_format(arena, "%" PRId64, integer_within(field));
	if (field->kind == &by_kind_double)
		return by_format(arena, "%.10g", double_within(field));
	for (size_t i = 0; i < BY_COUNT(plain); i++)
		if (plain[i].kind == field->kind)
			return plain[i].text;
	return string_text(arena, field);
}

void by__example_write_text(by_json_writer *w, const by_field *field, const char *text)
{
	by_arena *arena = w->out->arena;
	void     *value = by_alloc(arena, field->kind->size ? field->kind->size : sizeof(int));
	by_buf    json;
	if (!field->kind->parse || !field->kind->parse(arena, field, (by_text){ text, strlen(text) }, value)) {
		by_json_string(w, text);
		return;
	}
	by_buf_init(&json, arena, 64);
	field->kind->write(&json, field, value, &(by_json_style){ .all_fields = true });
	by_json_raw(w, (by_text){ json.data, json.len });
}

static void put_list(by_json_writer *w, const by_field *field, unsigned usage, int depth);

static void put_value(by_json_writer *w, const by_field *field, unsigned usage, int depth)
{
	if (field->example)
		by_json_raw(w, (by_text){ field->example, strlen(field->example) });
	else if (field->kind == &by_kind_model)
		put_object(w, field->model, usage, depth + 1);
	else if (field->kind == &by_kind_list)
		put_list(w, field, usage, depth);
	else if (field->kind == &by_kind_secret)
		by_json_string(w, text_of(w->out->arena, field)); /* its codec writes nothing */
	else
		by__example_write_text(w, field, field->default_value ? field->default_value : text_of(w->out->arena, field));
}

static void put_list(by_json_writer *w, const by_field *field, unsigned usage, int depth)
{
	const size_t count = depth >= MOST_NESTING && field->items->model ? 0 : field->min_items > 1 ? field->min_items : 1;
	by_json_array(w);
	for (size_t i = 0; i < count; i++)
		put_value(w, field->items, usage, depth);
	by_json_array_end(w);
}

static void put_object(by_json_writer *w, const by_model *model, unsigned usage, int depth)
{
	if (model->example) {
		by_json_raw(w, (by_text){ model->example, strlen(model->example) });
		return;
	}
	const bool out = usage == BY__USED_OUT;
	by_json_object(w);
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];
		const bool      nullable = field->pointer || field->optional;
		const bool hidden = out ? field->write_only || field->kind == &by_kind_secret : field->read_only;
		/* A client may leave it out; inventing it could clash with what is unique, or never end. */
		const bool spared = nullable && (out ? field->model && depth >= MOST_NESTING : !field->example);
		if (hidden || spared)
			continue;
		by_json_name(w, field->name);
		put_value(w, field, usage, depth);
	}
	by_json_object_end(w);
}

void by__example_write(by_json_writer *w, const by_model *model, unsigned usage)
{
	put_object(w, model, usage, 0);
}

void by__example_write_field(by_json_writer *w, const by_field *field, unsigned usage)
{
	put_value(w, field, usage, 0);
}
