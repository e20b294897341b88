/* Models: what start-up refuses and says, defaults, checks, and nesting. */
#include <stdio.h>
#include <string.h>

#include <banyan/json.h>
#include <banyan/kind.h>
#include <banyan/model.h>

#include "tests/unit/unit.h"

static by_arena *arena;

typedef struct item {
	int64_t     count;
	const char *label;
} item;
BY_DECLARE_MODEL(item);
static const by_field item_fields[] = {
	BY_FIELD(item, count, .minimum = BY_NUM(1), .default_value = "7"),
	BY_FIELD(item, label, .max_length = 3, .optional = true),
};
BY_MODEL(item, item_fields);

typedef struct tree {
	const char     *name;
	item            own;
	item           *maybe;
	struct tree    *left;
	BY_LIST(item)   items;
	by_duration     wait;
	BY_LIST(string) tags;
	by_secret       key;
} tree;
BY_DECLARE_MODEL(tree);
static const by_field tree_fields[] = {
	BY_FIELD(tree, name, .pattern = "^[a-z]+$", .default_value = "root"),
	BY_FIELD_MODEL(tree, own, item),
	BY_FIELD_MODEL(tree, maybe, item),
	BY_FIELD_MODEL(tree, left, tree),
	BY_FIELD_LIST(tree, items, item, .max_items = 2, .optional = true),
	BY_FIELD(tree, wait, .default_value = "1m30s"),
	BY_FIELD(tree, tags, .default_value = "a,b"),
	BY_FIELD(tree, key, .optional = true),
};
BY_MODEL(tree, tree_fields);

/* The faults of a check as "where code", one per line. */
static const char *faults_text(const by_faults *faults)
{
	by_buf out;

	by_buf_init(&out, arena, 0);
	for (size_t i = 0; i < by_faults_count(faults); i++)
		by_put_format(&out, "%s%s %s", i ? "\n" : "", by_faults_at(faults, i)->where, by_faults_at(faults, i)->code);
	return by_buf_string(&out);
}

START_TEST(defaults_are_parsed_once_and_copied)
{
	tree t;

	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &tree_model));
	ck_ok(by_model_compile(arena, &tree_model));
	memset(&t, 0xff, sizeof(t));
	by_model_init(&tree_model, &t);
	ck_assert_str_eq(t.name, "root");
	ck_assert_int_eq(t.own.count, 7);
	ck_assert_ptr_null(t.maybe);
	ck_assert_ptr_null(t.left);
	ck_assert_uint_eq(t.items.count, 0);
	ck_assert_int_eq(t.wait.us, 90000000);
	ck_assert_uint_eq(t.tags.count, 2);
	ck_assert_str_eq(t.tags.items[1], "b");
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_model_can_be_compiled_again_when_its_arena_is_gone)
{
	tree t;

	for (int i = 0; i < 3; i++) {
		arena = by_arena_new(0);
		ck_ok(by_model_compile(arena, &tree_model));
		by_model_init(&tree_model, &t);
		ck_assert_str_eq(t.name, "root");
		by_arena_free(&arena);
	}
}
END_TEST

START_TEST(fields_are_found_by_name_compiled_or_not)
{
	ck_assert_ptr_eq(by_model_field(&tree_model, BY_TEXT("wait")), &tree_fields[5]);
	ck_assert_ptr_null(by_model_field(&tree_model, BY_TEXT("wai")));
	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &tree_model));
	for (size_t i = 0; i < BY_COUNT(tree_fields); i++)
		ck_assert_ptr_eq(by_model_field(&tree_model, (by_text){ tree_fields[i].name, strlen(tree_fields[i].name) }), &tree_fields[i]);
	ck_assert_ptr_null(by_model_field(&tree_model, BY_TEXT("")));
	ck_assert_ptr_null(by_model_field(&tree_model, BY_TEXT("waits")));
	by_arena_free(&arena);
}
END_TEST

START_TEST(an_object_is_checked_to_any_depth)
{
	item   items[] = { { 0, NULL }, { 1, "long" }, { 1, "abc" } };
	item   inner = { 0, "\xc3\xa9\xc3\xa9\xc3\xa9" };
	tree   left = { .name = "UP", .own = { 1, NULL } };
	tree   t = { .name = "a", .own = { 5, "toolong" }, .maybe = &inner, .left = &left, .items = { items, 3 } };

	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &tree_model));
	by_faults *faults = by_faults_new(arena);

	by_model_check(&tree_model, &t, BY_FAULT_BODY, "", faults);
	ck_assert_str_eq(faults_text(faults), "#/own/label max_length\n#/maybe/count minimum\n#/left/name pattern\n"
	    "#/items max_items\n#/items/0/count minimum\n#/items/1/label max_length");
	faults = by_faults_new(arena);
	by_model_check(&tree_model, &left, BY_FAULT_BODY, "#/trees/0", faults);
	ck_assert_str_eq(faults_text(faults), "#/trees/0/name pattern");
	faults = by_faults_new(arena);
	left.name = NULL;
	by_model_check(&tree_model, &left, BY_FAULT_QUERY, "", faults);
	ck_assert_str_eq(faults_text(faults), "name required");
	by_arena_free(&arena);
}
END_TEST

START_TEST(optional_values_are_nothing_or_their_value)
{
	item inner = { 3, NULL };
	tree t = { .name = NULL, .maybe = &inner };

	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &tree_model));
	ck_assert_ptr_null(by_field_value(&tree_fields[0], &t));
	ck_assert_ptr_eq(by_field_value(&tree_fields[2], &t), &inner);
	ck_assert_ptr_null(by_field_value(&tree_fields[3], &t));
	ck_assert_ptr_eq(by_field_value(&tree_fields[5], &t), &t.wait);
	ck_assert(!by_field_set(arena, &tree_fields[0], (by_value){ .tag = BY_VALUE_NULL }, &t));
	by_arena_free(&arena);
}
END_TEST

/* The struct of a partial body begins with its by_present. */
typedef struct item_body {
	by_present  present;
	int64_t     count;
	const char *label;
} item_body;
BY_DECLARE_MODEL(item_body);
static const by_field item_body_fields[] = {
	BY_FIELD(item_body, count, .minimum = BY_NUM(1)),
	BY_FIELD(item_body, label, .max_length = 3, .optional = true),
};
BY_MODEL(item_body, item_body_fields);
typedef struct patch_in {
	item_body body;
} patch_in;
BY_DECLARE_MODEL(patch_in);
static const by_field patch_in_fields[] = { BY_FIELD_MODEL(patch_in, body, item_body, .partial = true) };
BY_MODEL(patch_in, patch_in_fields);

START_TEST(a_partial_nested_body_says_which_members_it_held)
{
	patch_in in;

	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &patch_in_model));
	by_faults *faults = by_faults_new(arena);

	ck_ok(by_json_read(faults, BY_TEXT("{\"body\":{\"label\":null}}"), &patch_in_model, &in, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert_uint_eq(in.body.present.bits, 2);
	ck_assert_int_eq(in.body.count, 0);
	ck_ok(by_json_read(faults, BY_TEXT("{\"body\":{\"count\":0,\"lable\":1}}"), &patch_in_model, &in, NULL));
	ck_assert_str_eq(faults_text(faults), "#/body/count minimum\n#/body/lable unknown_member");
	by_arena_free(&arena);
}
END_TEST

/* ---- tables with mistakes ---- */

typedef struct bad {
	const char     *name;
	int64_t         number;
	double          real;
	by_decimal      price;
	int64_t        *maybe;
	BY_LIST(string) tags;
	item            item;
} bad;

static const char *mistakes_of(const by_field *rows, size_t count)
{
	static by_plan *plan;
	by_model        model = { .name = "bad", .size = sizeof(bad), .fields = rows, .count = count, .plan = &plan,
		.place = { "bad.c", 12 } };

	arena = by_arena_new(0);
	by_error *error = by_model_compile(arena, &model);

	ck_assert(by_error_is(error, CONFIGURATION));
	ck_assert_ptr_null(plan);
	return error->detail;
}

START_TEST(every_mistake_of_a_table_is_a_line_with_its_remedy)
{
	static const by_field endless_tags = { .name = "tag", .kind = &by_kind_string, .size = sizeof(char *), .minimum = BY_NUM(1) };
	static const by_field rows[] = {
		BY_FIELD(bad, name, .min_length = 5, .max_length = 4, .pattern = "(", .minimum = BY_NUM(1)),
		BY_FIELD(bad, number, .minimum = BY_NUM(2), .exclusive_maximum = BY_NUM(2), .min_length = 1, .multiple_of = BY_NUM(0)),
		BY_FIELD(bad, real, .min_items = 1, .read_only = true, .write_only = true),
		BY_FIELD(bad, price, .partial = true, .multiple_of = BY_NUM(1e-12)),
		{ .name = "no-name", .kind = &by_kind_bool, .size = 1 },
		{ .name = "kindless", .size = 1 },
		{ .name = "tags", .kind = &by_kind_list, .offset = offsetof(bad, tags), .size = sizeof(by_list_string) },
		{ .name = "beyond", .kind = &by_kind_int64, .offset = sizeof(bad), .size = 8 },
		{ .name = "shade", .kind = &by_kind_enum, .offset = 0, .size = 4 },
		{ .name = "nested", .kind = &by_kind_model, .offset = 0, .size = 4 },
		BY_FIELD_ITEMS(bad, tags, &endless_tags),
	};

	ck_assert_str_eq(mistakes_of(rows, BY_COUNT(rows)),
	    "bad.c:12: bad.name: .minimum, .maximum and the exclusive limits do not apply to the kind string; remove them\n"
	    "bad.c:12: bad.name: .min_length is above .max_length; correct one of them\n"
	    "bad.c:12: bad.name: the pattern does not compile: missing closing parenthesis at character 1; correct .pattern\n"
	    "bad.c:12: bad.number: .min_length and .max_length do not apply to the kind int64; remove them\n"
	    "bad.c:12: bad.number: no number is between 2 and 2; correct the limits\n"
	    "bad.c:12: bad.number: .multiple_of must be greater than 0; correct it\n"
	    "bad.c:12: bad.real: .min_items, .max_items and .unique_items do not apply to the kind double; remove them\n"
	    "bad.c:12: bad.real: is both read-only and write-only; choose one\n"
	    "bad.c:12: bad.price: .multiple_of of a decimal must lie between 1e-9 and 1e9; correct it\n"
	    "bad.c:12: bad.price: is partial, which only a nested model in place can be; remove .partial\n"
	    "bad.c:12: bad.no-name: is not a name; use letters, digits and underscores\n"
	    "bad.c:12: bad.kindless: has no kind; write the row with BY_FIELD or one of its kin\n"
	    "bad.c:12: bad.tags: is a list without items; write the row with BY_FIELD, BY_FIELD_ITEMS or BY_FIELD_LIST\n"
	    "bad.c:12: bad.beyond: lies outside struct bad; name the right struct in the row\n"
	    "bad.c:12: bad.shade: is an enum without values; write the row with BY_FIELD_ENUM\n"
	    "bad.c:12: bad.nested: nests no model; write the row with BY_FIELD_MODEL\n"
	    "bad.c:12: bad.tags[]: .minimum, .maximum and the exclusive limits do not apply to the kind string; remove them");
}
END_TEST

START_TEST(defaults_that_do_not_fit_and_names_that_repeat_are_refused)
{
	static const by_field rows[] = {
		BY_FIELD(bad, name, .max_length = 3, .default_value = "four"),
		BY_FIELD(bad, number, .default_value = "x"),
		BY_FIELD(bad, maybe, .default_value = "1"),
		BY_FIELD_MODEL(bad, item, item, .default_value = "{}"),
		BY_FIELD(bad, number),
	};

	ck_assert_str_eq(mistakes_of(rows, BY_COUNT(rows)),
	    "bad.c:12: bad.number: is described twice; remove one of the rows\n"
	    "bad.c:12: bad.name: the default \"four\" does not fit: it must hold at most 3 characters; correct .default_value\n"
	    "bad.c:12: bad.number: the default \"x\" does not fit: it must be an integer; correct .default_value\n"
	    "bad.c:12: bad.maybe: is a pointer and has a default; a pointer's default is NULL: make it a plain member or remove "
	    ".default_value\n"
	    "bad.c:12: bad.item: has a default, but model has no text form; remove .default_value");
}
END_TEST

typedef struct wide {
	by_present present;
	bool       flags[65];
} wide;

START_TEST(a_partial_body_has_at_most_64_fields)
{
	static by_field rows[65];
	static by_plan *plan;
	static by_plan *outer_plan;
	static char     names[65][8];

	for (size_t i = 0; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "f%zu", i);
		rows[i] = (by_field){ .name = names[i], .kind = &by_kind_bool, .offset = offsetof(wide, flags) + i, .size = 1 };
	}
	by_model wide_model = { .name = "wide", .size = sizeof(wide), .fields = rows, .count = 65, .plan = &plan };
	by_field row = { .name = "body", .kind = &by_kind_model, .size = sizeof(wide), .model = &wide_model, .partial = true };
	by_model outer = { .name = "outer", .size = sizeof(wide), .fields = &row, .count = 1, .plan = &outer_plan, .place = { "o.c", 1 } };

	arena = by_arena_new(0);
	by_error *error = by_model_compile(arena, &outer);

	ck_assert(by_error_is(error, CONFIGURATION));
	ck_assert_str_eq(error->detail, "o.c:1: outer.body: is partial, but wide has 65 fields; 64 is the most");
	ck_assert_ptr_null(plan);
	row.partial = false;
	ck_ok(by_model_compile(arena, &outer));

	/* More than 64 fields: the members read and the required ones are told over several words. */
	by_faults *faults = by_faults_new(arena);
	wide       w;

	ck_ok(by_json_read(faults, BY_TEXT("{\"f64\":true,\"f0\":true}"), &wide_model, &w, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 63);
	ck_assert(w.flags[64] && w.flags[0] && !w.flags[1]);
	ck_fails(by_json_read(faults, BY_TEXT("{\"f64\":true,\"f64\":true}"), &wide_model, &w, NULL), MALFORMED);
	by_arena_free(&arena);
}
END_TEST

typedef struct greedy {
	const char *text;
} greedy;
BY_DECLARE_MODEL(greedy);
static const by_field greedy_fields[] = { BY_FIELD(greedy, text, .pattern = "^(a+)+$") };
BY_MODEL(greedy, greedy_fields);

START_TEST(a_pattern_that_backtracks_without_end_is_a_fault_and_no_hang)
{
	greedy g = { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!" };

	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &greedy_model));
	by_faults *faults = by_faults_new(arena);
	uint64_t   begin = by_clock();

	by_model_check(&greedy_model, &g, BY_FAULT_BODY, "", faults);
	ck_assert_str_eq(faults_text(faults), "#/text pattern");
	ck_assert_uint_lt(by_clock() - begin, 1000000000);
	by_arena_free(&arena);
}
END_TEST

UNIT("model", defaults_are_parsed_once_and_copied, a_model_can_be_compiled_again_when_its_arena_is_gone,
    fields_are_found_by_name_compiled_or_not, an_object_is_checked_to_any_depth, optional_values_are_nothing_or_their_value,
    a_partial_nested_body_says_which_members_it_held, every_mistake_of_a_table_is_a_line_with_its_remedy,
    defaults_that_do_not_fit_and_names_that_repeat_are_refused, a_partial_body_has_at_most_64_fields,
    a_pattern_that_backtracks_without_end_is_a_fault_and_no_hang);
