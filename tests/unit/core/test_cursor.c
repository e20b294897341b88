/* Cursors come back as they were written, for the same list and order only. */
#include <string.h>

#include "core/cursor.h"
#include "unit/core/rows.h"
#include "unit/unit.h"

#define ROW_FIELD(name) by_model_field(&row_model, BY_TEXT(name))

static by_arena *arena;
static by_order  order[4];
static by_time   taken_at = { 1700000000123456 };

static const char *write_cursor(const row *from)
{
	arena = by_arena_new(0);
	ck_ok(by_model_compile(arena, &row_model));
	order[0] = (by_order){ ROW_FIELD("name"), true };
	order[1] = (by_order){ ROW_FIELD("fps"), false };
	order[2] = (by_order){ ROW_FIELD("taken_at"), false };
	order[3] = (by_order){ ROW_FIELD("price"), true };
	return by__cursor_write(arena, &row_model, order, 4, ROW_FIELD("id"), from);
}

static row some_row(void)
{
	return (row){ .base = { .id = by_ulid_new() }, .name = "J\xC3\xBCrgen \"x\"", .fps = 0.1, .taken_at = &taken_at,
		.price = { "-12.50" } };
}

START_TEST(values_come_back)
{
	row r = some_row();
	by_value values[5];
	const char *cursor = write_cursor(&r);
	ck_assert_uint_eq(strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(cursor));
	ck_ok(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), cursor, values));
	ck_assert_uint_eq(values[0].text.len, strlen(r.name));
	ck_assert_mem_eq(values[0].text.ptr, r.name, values[0].text.len);
	ck_assert(values[1].tag == BY_VALUE_DOUBLE && values[1].real == 0.1);
	ck_assert(values[2].tag == BY_VALUE_TIME && values[2].time.us == taken_at.us);
	ck_assert_mem_eq(values[3].text.ptr, "-12.50", 6);
	ck_assert_mem_eq(values[4].ulid.bytes, r.base.id.bytes, 16);
}
END_TEST

START_TEST(an_absent_value_comes_back_absent)
{
	row r = some_row();
	by_value values[5];
	r.taken_at = NULL;
	const char *cursor = write_cursor(&r);
	ck_ok(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), cursor, values));
	ck_assert_int_eq(values[2].tag, BY_VALUE_NULL);
}
END_TEST

START_TEST(another_order_refuses_it)
{
	row r = some_row();
	by_value values[5];
	const char *cursor = write_cursor(&r);
	by_error *error = by__cursor_read(arena, &row_model, order, 3, ROW_FIELD("id"), cursor, values);
	ck_fails(error, VALIDATION);
	ck_assert_str_eq(error->faults[0].where, "cursor");
	ck_assert_int_eq(error->faults[0].in, BY_FAULT_QUERY);
	order[0].descending = false;
	ck_fails(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), cursor, values), VALIDATION);
}
END_TEST

START_TEST(bent_and_cut_cursors_are_refused)
{
	row r = some_row();
	by_value values[5];
	const char *good = write_cursor(&r);
	char *cursor = by_copy(arena, good);
	for (size_t i = 0; cursor[i]; i++)
		for (int bit = 0; bit < 7; bit++) {
			cursor[i] = (char)(good[i] ^ (1 << bit));
			if (cursor[i])
				ck_fails(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), cursor, values), VALIDATION);
			cursor[i] = good[i];
		}
	for (size_t len = strlen(cursor); len-- > 0;) {
		cursor[len] = '\0';
		ck_fails(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), cursor, values), VALIDATION);
	}
}
END_TEST

START_TEST(garbage_is_refused)
{
	static const char *const garbage[] = { "", "x", "====", "AAAAAAAAAAAAAAAA", "not base64!", "\xff\xfe", "null",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	row r = some_row();
	by_value values[5];
	write_cursor(&r);
	for (size_t i = 0; i < BY_COUNT(garbage); i++)
		ck_fails(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), garbage[i], values), VALIDATION);
	char *huge = by_alloc(arena, 100001);
	memset(huge, 'A', 100000);
	ck_fails(by__cursor_read(arena, &row_model, order, 4, ROW_FIELD("id"), huge, values), VALIDATION);
}
END_TEST

UNIT("cursor", values_come_back, an_absent_value_comes_back_absent, another_order_refuses_it,
    bent_and_cut_cursors_are_refused, garbage_is_refused);
