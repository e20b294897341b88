/* Entity tags: how they are made, and how preconditions are read. */
#include <string.h>

#include "interface/etag.h"
#include "unit/unit.h"

typedef struct thing { int64_t version; const char *name; } thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = {
	BY_FIELD(thing, version, .etag = true),
	BY_FIELD(thing, name),
};
BY_MODEL(thing, thing_fields);

typedef struct plain { int64_t version; } plain;
BY_DECLARE_MODEL(plain);
static const by_field plain_fields[] = { BY_FIELD(plain, version) };
BY_MODEL(plain, plain_fields);

static by_text text(const char *string)
{
	return (by_text){ string, strlen(string) };
}

START_TEST(a_tag_is_the_marked_field_in_quotes)
{
	by_arena *arena = by_arena_new(0);
	thing     one = { 7, "x" };
	plain     other = { 7 };

	ck_ok(by_model_compile(arena, &thing_model));
	ck_assert_str_eq(by__etag_of(arena, &thing_model, &one), "\"7\"");
	ck_assert_ptr_null(by__etag_of(arena, &plain_model, &other));
	by_arena_free(&arena);
}
END_TEST

START_TEST(if_none_match_compares_weakly)
{
	ck_assert(by__etag_none_match(text("\"7\""), "\"7\""));
	ck_assert(by__etag_none_match(text("W/\"7\""), "\"7\""));
	ck_assert(by__etag_none_match(text("\"5\", \"a,b\" , W/\"7\""), "\"7\""));
	ck_assert(by__etag_none_match(text("*"), "\"7\""));
	ck_assert(!by__etag_none_match(text("\"77\""), "\"7\""));
	ck_assert(!by__etag_none_match(text("7"), "\"7\""));
	ck_assert(!by__etag_none_match(text("\"7"), "\"7\""));
	ck_assert(!by__etag_none_match(text(""), "\"7\""));
	ck_assert(!by__etag_none_match((by_text){ NULL, 0 }, "\"7\""));
}
END_TEST

START_TEST(if_match_names_a_version)
{
	static const struct { const char *header; by__if_match is; int64_t version; } rows[] = {
		{ "*", BY__IF_MATCH_ANY, 0 }, { "\"7\"", BY__IF_MATCH_VERSION, 7 }, { "W/\"7\"", BY__IF_MATCH_VERSION, 7 },
		{ "\"x\", \"7\"", BY__IF_MATCH_VERSION, 7 }, { "\"x\"", BY__IF_MATCH_OTHER, 0 }, { "\"0\"", BY__IF_MATCH_OTHER, 0 },
		{ "\"-1\"", BY__IF_MATCH_OTHER, 0 }, { "\"99999999999999999999\"", BY__IF_MATCH_OTHER, 0 },
		{ "\"7\", \"8\"", BY__IF_MATCH_SEVERAL, 0 }, { "7", BY__IF_MATCH_INVALID, 0 }, { "", BY__IF_MATCH_INVALID, 0 },
		{ "\"07\"", BY__IF_MATCH_OTHER, 0 }, { "\"7\"\"8\"", BY__IF_MATCH_INVALID, 0 },
		{ "\"7\" \"8\"", BY__IF_MATCH_INVALID, 0 }, { "\"x\" ,, \"7\" ,", BY__IF_MATCH_VERSION, 7 },
		{ "\"7", BY__IF_MATCH_INVALID, 0 }, { "\"7\" x", BY__IF_MATCH_INVALID, 0 }, { "W/", BY__IF_MATCH_INVALID, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t version = 0;

		ck_assert_msg(by__etag_if_match(text(rows[i].header), &version) == rows[i].is, "%s", rows[i].header);
		if (rows[i].is == BY__IF_MATCH_VERSION)
			ck_assert_int_eq(version, rows[i].version);
	}
}
END_TEST

START_TEST(a_tag_that_a_web_server_has_marked_as_compressed_is_the_tag)
{
	int64_t version = 0;

	ck_assert(by__etag_none_match(text("\"a7-gzip\""), "\"a7\""));
	ck_assert(by__etag_none_match(text("\"x\", W/\"a7-br\""), "\"a7\""));
	ck_assert(!by__etag_none_match(text("\"a7-pack\""), "\"a7\""));
	ck_assert(!by__etag_none_match(text("\"-gzip\""), "\"\""));
	ck_assert(by__etag_if_match(text("\"7-gzip\""), &version) == BY__IF_MATCH_VERSION);
	ck_assert_int_eq(version, 7);
	ck_assert(by__etag_if_match(text("\"7-zip\""), &version) == BY__IF_MATCH_OTHER);
}
END_TEST

UNIT("etag", a_tag_is_the_marked_field_in_quotes, if_none_match_compares_weakly, if_match_names_a_version,
    a_tag_that_a_web_server_has_marked_as_compressed_is_the_tag);
