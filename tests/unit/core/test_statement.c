/* Statements: one per text, whoever asks and from whichever thread. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/statement.h"
#include "unit/unit.h"

START_TEST(the_same_text_is_the_same_statement)
{
	char copy[] = "SELECT a FROM t WHERE id = $1";
	const by_statement *one = by_statement_of("first", "SELECT a FROM t WHERE id = $1");
	const by_statement *two = by_statement_of("second", copy);

	ck_assert_ptr_eq(one, two);
	ck_assert_str_eq(two->name, "first");
	ck_assert_ptr_ne(one->sql, copy);
	ck_assert_ptr_ne(by_statement_of("first", "SELECT b FROM t"), one);
}
END_TEST

START_TEST(arguments_are_counted_outside_quotes_and_comments)
{
	static const struct {
		const char *sql;
		size_t      arguments;
	} cases[] = {
		{ "SELECT 1", 0 }, { "SELECT $1", 1 }, { "SELECT $2, $1, $2", 2 }, { "SELECT '$9', \"$8\", $1", 1 },
		{ "SELECT 1 -- $4\n, $2", 2 }, { "SELECT /* $7 */ $1", 1 }, { "SELECT 'it''s $3'", 0 }, { "SELECT $12", 12 },
		{ "SELECT '$1", 0 }, { "SELECT $", 0 }, { "SELECT /* $1", 0 }, { "-- $1", 0 }, { "", 0 },
	};
	for (size_t i = 0; i < BY_COUNT(cases); i++)
		ck_assert_uint_eq(by_statement_of("t", cases[i].sql)->arguments, cases[i].arguments);
}
END_TEST

START_TEST(the_verb_is_the_first_keyword)
{
	static const struct {
		const char *sql;
		by__verb    verb;
	} cases[] = {
		{ "SELECT 1", BY__VERB_SELECT }, { "\n\t select 1", BY__VERB_SELECT },
		{ "(SELECT 1) UNION SELECT 2", BY__VERB_SELECT },
		{ "Insert INTO t VALUES (1)", BY__VERB_INSERT }, { "UPDATE t SET a = 1", BY__VERB_UPDATE },
		{ "DELETE FROM t", BY__VERB_DELETE }, { "WITH x AS (SELECT 1) SELECT * FROM x", BY__VERB_WITH },
		{ "SET x = 1", BY__VERB_OTHER }, { "", BY__VERB_OTHER }, { "select", BY__VERB_OTHER },
	};
	for (size_t i = 0; i < BY_COUNT(cases); i++)
		ck_assert_int_eq(by__statement_of(by_statement_of("t", cases[i].sql))->verb, cases[i].verb);
}
END_TEST

START_TEST(dynamic_texts_beyond_the_bound_live_in_the_arena)
{
	by_arena *arena = by_arena_new(0);
	for (int i = 0; i < BY__STATEMENT_DYNAMIC_MAX; i++) {
		const char *sql = by_format(arena, "SELECT %d", i);
		ck_assert_uint_ne(by__statement_dynamic(arena, "d", (by_text){ sql, strlen(sql) })->id, BY__STATEMENT_TRANSIENT);
	}
	const by_statement *over = by__statement_dynamic(arena, "d", BY_TEXT("SELECT $1, 'one too many'"));
	ck_assert_uint_eq(over->id, BY__STATEMENT_TRANSIENT);
	ck_assert_uint_eq(over->arguments, 1);
	ck_assert_str_eq(over->sql, "SELECT $1, 'one too many'");
	ck_assert_uint_ne(by__statement_dynamic(arena, "d", BY_TEXT("SELECT 7"))->id, BY__STATEMENT_TRANSIENT);
	ck_assert_uint_ne(by_statement_of("literal", "SELECT 'written by the application'")->id, BY__STATEMENT_TRANSIENT);
	by_arena_free(&arena);
}
END_TEST

enum { THREADS = 4, TEXTS = 500 };

static void *intern_all(void *argument)
{
	const by_statement **out = argument;
	for (int i = 0; i < TEXTS; i++) {
		char sql[40];
		snprintf(sql, sizeof(sql), "SELECT %d FROM threads", i);
		out[i] = by_statement_of("thread", sql);
	}
	return NULL;
}

START_TEST(threads_agree)
{
	static const by_statement *found[THREADS][TEXTS];
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, intern_all, found[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < THREADS; i++)
		ck_assert_mem_eq(found[i], found[0], sizeof(found[0]));
	for (int i = 1; i < TEXTS; i++)
		ck_assert_uint_ne(found[0][i]->id, found[0][i - 1]->id);
}
END_TEST

UNIT("statement", the_same_text_is_the_same_statement, arguments_are_counted_outside_quotes_and_comments,
    the_verb_is_the_first_keyword, dynamic_texts_beyond_the_bound_live_in_the_arena, threads_agree);
