/* Free JSON as trees: there and back, freed with the arena, and refused when it is no JSON. */
#include <string.h>

#include <json-c/json.h>

#include <banyan/json_tree.h>

#include "unit/unit.h"

static by_json json(const char *text)
{
	return (by_json){ text, strlen(text) };
}

START_TEST(documents_become_trees_and_text_again)
{
	static const char *const rows[] = { "{\"a\":[1,2.50,\"x\",true,null,{\"b\":{}}]}", "[]", "\"text\"", "12", "-0.5", "true",
		"9223372036854775807", "\"\\u0000\"" };
	by_arena *arena = by_arena_new(0);

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		struct json_object *tree;

		ck_ok(by_json_tree(arena, json(rows[i]), &tree));
		by_json back = by_json_of_tree(arena, tree);

		ck_assert_str_eq(back.ptr, rows[i]);
		ck_assert_uint_eq(back.len, strlen(rows[i]));
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(escaped_characters_beyond_16_bits_arrive)
{
	/* Each but the first has low bits that look like half a pair. */
	static const char *const rows[][2] = {
		{ "\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80" },
		{ "\"\\uD836\\uDD1E\"", "\xF0\x9D\xA4\x9E" },
		{ "\"a\\\\\\ud837\\udfffb\"", "a\\\xF0\x9D\xBF\xBF" "b" },
		{ "\"\\\\ud836\\\\udd1e\"", "\\ud836\\udd1e" },
	};
	by_arena *arena = by_arena_new(0);

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		struct json_object *tree;

		ck_ok(by_json_tree(arena, json(rows[i][0]), &tree));
		ck_assert_str_eq(json_object_get_string(tree), rows[i][1]);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(null_and_absent_are_no_tree)
{
	by_arena           *arena = by_arena_new(0);
	struct json_object *tree = (struct json_object *)arena;

	ck_ok(by_json_tree(arena, json("null"), &tree));
	ck_assert_ptr_null(tree);
	tree = (struct json_object *)arena;
	ck_ok(by_json_tree(arena, (by_json){ 0 }, &tree));
	ck_assert_ptr_null(tree);
	ck_assert_str_eq(by_json_of_tree(arena, NULL).ptr, "null");
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_tree_lives_as_long_as_the_arena_and_a_reference_longer)
{
	by_arena           *arena = by_arena_new(0);
	struct json_object *tree;

	ck_ok(by_json_tree(arena, json("{\"kept\":{\"n\":7}}"), &tree));
	struct json_object *kept = json_object_get(json_object_object_get(tree, "kept"));

	by_arena_free(&arena);
	ck_assert_int_eq(json_object_get_int(json_object_object_get(kept, "n")), 7);
	ck_assert_int_eq(json_object_put(kept), 1);
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
	static const char *const rows[] = { "", "{", "[1,]", "nul", "1 2", "{\"a\"}" };
	by_arena           *arena = by_arena_new(0);
	struct json_object *tree;

	for (size_t i = 0; i < BY_COUNT(rows); i++)
		ck_fails(by_json_tree(arena, json(rows[i]), &tree), MALFORMED);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_name_that_json_c_would_cut_is_refused)
{
	static const char *const cut[] = { "{\"a\\u0000b\":1,\"a\":2}", "[{\"x\":{\"\\u0000\" \t:null}}]" };
	static const char *const whole[] = { "{\"a\":\"b\\u0000c\"}", "{\"a\\\\u0000b\":1}", "[\"\\u0000\",\"\\\"\"]" };
	by_arena           *arena = by_arena_new(0);
	struct json_object *tree;

	for (size_t i = 0; i < BY_COUNT(cut); i++)
		ck_fails(by_json_tree(arena, json(cut[i]), &tree), MALFORMED);
	for (size_t i = 0; i < BY_COUNT(whole); i++) {
		ck_ok(by_json_tree(arena, json(whole[i]), &tree));
		ck_assert_str_eq(by_json_of_tree(arena, tree).ptr, whole[i]);
	}
	by_arena_free(&arena);
}
END_TEST

UNIT("json_tree", documents_become_trees_and_text_again, escaped_characters_beyond_16_bits_arrive, null_and_absent_are_no_tree,
    a_tree_lives_as_long_as_the_arena_and_a_reference_longer, what_is_no_json_is_refused,
    a_name_that_json_c_would_cut_is_refused);
