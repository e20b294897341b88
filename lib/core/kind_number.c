/* Kinds of numbers: bool, int32, int64, double, decimal, size. */
#include <math.h>
#include <string.h>

#include "core/constraint.h"
#include "core/json_reader.h"
#include "core/number.h"

static bool text_is(by_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* ---- bool ---- */

static void bool_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	if (*(const bool *)value)
		BY_PUT(out, "true");
	else
		BY_PUT(out, "false");
}

static void bool_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)style;
	bool_print(out, field, value);
}

static bool bool_read(by_json_reader *r, const by_field *field, void *value)
{
	if (by_json_peek(r) != BY_JSON_BOOL)
		return by_json_wrong_type(r, field);
	return by_json_read_bool(r, value);
}

static bool bool_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	bool is_true = text_is(text, "true");

	if (!is_true && !text_is(text, "false"))
		return false;
	*(bool *)value = is_true;
	return true;
}

static by_value bool_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_bool(*(const bool *)value);
}

static bool bool_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	if (from.tag == BY_VALUE_TEXT)
		return bool_parse(arena, field, from.text, value);
	if (from.tag == BY_VALUE_INT && (from.integer == 0 || from.integer == 1))
		*(bool *)value = from.integer == 1;
	else if (from.tag == BY_VALUE_BOOL)
		*(bool *)value = from.boolean;
	else
		return false;
	return true;
}

static void bool_schema(by_json_writer *out, const by_field *field)
{
	(void)field;
	by_json_name(out, "type");
	by_json_string(out, "boolean");
}

const by_kind by_kind_bool = {
	.name = "bool", .expects = "true or false", .size = sizeof(bool), .sql = BY_SQL_BOOLEAN,
	.write = bool_write, .read = bool_read, .parse = bool_parse, .print = bool_print,
	.get = bool_get, .set = bool_set, .schema = bool_schema
};

/* ---- int32, int64 ---- */

static bool integer_digits(by_text text)
{
	return memchr(text.ptr, '.', text.len) == NULL && memchr(text.ptr, 'e', text.len) == NULL
	    && memchr(text.ptr, 'E', text.len) == NULL;
}

/* Reads an integer between both; 3.0 and 3e0 are of the wrong type, however whole they are. */
static bool integer_read(by_json_reader *r, const by_field *field, int64_t least, int64_t most, int64_t *integer)
{
	by_text digits;

	if (by_json_peek(r) != BY_JSON_NUMBER)
		return by_json_wrong_type(r, field);
	if (!by_json_read_number(r, &digits))
		return false;
	if (!integer_digits(digits)) {
		by_json_fault(r, "type", "must be %s", field->kind->expects);
		return false;
	}
	if (!by__int_parse(digits, integer) || *integer < least || *integer > most) {
		by_json_fault(r, "range", "is outside the range of %s", field->kind->expects);
		return false;
	}
	return true;
}

static bool integer_from(by_value from, int64_t *integer)
{
	switch (from.tag) {
	case BY_VALUE_INT: *integer = from.integer; return true;
	case BY_VALUE_BOOL: *integer = from.boolean; return true;
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL: return by__int_parse(from.text, integer);
	case BY_VALUE_DOUBLE:
		if (!(fabs(from.real) <= 9007199254740992.0) || from.real != floor(from.real))
			return false;
		*integer = (int64_t)from.real;
		return true;
	default: return false;
	}
}

static void int32_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_int(out, *(const int32_t *)value);
}

static void int32_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)field;
	(void)style;
	by_put_int(out, *(const int32_t *)value);
}

static bool int32_read(by_json_reader *r, const by_field *field, void *value)
{
	int64_t integer = 0;

	if (!integer_read(r, field, INT32_MIN, INT32_MAX, &integer))
		return false;
	*(int32_t *)value = (int32_t)integer;
	return by__read_checked(r, field, value);
}

static bool int32_store(int64_t integer, void *value)
{
	if (integer < INT32_MIN || integer > INT32_MAX)
		return false;
	*(int32_t *)value = (int32_t)integer;
	return true;
}

static bool int32_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	int64_t integer;

	(void)arena;
	(void)field;
	return by__number_is(text) && by__int_parse(text, &integer) && int32_store(integer, value);
}

static by_value int32_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_int(*(const int32_t *)value);
}

static bool int32_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	int64_t integer;

	(void)arena;
	(void)field;
	return integer_from(from, &integer) && int32_store(integer, value);
}

static void int32_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	by__check_integer(faults, field, *(const int32_t *)value, where);
}

static void integer_schema(by_json_writer *out, const by_field *field, const char *format)
{
	by_json_name(out, "type");
	by_json_string(out, "integer");
	by_json_name(out, "format");
	by_json_string(out, format);
	by__schema_limits(out, field);
}

static void int32_schema(by_json_writer *out, const by_field *field)
{
	integer_schema(out, field, "int32");
}

const by_kind by_kind_int32 = {
	.name = "int32", .expects = "an integer of 32 bits", .size = sizeof(int32_t), .sql = BY_SQL_INTEGER,
	.takes = BY_TAKES_LIMITS | BY_TAKES_MULTIPLE,
	.write = int32_write, .read = int32_read, .parse = int32_parse, .print = int32_print,
	.get = int32_get, .set = int32_set, .check = int32_check, .schema = int32_schema
};

static void int64_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_int(out, *(const int64_t *)value);
}

static void int64_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)field;
	(void)style;
	by_put_int(out, *(const int64_t *)value);
}

static bool int64_read(by_json_reader *r, const by_field *field, void *value)
{
	return integer_read(r, field, INT64_MIN, INT64_MAX, value) && by__read_checked(r, field, value);
}

static bool int64_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by__number_is(text) && by__int_parse(text, value);
}

static by_value int64_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_int(*(const int64_t *)value);
}

static bool int64_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	return integer_from(from, value);
}

static void int64_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	by__check_integer(faults, field, *(const int64_t *)value, where);
}

static void int64_schema(by_json_writer *out, const by_field *field)
{
	integer_schema(out, field, "int64");
}

const by_kind by_kind_int64 = {
	.name = "int64", .expects = "an integer", .size = sizeof(int64_t), .sql = BY_SQL_BIGINT,
	.takes = BY_TAKES_LIMITS | BY_TAKES_MULTIPLE,
	.write = int64_write, .read = int64_read, .parse = int64_parse, .print = int64_print,
	.get = int64_get, .set = int64_set, .check = int64_check, .schema = int64_schema
};

/* ---- double ---- */

static void double_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_double(out, *(const double *)value);
}

static void double_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)field;
	(void)style;
	by_put_double(out, *(const double *)value);
}

static bool double_read(by_json_reader *r, const by_field *field, void *value)
{
	by_text digits;

	if (by_json_peek(r) != BY_JSON_NUMBER)
		return by_json_wrong_type(r, field);
	if (!by_json_read_number(r, &digits))
		return false;
	if (!by__double_parse(digits, value)) {
		by_json_fault(r, "range", "is outside the range of %s", field->kind->expects);
		return false;
	}
	return by__read_checked(r, field, value);
}

static bool double_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by__double_parse(text, value);
}

static by_value double_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_double(*(const double *)value);
}

static bool double_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	switch (from.tag) {
	case BY_VALUE_DOUBLE: *(double *)value = from.real; return isfinite(from.real);
	case BY_VALUE_INT: *(double *)value = (double)from.integer; return true;
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL: return by__double_parse(from.text, value);
	default: return false;
	}
}

static void double_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	if (!isfinite(*(const double *)value))
		by_fault_at(faults, where, "range", "must be finite");
	else
		by__check_real(faults, field, *(const double *)value, where);
}

static void double_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "number");
	by_json_name(out, "format");
	by_json_string(out, "double");
	by__schema_limits(out, field);
}

const by_kind by_kind_double = {
	.name = "double", .expects = "a number", .size = sizeof(double), .sql = BY_SQL_DOUBLE,
	.takes = BY_TAKES_LIMITS | BY_TAKES_MULTIPLE,
	.write = double_write, .read = double_read, .parse = double_parse, .print = double_print,
	.get = double_get, .set = double_set, .check = double_check, .schema = double_schema
};

/* ---- decimal: a string in JSON, since most readers of JSON numbers round them ---- */

static void decimal_print(by_buf *out, const by_field *field, const void *value)
{
	(void)field;
	by_put_string(out, ((const by_decimal *)value)->digits);
}

static bool decimal_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)field;
	if (!by__decimal_is(text))
		return false;
	((by_decimal *)value)->digits = by_copy_text(arena, text);
	return true;
}

static by_value decimal_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_decimal(*(const by_decimal *)value);
}

static bool decimal_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	char digits[BY__DOUBLE_TEXT];

	switch (from.tag) {
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL: return decimal_parse(arena, field, from.text, value);
	case BY_VALUE_INT: return decimal_parse(arena, field, (by_text){ digits, by__int_print(from.integer, digits) }, value);
	case BY_VALUE_DOUBLE: /* SQLite's NUMERIC columns hold what fits as a double */
		return isfinite(from.real)
		    && decimal_parse(arena, field, (by_text){ digits, by__double_print(from.real, digits) }, value);
	default: return false;
	}
}

static void decimal_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	by__check_decimal(faults, field, ((const by_decimal *)value)->digits, where);
}

static void decimal_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "format");
	by_json_string(out, "decimal");
	by_json_name(out, "pattern");
	by_json_string(out, "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$");
	by__schema_limits(out, field);
}

const by_kind by_kind_decimal = {
	.name = "decimal", .expects = "a decimal number as text, such as \"12.50\"", .refused = "format",
	.size = sizeof(by_decimal), .nullable = true, .sql = BY_SQL_NUMERIC, .takes = BY_TAKES_LIMITS | BY_TAKES_MULTIPLE,
	.write = by__write_quoted, .read = by__read_quoted, .parse = decimal_parse, .print = decimal_print,
	.get = decimal_get, .set = decimal_set, .check = decimal_check, .schema = decimal_schema
};

/* ---- size: an integer of bytes in JSON; "64KiB" in settings ---- */

static const struct {
	const char *name;
	uint64_t    bytes;
} size_units[] = {
	{ "TiB", (uint64_t)1 << 40 }, { "GiB", (uint64_t)1 << 30 }, { "MiB", (uint64_t)1 << 20 }, { "KiB", (uint64_t)1 << 10 },
	{ "TB", 1000000000000u }, { "GB", 1000000000u }, { "MB", 1000000u }, { "kB", 1000u }, { "B", 1 }, { "", 1 }
};

static bool size_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	size_t  len = 0;
	int64_t number;

	(void)arena;
	(void)field;
	while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
		len++;
	by_text unit = { text.ptr + len, text.len - len };

	if (!by__int_parse((by_text){ text.ptr, len }, &number))
		return false;
	for (size_t i = 0; i < BY_COUNT(size_units); i++) {
		uint64_t bytes;

		if (!text_is(unit, size_units[i].name))
			continue;
		if (__builtin_mul_overflow((uint64_t)number, size_units[i].bytes, &bytes) || bytes > INT64_MAX)
			return false;
		((by_size *)value)->bytes = bytes;
		return true;
	}
	return false;
}

static void size_print(by_buf *out, const by_field *field, const void *value)
{
	uint64_t bytes = ((const by_size *)value)->bytes;

	(void)field;
	for (size_t i = 0; i < 4 && bytes > 0; i++)
		if (bytes % size_units[i].bytes == 0) {
			by_put_uint(out, bytes / size_units[i].bytes);
			by_put_string(out, size_units[i].name);
			return;
		}
	by_put_uint(out, bytes);
}

static void size_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)field;
	(void)style;
	by_put_uint(out, ((const by_size *)value)->bytes);
}

static bool size_read(by_json_reader *r, const by_field *field, void *value)
{
	int64_t bytes = 0;

	if (!integer_read(r, field, 0, INT64_MAX, &bytes))
		return false;
	((by_size *)value)->bytes = (uint64_t)bytes;
	return by__read_checked(r, field, value);
}

static by_value size_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_uint(((const by_size *)value)->bytes);
}

static bool size_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	int64_t bytes;

	if (from.tag == BY_VALUE_TEXT)
		return size_parse(arena, field, from.text, value);
	if (!integer_from(from, &bytes) || bytes < 0)
		return false;
	((by_size *)value)->bytes = (uint64_t)bytes;
	return true;
}

static void size_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	uint64_t bytes = ((const by_size *)value)->bytes;

	by__check_integer(faults, field, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes, where);
}

static void size_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "integer");
	by_json_name(out, "format");
	by_json_string(out, "int64");
	if (!field->minimum.set) {
		by_json_name(out, "minimum");
		by_json_int(out, 0);
	}
	by__schema_limits(out, field);
}

const by_kind by_kind_size = {
	.name = "size", .expects = "a number of bytes, such as 64KiB", .refused = "format",
	.size = sizeof(by_size), .sql = BY_SQL_BIGINT, .takes = BY_TAKES_LIMITS | BY_TAKES_MULTIPLE,
	.write = size_write, .read = size_read, .parse = size_parse, .print = size_print,
	.get = size_get, .set = size_set, .check = size_check, .schema = size_schema
};
