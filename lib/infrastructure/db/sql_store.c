/*
 * Repositories over SQL: rows of any model, read and written through the
 * model's plan.
 */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/entity.h>
#include <banyan/provider.h>

#include "core/cursor.h"
#include "core/statement.h"
#include "infrastructure/db/drivers.h"
#include "infrastructure/db/sql_plan.h"

enum { SIZE_MAX_ROWS = 1000 };

static const by__sql_plan *plan_for(by_ctx *ctx, const by_model *model)
{
	BY_REQUIRE(ctx->providers && ctx->providers->database);
	return by__sql_plan_of(model, ctx->providers->database);
}

/* ---- rows ---- */

/* Fills rows of a fixed array, one after another; a further column is the total. */
typedef struct rows {
	by_row_sink         sink; /* first */
	const by__sql_plan *plan;
	char               *items;
	size_t              count, room;
	int64_t             total;
} rows;

static by_error *on_row(by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count)
{
	rows               *self = (rows *)sink;
	const by__sql_plan *plan = self->plan;
	if (count > plan->count)
		self->total = cells[plan->count].integer;
	if (self->count == self->room)
		return BY_OK;
	void *row = self->items + self->count * plan->model->size;
	for (size_t i = 0; i < plan->count; i++)
		BY_TRY(by__sql_set(ctx, plan, &plan->columns[i], cells[i], row));
	self->count++;
	return BY_OK;
}

static rows rows_into(const by__sql_plan *plan, void *items, size_t room)
{
	return (rows){ .sink = { on_row }, .plan = plan, .items = items, .room = room, .total = -1 };
}

/* Into a row of its own first: the caller's stays as it was unless all of it could be read. */
static by_error *sql_find(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, by_value id, void *row,
    bool *found)
{
	const by__sql_plan *plan = plan_for(ctx, model);
	void               *read = by_alloc(ctx->arena, model->size);
	rows                into = rows_into(plan, read, 1);
	BY_TRY(by_database_query(ctx, plan->find, &id, 1, &into.sink, NULL));
	*found = into.count == 1;
	if (*found)
		memcpy(row, read, model->size);
	return BY_OK;
}

/* ---- lists ---- */

static void put_condition(by__sql_text *text, const by__sql_plan *plan, const by_spec *where, bool with_deleted)
{
	BY_PUT(&text->sql, " WHERE ");
	by__sql_where(text, plan, where);
	if (!with_deleted)
		by_put_string(&text->sql, plan->alive);
}

static by_error *run(by_ctx *ctx, by__sql_text *text, const char *name, by_row_sink *sink)
{
	BY_TRY(by_buf_finish(&text->sql));
	const by_statement *statement = by__statement_dynamic(ctx->arena, name, (by_text){ text->sql.data, text->sql.len });
	BY_TRY(by_database_query(ctx, statement, text->args, text->count, sink, NULL));
	return BY_OK;
}

typedef struct number {
	by_row_sink sink; /* first */
	int64_t     value;
} number;

static by_error *on_number(by_row_sink *sink, by_ctx *ctx BY_UNUSED, const by_value *cells, size_t count BY_UNUSED)
{
	((number *)sink)->value = cells[0].integer;
	return BY_OK;
}

static by_error *count_rows(by_ctx *ctx, const by__sql_plan *plan, const by_spec *where, bool with_deleted,
    int64_t *count)
{
	by__sql_text text;
	number       result = { { on_number }, 0 };
	by__sql_begin(&text, ctx->arena);
	by_put_format(&text.sql, "SELECT count(*) FROM %s", plan->table);
	put_condition(&text, plan, where, with_deleted);
	BY_TRY(run(ctx, &text, plan->count_name, &result.sink));
	*count = result.value;
	return BY_OK;
}

static by_error *sql_count(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, const by_spec *where,
    int64_t *count)
{
	BY_TRY(count_rows(ctx, plan_for(ctx, model), where, false, count));
	return BY_OK;
}

/* Rows and total in one statement, so that both are of one moment. */
static by_error *list_by_number(by_ctx *ctx, const by__sql_plan *plan, const by_query *query, rows *into,
    by_page_info *info)
{
	by__sql_text text;
	int64_t      offset;
	if (__builtin_mul_overflow(query->page - 1, query->size, &offset))
		offset = INT64_MAX;
	by__sql_begin(&text, ctx->arena);
	by_put_format(&text.sql, "SELECT %s, (SELECT count(*) FROM %s", plan->names, plan->table);
	put_condition(&text, plan, query->where, query->with_deleted);
	by_put_format(&text.sql, ") FROM %s", plan->table);
	put_condition(&text, plan, query->where, query->with_deleted);
	by__sql_order(&text, plan, query);
	BY_PUT(&text.sql, " LIMIT ");
	by__sql_bind(&text, by_value_int(query->size));
	BY_PUT(&text.sql, " OFFSET ");
	by__sql_bind(&text, by_value_int(offset));
	BY_TRY(run(ctx, &text, plan->list_name, &into->sink));
	info->total = into->total;
	/* No row, no total: the page is the first of nothing, or beyond the end. */
	if (into->total < 0) {
		info->total = 0;
		if (query->page > 1)
			BY_TRY(count_rows(ctx, plan, query->where, query->with_deleted, &info->total));
	}
	info->has_next = offset < info->total - (int64_t)into->count && into->count > 0;
	info->has_previous = query->page > 1;
	return BY_OK;
}

/* One row more than the page holds tells whether there is another page. */
static by_error *list_by_cursor(by_ctx *ctx, const by__sql_plan *plan, const by_query *query, rows *into,
    by_page_info *info)
{
	by__sql_text    text;
	const by_field *key = plan->columns[plan->key].field;
	by__sql_begin(&text, ctx->arena);
	by_put_format(&text.sql, "SELECT %s FROM %s", plan->names, plan->table);
	put_condition(&text, plan, query->where, query->with_deleted);
	if (query->cursor) {
		by_value *values = BY_NEW_ARRAY(ctx->arena, by_value, query->order_count + 1);
		BY_TRY(by__cursor_read(ctx->arena, plan->model, query->order, query->order_count, key, query->cursor, values));
		BY_PUT(&text.sql, " AND ");
		by__sql_after(&text, plan, query, values);
	}
	by__sql_order(&text, plan, query);
	BY_PUT(&text.sql, " LIMIT ");
	by__sql_bind(&text, by_value_int(query->size + 1));
	BY_TRY(run(ctx, &text, plan->list_name, &into->sink));
	info->total = -1;
	info->has_previous = query->cursor != NULL;
	info->has_next = into->count > (size_t)query->size;
	if (info->has_next) {
		into->count = (size_t)query->size;
		info->next = by__cursor_write(ctx->arena, plan->model, query->order, query->order_count, key,
		    into->items + (into->count - 1) * plan->model->size);
	}
	return BY_OK;
}

static by_error *sql_list(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, const by_query *query,
    by_list_any *out, by_page_info *info)
{
	const by__sql_plan *plan = plan_for(ctx, model);
	BY_REQUIRE(query->size >= 1 && query->size <= SIZE_MAX_ROWS && (query->by_cursor || query->page >= 1));
	size_t       room = (size_t)query->size + query->by_cursor;
	rows         into = rows_into(plan, by_alloc_array(ctx->arena, model->size, room), room);
	by_page_info page = { .page = query->by_cursor ? 0 : query->page, .size = query->size };
	if (query->by_cursor)
		BY_TRY(list_by_cursor(ctx, plan, query, &into, &page));
	else
		BY_TRY(list_by_number(ctx, plan, query, &into, &page));
	*out = (by_list_any){ into.items, into.count };
	if (info)
		*info = page;
	return BY_OK;
}

/* ---- changes ---- */

static by_error *insert(by_ctx *ctx, const by__sql_plan *plan, void *row)
{
	by_value *values = BY_NEW_ARRAY(ctx->arena, by_value, plan->count);
	for (size_t i = 0; i < plan->count; i++)
		values[i] = by__sql_get(ctx->arena, &plan->columns[i], row);
	BY_TRY(by_database_query(ctx, plan->insert, values, plan->count, NULL, NULL));
	return BY_OK;
}

/* The database numbers the row. */
static by_error *insert_generated(by_ctx *ctx, const by__sql_plan *plan, void *row)
{
	by_value *values = BY_NEW_ARRAY(ctx->arena, by_value, plan->count);
	number    key = { { on_number }, 0 };
	size_t    count = 0;
	for (size_t i = 0; i < plan->count; i++)
		if (i != plan->key)
			values[count++] = by__sql_get(ctx->arena, &plan->columns[i], row);
	BY_TRY(by_database_query(ctx, plan->insert_generated, values, count, &key.sink, NULL));
	return by__sql_set(ctx, plan, &plan->columns[plan->key], by_value_int(key.value), row);
}

static by_error *sql_create(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, void *row)
{
	const by__sql_plan *plan = plan_for(ctx, model);
	if (plan->entity) {
		by_entity before = *(by_entity *)row;
		by_entity_begin(row);
		by_error *error = insert(ctx, plan, row);
		if (error)
			*(by_entity *)row = before;
		BY_TRY(error);
		return BY_OK;
	}
	by_value key = by_field_get(plan->columns[plan->key].field, row);
	if (plan->insert_generated && (key.tag == BY_VALUE_NULL || key.integer == 0))
		BY_TRY(insert_generated(ctx, plan, row));
	else
		BY_TRY(insert(ctx, plan, row));
	return BY_OK;
}

/* Nothing was changed: because the row is not there, or because its version has moved on. */
static by_error *missed(by_ctx *ctx, const by__sql_plan *plan, by_value id, bool version_asked)
{
	void *row = by_alloc(ctx->arena, plan->model->size);
	rows  into = rows_into(plan, row, 1);
	if (version_asked)
		BY_TRY(by_database_query(ctx, plan->find, &id, 1, &into.sink, NULL));
	if (into.count)
		return by_fail(ctx, VERSION_CONFLICT, "The %s was changed by someone else in the meantime.", plan->model->name);
	return by_fail(ctx, NOT_FOUND, "There is no such %s.", plan->model->name);
}

/* The values of `update` in its order; the new version is one more than the row's. */
static size_t update_values(by_arena *arena, const by__sql_plan *plan, const void *row, by_value *values)
{
	size_t count = 0;
	values[count++] = by__sql_get(arena, &plan->columns[plan->key], row);
	for (size_t i = 0; i < plan->count; i++) {
		const by__sql_column *column = &plan->columns[i];
		bool created = plan->entity && column->field->offset == offsetof(by_entity, created_at);
		if (i != plan->key && !created)
			values[count++] = by__sql_get(arena, column, row);
	}
	return count;
}

static by_error *write_row(by_ctx *ctx, const by__sql_plan *plan, const void *row, int64_t version)
{
	by_value *values = BY_NEW_ARRAY(ctx->arena, by_value, plan->count + 2);
	size_t    count = update_values(ctx->arena, plan, row, values);
	int64_t   affected = 0;
	if (plan->entity)
		values[count++] = by_value_int(version);
	BY_TRY(by_database_query(ctx, plan->update, values, count, NULL, &affected));
	if (!affected)
		return missed(ctx, plan, values[0], plan->entity);
	return BY_OK;
}

static by_error *sql_update(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, void *row)
{
	const by__sql_plan *plan = plan_for(ctx, model);
	BY_REQUIRE(plan->update);
	if (!plan->entity) {
		BY_TRY(write_row(ctx, plan, row, 0));
		return BY_OK;
	}
	by_entity *entity = row, before = *entity;
	by_entity_touch(entity);
	entity->version++;
	by_error *error = write_row(ctx, plan, row, before.version);
	if (error)
		*entity = before;
	BY_TRY(error);
	return BY_OK;
}

static by_error *sql_remove(by_ctx *ctx, by_store *store BY_UNUSED, const by_model *model, by_value id, int64_t version)
{
	const by__sql_plan *plan = plan_for(ctx, model);
	by_value            values[3] = { id };
	size_t              count = 1;
	int64_t             affected = 0;
	bool                versioned = version != 0 && plan->entity;
	if (versioned)
		values[count++] = by_value_int(version);
	if (*plan->alive)
		values[count++] = by_value_time(by_time_now());
	BY_TRY(by_database_query(ctx, versioned ? plan->remove_version : plan->remove, values, count, NULL, &affected));
	if (!affected)
		return missed(ctx, plan, id, versioned);
	return BY_OK;
}

static const by_store_driver driver = {
	.find = sql_find,
	.list = sql_list,
	.count = sql_count,
	.create = sql_create,
	.update = sql_update,
	.remove = sql_remove,
};

by_store *by__sql_store(void)
{
	static by_store store = { &driver };
	return &store;
}
