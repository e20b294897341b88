/* Kinds of identifiers: ulid, uuid. */
#include <string.h>

#include "core/constraint.h"

/* ---- ulid ---- */

static void ulid_print(by_buf *out, const by_field *field, const void *value)
{
	char text[BY_ULID_TEXT];

	(void)field;
	by_ulid_print(*(const by_ulid *)value, text);
	by_put(out, text, BY_ULID_TEXT - 1);
}

/* As by__write_quoted, in one copy: every row has one. */
static void ulid_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	char text[BY_ULID_TEXT + 1];

	(void)field;
	(void)style;
	text[0] = '"';
	by_ulid_print(*(const by_ulid *)value, text + 1);
	text[BY_ULID_TEXT] = '"';
	by_put(out, text, sizeof(text));
}

static bool ulid_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by_ulid_parse(text, value);
}

static by_value ulid_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_ulid(*(const by_ulid *)value);
}

static bool ulid_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	if (from.tag == BY_VALUE_TEXT)
		return by_ulid_parse(from.text, value);
	if (from.tag != BY_VALUE_ULID)
		return false;
	*(by_ulid *)value = from.ulid;
	return true;
}

static void ulid_schema(by_json_writer *out, const by_field *field)
{
	(void)field;
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "format");
	by_json_string(out, "ulid");
	by_json_name(out, "pattern");
	by_json_string(out, "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$");
}

const by_kind by_kind_ulid = {
	.name = "ulid", .expects = "a ULID of 26 characters", .refused = "format",
	.size = sizeof(by_ulid), .sql = BY_SQL_ULID,
	.write = ulid_write, .read = by__read_quoted, .parse = ulid_parse, .print = ulid_print,
	.get = ulid_get, .set = ulid_set, .schema = ulid_schema
};

/* ---- uuid ---- */

static void uuid_print(by_buf *out, const by_field *field, const void *value)
{
	char text[BY_UUID_TEXT];

	(void)field;
	by_uuid_print(*(const by_uuid *)value, text);
	by_put(out, text, BY_UUID_TEXT - 1);
}

static bool uuid_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by_uuid_parse(text, value);
}

static by_value uuid_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_uuid(*(const by_uuid *)value);
}

static bool uuid_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	if (from.tag == BY_VALUE_TEXT)
		return by_uuid_parse(from.text, value);
	if (from.tag != BY_VALUE_UUID)
		return false;
	*(by_uuid *)value = from.uuid;
	return true;
}

static void uuid_schema(by_json_writer *out, const by_field *field)
{
	(void)field;
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "format");
	by_json_string(out, "uuid");
}

const by_kind by_kind_uuid = {
	.name = "uuid", .expects = "a UUID", .refused = "format",
	.size = sizeof(by_uuid), .sql = BY_SQL_UUID,
	.write = by__write_quoted, .read = by__read_quoted, .parse = uuid_parse, .print = uuid_print,
	.get = uuid_get, .set = uuid_set, .schema = uuid_schema
};
