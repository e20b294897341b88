/*
 * What a client may ask of a list: a line with its order, a line with its
 * cursor, and a filter. The SQL made of them is one that SQLite prepares,
 * whatever the values hold. A cursor after '=' is raw cells, which get their
 * checksum here, so that the readers behind it are reached.
 */
#include <sqlite3.h>

#include <banyan/store.h>

#include "core/cursor.h"
#include "core/text.h"
#include "fuzz/fuzz.h"
#include "infrastructure/db/sql_plan.h"
#include "unit/core/rows.h"

static const by_database_driver driver = { .dialect = "sqlite" };
static by_database              database = { .driver = &driver };
static sqlite3                 *sqlite;

static int by_bytes_alone(void *none, int a_len, const void *a, int b_len, const void *b)
{
	(void)none;
	int order = memcmp(a, b, (size_t)(a_len < b_len ? a_len : b_len));

	return order ? order : a_len - b_len;
}

static void open_once(void)
{
	if (sqlite)
		return;
	BY_REQUIRE(by_model_compile(fuzz_kept(), &row_model) == BY_OK);
	BY_REQUIRE(sqlite3_open(":memory:", &sqlite) == SQLITE_OK);
	BY_REQUIRE(sqlite3_create_collation(sqlite, "by_decimal", SQLITE_UTF8, NULL, by_bytes_alone) == SQLITE_OK);
	const by__sql_plan *plan = by__sql_plan_of(&row_model, &database);
	const char         *table = by_format(fuzz_kept(), "CREATE TABLE %s (%s)", plan->table, plan->names);

	BY_REQUIRE(sqlite3_exec(sqlite, table, NULL, NULL, NULL) == SQLITE_OK);
}

static void check_sql(const by__sql_text *text)
{
	sqlite3_stmt *statement = NULL;

	FUZZ_HOLDS(sqlite3_prepare_v2(sqlite, text->sql.data, (int)text->sql.len, &statement, NULL) == SQLITE_OK);
	FUZZ_HOLDS((size_t)sqlite3_bind_parameter_count(statement) == text->count);
	sqlite3_finalize(statement);
}

/* The cells behind the checksum that they need (core/cursor.c). */
static const char *sealed(by_arena *arena, const by_query *query, const by_field *key, by_text cells)
{
	by_buf   data, out;
	uint64_t hash = by__hash(BY__HASH_START, row_model.name, strlen(row_model.name) + 1);

	for (size_t i = 0; i < query->order_count; i++) {
		hash = by__hash(hash, query->order[i].descending ? "-" : "+", 2);
		hash = by__hash(hash, query->order[i].field->name, strlen(query->order[i].field->name) + 1);
	}
	hash = by__hash(by__hash(hash, key->name, strlen(key->name) + 1), cells.ptr, cells.len);
	by_buf_init(&data, arena, cells.len + 8);
	by_put(&data, (const char *)&hash, sizeof(hash));
	by_put_text(&data, cells);
	by_buf_init(&out, arena, data.len * 2);
	by_put_base64url(&out, (by_bytes){ (const uint8_t *)data.data, data.len });
	return by_buf_string(&out);
}

/* The values of a cursor that is one, or NULL. */
static by_value *cursor_values(by_arena *arena, const by_query *query, const by_field *key, by_text cursor)
{
	by_value   *values = BY_NEW_ARRAY(arena, by_value, query->order_count + 1);
	bool        raw = cursor.len > 0 && cursor.ptr[0] == '=';
	const char *text = raw ? sealed(arena, query, key, (by_text){ cursor.ptr + 1, cursor.len - 1 })
	                       : by_copy_text(arena, cursor);
	by_error   *error = by__cursor_read(arena, &row_model, query->order, query->order_count, key, text, values);

	FUZZ_HOLDS(error == BY_OK || by_error_is(error, VALIDATION));
	return error == BY_OK ? values : NULL;
}

static void check_list(by_arena *arena, const by_query *query, by_text cursor)
{
	const by__sql_plan *plan = by__sql_plan_of(&row_model, &database);
	by_value           *values = cursor_values(arena, query, plan->columns[plan->key].field, cursor);
	by__sql_text        text;

	by__sql_begin(&text, arena);
	by_put_format(&text.sql, "SELECT %s FROM %s WHERE ", plan->names, plan->table);
	by__sql_where(&text, plan, query->where);
	if (values) {
		BY_PUT(&text.sql, " AND ");
		by__sql_after(&text, plan, query, values);
	}
	by__sql_order(&text, plan, query);
	check_sql(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_text    rest = fuzz_text(data, size);
	by_text    order = fuzz_line(&rest);
	by_text    cursor = fuzz_line(&rest);
	by_arena  *arena = by_arena_new(0);
	by_faults *faults = by_faults_new(arena);
	by_query   query = { .by_cursor = true, .size = 20 };

	open_once();
	if (order.len > 0)
		by_order_read(faults, &row_model, order, "sort", &query.order, &query.order_count);
	by_error *error = rest.len > 0 ? by_spec_read(faults, &row_model, rest, "filter", &query.where) : BY_OK;

	FUZZ_HOLDS(error == BY_OK || by_error_is(error, MALFORMED) || by_error_is(error, VALIDATION));
	if (error == BY_OK && by_faults_count(faults) == 0)
		check_list(arena, &query, cursor);
	by_arena_free(&arena);
	return 0;
}
