/* Filters read into specifications, and everything wrong with one told at its parameter. */
#include <string.h>

#include "unit/core/rows.h"
#include "unit/unit.h"

static by_arena *arena;

/* Each test runs in a process of its own, which frees its memory. */
static void set_up(void)
{
	if (!arena) {
		arena = by_arena_new(0);
		ck_ok(by_model_compile(arena, &row_model));
	}
}

static const by_spec *read_filter(const char *json, by_faults *faults)
{
	const by_spec *spec = NULL;
	ck_ok(by_spec_read(faults, &row_model, (by_text){ json, strlen(json) }, "filter", &spec));
	return spec;
}

static const by_spec *accepted(const char *json)
{
	set_up();
	by_faults *faults = by_faults_new(arena);
	const by_spec *spec = read_filter(json, faults);
	ck_assert_msg(by_faults_count(faults) == 0, "%s: %s", json,
	    by_faults_count(faults) ? by_faults_at(faults, 0)->detail : "");
	return spec;
}

START_TEST(a_bare_value_means_eq)
{
	const by_spec *spec = accepted("{\"name\":\"x\"}");
	ck_assert_int_eq(spec->op, BY_SPEC_EQ);
	ck_assert_ptr_eq(spec->field, by_model_field(&row_model, BY_TEXT("name")));
	ck_assert_uint_eq(spec->count, 1);
	ck_assert_int_eq(spec->values[0].tag, BY_VALUE_TEXT);
	ck_assert_uint_eq(spec->values[0].text.len, 1);
}
END_TEST

START_TEST(operators_join_to_a_tree)
{
	const by_spec *spec = accepted("{\"fps\":{\"gte\":30,\"lt\":60},"
	    "\"or\":[{\"open\":true},{\"not\":{\"state\":\"done\"}}]}");
	ck_assert_int_eq(spec->op, BY_SPEC_AND);
	ck_assert_uint_eq(spec->count, 2);
	ck_assert_int_eq(spec->of[0]->op, BY_SPEC_AND);
	ck_assert_int_eq(spec->of[0]->of[0]->op, BY_SPEC_GE);
	ck_assert_double_eq(spec->of[0]->of[1]->values[0].real, 60);
	ck_assert_int_eq(spec->of[1]->op, BY_SPEC_OR);
	ck_assert_int_eq(spec->of[1]->of[1]->op, BY_SPEC_NOT);
	ck_assert_int_eq(spec->of[1]->of[1]->of[0]->op, BY_SPEC_EQ);
}
END_TEST

START_TEST(no_condition_is_no_spec)
{
	ck_assert_ptr_null(accepted("{}"));
	ck_assert_ptr_null(accepted("{\"fps\":{}}"));
	ck_assert_ptr_null(read_filter("", by_faults_new(arena)));
}
END_TEST

START_TEST(constraints_of_the_field_do_not_bind_a_question)
{
	ck_assert_ptr_nonnull(accepted("{\"name\":\"\",\"fps\":{\"gt\":-5}}"));
}
END_TEST

START_TEST(null_asks_for_absence)
{
	ck_assert_int_eq(accepted("{\"note\":null}")->op, BY_SPEC_IS_NULL);
	ck_assert_int_eq(accepted("{\"note\":{\"ne\":null}}")->op, BY_SPEC_NOT);
	ck_assert_int_eq(accepted("{\"note\":{\"is_null\":false}}")->op, BY_SPEC_NOT);
}
END_TEST

START_TEST(lists_keep_their_order)
{
	const by_spec *spec = accepted("{\"fps\":{\"in\":[3,1,2,9,8,7,6,5,4,10]}}");
	ck_assert_int_eq(spec->op, BY_SPEC_IN);
	ck_assert_uint_eq(spec->count, 10);
	ck_assert_double_eq(spec->values[9].real, 10);
	ck_assert_uint_eq(accepted("{\"fps\":{\"in\":[]}}")->count, 0);
}
END_TEST

START_TEST(whatever_is_wrong_is_a_fault_at_the_parameter)
{
	static const struct {
		const char *json, *code, *says;
	} cases[] = {
		{ "{", "malformed", "well-formed" },
		{ "{} x", "malformed", "well-formed" },
		{ "{\"fps\":1,\"fps\":2}", "malformed", "well-formed" },
		{ "\xff", "malformed", "well-formed" },
		{ "[]", "type", "object" },
		{ "7", "type", "object" },
		{ "{\"nope\":1}", "unknown_field", "nope" },
		{ "{\"hidden\":1}", "unknown_field", "hidden" },
		{ "{\"meta\":1}", "unknown_field", "meta" },
		{ "{\"tags\":[]}", "unknown_field", "tags" },
		{ "{\"fps\":\"30\"}", "type", "fps" },
		{ "{\"fps\":{\"gte\":\"30\"}}", "type", "fps.gte" },
		{ "{\"fps\":{\"like\":1}}", "operator", "no operator" },
		{ "{\"fps\":{\"contains\":\"1\"}}", "operator", "suit" },
		{ "{\"open\":{\"gt\":true}}", "operator", "suit" },
		{ "{\"state\":{\"lt\":\"done\"}}", "operator", "suit" },
		{ "{\"state\":\"gone\"}", "enum", "planned" },
		{ "{\"taken_at\":\"yesterday\"}", "format", "RFC 3339" },
		{ "{\"price\":\"1,5\"}", "format", "decimal" },
		{ "{\"id\":\"01ARZ\"}", "format", "ULID" },
		{ "{\"name\":\"a\\u0000b\"}", "nul", "U+0000" },
		{ "{\"fps\":{\"between\":[1]}}", "items", "two values" },
		{ "{\"fps\":{\"between\":[1,2,3]}}", "items", "two values" },
		{ "{\"fps\":{\"in\":7}}", "type", "list" },
		{ "{\"fps\":{\"in\":[1,\"x\"]}}", "type", "number" },
		{ "{\"fps\":{\"gt\":null}}", "type", "number" },
		{ "{\"note\":{\"is_null\":1}}", "type", "true or false" },
		{ "{\"or\":{}}", "type", "list" },
		{ "{\"or\":[]}", "items", "at least one" },
		{ "{\"or\":[1]}", "type", "object" },
		{ "{\"not\":[]}", "type", "object" },
		{ "{\"not\":{}}", "items", "at least one" },
		{ "{\"or\":[{},{\"fps\":1}]}", "items", "at least one" },
		{ "{\"or\":[{\"name\":\"x\"},{\"fps\":{}}]}", "items", "at least one" },
		{ "{\"not\":{\"not\":{\"not\":{\"not\":{\"not\":{}}}}}}", "depth", "deeply" },
	};
	set_up();
	for (size_t i = 0; i < BY_COUNT(cases); i++) {
		by_faults *faults = by_faults_new(arena);
		ck_assert_ptr_null(read_filter(cases[i].json, faults));
		ck_assert_msg(by_faults_count(faults) > 0, "%s was accepted", cases[i].json);
		const by_fault *fault = by_faults_at(faults, 0);
		ck_assert_msg(strcmp(fault->code, cases[i].code) == 0 && strstr(fault->detail, cases[i].says), "%s: %s: %s",
		    cases[i].json, fault->code, fault->detail);
		ck_assert_int_eq(fault->in, BY_FAULT_QUERY);
		ck_assert_str_eq(fault->where, "filter");
	}
}
END_TEST

START_TEST(all_faults_are_told_at_once)
{
	set_up();
	by_faults *faults = by_faults_new(arena);
	read_filter("{\"nope\":1,\"fps\":{\"gte\":\"x\",\"like\":2},\"or\":[{\"open\":3}]}", faults);
	ck_assert_uint_eq(by_faults_count(faults), 4);
}
END_TEST

START_TEST(a_filter_is_bounded)
{
	by_buf json;
	set_up();
	by_buf_init(&json, arena, 0);
	BY_PUT(&json, "{\"fps\":{\"in\":[0");
	for (int i = 0; i < 1000; i++)
		BY_PUT(&json, ",1");
	BY_PUT(&json, "]}}");
	by_faults *faults = by_faults_new(arena);
	ck_assert_ptr_null(read_filter(by_buf_string(&json), faults));
	by_buf_init(&json, arena, 0);
	BY_PUT(&json, "{\"or\":[{\"fps\":0}");
	for (int i = 0; i < 100; i++)
		BY_PUT(&json, ",{\"fps\":1}");
	BY_PUT(&json, "]}");
	faults = by_faults_new(arena);
	ck_assert_ptr_null(read_filter(by_buf_string(&json), faults));
	ck_assert_uint_eq(by_faults_count(faults), 1);
}
END_TEST

START_TEST(specs_are_put_together_by_code)
{
	set_up();
	const by_spec *a = by_spec_eq(arena, &row_model, "open", by_value_bool(true));
	const by_spec *b = by_spec_eq(arena, &row_model, "note", by_value_string(NULL));
	ck_assert_int_eq(b->op, BY_SPEC_IS_NULL);
	ck_assert_ptr_null(by_spec_and(arena, NULL, NULL));
	ck_assert_ptr_eq(by_spec_and(arena, a, NULL), a);
	ck_assert_ptr_eq(by_spec_and(arena, NULL, b), b);
	ck_assert_uint_eq(by_spec_and(arena, a, b)->count, 2);
}
END_TEST

UNIT("spec", a_bare_value_means_eq, operators_join_to_a_tree, no_condition_is_no_spec,
    constraints_of_the_field_do_not_bind_a_question, null_asks_for_absence, lists_keep_their_order,
    whatever_is_wrong_is_a_fault_at_the_parameter, all_faults_are_told_at_once, a_filter_is_bounded,
    specs_are_put_together_by_code);
