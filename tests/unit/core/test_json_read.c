/* JSON read into structs: what is well-formed, what fits the model, and where the faults are. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include <banyan/json.h>
#include <banyan/kind.h>

#include "core/json_reader.h"
#include "tests/unit/unit.h"

typedef struct frame {
	int32_t width;
	int32_t height;
} frame;
BY_DECLARE_MODEL(frame);
static const by_field frame_fields[] = {
	BY_FIELD(frame, width, .minimum = BY_NUM(1), .maximum = BY_NUM(4096)),
	BY_FIELD(frame, height, .default_value = "480"),
};
static void check_frame(by_faults *faults, const frame *f)
{
	if (f->width < f->height)
		by_fault_add(faults, BY_FAULT_BODY, "#/width", "landscape", "must not be less than height");
}
BY_RULES(frame, check_frame);
BY_MODEL(frame, frame_fields, .rules = check_frame_rules);

#define MODE(X) X(mode, fast) X(mode, slow)
BY_ENUM(mode, MODE);
BY_ENUM_NAMES(mode, MODE);

typedef struct run {
	by_ulid         id;
	const char     *name;
	const char     *note;
	double          fps;
	int64_t         count;
	bool            live;
	by_time        *published_at;
	mode            mode;
	by_json         extra;
	BY_LIST(frame)  frames;
	BY_LIST(string) tags;
} run;
BY_DECLARE_MODEL(run);
static const by_field run_fields[] = {
	BY_FIELD(run, id, .read_only = true),
	BY_FIELD(run, name, .min_length = 1, .max_length = 4, .pattern = "^[^!]*$"),
	BY_FIELD(run, note, .optional = true),
	BY_FIELD(run, fps, .exclusive_minimum = BY_NUM(0)),
	BY_FIELD(run, count, .optional = true, .multiple_of = BY_NUM(5)),
	BY_FIELD(run, live, .default_value = "true"),
	BY_FIELD(run, published_at),
	BY_FIELD_ENUM(run, mode, mode, .default_value = "slow"),
	BY_FIELD(run, extra, .optional = true),
	BY_FIELD_LIST(run, frames, frame, .max_items = 4, .optional = true),
	BY_FIELD_ITEMS(run, tags, BY_ITEMS(string, .max_length = 5), .unique_items = true, .optional = true),
};
BY_MODEL(run, run_fields);

typedef struct node {
	const char    *name;
	struct node   *next;
} node;
BY_DECLARE_MODEL(node);
static const by_field node_fields[] = { BY_FIELD(node, name), BY_FIELD_MODEL(node, next, node) };
BY_MODEL(node, node_fields, .allow_unknown = true);

static by_arena *arena;

static by_faults *prepare(void)
{
	if (arena == NULL) {
		arena = by_arena_new(0);
		ck_ok(by_model_compile(arena, &run_model));
		ck_ok(by_model_compile(arena, &node_model));
	}
	return by_faults_new(arena);
}

static by_text text(const char *string)
{
	return (by_text){ string, strlen(string) };
}

/* The faults as "pointer code", one per line, in order. */
static const char *faults_of(const char *json)
{
	by_faults *faults = prepare();
	run        r;
	by_buf     out;

	ck_ok(by_json_read(faults, text(json), &run_model, &r, NULL));
	by_buf_init(&out, arena, 0);
	for (size_t i = 0; i < by_faults_count(faults); i++)
		by_put_format(&out, "%s%s %s", i ? "\n" : "", by_faults_at(faults, i)->where, by_faults_at(faults, i)->code);
	return by_buf_string(&out);
}

START_TEST(a_whole_document_fills_the_struct)
{
	by_faults *faults = prepare();
	run        r;

	ck_ok(by_json_read(faults, text(" { \"name\" : \"\\u00e9\\ud83d\\ude00\", \"fps\":2.5e1,\"count\":-10,\"live\":false,"
	    "\"published_at\":\"2026-11-20T16:00:00Z\",\"mode\":\"fast\",\"extra\":{ \"a\" : [ 1, \"x \\\" y\" ] },"
	    "\"frames\":[{\"width\":640},{\"height\":1,\"width\":2}],\"tags\":[\"a\",\"b\"]}\n"), &run_model, &r, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert_str_eq(r.name, "\xc3\xa9\xf0\x9f\x98\x80");
	ck_assert_ptr_null(r.note);
	ck_assert_double_eq(r.fps, 25);
	ck_assert_int_eq(r.count, -10);
	ck_assert(!r.live);
	ck_assert_ptr_nonnull(r.published_at);
	ck_assert_int_eq(r.published_at->us, 1795190400000000);
	ck_assert_int_eq(r.mode, mode_fast);
	ck_assert_str_eq(r.extra.ptr, "{\"a\":[1,\"x \\\" y\"]}");
	ck_assert_uint_eq(r.frames.count, 2);
	ck_assert_int_eq(r.frames.items[0].height, 480);
	ck_assert_int_eq(r.frames.items[1].width, 2);
	ck_assert_str_eq(r.tags.items[1], "b");
}
END_TEST

START_TEST(absent_members_take_defaults_and_null_means_absent)
{
	by_faults *faults = prepare();
	run        r;

	ck_ok(by_json_read(faults, text("{\"fps\":1,\"name\":\"n\",\"published_at\":null,\"note\":null,\"count\":null}"), &run_model,
	    &r, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert(r.live);
	ck_assert_int_eq(r.mode, mode_slow);
	ck_assert_ptr_null(r.published_at);
	ck_assert_ptr_null(r.note);
	ck_assert_int_eq(r.count, 0);
}
END_TEST

START_TEST(every_fault_is_reported_at_once_with_its_pointer)
{
	ck_assert_str_eq(faults_of("{\"id\":\"x\",\"name\":\"toolong!\",\"fps\":0,\"count\":3,\"live\":1,\"mode\":\"warp\",\"no/pe~ \":[1],"
	    "\"published_at\":\"soon\",\"frames\":[{\"width\":0},{},{\"width\":1,\"height\":2},{\"width\":3.0}],"
	    "\"tags\":[\"ok\",\"longer\",null,5]}"),
	    "#/id read_only\n#/name max_length\n#/name pattern\n#/fps exclusive_minimum\n#/count multiple_of\n#/live type\n"
	    "#/mode enum\n#/no~1pe~0%20 unknown_member\n#/published_at format\n#/frames/0/width minimum\n"
	    "#/frames/1/width required\n#/frames/2/width landscape\n#/frames/3/width type\n#/tags/1 max_length\n#/tags/2 null\n#/tags/3 type");
	ck_assert_str_eq(faults_of("{}"), "#/name required\n#/fps required");
	ck_assert_str_eq(faults_of("[1,2]"), "# type");
	ck_assert_str_eq(faults_of("null"), "# type");
	ck_assert_str_eq(faults_of("{\"name\":null,\"fps\":true}"), "#/name null\n#/fps type");
	ck_assert_str_eq(faults_of("{\"name\":\"\\u0000\",\"fps\":1e999}"), "#/name nul\n#/fps range");
	ck_assert_str_eq(faults_of("{\"name\":\"\",\"fps\":1,\"count\":9223372036854775808}"), "#/name min_length\n#/count range");
	ck_assert_str_eq(faults_of("{\"name\":\"a\",\"fps\":1,\"frames\":[{\"width\":99999999999}]}"), "#/frames/0/width range");
	ck_assert_str_eq(faults_of("{\"name\":\"a\",\"fps\":1,\"tags\":[\"x\",\"y\",\"x\"]}"), "#/tags/2 unique_items");
	ck_assert_str_eq(faults_of("{\"name\":\"a\",\"fps\":1,\"frames\":[{\"width\":500},{\"width\":500},{\"width\":500},"
	    "{\"width\":500},{\"width\":500},7]}"), "#/frames max_items");
	ck_assert_str_eq(faults_of("{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\",\"fps\":1}"), "");
	ck_assert_str_eq(faults_of("{\"name\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\",\"fps\":1}"), "#/name max_length");
}
END_TEST

START_TEST(a_fault_never_holds_the_rejected_value)
{
	by_faults *faults = prepare();
	run        r;

	ck_ok(by_json_read(faults, text("{\"name\":\"SECRET!!\",\"fps\":\"SECRET\",\"mode\":\"SECRET\",\"published_at\":\"SECRET\","
	    "\"tags\":[\"SECRETS\"],\"zzz\":\"SECRET\"}"), &run_model, &r, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 7);
	for (size_t i = 0; i < by_faults_count(faults); i++) {
		ck_assert_ptr_null(strstr(by_faults_at(faults, i)->detail, "SECRET"));
		ck_assert_ptr_null(strstr(by_faults_at(faults, i)->where, "SECRET"));
	}
}
END_TEST

START_TEST(a_partial_read_keeps_what_is_absent_and_says_what_was_there)
{
	by_faults      *faults = prepare();
	by_present      present = { 0 };
	by_json_options options = { .partial = true, .present = &present };
	by_time         at = { 1 };
	run             r = { .name = "old", .fps = 3, .published_at = &at, .live = true };

	ck_ok(by_json_read(faults, text("{\"published_at\":null,\"fps\":4}"), &run_model, &r, &options));
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert_str_eq(r.name, "old");
	ck_assert_double_eq(r.fps, 4);
	ck_assert_ptr_null(r.published_at);
	ck_assert_uint_eq(present.bits, (uint64_t)1 << 3 | (uint64_t)1 << 6);
}
END_TEST

START_TEST(stored_documents_may_hold_read_only_members)
{
	by_faults      *faults = prepare();
	by_json_options options = { .accept_read_only = true };
	run             r;

	ck_ok(by_json_read(faults, text("{\"id\":\"01KAH2PVZ0000000000000000Z\",\"name\":\"n\",\"fps\":1}"), &run_model, &r, &options));
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert_uint_eq(r.id.bytes[0], 0x01);
}
END_TEST

static by_error *malformed(const char *json, size_t len)
{
	by_faults *faults = prepare();
	node       n;

	return by_json_read(faults, (by_text){ json, len }, &node_model, &n, NULL);
}

START_TEST(malformed_json_is_one_error_with_its_offset)
{
	static const struct {
		const char *json;
		const char *detail;
	} cases[] = {
		{ "", "a value is missing at byte 0" },
		{ "  ", "a value is missing at byte 2" },
		{ "{", "an object does not end at byte 1" },
		{ "{\"name\"", "a colon is missing at byte 7" },
		{ "{\"name\":", "a value is missing at byte 8" },
		{ "{\"name\":\"x\"", "an object does not end at byte 11" },
		{ "{\"name\":\"x\",}", "a member name is missing at byte 12" },
		{ "{\"name\":\"x\" \"next\":null}", "a comma is missing at byte 12" },
		{ "{\"name\":\"x\"} x", "something follows the value at byte 13" },
		{ "{\"name\":\"x\"}{}", "something follows the value at byte 12" },
		{ "{\"name\":\"x\",\"name\":\"y\"}", "a member name appears twice at byte 12" },
		{ "{\"name\":\"x\",\"zz\":1,\"y\":2,\"zz\":1}", "a member name appears twice at byte 25" },
		{ "{\"name\":\"x\",\"n\\u0061me\":\"y\"}", "a member name appears twice at byte 12" },
		{ "{\"name\":\"x\",\"zz\":{\"a\":1,\"\\u0061\":2}}", "a member name appears twice at byte 24" },
		{ "{\"name\":\"\x01\"}", "a control character in a string at byte 9" },
		{ "{\"name\":\"\xff\"}", "invalid UTF-8 at byte 9" },
		{ "{\"name\":\"\xed\xa0\x80\"}", "invalid UTF-8 at byte 9" },
		{ "{\"name\":\"\\ud800\"}", "an invalid escape at byte 9" },
		{ "{\"name\":\"\\udc00\\ud800\"}", "an invalid escape at byte 9" },
		{ "{\"name\":\"\\x\"}", "an invalid escape at byte 9" },
		{ "{\"zz\":01}", "an invalid number at byte 6" },
		{ "{\"zz\":NaN}", "a value is missing at byte 6" },
		{ "{\"zz\":-Infinity}", "an invalid number at byte 6" },
		{ "{\"zz\":nul}", "an unknown word at byte 6" },
		{ "\xef\xbb\xbf{}", "a value is missing at byte 0" },
	};

	for (size_t i = 0; i < BY_COUNT(cases); i++) {
		by_error *error = malformed(cases[i].json, strlen(cases[i].json));

		ck_assert_msg(by_error_is(error, MALFORMED), "%s", cases[i].json);
		ck_assert_msg(strstr(error->detail, cases[i].detail) != NULL, "%s: %s", cases[i].json, error->detail);
	}
	ck_fails(malformed("{\"name\":\"a\0\"}", 13), MALFORMED);
}
END_TEST

START_TEST(depth_is_limited)
{
	char deep[200];

	for (size_t depth = 63; depth <= 64; depth++) {
		size_t len = (size_t)snprintf(deep, sizeof(deep), "{\"name\":\"n\",\"zz\":");

		memset(deep + len, '[', depth);
		memset(deep + len + depth, ']', depth);
		deep[len + 2 * depth] = '}';
		if (depth == 63)
			ck_ok(malformed(deep, len + 2 * depth + 1));
		else
			ck_fails(malformed(deep, len + 2 * depth + 1), MALFORMED);
	}
}
END_TEST

START_TEST(every_truncation_of_a_document_is_malformed)
{
	static const char json[] = "{\"name\":\"a\\u00e9\\ud83d\\ude00\xc3\xa9\",\"next\":{\"name\":\"b\",\"next\":null},\"zz\":[1,-2.5e+3,true,{}]}";

	for (size_t len = 0; len < sizeof(json) - 1; len++)
		ck_fails(malformed(json, len), MALFORMED);
	ck_ok(malformed(json, sizeof(json) - 1));
}
END_TEST

/* y: well-formed; n: not; l: not, though json-c's strict mode takes it. Our own table after the kinds of cases that parsers are known to get wrong. */
static const struct {
	char        expect;
	const char *json;
} corpus[] = {
	{ 'y', "[]" }, { 'y', "{}" }, { 'y', " [ ] " }, { 'y', "0" }, { 'y', "-0" }, { 'y', "-0.0e-0" }, { 'y', "1E+2" },
	{ 'y', "123456789012345678901234567890" }, { 'y', "0.1e1" }, { 'y', "true" }, { 'y', "false" }, { 'y', "null" },
	{ 'y', "\"\"" }, { 'y', "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"" }, { 'y', "\"\\u0000\"" }, { 'y', "\"\\uD834\\uDD1E\"" },
	{ 'y', "\"\x7f\"" }, { 'y', "\"\xf4\x8f\xbf\xbf\"" }, { 'y', "\"\xe2\x80\xa8\"" }, { 'y', "\"\\uFFFF\"" },
	{ 'y', "[[[[[]]]]]" }, { 'y', "{\"\":0}" }, { 'y', "{\"a\":{\"a\":{\"a\":1}}}" }, { 'y', "[{\"a\":1},{\"a\":2}]" },
	{ 'y', "\t[1\n,\r2 ]" }, { 'y', "[1,\"2\",null,{\"3\":[]}]" }, { 'y', "\"\xc2\x80\"" },
	{ 'n', "" }, { 'n', "[" }, { 'n', "]" }, { 'n', "[}" }, { 'n', "{]" }, { 'n', "[1,]" }, { 'n', "[,1]" }, { 'n', "[1,,2]" },
	{ 'n', "[1 2]" }, { 'n', "[1:2]" }, { 'n', "{\"a\"}" }, { 'n', "{\"a\",1}" }, { 'n', "{\"a\":1,}" }, { 'n', "{,\"a\":1}" },
	{ 'n', "{a:1}" }, { 'l', "{'a':1}" }, { 'n', "{1:1}" }, { 'n', "{null:1}" }, { 'n', "{\"a\":1 \"b\":2}" }, { 'n', "{\"a\"::1}" },
	{ 'n', "{\"a\":1}}" }, { 'n', "[1]]" }, { 'n', "1 2" }, { 'n', "[]x" }, { 'n', "{}//c" }, { 'n', "{}/**/" }, { 'n', "#\n1" },
	{ 'n', "01" }, { 'n', "-" }, { 'l', "-01" }, { 'n', "+1" }, { 'n', ".5" }, { 'l', "5." }, { 'n', "1e" }, { 'n', "1e+" },
	{ 'l', "1.e1" }, { 'n', "0x10" }, { 'n', "1_000" }, { 'n', "- 1" }, { 'n', "1.2.3" }, { 'n', "0e" }, { 'n', "1eE2" },
	{ 'l', "NaN" }, { 'l', "Infinity" }, { 'n', "-NaN" }, { 'n', "nan" }, { 'n', "True" }, { 'n', "tru" }, { 'n', "truee" },
	{ 'n', "nulll" }, { 'n', "undefined" }, { 'n', "\"" }, { 'n', "\"a" }, { 'n', "\"\\\"" }, { 'n', "'a'" }, { 'l', "\"\n\"" },
	{ 'l', "\"\t\"" }, { 'l', "\"\x1f\"" }, { 'n', "\"\\a\"" }, { 'n', "\"\\u12\"" }, { 'n', "\"\\u123g\"" }, { 'n', "\"\\U0041\"" },
	{ 'l', "\"\\ud800\"" }, { 'l', "\"\\ud800x\"" }, { 'l', "\"\\ud800\\u0041\"" }, { 'l', "\"\\udc00\"" }, { 'n', "\"\\x41\"" },
	{ 'n', "\"\x80\"" }, { 'l', "\"\xc0\xaf\"" }, { 'l', "\"\xc1\xbf\"" }, { 'l', "\"\xe0\x80\x80\"" }, { 'l', "\"\xed\xbf\xbf\"" },
	{ 'l', "\"\xf0\x80\x80\x80\"" }, { 'l', "\"\xf4\x90\x80\x80\"" }, { 'n', "\"\xf8\x88\x80\x80\x80\"" }, { 'n', "\"\xe2\x80\"" },
	{ 'n', "\"\xc3\"" }, { 'n', "\xc2\xa0[]" }, { 'n', "\f[]" }, { 'n', "\v[]" }, { 'n', "[\"a\"\x0c]" },
	{ 'l', "{\"a\":1,\"a\":2}" }, { 'l', "[{\"b\":0,\"a\":1,\"c\":0,\"a\":1}]" }, { 'l', "{\"a\":1,\"\\u0061\":1}" },
	{ 'n', "\xef\xbb\xbf{}" }, { 'n', "\xff\xfe[\0" }, { 'n', "[\"x\",truth]" }, { 'n', "{\"a\":true,\"b\"}" }, { 'n', "," }, { 'n', ":" },
};

START_TEST(well_formed_and_malformed_texts_are_told_apart)
{
	prepare();
	for (size_t i = 0; i < BY_COUNT(corpus); i++) {
		/* A copy of the exact size, so that a read beyond the end is seen by the memory checkers. */
		size_t len = strlen(corpus[i].json);
		char  *copy = malloc(len ? len : 1);

		memcpy(copy, corpus[i].json, len);
		ck_assert_msg(by__json_accept(arena, (by_text){ copy, len }, NULL) == (corpus[i].expect == 'y'), "%c %s",
		    corpus[i].expect, corpus[i].json);
		free(copy);
	}
}
END_TEST

static bool jsonc_accepts(const char *json)
{
	struct json_tokener *tokener = json_tokener_new_ex(BY_JSON_DEPTH);
	size_t               len = strlen(json);

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object = json_tokener_parse_ex(tokener, json, (int)len + 1);
	bool                accepted = json_tokener_get_error(tokener) == json_tokener_success;

	json_object_put(object);
	json_tokener_free(tokener);
	return accepted;
}

START_TEST(json_c_agrees_where_it_is_as_strict)
{
	for (size_t i = 0; i < BY_COUNT(corpus); i++)
		ck_assert_msg(jsonc_accepts(corpus[i].json) == (corpus[i].expect != 'n'), "%c %s", corpus[i].expect, corpus[i].json);
}
END_TEST

/* xorshift: the same mutations in every run. */
static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* One to three bytes changed, dropped or doubled; pieces of grammar are likelier than other bytes. */
static size_t mutate(char *json, size_t len, size_t room)
{
	static const char pieces[] = "{}[]\":,\\ue0-1.+ntf \t\x01\x80\xc3\xa9\xed\xf0";

	for (uint64_t times = 1 + next_random() % 3; times > 0 && len > 0; times--) {
		size_t at = next_random() % len;

		switch (next_random() % 3) {
		case 0: json[at] = pieces[next_random() % (sizeof(pieces) - 1)]; break;
		case 1: memmove(json + at, json + at + 1, --len - at); break;
		case 2:
			if (len < room)
				memmove(json + at + 1, json + at, len++ - at);
			break;
		}
	}
	return len;
}

START_TEST(reading_into_a_model_and_skipping_agree_on_what_is_well_formed)
{
	static const char json[] = "{\"name\":\"x\\u00e9\xc3\xa9\",\"next\":{\"name\":\"y\",\"next\":null,\"o\":[1,-2.5e+3,true,{}]},\"zz\":0}";
	size_t            sound = 0;

	prepare();
	for (int i = 0; i < 100000; i++) {
		by_arena  *own = by_arena_new(0);
		by_faults *faults = by_faults_new(own);
		char      *copy = malloc(sizeof(json) + 8);
		node       n;

		memcpy(copy, json, sizeof(json));
		size_t    len = mutate(copy, sizeof(json) - 1, sizeof(json) + 8);
		by_error *error = by_json_read(faults, (by_text){ copy, len }, &node_model, &n, NULL);
		bool      accepted = by__json_accept(own, (by_text){ copy, len }, NULL);

		ck_assert_msg(accepted == (error == BY_OK), "%.*s", (int)len, copy);
		sound += accepted;
		free(copy);
		by_arena_free(&own);
	}
	ck_assert_uint_gt(sound, 1000);
	ck_assert_uint_lt(sound, 99000);
}
END_TEST

START_TEST(many_members_stay_quick_whatever_their_names)
{
	prepare();
	by_buf out;

	by_buf_init(&out, arena, 0);
	BY_PUT(&out, "{\"name\":\"n\"");
	for (int i = 0; i < 100000; i++)
		by_put_format(&out, ",\"m%d\":%d", i, i);
	by_put_char(&out, '}');
	ck_ok(malformed(out.data, out.len));
	out.len--;
	BY_PUT(&out, ",\"m77777\":0}");
	ck_fails(malformed(out.data, out.len), MALFORMED);
}
END_TEST

START_TEST(the_hundredth_fault_is_not_the_last_to_be_counted)
{
	by_faults *faults = prepare();
	by_buf     out;
	run        r;

	by_buf_init(&out, arena, 0);
	BY_PUT(&out, "{\"name\":\"n\",\"fps\":1");
	for (int i = 0; i < 1000; i++)
		by_put_format(&out, ",\"m%d\":%d", i, i);
	by_put_char(&out, '}');
	ck_ok(by_json_read(faults, (by_text){ out.data, out.len }, &run_model, &r, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 1000);
	ck_assert_str_eq(by_faults_at(faults, 99)->where, "#/m99");
}
END_TEST

START_TEST(reading_allocates_from_the_arena_only_and_little)
{
	prepare();
	by_arena  *own = by_arena_new(65536);
	by_faults *faults = by_faults_new(own);
	node       n;

	/* A whole node has no faults, so all that is asked for is the list of none, the struct behind `next` and two strings. */
	ck_ok(by_json_read(faults, BY_TEXT("{\"name\":\"first\",\"next\":{\"name\":\"second\",\"next\":null}}"), &node_model, &n, NULL));
	ck_assert_str_eq(n.next->name, "second");
	ck_assert_uint_le(by_arena_used(own).allocations, 4);
	by_arena_free(&own);
}
END_TEST

UNIT("json_read", a_whole_document_fills_the_struct, absent_members_take_defaults_and_null_means_absent,
    every_fault_is_reported_at_once_with_its_pointer, a_fault_never_holds_the_rejected_value,
    a_partial_read_keeps_what_is_absent_and_says_what_was_there, stored_documents_may_hold_read_only_members,
    malformed_json_is_one_error_with_its_offset, depth_is_limited, every_truncation_of_a_document_is_malformed,
    well_formed_and_malformed_texts_are_told_apart, json_c_agrees_where_it_is_as_strict,
    reading_into_a_model_and_skipping_agree_on_what_is_well_formed, many_members_stay_quick_whatever_their_names, the_hundredth_fault_is_not_the_last_to_be_counted,
    reading_allocates_from_the_arena_only_and_little);
