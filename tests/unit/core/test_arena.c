/* Arenas: alignment, zeroing, destructors in reverse, and reset that keeps to one block. */
#include <stdint.h>
#include <string.h>

#include <banyan/arena.h>

#include "unit/unit.h"

START_TEST(memory_is_zeroed_and_aligned_for_any_type)
{
	by_arena *arena = by_arena_new(0);

	for (size_t size = 0; size < 9000; size += 37) {
		unsigned char *memory = by_alloc(arena, size);

		ck_assert_uint_eq((uintptr_t)memory % 16, 0);
		for (size_t i = 0; i < size; i++)
			ck_assert_uint_eq(memory[i], 0);
		memset(memory, 0xff, size);
	}
	by_arena_free(&arena);
	ck_assert_ptr_null(arena);
}
END_TEST

static char order[8];

static void note(void *object)
{
	strcat(order, object);
}

START_TEST(destructors_run_newest_first_and_once)
{
	by_arena *arena = by_arena_new(0);
	char      a[] = "a", b[] = "b", c[] = "c";

	order[0] = '\0';
	by_arena_defer(arena, note, a);
	by_arena_defer(arena, note, b);
	by_arena_reset(arena);
	ck_assert_str_eq(order, "ba");
	by_arena_defer(arena, note, c);
	by_arena_free(&arena);
	ck_assert_str_eq(order, "bac");
}
END_TEST

START_TEST(a_thousand_resets_hold_no_more_memory_than_one)
{
	by_arena *arena = by_arena_new(1024);

	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 50; i++)
			by_alloc(arena, 100);
		by_alloc(arena, 100000);
		by_arena_reset(arena);
		ck_assert_uint_le(by_arena_used(arena).held, 1024);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_size_chosen_by_a_client_yields_null_rather_than_an_abort)
{
	by_arena     *arena = by_arena_new(0);
	volatile size_t huge = SIZE_MAX - 64;

	ck_assert_ptr_null(by_try_alloc(arena, huge));
	ck_assert_ptr_nonnull(by_try_alloc(arena, 10));
	by_arena_free(&arena);
}
END_TEST

START_TEST(text_of_any_length_is_formatted)
{
	by_arena *arena = by_arena_new(0);
	char      long_text[1000];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	ck_assert_str_eq(by_format(arena, "%d-%s", 7, "seven"), "7-seven");
	ck_assert_uint_eq(strlen(by_format(arena, "%s", long_text)), 999);
	ck_assert_str_eq(by_copy_text(arena, (by_text){ "abcdef", 3 }), "abc");
	by_arena_free(&arena);
}
END_TEST

UNIT("arena", memory_is_zeroed_and_aligned_for_any_type, destructors_run_newest_first_and_once,
    a_thousand_resets_hold_no_more_memory_than_one, a_size_chosen_by_a_client_yields_null_rather_than_an_abort,
    text_of_any_length_is_formatted);
