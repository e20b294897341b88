/* The output buffer: growth, sinks, sticky errors, and the text forms of numbers and strings. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <banyan/buf.h>

#include "core/number.h"
#include "unit/unit.h"

static by_arena *arena;
static by_buf    buf;

static const char *written(void)
{
	const char *string = by_buf_string(&buf);

	buf.len = 0;
	return string;
}

static void begin(void)
{
	arena = by_arena_new(0);
	by_buf_init(&buf, arena, 1);
}

START_TEST(strings_are_escaped_as_rfc_8259_says)
{
	begin();
	by_put_json_text(&buf, BY_TEXT("plain text, longer than eight bytes"));
	ck_assert_str_eq(written(), "\"plain text, longer than eight bytes\"");
	by_put_json_text(&buf, BY_TEXT("a\"b\\c\n\t\r\b\f\x01\x1f\0z"));
	ck_assert_str_eq(written(), "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f\\u0000z\"");
	by_put_json_text(&buf, BY_TEXT("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xac"));
	ck_assert_str_eq(written(), "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\xac\"");
	by_arena_free(&arena);
}
END_TEST

START_TEST(invalid_utf8_never_leaves_the_process)
{
	static const char *const rows[] = { "\xff", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
		"\xf0\x9f\x94", "\x80" };

	begin();
	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by_put_json_text(&buf, (by_text){ rows[i], strlen(rows[i]) });
		const char *out = written();

		ck_assert_msg(strncmp(out, "\"\xef\xbf\xbd", 4) == 0, "row %zu", i);
		for (const char *at = out; *at != '\0'; at++)
			ck_assert_msg((unsigned char)*at != (unsigned char)rows[i][0] || *at == '\xef', "row %zu", i);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(every_byte_before_every_length_reads_back_with_json_c)
{
	char text[40];

	begin();
	for (size_t len = 1; len < sizeof(text); len++) {
		for (int c = 0; c < 128; c++) {
			memset(text, 'x', len);
			text[len / 2] = (char)c;
			by_put_json_text(&buf, (by_text){ text, len });
			struct json_object *back = json_tokener_parse(written());

			ck_assert_ptr_nonnull(back);
			ck_assert_int_eq(json_object_get_string_len(back), (int)len);
			ck_assert_mem_eq(json_object_get_string(back), text, len);
			json_object_put(back);
		}
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(doubles_are_shortest_and_exact)
{
	static const struct { double value; const char *printed; } rows[] = { { 0, "0" }, { -0.0, "-0" }, { 1, "1" },
		{ 0.1, "0.1" }, { 29.97, "29.97" }, { -2.5, "-2.5" }, { 0.065, "0.065" }, { 1e21, "1e+21" }, { 5e-324, "5e-324" },
		{ 0.30000000000000004, "0.30000000000000004" }, { 123456789.25, "123456789.25" }, { 100, "100" }, { 1.05, "1.05" } };
	uint64_t state = 88172645463325252u;

	begin();
	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by_put_double(&buf, rows[i].value);
		ck_assert_str_eq(written(), rows[i].printed);
	}
	for (int i = 0; i < 200000; i++) {
		double value, back;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(&value, &state, sizeof(value));
		if (i % 2)
			value = (double)(int64_t)(state % 100000000) / 1000.0;
		if (!isfinite(value))
			continue;
		by_put_double(&buf, value);
		size_t len = buf.len;

		ck_assert(by__double_parse((by_text){ written(), len }, &back));
		ck_assert_msg(memcmp(&value, &back, sizeof(value)) == 0, "%.17g", value);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(integers_reach_their_limits)
{
	static const int64_t rows[] = { 0, 9, 10, 99, 100, -1, -10, INT64_MAX, INT64_MIN, 1234567890123 };
	int64_t back;
	char    expected[32];

	begin();
	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		snprintf(expected, sizeof(expected), "%lld", (long long)rows[i]);
		by_put_int(&buf, rows[i]);
		ck_assert_str_eq(written(), expected);
		ck_assert(by__int_parse((by_text){ expected, strlen(expected) }, &back));
		ck_assert_int_eq(back, rows[i]);
	}
	ck_assert(!by__int_parse(BY_TEXT("9223372036854775808"), &back));
	ck_assert(!by__int_parse(BY_TEXT("-9223372036854775809"), &back));
	ck_assert(!by__int_parse(BY_TEXT("-"), &back));
	ck_assert(!by__int_parse(BY_TEXT("1 "), &back));
	ck_assert(!by__int_parse(BY_TEXT(""), &back));
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_is_no_number_sets_the_sticky_error)
{
	begin();
	by_put_double(&buf, NAN);
	BY_PUT(&buf, "more");
	ck_assert_uint_eq(buf.len, 0);
	ck_fails(by_buf_finish(&buf), INTERNAL);
	by_arena_free(&arena);
}
END_TEST

typedef struct collector {
	by_sink base;
	size_t  calls;
	size_t  bytes;
	size_t  fail_at;
} collector;

static by_error *collect(by_sink *sink, const char *data, size_t len)
{
	collector *into = (collector *)sink;

	for (size_t i = 0; i < len; i++)
		ck_assert_int_eq(data[i], (char)('a' + (into->bytes + i) % 26));
	into->bytes += len;
	if (++into->calls == into->fail_at)
		return by_error_new(arena, IO, "The sink is full.");
	return BY_OK;
}

START_TEST(a_sink_receives_every_byte_in_order)
{
	collector into = { .base = { collect } };

	begin();
	by_buf_init_sink(&buf, arena, 64, &into.base);
	for (size_t i = 0; i < 10000; i++)
		by_put_char(&buf, (char)('a' + i % 26));
	char long_text[260];

	for (size_t i = 0; i < sizeof(long_text); i++)
		long_text[i] = (char)('a' + (10000 + i) % 26);
	by_put(&buf, long_text, sizeof(long_text));
	ck_ok(by_buf_finish(&buf));
	ck_assert_uint_eq(into.bytes, 10260);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_failing_sink_is_asked_once)
{
	collector into = { .base = { collect }, .fail_at = 2 };

	begin();
	by_buf_init_sink(&buf, arena, 64, &into.base);
	for (size_t i = 0; i < 1000; i++)
		by_put_char(&buf, (char)('a' + i % 26));
	ck_fails(by_buf_finish(&buf), IO);
	ck_assert_uint_eq(into.calls, 2);
	by_arena_free(&arena);
}
END_TEST

START_TEST(bytes_print_as_base64url_without_padding)
{
	static const struct { const char *bytes, *printed; } rows[] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "\xfb\xff", "-_8" } };

	begin();
	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by_put_base64url(&buf, (by_bytes){ (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes) });
		ck_assert_str_eq(written(), rows[i].printed);
	}
	by_arena_free(&arena);
}
END_TEST

UNIT("buf", strings_are_escaped_as_rfc_8259_says, invalid_utf8_never_leaves_the_process,
    every_byte_before_every_length_reads_back_with_json_c, doubles_are_shortest_and_exact, integers_reach_their_limits,
    what_is_no_number_sets_the_sticky_error, a_sink_receives_every_byte_in_order, a_failing_sink_is_asked_once,
    bytes_print_as_base64url_without_padding);
