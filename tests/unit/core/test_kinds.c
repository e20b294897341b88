/* Every kind: there and back through JSON, text and tagged values; its limits, and the schema that states them. */
#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include <banyan/json.h>
#include <banyan/kind.h>

#include "tests/unit/unit.h"

#define COLOUR(X) X(colour, red) X(colour, green)
BY_ENUM(colour, COLOUR);
BY_ENUM_NAMES(colour, COLOUR);

typedef struct all {
	bool            flag;
	int32_t         small;
	int64_t         large;
	double          real;
	by_decimal      price;
	const char     *name;
	by_bytes        raw;
	by_time         at;
	by_date         day;
	by_duration     span;
	by_size         size;
	by_ulid         ulid;
	by_uuid         uuid;
	by_json         free;
	by_secret       secret;
	colour          shade;
	BY_LIST(int64)  numbers;
	BY_LIST(string) words;
} all;
BY_DECLARE_MODEL(all);
static const by_field all_fields[] = {
	BY_FIELD(all, flag, .optional = true),
	BY_FIELD(all, small, .optional = true, .minimum = BY_NUM(-5), .exclusive_maximum = BY_NUM(10)),
	BY_FIELD(all, large, .optional = true, .maximum = BY_NUM(INT64_MAX - 1), .multiple_of = BY_NUM(2)),
	BY_FIELD(all, real, .optional = true, .minimum = BY_NUM(0.5), .maximum = BY_NUM(1e3), .multiple_of = BY_NUM(0.1)),
	BY_FIELD(all, price, .optional = true, .minimum = BY_NUM(0), .maximum = BY_NUM(99999999999999.99), .multiple_of = BY_NUM(0.05)),
	BY_FIELD(all, name, .optional = true, .min_length = 2, .max_length = 3, .format = &by_format_slug),
	BY_FIELD(all, raw, .optional = true, .min_length = 1, .max_length = 3),
	BY_FIELD(all, at, .optional = true),
	BY_FIELD(all, day, .optional = true),
	BY_FIELD(all, span, .optional = true, .minimum = BY_NUM(1), .maximum = BY_NUM(60)),
	BY_FIELD(all, size, .optional = true, .maximum = BY_NUM(1 << 20)),
	BY_FIELD(all, ulid, .optional = true),
	BY_FIELD(all, uuid, .optional = true),
	BY_FIELD(all, free, .optional = true),
	BY_FIELD(all, secret, .optional = true, .min_length = 4),
	BY_FIELD_ENUM(all, shade, colour, .optional = true),
	BY_FIELD(all, numbers, .optional = true, .min_items = 1, .max_items = 3, .unique_items = true),
	BY_FIELD(all, words, .optional = true),
};
BY_MODEL(all, all_fields);

static by_arena *arena;

static void prepare(void)
{
	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &all_model));
}

static const by_field *field_of(const char *name)
{
	const by_field *field = by_model_field(&all_model, (by_text){ name, strlen(name) });

	ck_assert_ptr_nonnull(field);
	return field;
}

/* The JSON of one field after reading `json`, or the code of the first fault. */
static const char *round_trip(const char *name, const char *json)
{
	by_faults  *faults = by_faults_new(arena);
	const char *text = by_format(arena, "{\"%s\":%s}", name, json);
	all         a;
	by_buf      out;

	ck_ok(by_json_read(faults, (by_text){ text, strlen(text) }, &all_model, &a, NULL));
	if (by_faults_count(faults) > 0)
		return by_faults_at(faults, 0)->code;
	by_buf_init(&out, arena, 0);
	by_json_write_field(&out, field_of(name), &a, NULL);
	return by_buf_string(&out);
}

/* The text form after parsing `text`, or the code of the first fault. */
static const char *text_trip(const char *name, const char *text)
{
	by_faults      *faults = by_faults_new(arena);
	const by_field *field = field_of(name);
	all             a = { 0 };
	by_buf          out;

	if (!by_field_parse(faults, field, (by_text){ text, strlen(text) }, BY_FAULT_QUERY, name, &a)) {
		ck_assert_str_eq(by_faults_at(faults, 0)->where, name);
		return by_faults_at(faults, 0)->code;
	}
	by_buf_init(&out, arena, 0);
	field->kind->print(&out, field, by_field_value(field, &a));
	return by_buf_string(&out);
}

typedef struct trip {
	const char *field, *given, *expect;
} trip;

START_TEST(json_comes_back_as_it_went_in_or_is_refused_with_a_code)
{
	static const trip trips[] = {
		{ "flag", "true", "true" }, { "flag", "false", "false" }, { "flag", "1", "type" }, { "flag", "\"true\"", "type" },
		{ "small", "-5", "-5" }, { "small", "9", "9" }, { "small", "-6", "minimum" }, { "small", "10", "exclusive_maximum" },
		{ "small", "2147483648", "range" }, { "small", "1.0", "type" }, { "small", "1e0", "type" }, { "small", "\"1\"", "type" },
		{ "large", "9223372036854775806", "9223372036854775806" }, { "large", "-9223372036854775808", "-9223372036854775808" },
		{ "large", "3", "multiple_of" }, { "large", "9223372036854775807", "maximum" }, { "large", "9223372036854775808", "range" },
		{ "large", "-0", "0" },
		{ "real", "0.5", "0.5" }, { "real", "0.7", "0.7" }, { "real", "1000", "1000" }, { "real", "0.55", "multiple_of" },
		{ "real", "0.4", "minimum" }, { "real", "1000.1", "maximum" }, { "real", "1e400", "range" }, { "real", "true", "type" },
		{ "price", "\"12.50\"", "\"12.50\"" }, { "price", "\"0\"", "\"0\"" }, { "price", "\"-0.00\"", "\"-0.00\"" },
		{ "price", "\"99999999999999.95\"", "\"99999999999999.95\"" }, { "price", "\"100000000000000\"", "maximum" },
		{ "price", "\"-0.05\"", "minimum" }, { "price", "\"0.051\"", "multiple_of" }, { "price", "\"0.0500\"", "\"0.0500\"" },
		{ "price", "\"0.03\"", "multiple_of" }, { "price", "12.5", "type" }, { "price", "\"1e2\"", "format" },
		{ "price", "\"01\"", "format" }, { "price", "\".5\"", "format" }, { "price", "\"\"", "format" }, { "price", "\"NaN\"", "format" },
		{ "name", "\"ab\"", "\"ab\"" }, { "name", "\"a\"", "min_length" }, { "name", "\"abcd\"", "max_length" },
		{ "name", "\"A-\"", "format" }, { "name", "5", "type" }, { "name", "\"a\\u0000b\"", "nul" },
		{ "raw", "\"AQ\"", "\"AQ\"" }, { "raw", "\"AQID\"", "\"AQID\"" }, { "raw", "\"\"", "min_length" }, { "raw", "\"AQIDBA\"", "max_length" },
		{ "raw", "\"AQ==\"", "format" }, { "raw", "\"A\"", "format" }, { "raw", "\"AR\"", "format" }, { "raw", "\"+/\"", "format" },
		{ "at", "\"2026-11-20T16:06:52.25+01:00\"", "\"2026-11-20T15:06:52.250Z\"" }, { "at", "\"2026-11-20\"", "format" }, { "at", "5", "type" },
		{ "day", "\"2024-02-29\"", "\"2024-02-29\"" }, { "day", "\"2023-02-29\"", "format" },
		{ "span", "\"1m\"", "\"1m\"" }, { "span", "\"1500ms\"", "\"1s500ms\"" }, { "span", "\"61s\"", "maximum" }, { "span", "\"5\"", "format" },
		{ "span", "\"999ms\"", "minimum" },
		{ "size", "1024", "1024" }, { "size", "1048577", "maximum" }, { "size", "-1", "range" }, { "size", "\"1KiB\"", "type" },
		{ "ulid", "\"01kah2pvz0000000000000000z\"", "\"01KAH2PVZ0000000000000000Z\"" }, { "ulid", "\"81KAH2PVZ0000000000000000Z\"", "format" },
		{ "uuid", "\"0189F7E4-5C3A-7000-8000-0123456789ab\"", "\"0189f7e4-5c3a-7000-8000-0123456789ab\"" }, { "uuid", "\"x\"", "format" },
		{ "free", " [ 1 , {\"a\" : \"b c\"} ] ", "[1,{\"a\":\"b c\"}]" }, { "free", "12", "12" },
		{ "secret", "\"hunter2\"", "null" }, { "secret", "\"abc\"", "min_length" },
		{ "shade", "\"green\"", "\"green\"" }, { "shade", "\"blue\"", "enum" }, { "shade", "1", "type" },
		{ "numbers", "[1,2]", "[1,2]" }, { "numbers", "[]", "min_items" }, { "numbers", "[1,2,3,4]", "max_items" },
		{ "numbers", "[1,2,1]", "unique_items" }, { "numbers", "[1,\"2\"]", "type" }, { "numbers", "{}", "type" },
		{ "words", "[\"a\",\"\"]", "[\"a\",\"\"]" }, { "words", "[null]", "null" },
	};

	prepare();
	for (size_t i = 0; i < BY_COUNT(trips); i++)
		ck_assert_msg(strcmp(round_trip(trips[i].field, trips[i].given), trips[i].expect) == 0, "%s %s: %s, not %s", trips[i].field,
		    trips[i].given, round_trip(trips[i].field, trips[i].given), trips[i].expect);
}
END_TEST

START_TEST(text_comes_back_as_it_went_in_or_is_refused_with_a_code)
{
	static const trip trips[] = {
		{ "flag", "true", "true" }, { "flag", "1", "type" }, { "flag", "", "type" },
		{ "small", "-5", "-5" }, { "small", "+5", "type" }, { "small", "99999999999", "range" }, { "small", "5 ", "type" },
		{ "small", "005", "type" }, { "small", "", "type" }, { "small", "-6", "minimum" },
		{ "large", "4", "4" }, { "large", "0x4", "type" }, { "real", "0.5", "0.5" }, { "real", "inf", "type" }, { "real", "1e999", "range" },
		{ "price", "1.50", "1.50" }, { "price", "1,50", "format" }, { "name", "ab", "ab" }, { "name", "\xff\xff", "type" },
		{ "raw", "_-8", "_-8" }, { "at", "2026-11-20T16:06:52Z", "2026-11-20T16:06:52Z" }, { "day", "2026-11-20", "2026-11-20" },
		{ "span", "30s", "30s" }, { "size", "64KiB", "64KiB" }, { "size", "1MiB", "1MiB" }, { "size", "2kB", "2000" }, { "size", "64KB", "format" },
		{ "size", "99999999TiB", "format" }, { "size", "-1", "format" }, { "size", "", "format" },
		{ "secret", "hunter2", "***" }, { "shade", "red", "red" }, { "shade", "Red", "enum" },
		{ "numbers", "1, 2,3", "[1,2,3]" }, { "numbers", "[1,2]", "[1,2]" }, { "numbers", "1,,2", "type" }, { "numbers", "1,2,", "type" },
		{ "numbers", "1,1", "unique_items" }, { "numbers", "[1,", "type" }, { "words", "", "[]" }, { "free", "{\"a\": 1}", "{\"a\":1}" }, { "free", "{", "format" },
	};

	prepare();
	for (size_t i = 0; i < BY_COUNT(trips); i++)
		ck_assert_msg(strcmp(text_trip(trips[i].field, trips[i].given), trips[i].expect) == 0, "%s %s: %s, not %s", trips[i].field,
		    trips[i].given, text_trip(trips[i].field, trips[i].given), trips[i].expect);
}
END_TEST

static bool sets(const char *name, by_value value, all *a)
{
	return by_field_set(arena, field_of(name), value, a);
}

START_TEST(columns_of_both_databases_fit_their_kinds)
{
	all     a = { 0 };
	by_ulid ulid = by_ulid_new();
	char    text[BY_ULID_TEXT];

	prepare();
	by_ulid_print(ulid, text);
	ck_assert(sets("flag", by_value_int(1), &a) && a.flag);
	ck_assert(!sets("flag", by_value_int(2), &a));
	ck_assert(sets("small", by_value_int(7), &a) && a.small == 7);
	ck_assert(!sets("small", by_value_int(INT64_MAX), &a));
	ck_assert(sets("large", by_value_double(8), &a) && a.large == 8);
	ck_assert(!sets("large", by_value_double(8.5), &a));
	ck_assert(sets("real", by_value_int(3), &a) && a.real == 3);
	ck_assert(!sets("real", by_value_double(NAN), &a));
	ck_assert(sets("price", by_value_string("1.50"), &a) && strcmp(a.price.digits, "1.50") == 0);
	ck_assert(sets("price", by_value_double(0.1), &a) && strcmp(a.price.digits, "0.1") == 0);
	ck_assert(!sets("price", by_value_double(1e300), &a));
	ck_assert(sets("at", by_value_time((by_time){ 5 }), &a) && a.at.us == 5);
	ck_assert(sets("at", by_value_string("1970-01-01T00:00:01Z"), &a) && a.at.us == 1000000);
	ck_assert(sets("at", by_value_int(9), &a) && a.at.us == 9);
	ck_assert(sets("at", by_value_int(253402300799999999), &a));
	ck_assert(!sets("at", by_value_int(253402300800000000), &a));
	ck_assert(sets("at", by_value_time((by_time){ -62135596800000000 }), &a));
	ck_assert(!sets("at", by_value_time((by_time){ -62135596800000001 }), &a));
	ck_assert(!sets("day", by_value_date((by_date){ 2932897 }), &a));
	ck_assert(!sets("span", by_value_int(-1), &a));
	ck_assert(sets("day", by_value_string("1970-01-03"), &a) && a.day.days == 2);
	ck_assert(sets("span", by_value_int(1500), &a) && a.span.us == 1500);
	ck_assert(sets("size", by_value_int(10), &a) && a.size.bytes == 10);
	ck_assert(!sets("size", by_value_int(-10), &a));
	ck_assert(sets("ulid", by_value_string(text), &a) && memcmp(&a.ulid, &ulid, 16) == 0);
	ck_assert(sets("ulid", by_value_ulid(ulid), &a));
	ck_assert(!sets("uuid", by_value_ulid(ulid), &a));
	ck_assert(sets("free", by_value_string("[1]"), &a) && a.free.len == 3);
	ck_assert(!sets("free", by_value_string("[1"), &a));
	ck_assert(sets("shade", by_value_string("green"), &a) && a.shade == colour_green);
	ck_assert(!sets("shade", by_value_string("blue"), &a));
	ck_assert(sets("raw", by_value_bytes((by_bytes){ (const uint8_t *)"\0\1", 2 }), &a) && a.raw.len == 2);
	ck_assert(sets("name", (by_value){ .tag = BY_VALUE_NULL }, &a) && a.name == NULL);
}
END_TEST

START_TEST(every_kind_gives_its_value_back_tagged)
{
	static const char *const names[] = { "flag", "small", "large", "real", "price", "name", "raw", "at", "day", "span", "size", "ulid",
		"uuid", "free", "shade" };
	all                      a = { .flag = true, .small = 1, .large = 2, .real = 3, .price = { "4" }, .name = "five",
		.raw = { (const uint8_t *)"6", 1 }, .at = { 7 }, .day = { 8 }, .span = { 9 }, .size = { 10 }, .ulid = { { 11 } }, .uuid = { { 12 } },
		.free = { "13", 2 }, .secret = { "14" }, .shade = colour_green };
	all                      b = { 0 };

	prepare();
	for (size_t i = 0; i < BY_COUNT(names); i++) {
		by_value value = by_field_get(field_of(names[i]), &a);

		ck_assert_msg(value.tag != BY_VALUE_NULL, "%s", names[i]);
		ck_assert_msg(sets(names[i], value, &b), "%s", names[i]);
	}
	ck_assert_str_eq(b.name, "five");
	ck_assert_uint_eq(b.size.bytes, 10);
	ck_assert_int_eq(by_field_get(field_of("secret"), &a).tag, BY_VALUE_NULL);
	ck_assert_int_eq(by_field_get(field_of("numbers"), &a).tag, BY_VALUE_NULL);
}
END_TEST

static const char *schema_of(const char *name)
{
	by_buf         out;
	by_json_writer w;

	by_buf_init(&out, arena, 0);
	by_json_writer_init(&w, &out);
	by_json_object(&w);
	field_of(name)->kind->schema(&w, field_of(name));
	by_json_object_end(&w);
	return by_buf_string(&out);
}

START_TEST(schemas_state_what_is_enforced)
{
	prepare();
	ck_assert_str_eq(schema_of("flag"), "{\"type\":\"boolean\"}");
	ck_assert_str_eq(schema_of("small"), "{\"type\":\"integer\",\"format\":\"int32\",\"minimum\":-5,\"exclusiveMaximum\":10}");
	ck_assert_str_eq(schema_of("large"),
	    "{\"type\":\"integer\",\"format\":\"int64\",\"maximum\":9223372036854775806,\"multipleOf\":2}");
	ck_assert_str_eq(schema_of("real"),
	    "{\"type\":\"number\",\"format\":\"double\",\"minimum\":0.5,\"maximum\":1e3,\"multipleOf\":0.1}");
	ck_assert_str_eq(schema_of("name"), "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3,\"format\":\"slug\"}");
	ck_assert_str_eq(schema_of("raw"), "{\"type\":\"string\",\"contentEncoding\":\"base64url\",\"pattern\":\"^[A-Za-z0-9_-]*$\","
	    "\"minLength\":2,\"maxLength\":4}");
	ck_assert_str_eq(schema_of("shade"), "{\"type\":\"string\",\"enum\":[\"red\",\"green\"]}");
	ck_assert_str_eq(schema_of("numbers"), "{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"format\":\"int64\"},"
	    "\"minItems\":1,\"maxItems\":3,\"uniqueItems\":true}");
	ck_assert_str_eq(schema_of("at"), "{\"type\":\"string\",\"format\":\"date-time\"}");
	ck_assert_str_eq(schema_of("free"), "{}");
}
END_TEST

START_TEST(what_is_written_is_what_json_c_reads)
{
	all     a = { .name = "q\"\\/\b\f\n\r\t\x01\x7f \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", .real = 0.1, .price = { "1.10" }, .free = { "{\"x\":[null]}", 12 } };
	by_buf  out;

	prepare();
	by_buf_init(&out, arena, 0);
	by_json_write(&out, &all_model, &a, NULL);
	struct json_object *object = json_tokener_parse(by_buf_string(&out));

	ck_assert_ptr_nonnull(object);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(object, "name")), a.name);
	ck_assert_double_eq(json_object_get_double(json_object_object_get(object, "real")), 0.1);
	ck_assert_str_eq(json_object_get_string(json_object_object_get(object, "price")), "1.10");
	ck_assert_str_eq(json_object_to_json_string_ext(json_object_object_get(object, "free"), JSON_C_TO_STRING_PLAIN), "{\"x\":[null]}");
	json_object_put(object);
}
END_TEST

UNIT("kinds", json_comes_back_as_it_went_in_or_is_refused_with_a_code, text_comes_back_as_it_went_in_or_is_refused_with_a_code,
    columns_of_both_databases_fit_their_kinds, every_kind_gives_its_value_back_tagged, schemas_state_what_is_enforced,
    what_is_written_is_what_json_c_reads);
