/* Kinds of text and bytes: string, secret, enum, bytes. */
#include <string.h>

#include <banyan/assert.h>

#include "core/constraint.h"
#include "core/json_reader.h"
#include "core/pattern.h"
#include "core/utf8.h"

/* ---- string ---- */

static by_text string_text(const void *value)
{
	const char *string = *(const char *const *)value;

	return (by_text){ string, strlen(string) };
}

static void string_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_text(out, string_text(value));
}

static void string_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)field;
	(void)style;
	by_put_json_text(out, string_text(value));
}

/* A string of the reader's, which is UTF-8 already, as members of structs are: a NUL behind it and none inside. */
static bool read_c_string(by_json_reader *r, const by_field *field, const char **string)
{
	by_text text;

	if (by_json_peek(r) != BY_JSON_STRING)
		return by_json_wrong_type(r, field);
	if (!by_json_read_string(r, &text))
		return false;
	if (memchr(text.ptr, '\0', text.len) != NULL) {
		by_json_fault(r, "nul", "must not hold the character U+0000");
		return false;
	}
	*string = by_copy_text(r->arena, text);
	return true;
}

static bool string_read(by_json_reader *r, const by_field *field, void *value)
{
	return read_c_string(r, field, value) && by__read_checked(r, field, value);
}

static bool string_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)field;
	const char *copy = by__copy_utf8(arena, text);

	if (copy == NULL)
		return false;
	*(const char **)value = copy;
	return true;
}

static by_value string_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_text(string_text(value));
}

static bool string_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	switch (from.tag) {
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL:
	case BY_VALUE_JSON: return string_parse(arena, field, from.text, value);
	default: return false;
	}
}

static void check_pattern(by_faults *faults, const by_field *field, by_text text, const by_where *where)
{
	switch (by__pattern_match(field->pattern, text)) {
	case BY__PATTERN_MATCH: return;
	case BY__PATTERN_NO_MATCH: by_fault_at(faults, where, "pattern", "must match the pattern %s", field->pattern); return;
	case BY__PATTERN_LIMIT: by_fault_at(faults, where, "pattern", "is too intricate to be matched"); return;
	}
}

/* A character has one to four bytes: mostly that is enough to know, without counting. */
static bool surely_fits(const by_field *field, size_t bytes)
{
	return (field->max_length == 0 || bytes <= field->max_length) && (bytes + 3) / 4 >= field->min_length;
}

static void string_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	if (field->min_length == 0 && field->max_length == 0 && field->pattern == NULL && field->format == NULL)
		return;
	by_text text = string_text(value);

	if (!surely_fits(field, text.len))
		by__check_length(faults, field, by__utf8_count(text), "character", where);
	/* An overlong text is refused already: it is not worth matching. */
	bool overlong = field->max_length > 0 && text.len / 4 > field->max_length;

	if (field->pattern != NULL && !overlong)
		check_pattern(faults, field, text, where);
	if (field->format != NULL && !overlong && !field->format->accept(text))
		by_fault_at(faults, where, "format", "must have the format %s", field->format->name);
}

static void string_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by__schema_length(out, field);
	if (field->pattern != NULL) {
		by_json_name(out, "pattern");
		by_json_string(out, field->pattern);
	}
	if (field->format != NULL) {
		by_json_name(out, "format");
		by_json_string(out, field->format->name);
	}
}

const by_kind by_kind_string = {
	.name = "string", .expects = "a string", .size = sizeof(const char *), .nullable = true, .sql = BY_SQL_TEXT,
	.takes = BY_TAKES_LENGTH | BY_TAKES_PATTERN,
	.write = string_write, .read = string_read, .parse = string_parse, .print = string_print,
	.get = string_get, .set = string_set, .check = string_check, .schema = string_schema
};

/* ---- secret: read like a string, never written; no column, no tagged value ---- */

static void secret_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	(void)value;
	BY_PUT(out, "***");
}

static bool secret_read(by_json_reader *r, const by_field *field, void *value)
{
	return read_c_string(r, field, &((by_secret *)value)->value) && by__read_checked(r, field, value);
}

static bool secret_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	return string_parse(arena, field, text, &((by_secret *)value)->value);
}

static bool secret_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	return from.tag == BY_VALUE_TEXT && secret_parse(arena, field, from.text, value);
}

static void secret_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	string_check(faults, field, &((const by_secret *)value)->value, where);
}

static void secret_schema(by_json_writer *out, const by_field *field)
{
	string_schema(out, field);
	if (field->format == NULL) {
		by_json_name(out, "format");
		by_json_string(out, "password");
	}
}

const by_kind by_kind_secret = {
	.name = "secret", .expects = "a string", .size = sizeof(by_secret), .nullable = true, .sql = BY_SQL_NONE,
	.takes = BY_TAKES_LENGTH | BY_TAKES_PATTERN,
	.write = by__write_quoted, .read = secret_read, .parse = secret_parse, .print = secret_print,
	.set = secret_set, .check = secret_check, .schema = secret_schema
};

/* ---- enum: an int in memory, its name everywhere else ---- */

static const char *enum_name(const by_field *field, const void *value)
{
	int number = *(const int *)value;

	return number >= 0 && (size_t)number < field->values->count ? field->values->values[number] : "";
}

static void enum_print(by_buf *out, const by_field *field, const void *value)
{
	by_put_string(out, enum_name(field, value));
}

static bool enum_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	for (size_t i = 0; i < field->values->count; i++) {
		const char *name = field->values->values[i];

		if (strlen(name) == text.len && memcmp(name, text.ptr, text.len) == 0) {
			*(int *)value = (int)i;
			return true;
		}
	}
	return false;
}

static const char *enum_list(by_arena *arena, const by_field *field)
{
	by_buf out;

	by_buf_init(&out, arena, 0);
	for (size_t i = 0; i < field->values->count; i++) {
		if (i > 0)
			BY_PUT(&out, ", ");
		by_put_string(&out, field->values->values[i]);
	}
	return by_buf_string(&out);
}

static bool enum_read(by_json_reader *r, const by_field *field, void *value)
{
	by_text text;

	if (by_json_peek(r) != BY_JSON_STRING)
		return by_json_wrong_type(r, field);
	if (!by_json_read_string(r, &text))
		return false;
	if (enum_parse(r->arena, field, text, value))
		return true;
	by_json_fault(r, "enum", "must be one of %s", enum_list(r->arena, field));
	return false;
}

static by_value enum_get(const by_field *field, const void *value)
{
	return by_value_string(enum_name(field, value));
}

static bool enum_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	return from.tag == BY_VALUE_TEXT && enum_parse(arena, field, from.text, value);
}

static void enum_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	int number = *(const int *)value;

	if (number < 0 || (size_t)number >= field->values->count)
		by_fault_at(faults, where, "enum", "must be one of %s", enum_list(by_faults_arena(faults), field));
}

static void enum_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "enum");
	by_json_array(out);
	for (size_t i = 0; i < field->values->count; i++)
		by_json_string(out, field->values->values[i]);
	by_json_array_end(out);
}

const by_kind by_kind_enum = {
	.name = "enum", .expects = "one of the listed values", .refused = "enum", .size = sizeof(int), .sql = BY_SQL_TEXT,
	.write = by__write_quoted, .read = enum_read, .parse = enum_parse, .print = enum_print,
	.get = enum_get, .set = enum_set, .check = enum_check, .schema = enum_schema
};

/* ---- bytes: base64url without padding (RFC 4648 section 5) ---- */

static void bytes_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_base64url(out, *(const by_bytes *)value);
}

static int base64url_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Strict: no padding, no other characters, and the bits behind the last byte are zero. */
static bool bytes_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	uint8_t *out = by_try_alloc(arena, text.len / 4 * 3 + 3);
	size_t   len = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	(void)field;
	if (out == NULL || text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = base64url_digit(text.ptr[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	if (bits != 0)
		return false;
	*(by_bytes *)value = (by_bytes){ out, len };
	return true;
}

static by_value bytes_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_bytes(*(const by_bytes *)value);
}

static bool bytes_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	by_text raw = from.text;

	(void)field;
	if (from.tag == BY_VALUE_BYTES)
		raw = (by_text){ (const char *)from.bytes.ptr, from.bytes.len };
	else if (from.tag != BY_VALUE_TEXT)
		return false;
	uint8_t *copy = by_alloc_raw(arena, raw.len + 1);

	if (raw.len > 0)
		memcpy(copy, raw.ptr, raw.len);
	*(by_bytes *)value = (by_bytes){ copy, raw.len };
	return true;
}

static void bytes_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	by__check_length(faults, field, ((const by_bytes *)value)->len, "byte", where);
}

/* n bytes are this many base64url digits. */
static int64_t base64url_length(size_t bytes)
{
	return (int64_t)(bytes / 3 * 4 + (bytes % 3 ? bytes % 3 + 1 : 0));
}

static void bytes_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "contentEncoding");
	by_json_string(out, "base64url");
	by_json_name(out, "pattern");
	by_json_string(out, "^[A-Za-z0-9_-]*$");
	if (field->min_length > 0) {
		by_json_name(out, "minLength");
		by_json_int(out, base64url_length(field->min_length));
	}
	if (field->max_length > 0) {
		by_json_name(out, "maxLength");
		by_json_int(out, base64url_length(field->max_length));
	}
}

const by_kind by_kind_bytes = {
	.name = "bytes", .expects = "bytes in base64url without padding", .refused = "format",
	.size = sizeof(by_bytes), .nullable = true, .sql = BY_SQL_BYTES, .takes = BY_TAKES_LENGTH,
	.write = by__write_quoted, .read = by__read_quoted, .parse = bytes_parse, .print = bytes_print,
	.get = bytes_get, .set = bytes_set, .check = bytes_check, .schema = bytes_schema
};
