/* The kind of free JSON: checked to be well-formed, kept as compact text. */
#include "core/json_reader.h"

static void json_print(by_buf *out, const by_field *field, const void *value)
{
	const by_json *json = value;

	(void)field;
	by_put(out, json->ptr, json->len);
}

static void json_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)style;
	json_print(out, field, value);
}

static bool json_read(by_json_reader *r, const by_field *field, void *value)
{
	by_text raw;

	(void)field;
	if (!by_json_skip(r, &raw))
		return false;
	by_text compact = by__json_compact(r->arena, raw);

	*(by_json *)value = (by_json){ compact.ptr, compact.len };
	return true;
}

static bool json_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	by_text compact;

	(void)field;
	if (!by__json_accept(arena, text, &compact))
		return false;
	*(by_json *)value = (by_json){ compact.ptr, compact.len };
	return true;
}

static by_value json_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_json(*(const by_json *)value);
}

static bool json_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	if (from.tag != BY_VALUE_JSON && from.tag != BY_VALUE_TEXT)
		return false;
	return json_parse(arena, field, from.text, value);
}

/* The empty schema: every value is valid. */
static void json_schema(by_json_writer *out, const by_field *field)
{
	(void)out;
	(void)field;
}

const by_kind by_kind_json = {
	.name = "json", .expects = "well-formed JSON", .refused = "format",
	.size = sizeof(by_json), .nullable = true, .sql = BY_SQL_JSON,
	.write = json_write, .read = json_read, .parse = json_parse, .print = json_print,
	.get = json_get, .set = json_set, .schema = json_schema
};
