/*
 * A model's columns and statements, compiled once per dialect. Plans are only
 * ever added, so that looking one up takes no lock.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/entity.h>

#include "core/json_reader.h"
#include "core/plan.h"
#include "infrastructure/db/sql_plan.h"

enum { BUCKETS = 64 };

static _Atomic(by__sql_plan *) plans[BUCKETS];
static pthread_mutex_t         compiling = PTHREAD_MUTEX_INITIALIZER;
static by_arena               *kept; /* of all plans */

/* ---- columns ---- */

/* An identifier, quoted; the tables are the application's own, but a quote within is doubled all the same. */
static const char *quoted(const char *name)
{
	by_buf out;
	by_buf_init(&out, kept, 0);
	by_put_char(&out, '"');
	for (const char *p = name; *p; p++) {
		by_put(&out, p, 1);
		if (*p == '"')
			by_put_char(&out, '"');
	}
	by_put_char(&out, '"');
	return by_copy(kept, by_buf_string(&out));
}

/*
 * Text is compared by code points in both databases, so that filters, orders
 * and cursors mean the same; SQLite compares decimals with a function of ours.
 */
static const char *ordered_name(const by__sql_plan *plan, const by__sql_column *column)
{
	by_sql_type type = column->field->kind->sql;
	if (plan->postgresql && type == BY_SQL_TEXT)
		return by_format(kept, "%s COLLATE \"C\"", column->name);
	if (!plan->postgresql && type == BY_SQL_NUMERIC)
		return by_format(kept, "%s COLLATE by_decimal", column->name);
	return column->name;
}

static by__sql_form form_of(const by_field *field)
{
	if (field->kind == &by_kind_secret)
		return BY__SQL_SECRET;
	return field->kind->sql == BY_SQL_NONE ? BY__SQL_JSON : BY__SQL_VALUE;
}

static void compile_columns(by__sql_plan *plan)
{
	plan->columns = BY_NEW_ARRAY(kept, by__sql_column, plan->count);
	for (size_t i = 0; i < plan->count; i++) {
		by__sql_column *column = &plan->columns[i];
		column->field = &plan->model->fields[i];
		column->form = form_of(column->field);
		column->nullable = by__field_nullable(column->field);
		column->name = quoted(column->field->name);
		column->ordered = ordered_name(plan, column);
		if (strcmp(column->field->name, "id") == 0)
			plan->key = i;
	}
	plan->generated = plan->columns[plan->key].field->kind == &by_kind_int64;
}

const by__sql_column *by__sql_column_of(const by__sql_plan *plan, const by_field *field)
{
	size_t at = (size_t)(field - plan->model->fields);
	BY_REQUIRE(at < plan->count);
	return &plan->columns[at];
}

/* ---- statements ---- */

static const by_statement *statement(const by__sql_plan *plan, const char *what, by_buf *sql)
{
	return by_statement_of(by_format(kept, "%s.%s", plan->model->table, what), by_buf_string(sql));
}

static const char *column_list(const by__sql_plan *plan, bool with_key)
{
	by_buf out;
	by_buf_init(&out, kept, 0);
	for (size_t i = 0; i < plan->count; i++) {
		if (!with_key && i == plan->key)
			continue;
		if (out.len)
			BY_PUT(&out, ", ");
		by_put_string(&out, plan->columns[i].name);
	}
	return by_copy(kept, by_buf_string(&out));
}

static const by_statement *compile_find(const by__sql_plan *plan)
{
	by_buf sql;
	by_buf_init(&sql, kept, 0);
	by_put_format(&sql, "SELECT %s FROM %s WHERE %s = $1%s", plan->names, plan->table, plan->columns[plan->key].name,
	    plan->alive);
	return statement(plan, "find", &sql);
}

/* $n is field n, whether the key is among them or not. */
static const by_statement *compile_insert(const by__sql_plan *plan, bool with_key)
{
	by_buf sql;
	size_t number = 0;
	by_buf_init(&sql, kept, 0);
	by_put_format(&sql, "INSERT INTO %s (%s) VALUES (", plan->table, column_list(plan, with_key));
	for (size_t i = 0; i < plan->count; i++)
		if (with_key || i != plan->key) {
			number++;
			by_put_format(&sql, "%s$%zu", number > 1 ? ", " : "", number);
		}
	by_put_char(&sql, ')');
	if (!with_key)
		by_put_format(&sql, " RETURNING %s", plan->columns[plan->key].name);
	return statement(plan, with_key ? "create" : "create_generated", &sql);
}

static bool is_kept_by_update(const by__sql_plan *plan, size_t i)
{
	return i == plan->key || (plan->entity && strcmp(plan->columns[i].field->name, "created_at") == 0);
}

/* $1 is the key, then each column that changes, and last the version that the row must still have. */
static const by_statement *compile_update(const by__sql_plan *plan)
{
	by_buf sql;
	size_t number = 1;
	by_buf_init(&sql, kept, 0);
	by_put_format(&sql, "UPDATE %s SET ", plan->table);
	for (size_t i = 0; i < plan->count; i++) {
		if (is_kept_by_update(plan, i))
			continue;
		by_put_string(&sql, number > 1 ? ", " : "");
		by_put_format(&sql, "%s = $%zu", plan->columns[i].name, number + 1);
		number++;
	}
	by_put_format(&sql, " WHERE %s = $1", plan->columns[plan->key].name);
	if (plan->entity)
		by_put_format(&sql, " AND \"version\" = $%zu", number + 1);
	by_put_string(&sql, plan->alive);
	return statement(plan, "update", &sql);
}

static const by_statement *compile_remove(const by__sql_plan *plan, bool with_version)
{
	by_buf      sql;
	const char *key = plan->columns[plan->key].name;
	const char *version = with_version ? " AND \"version\" = $2" : "";
	by_buf_init(&sql, kept, 0);
	if (*plan->alive)
		by_put_format(&sql, "UPDATE %s SET \"is_deleted\" = TRUE, \"updated_at\" = $%d, \"version\" = \"version\" + 1"
		    " WHERE %s = $1%s%s", plan->table, with_version ? 3 : 2, key, version, plan->alive);
	else
		by_put_format(&sql, "DELETE FROM %s WHERE %s = $1%s", plan->table, key, version);
	return statement(plan, with_version ? "remove_version" : "remove", &sql);
}

static by__sql_plan *compile(const by_model *model, const by_database *database)
{
	by__sql_plan *plan = BY_NEW(kept, by__sql_plan);
	plan->model = model;
	plan->dialect = database->driver->dialect;
	plan->postgresql = strcmp(plan->dialect, "postgresql") == 0;
	plan->entity = by_model_is_entity(model);
	plan->count = model->count;
	compile_columns(plan);
	plan->table = quoted(model->table);
	plan->names = column_list(plan, true);
	plan->alive = plan->entity && model->soft_delete ? " AND NOT \"is_deleted\"" : "";
	plan->list_name = by_format(kept, "%s.list", model->table);
	plan->count_name = by_format(kept, "%s.count", model->table);
	plan->find = compile_find(plan);
	plan->insert = compile_insert(plan, true);
	if (plan->generated && plan->count > 1)
		plan->insert_generated = compile_insert(plan, false);
	if (plan->count > 1)
		plan->update = compile_update(plan);
	plan->remove = compile_remove(plan, false);
	if (plan->entity)
		plan->remove_version = compile_remove(plan, true);
	return plan;
}

static by__sql_plan *search(const by_model *model, const char *dialect, size_t bucket)
{
	by__sql_plan *plan = atomic_load_explicit(&plans[bucket], memory_order_acquire);
	while (plan && (plan->model != model || strcmp(plan->dialect, dialect) != 0))
		plan = plan->next;
	return plan;
}

const by__sql_plan *by__sql_plan_of(const by_model *model, const by_database *database)
{
	size_t        bucket = ((uintptr_t)model >> 4) % BUCKETS;
	by__sql_plan *plan = search(model, database->driver->dialect, bucket);
	if (plan)
		return plan;
	BY_REQUIRE(model->table);
	pthread_mutex_lock(&compiling);
	plan = search(model, database->driver->dialect, bucket);
	if (!plan) {
		if (!kept)
			kept = by_arena_new(0);
		plan = compile(model, database);
		plan->next = atomic_load_explicit(&plans[bucket], memory_order_relaxed);
		atomic_store_explicit(&plans[bucket], plan, memory_order_release);
	}
	pthread_mutex_unlock(&compiling);
	return plan;
}

/* ---- cells ---- */

static by_value json_cell(by_arena *arena, const by_field *field, const void *row)
{
	static const by_json_style whole = { .all_fields = true };
	by_buf out;
	if (!by_field_value(field, row))
		return (by_value){ .tag = BY_VALUE_NULL };
	by_buf_init(&out, arena, 0);
	by_json_write_field(&out, field, row, &whole);
	return by_value_json((by_json){ out.data, out.len });
}

by_value by__sql_get(by_arena *arena, const by__sql_column *column, const void *row)
{
	if (column->form == BY__SQL_VALUE)
		return by_field_get(column->field, row);
	if (column->form == BY__SQL_JSON)
		return json_cell(arena, column->field, row);
	const by_secret *secret = by_field_value(column->field, row);
	return by_value_string(secret ? secret->value : NULL);
}

static bool set_json(by_arena *arena, const by_field *field, by_value cell, void *row)
{
	static const by_where root = { .in = BY_FAULT_BODY };
	by_json_reader json;
	by_faults     *faults = by_faults_new(arena);
	by__json_reader_init(&json, faults, cell.text, &root);
	json.accept_read_only = true;
	return (cell.tag == BY_VALUE_JSON || cell.tag == BY_VALUE_TEXT)
	    && field->kind->read(&json, field, by__field_place(arena, field, row)) && by__json_reader_finish(&json) == BY_OK;
}

by_error *by__sql_set(by_ctx *ctx, const by__sql_plan *plan, const by__sql_column *column, by_value cell, void *row)
{
	bool fits = column->form == BY__SQL_JSON && cell.tag != BY_VALUE_NULL
	    ? set_json(ctx->arena, column->field, cell, row)
	    : by_field_set(ctx->arena, column->field, cell, row);
	if (BY_LIKELY(fits))
		return BY_OK;
	return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database holds something unexpected."),
	    "column %s.%s does not fit %s: %s", plan->model->table, column->field->name, plan->model->name,
	    column->field->kind->expects);
}
