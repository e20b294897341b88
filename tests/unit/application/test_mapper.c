/* Mappers: what is copied, what is shared, and what start-up refuses. */
#include "tests/unit/unit.h"

#include <string.h>

#include <banyan/mapper.h>

#define COLOUR(X) X(colour, red) X(colour, green)
BY_ENUM(colour, COLOUR);
BY_ENUM_NAMES(colour, COLOUR);
#define SHADE(X) X(shade, red) X(shade, green)
BY_ENUM(shade, SHADE);
BY_ENUM_NAMES(shade, SHADE);
#define TASTE(X) X(taste, sweet) X(taste, sour)
BY_ENUM(taste, TASTE);
BY_ENUM_NAMES(taste, TASTE);

typedef struct lens { double magnification; const char *maker; } lens;
BY_DECLARE_MODEL(lens);
static const by_field lens_fields[] = { BY_FIELD(lens, magnification), BY_FIELD(lens, maker) };
BY_MODEL(lens, lens_fields);

/* The same names in another order, and one of them only. */
typedef struct lens_view { const char *maker; double magnification; bool checked; } lens_view;
BY_DECLARE_MODEL(lens_view);
static const by_field lens_view_fields[] = {
	BY_FIELD(lens_view, maker), BY_FIELD(lens_view, magnification), BY_FIELD(lens_view, checked)
};
BY_MODEL(lens_view, lens_view_fields);

typedef struct scope {
	int64_t        a, b, c;
	const char    *name;
	bool           on;
	colour         tint;
	by_time       *seen;
	by_list_string tags;
	lens           front;
	lens          *spare;
	by_list_lens   lenses;
	int32_t        secret_number;
} scope;
BY_DECLARE_MODEL(scope);
static const by_field scope_fields[] = {
	BY_FIELD(scope, a), BY_FIELD(scope, b), BY_FIELD(scope, c), BY_FIELD(scope, name, .optional = true),
	BY_FIELD(scope, on), BY_FIELD_ENUM(scope, tint, colour), BY_FIELD(scope, seen), BY_FIELD(scope, tags),
	BY_FIELD_MODEL(scope, front, lens), BY_FIELD_MODEL(scope, spare, lens), BY_FIELD_LIST(scope, lenses, lens),
	BY_FIELD(scope, secret_number),
};
BY_MODEL(scope, scope_fields);

typedef struct scope_view {
	lens_view         front;
	lens_view        *spare;
	by_list_lens_view lenses;
	by_list_string    tags;
	by_time          *seen;
	shade             tint;
	bool             *on;
	const char       *name;
	int64_t           a, b, c;
	int64_t           own;
} scope_view;
BY_DECLARE_MODEL(scope_view);
static const by_field scope_view_fields[] = {
	BY_FIELD_MODEL(scope_view, front, lens_view), BY_FIELD_MODEL(scope_view, spare, lens_view),
	BY_FIELD_LIST(scope_view, lenses, lens_view), BY_FIELD(scope_view, tags), BY_FIELD(scope_view, seen),
	BY_FIELD_ENUM(scope_view, tint, shade), BY_FIELD(scope_view, on), BY_FIELD(scope_view, name, .optional = true),
	BY_FIELD(scope_view, a), BY_FIELD(scope_view, b), BY_FIELD(scope_view, c), BY_FIELD(scope_view, own),
};
BY_MODEL(scope_view, scope_view_fields);

/* A model that nests lists of itself. */
typedef struct node node;
typedef struct by_list_node { node *items; size_t count; } by_list_node;
struct node { int64_t value; by_list_node below; };
extern const by_model node_model;
extern const by_field node_items;
static const by_field node_fields[] = { BY_FIELD(node, value), BY_FIELD_LIST(node, below, node) };
BY_MODEL(node, node_fields);
typedef struct leaf leaf;
typedef struct by_list_leaf { leaf *items; size_t count; } by_list_leaf;
struct leaf { by_list_leaf below; int64_t value; };
extern const by_model leaf_model;
extern const by_field leaf_items;
static const by_field leaf_fields[] = { BY_FIELD_LIST(leaf, below, leaf), BY_FIELD(leaf, value) };
BY_MODEL(leaf, leaf_fields);

typedef struct unlike {
	double   a;
	int64_t *b;
	taste    tint;
	by_list_int64 tags;
} unlike;
BY_DECLARE_MODEL(unlike);
static const by_field unlike_fields[] = {
	BY_FIELD(unlike, a), BY_FIELD(unlike, b), BY_FIELD_ENUM(unlike, tint, taste), BY_FIELD(unlike, tags),
};
BY_MODEL(unlike, unlike_fields);

static by_arena *arena;

static by_mapper *mapper_of(const by_model *from, const by_model *to)
{
	by_mapper *mapper = NULL;
	if (!arena)
		arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, from));
	ck_ok(by_model_compile(arena, to));
	ck_ok(by_mapper_new(arena, from, to, &mapper));
	return mapper;
}

static by_error *refused(const by_model *from, const by_model *to)
{
	by_mapper *mapper = NULL;
	if (!arena)
		arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, from));
	ck_ok(by_model_compile(arena, to));
	by_error *error = by_mapper_new(arena, from, to, &mapper);
	ck_assert_ptr_null(mapper);
	return error;
}

static scope sample(void)
{
	static const char *tags[] = { "x", "y" };
	static by_time     seen = { 42 };
	static lens        spare = { 10, "Leitz" };
	static lens        lenses[] = { { 20, "Zeiss" }, { 63, "Leica" }, { 100, "Nikon" } };
	return (scope){ .a = 1, .b = 2, .c = 3, .name = "one", .on = true, .tint = colour_green, .seen = &seen,
		.tags = { tags, 2 }, .front = { 60, "Olympus" }, .spare = &spare, .lenses = { lenses, 3 }, .secret_number = 9 };
}

START_TEST(equal_names_and_kinds_are_copied)
{
	by_mapper *mapper = mapper_of(&scope_model, &scope_view_model);
	scope      from = sample();
	scope_view to = { .own = 77 };
	by_map(mapper, arena, &from, &to);
	ck_assert_int_eq(to.a, 1);
	ck_assert_int_eq(to.b, 2);
	ck_assert_int_eq(to.c, 3);
	ck_assert_str_eq(to.name, "one");
	ck_assert_int_eq(to.tint, shade_green);
	ck_assert_int_eq(to.seen->us, 42);
	ck_assert_uint_eq(to.tags.count, 2);
	ck_assert_str_eq(to.tags.items[1], "y");
	ck_assert(*to.on);
	ck_assert_int_eq(to.own, 77); /* what only the target has is left alone */
}
END_TEST

START_TEST(nested_models_and_lists_of_unlike_models_are_copied_in_order)
{
	by_mapper *mapper = mapper_of(&scope_model, &scope_view_model);
	scope      from = sample();
	scope_view to = { .front = { .checked = true } };
	by_map(mapper, arena, &from, &to);
	ck_assert_str_eq(to.front.maker, "Olympus");
	ck_assert_double_eq(to.front.magnification, 60);
	ck_assert(to.front.checked);
	ck_assert_str_eq(to.spare->maker, "Leitz");
	ck_assert_uint_eq(to.lenses.count, 3);
	ck_assert_str_eq(to.lenses.items[0].maker, "Zeiss");
	ck_assert_double_eq(to.lenses.items[2].magnification, 100);
}
END_TEST

START_TEST(absent_optionals_and_empty_lists_stay_so)
{
	by_mapper *mapper = mapper_of(&scope_model, &scope_view_model);
	scope      from = sample();
	lens_view  old = { 0 };
	scope_view to = { .spare = &old, .name = "old" };
	from.spare = NULL;
	from.seen = NULL;
	from.name = NULL;
	from.lenses = (by_list_lens){ NULL, 0 };
	by_map(mapper, arena, &from, &to);
	ck_assert_ptr_null(to.spare);
	ck_assert_ptr_null(to.seen);
	ck_assert_ptr_null(to.name);
	ck_assert_uint_eq(to.lenses.count, 0);
}
END_TEST

START_TEST(a_model_maps_onto_itself_whole)
{
	by_mapper *mapper = mapper_of(&scope_model, &scope_model);
	scope      from = sample();
	scope      to = { 0 };
	by_map(mapper, arena, &from, &to);
	ck_assert_int_eq(to.c, 3);
	ck_assert_int_eq(to.secret_number, 9);
	ck_assert_ptr_eq(to.lenses.items, from.lenses.items); /* equal elements are shared */
}
END_TEST

START_TEST(present_fields_alone_are_copied)
{
	by_mapper *mapper = mapper_of(&scope_model, &scope_view_model);
	scope      from = sample();
	scope_view to = { .a = 10, .b = 20, .name = "kept" };
	by_map_present(mapper, arena, (by_present){ 1u << 1 | 1u << 8 }, &from, &to);
	ck_assert_int_eq(to.a, 10);
	ck_assert_int_eq(to.b, 2);
	ck_assert_str_eq(to.name, "kept");
	ck_assert_str_eq(to.front.maker, "Olympus");
	from.name = NULL;
	by_map_present(mapper, arena, (by_present){ 1u << 3 }, &from, &to); /* present and null: cleared */
	ck_assert_ptr_null(to.name);
}
END_TEST

START_TEST(a_model_may_nest_itself)
{
	by_mapper *mapper = mapper_of(&node_model, &leaf_model);
	node       below[] = { { .value = 2 }, { .value = 3 } };
	node       from = { .value = 1, .below = { below, 2 } };
	leaf       to = { .value = 0 };
	by_map(mapper, arena, &from, &to);
	ck_assert_int_eq(to.value, 1);
	ck_assert_uint_eq(to.below.count, 2);
	ck_assert_int_eq(to.below.items[1].value, 3);
	ck_assert_uint_eq(to.below.items[1].below.count, 0);
}
END_TEST

START_TEST(equal_names_of_unequal_kinds_are_refused_all_at_once)
{
	by_error *error = refused(&scope_model, &unlike_model);
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "scope.a is int64, but unlike.a"));
	ck_assert_ptr_nonnull(strstr(error->detail, "scope.tint is enum colour"));
	ck_assert_ptr_nonnull(strstr(error->detail, "scope.tags is a list of string"));
	ck_assert_ptr_nonnull(strstr(error->detail, "test_mapper.c:"));
	ck_assert_ptr_null(strstr(error->detail, "scope.b")); /* a value may become an optional */
}
END_TEST

START_TEST(an_optional_does_not_become_a_value)
{
	by_error *error = refused(&unlike_model, &scope_model);
	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "unlike.b is an optional int64"));
	ck_assert_ptr_nonnull(strstr(error->detail, "make both optional"));
}
END_TEST

UNIT("mapper", equal_names_and_kinds_are_copied, nested_models_and_lists_of_unlike_models_are_copied_in_order,
    absent_optionals_and_empty_lists_stay_so, a_model_maps_onto_itself_whole, present_fields_alone_are_copied,
    a_model_may_nest_itself, equal_names_of_unequal_kinds_are_refused_all_at_once, an_optional_does_not_become_a_value);
