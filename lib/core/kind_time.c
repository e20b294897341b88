/* Kinds of time: time, date, duration. */
#include <math.h>
#include <string.h>

#include "core/constraint.h"
#include "core/number.h"

/* Years 0001 to 9999. */
#define FIRST_DAY INT64_C(-719162)
#define LAST_DAY INT64_C(2932896)
#define DAY INT64_C(86400000000)

static void put_schema(by_json_writer *out, const char *format)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "format");
	by_json_string(out, format);
}

/* ---- time ---- */

static void time_print(by_buf *out, const by_field *field, const void *value)
{
	char text[BY_TIME_TEXT];

	(void)field;
	by_put(out, text, by_time_print(*(const by_time *)value, text));
}

/* As by__write_quoted, in one copy: pages are full of times. */
static void time_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	char text[BY_TIME_TEXT + 2] = "\"";

	(void)field;
	(void)style;
	size_t len = by_time_print(*(const by_time *)value, text + 1);

	text[len + 1] = '"';
	by_put(out, text, len + 2);
}

static bool time_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by_time_parse(text, value);
}

static by_value time_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_time(*(const by_time *)value);
}

/* A database may hold instants that RFC 3339 cannot write. */
static bool time_store(int64_t us, void *value)
{
	if (us < FIRST_DAY * DAY || us >= (LAST_DAY + 1) * DAY)
		return false;
	((by_time *)value)->us = us;
	return true;
}

static bool time_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	switch (from.tag) {
	case BY_VALUE_TIME: return time_store(from.time.us, value);
	case BY_VALUE_INT: return time_store(from.integer, value);
	case BY_VALUE_TEXT: return by_time_parse(from.text, value);
	default: return false;
	}
}

static void time_schema(by_json_writer *out, const by_field *field)
{
	(void)field;
	put_schema(out, "date-time");
}

const by_kind by_kind_time = {
	.name = "time", .expects = "a time as RFC 3339 writes it, such as 2026-11-20T16:06:52Z", .refused = "format",
	.size = sizeof(by_time), .sql = BY_SQL_TIMESTAMP,
	.write = time_write, .read = by__read_quoted, .parse = time_parse, .print = time_print,
	.get = time_get, .set = time_set, .schema = time_schema
};

/* ---- date ---- */

static void date_print(by_buf *out, const by_field *field, const void *value)
{
	char text[BY_DATE_TEXT];

	(void)field;
	by_put(out, text, by_date_print(*(const by_date *)value, text));
}

static bool date_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by_date_parse(text, value);
}

static by_value date_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_date(*(const by_date *)value);
}

static bool date_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	if (from.tag == BY_VALUE_TEXT)
		return by_date_parse(from.text, value);
	if (from.tag != BY_VALUE_DATE || from.date.days < FIRST_DAY || from.date.days > LAST_DAY)
		return false;
	*(by_date *)value = from.date;
	return true;
}

static void date_schema(by_json_writer *out, const by_field *field)
{
	(void)field;
	put_schema(out, "date");
}

const by_kind by_kind_date = {
	.name = "date", .expects = "a date, such as 2026-11-20", .refused = "format",
	.size = sizeof(by_date), .sql = BY_SQL_DATE,
	.write = by__write_quoted, .read = by__read_quoted, .parse = date_parse, .print = date_print,
	.get = date_get, .set = date_set, .schema = date_schema
};

/* ---- duration: "1h30m" in JSON and settings, microseconds in SQL ---- */

static void duration_print(by_buf *out, const by_field *field, const void *value)
{
	char text[48];

	(void)field;
	by_put(out, text, by_duration_print(*(const by_duration *)value, text));
}

static bool duration_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	(void)arena;
	(void)field;
	return by_duration_parse(text, value);
}

static by_value duration_get(const by_field *field, const void *value)
{
	(void)field;
	return by_value_int(((const by_duration *)value)->us);
}

static bool duration_set(by_arena *arena, const by_field *field, by_value from, void *value)
{
	(void)arena;
	(void)field;
	if (from.tag == BY_VALUE_TEXT)
		return by_duration_parse(from.text, value);
	if (from.tag != BY_VALUE_INT || from.integer < 0)
		return false;
	((by_duration *)value)->us = from.integer;
	return true;
}

static void duration_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	by__check_duration(faults, field, *(const by_duration *)value, where);
}

static void duration_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "string");
	by_json_name(out, "pattern");
	by_json_string(out, "^(0|(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?([0-9]+us)?)$");
	by__schema_limits(out, field);
}

const by_kind by_kind_duration = {
	.name = "duration", .expects = "a duration, such as 250ms, 30s or 1h30m", .refused = "format",
	.size = sizeof(by_duration), .sql = BY_SQL_BIGINT, .takes = BY_TAKES_LIMITS,
	.write = by__write_quoted, .read = by__read_quoted, .parse = duration_parse, .print = duration_print,
	.get = duration_get, .set = duration_set, .check = duration_check, .schema = duration_schema
};
