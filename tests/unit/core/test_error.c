/* Errors: kinds and ancestors, the trace, causes, and fault lists with their bound. */
#include <banyan/error.h>

#include "unit/unit.h"

static by_arena *arena;

static by_error *deep(void)
{
	return by_error_new(arena, UNIQUE_VIOLATION, "There is a run named %s already.", "A");
}

static by_error *outer(void)
{
	BY_TRY(deep());
	return BY_OK;
}

START_TEST(an_error_is_of_its_kind_and_every_ancestor)
{
	arena = by_arena_new(0);
	by_error *error = outer();

	ck_assert(by_error_is(error, UNIQUE_VIOLATION));
	ck_assert(by_error_is(error, CONFLICT));
	ck_assert(by_error_is(error, ERROR));
	ck_assert(!by_error_is(error, NOT_FOUND));
	ck_assert(!by_error_is(BY_OK, ERROR));
	ck_assert_int_eq(error->kind->status, 409);
	ck_assert_str_eq(error->detail, "There is a run named A already.");
	by_arena_free(&arena);
}
END_TEST

START_TEST(the_trace_tells_origin_and_passages)
{
	arena = by_arena_new(0);
	by_error *error = outer();

	ck_assert_uint_eq(error->trace_count, 2);
	ck_assert_int_lt(error->trace[0].line, error->trace[1].line);
	for (int i = 0; i < 50; i++)
		error = by_error_pass(error, BY_HERE);
	ck_assert_uint_eq(error->trace_count, BY_ERROR_TRACE);
	by_arena_free(&arena);
}
END_TEST

START_TEST(all_faults_are_reported_up_to_a_hundred)
{
	arena = by_arena_new(0);
	by_faults *faults = by_faults_new(arena);

	ck_assert_ptr_null(by_faults_error(faults));
	for (int i = 0; i < 250; i++)
		by_fault_add(faults, BY_FAULT_BODY, "#/name", "required", "must be given");
	by_error *error = by_faults_error(faults);

	ck_assert(by_error_is(error, VALIDATION));
	ck_assert_uint_eq(by_faults_count(faults), 250);
	ck_assert_uint_eq(error->fault_count, 100);
	ck_assert_str_eq(error->faults[99].where, "#/name");
	ck_assert_str_eq(error->detail, "250 values of the input are not valid.");
	by_arena_free(&arena);
}
END_TEST

UNIT("error", an_error_is_of_its_kind_and_every_ancestor, the_trace_tells_origin_and_passages,
    all_faults_are_reported_up_to_a_hundred);
