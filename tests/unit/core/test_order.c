/* Orderings read from "-created_at,name". */
#include <string.h>

#include "unit/core/rows.h"
#include "unit/unit.h"

static size_t read_order(by_arena *arena, const char *text, const by_order **order, by_faults **faults)
{
	size_t count = 99;
	ck_ok(by_model_compile(arena, &row_model));
	*faults = by_faults_new(arena);
	by_order_read(*faults, &row_model, (by_text){ text, strlen(text) }, "sort", order, &count);
	return count;
}

START_TEST(keys_and_directions_are_read)
{
	by_arena *arena = by_arena_new(0);
	const by_order *order;
	by_faults *faults;
	ck_assert_uint_eq(read_order(arena, "-created_at,name,-fps", &order, &faults), 3);
	ck_assert_uint_eq(by_faults_count(faults), 0);
	ck_assert_str_eq(order[0].field->name, "created_at");
	ck_assert(order[0].descending && !order[1].descending && order[2].descending);
	ck_assert_uint_eq(read_order(arena, "", &order, &faults), 0);
	ck_assert_uint_eq(by_faults_count(faults), 0);
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_cannot_be_sorted_by_is_a_fault)
{
	static const char *const wrong[] = { "nope", "hidden", "tags", "meta", "open", "-", ",", "name,", ",name", "+name",
		"name,-name", "name;fps", " name", "name asc", "\xff", "name\"--" };
	by_arena *arena = by_arena_new(0);
	for (size_t i = 0; i < BY_COUNT(wrong); i++) {
		const by_order *order;
		by_faults *faults;
		read_order(arena, wrong[i], &order, &faults);
		ck_assert_msg(by_faults_count(faults) > 0, "%s was accepted", wrong[i]);
		ck_assert_str_eq(by_faults_at(faults, 0)->where, "sort");
		ck_assert_int_eq(by_faults_at(faults, 0)->in, BY_FAULT_QUERY);
		ck_assert_ptr_null(strstr(by_faults_at(faults, 0)->detail, "nope"));
	}
	by_arena_free(&arena);
}
END_TEST

UNIT("order", keys_and_directions_are_read, what_cannot_be_sorted_by_is_a_fault);
