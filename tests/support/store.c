/* Repositories in memory: a list of rows per model, scanned. */
#include "support/store.h"

#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/database.h>
#include <banyan/entity.h>

enum { MOST_MODELS = 8, MOST_ROWS = 4096 };

typedef struct table {
	const by_model *model;
	char           *rows;
	size_t          count;
} table;

struct test_store {
	by_store         base; /* first: drivers take it back by it */
	by_database      database;
	by_providers     providers;
	by_arena        *arena;
	table            tables[MOST_MODELS];
	table            saved[MOST_MODELS];
	unsigned         losses;
	test_store_usage usage;
};

/* ---- rows ----------------------------------------------------------------- */

static table *table_of(test_store *store, const by_model *model)
{
	for (int i = 0; i < MOST_MODELS; i++) {
		table *t = &store->tables[i];
		if (t->model == model)
			return t;
		if (!t->model) {
			*t = (table){ .model = model, .rows = by_alloc_array(store->arena, model->size, MOST_ROWS) };
			return t;
		}
	}
	BY_IMPOSSIBLE("more models than a test needs");
}

static int compare_numbers(double a, double b)
{
	return a < b ? -1 : a > b;
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const size_t len = a_len < b_len ? a_len : b_len;
	const int    order = len ? memcmp(a, b, len) : 0;
	return order ? order : compare_numbers((double)a_len, (double)b_len);
}

static int compare_values(by_value a, by_value b)
{
	if (a.tag != b.tag)
		return compare_numbers(a.tag, b.tag);
	switch (a.tag) {
	case BY_VALUE_BOOL:
		return compare_numbers(a.boolean, b.boolean);
	case BY_VALUE_INT:
		return compare_numbers((double)a.integer, (double)b.integer);
	case BY_VALUE_DOUBLE:
		return compare_numbers(a.real, b.real);
	case BY_VALUE_TIME:
		return compare_numbers((double)a.time.us, (double)b.time.us);
	case BY_VALUE_ULID:
		return compare_bytes(a.ulid.bytes, 16, b.ulid.bytes, 16);
	case BY_VALUE_TEXT:
		return compare_bytes(a.text.ptr, a.text.len, b.text.ptr, b.text.len);
	default:
		return 0;
	}
}

static bool matches(const by_model *model, const by_spec *spec, const void *row);

static bool matches_leaf(const by_model *model, const by_spec *spec, const void *row)
{
	const by_field *field = by_model_field(model, (by_text){ spec->field->name, strlen(spec->field->name) });
	const by_value  value = by_field_get(field, row);
	const int       order = spec->count ? compare_values(value, spec->values[0]) : 0;
	switch (spec->op) {
	case BY_SPEC_EQ:
		return order == 0;
	case BY_SPEC_NE:
		return order != 0;
	case BY_SPEC_LT:
		return order < 0;
	case BY_SPEC_LE:
		return order <= 0;
	case BY_SPEC_GT:
		return order > 0;
	case BY_SPEC_GE:
		return order >= 0;
	default:
		BY_IMPOSSIBLE("an operator that no test in memory uses");
	}
}

static bool matches(const by_model *model, const by_spec *spec, const void *row)
{
	if (!spec)
		return true;
	if (spec->field)
		return matches_leaf(model, spec, row);
	for (size_t i = 0; i < spec->count; i++) {
		const bool yes = matches(model, spec->of[i], row);
		if (spec->op == BY_SPEC_NOT)
			return !yes;
		if (yes == (spec->op == BY_SPEC_OR))
			return yes;
	}
	return spec->op == BY_SPEC_AND;
}

static by_entity *find_row(test_store *store, const by_model *model, by_value id)
{
	table *t = table_of(store, model);
	for (size_t i = 0; i < t->count; i++) {
		by_entity *row = (by_entity *)(void *)(t->rows + i * model->size);
		if (memcmp(row->id.bytes, id.ulid.bytes, sizeof(id.ulid.bytes)) == 0 && !row->is_deleted)
			return row;
	}
	return NULL;
}

/* ---- the driver ----------------------------------------------------------- */

static by_error *memory_find(by_ctx *ctx, by_store *base, const by_model *model, by_value id, void *row, bool *found)
{
	test_store *store = (test_store *)base;
	by_entity  *there = find_row(store, model, id);
	(void)ctx;
	store->usage.finds++;
	*found = there != NULL;
	if (there)
		memcpy(row, there, model->size);
	return BY_OK;
}

/* Those that match, in the order asked for; ids break ties. */
static size_t select_rows(test_store *store, const by_model *model, const by_query *query, const void **rows)
{
	table *t = table_of(store, model);
	size_t count = 0;
	for (size_t i = 0; i < t->count; i++) {
		const by_entity *row = (const by_entity *)(const void *)(t->rows + i * model->size);
		if ((row->is_deleted && !query->with_deleted) || !matches(model, query->where, row))
			continue;
		size_t at = count++;
		for (; at > 0; at--) {
			int order = 0;
			for (size_t k = 0; k < query->order_count && order == 0; k++) {
				order = compare_values(by_field_get(query->order[k].field, rows[at - 1]),
				    by_field_get(query->order[k].field, row));
				order = query->order[k].descending ? -order : order;
			}
			if (order == 0)
				order = memcmp(((const by_entity *)rows[at - 1])->id.bytes, row->id.bytes, 16);
			if (order <= 0)
				break;
			rows[at] = rows[at - 1];
		}
		rows[at] = row;
	}
	return count;
}

static by_error *memory_list(by_ctx *ctx, by_store *base, const by_model *model, const by_query *query,
    by_list_any *rows, by_page_info *info)
{
	test_store  *store = (test_store *)base;
	const void **all = BY_NEW_ARRAY(ctx->arena, const void *, MOST_ROWS);
	const size_t count = select_rows(store, model, query, all);
	const size_t size = (size_t)query->size;
	size_t       from = query->by_cursor ? 0 : (size_t)(query->page - 1) * size;
	store->usage.lists++;
	if (query->by_cursor && query->cursor)
		from = (size_t)atoi(query->cursor);
	rows->items = by_alloc_array(ctx->arena, model->size, size);
	rows->count = 0;
	for (size_t i = from; i < count && rows->count < size; i++)
		memcpy((char *)rows->items + model->size * rows->count++, all[i], model->size);
	*info = (by_page_info){ .total = query->by_cursor ? -1 : (int64_t)count, .page = query->page, .size = query->size,
	    .has_next = from + rows->count < count, .has_previous = from > 0 };
	if (query->by_cursor && info->has_next)
		info->next = by_format(ctx->arena, "%zu", from + rows->count);
	return BY_OK;
}

static by_error *memory_count(by_ctx *ctx, by_store *base, const by_model *model, const by_spec *where, int64_t *count)
{
	by_query     query = { .where = where };
	const void **rows = BY_NEW_ARRAY(ctx->arena, const void *, MOST_ROWS);
	*count = (int64_t)select_rows((test_store *)base, model, &query, rows);
	return BY_OK;
}

static by_error *check_unique(by_ctx *ctx, test_store *store, const by_model *model, const by_entity *row)
{
	table *t = table_of(store, model);
	for (size_t i = 0; i < t->count; i++) {
		const by_entity *other = (const by_entity *)(const void *)(t->rows + i * model->size);
		for (size_t f = 0; f < model->count; f++) {
			const by_value a = by_field_get(&model->fields[f], row);
			const by_value b = by_field_get(&model->fields[f], other);
			if (model->fields[f].unique && a.tag != BY_VALUE_NULL && compare_values(a, b) == 0 && !other->is_deleted &&
			    memcmp(other->id.bytes, row->id.bytes, 16) != 0)
				return by_fail(ctx, UNIQUE_VIOLATION, "There is a row with this %s already.", model->fields[f].name);
		}
	}
	return BY_OK;
}

static by_error *memory_create(by_ctx *ctx, by_store *base, const by_model *model, void *row)
{
	test_store *store = (test_store *)base;
	table      *t = table_of(store, model);
	BY_INVARIANT(t->count < MOST_ROWS);
	by_entity_begin(row);
	BY_TRY(check_unique(ctx, store, model, row));
	memcpy(t->rows + t->count++ * model->size, row, model->size);
	store->usage.writes++;
	return BY_OK;
}

static by_error *memory_update(by_ctx *ctx, by_store *base, const by_model *model, void *row)
{
	test_store *store = (test_store *)base;
	by_entity  *entity = row;
	by_entity  *there = find_row(store, model, by_value_ulid(entity->id));
	if (!there)
		return by_fail(ctx, NOT_FOUND, "There is no such %s.", model->name);
	if (store->losses > 0)
		store->losses--, there->version++;
	if (there->version != entity->version)
		return by_fail(ctx, VERSION_CONFLICT, "The row has been changed meanwhile.");
	BY_TRY(check_unique(ctx, store, model, row));
	by_entity_touch(entity);
	entity->version++;
	memcpy(there, row, model->size);
	store->usage.writes++;
	return BY_OK;
}

static by_error *memory_remove(by_ctx *ctx, by_store *base, const by_model *model, by_value id, int64_t version)
{
	test_store *store = (test_store *)base;
	by_entity  *there = find_row(store, model, id);
	if (!there)
		return by_fail(ctx, NOT_FOUND, "There is no such %s.", model->name);
	if (version != 0 && there->version != version)
		return by_fail(ctx, VERSION_CONFLICT, "The row has been changed meanwhile.");
	by_entity_delete(there);
	store->usage.writes++;
	return BY_OK;
}

static const by_store_driver memory_driver = {
	memory_find, memory_list, memory_count, memory_create, memory_update, memory_remove
};

/* ---- transactions --------------------------------------------------------- */

static test_store *store_of(by_database *database)
{
	return (test_store *)(void *)((char *)database - offsetof(test_store, database));
}

static by_error *memory_begin(by_ctx *ctx, by_database *database, by_isolation isolation, by_transaction **transaction)
{
	test_store *store = store_of(database);
	*transaction = BY_NEW(ctx->arena, by_transaction);
	**transaction = (by_transaction){ database, isolation };
	store->usage.begun++;
	for (int i = 0; i < MOST_MODELS && store->tables[i].model; i++) {
		const table *t = &store->tables[i];
		store->saved[i] = *t;
		store->saved[i].rows = by_alloc_array(store->arena, t->model->size, MOST_ROWS);
		memcpy(store->saved[i].rows, t->rows, t->model->size * t->count);
	}
	return BY_OK;
}

static by_error *memory_commit(by_ctx *ctx, by_transaction *transaction)
{
	(void)ctx;
	store_of(transaction->database)->usage.committed++;
	return BY_OK;
}

static void memory_rollback(by_ctx *ctx, by_transaction *transaction)
{
	test_store *store = store_of(transaction->database);
	(void)ctx;
	store->usage.rolled_back++;
	for (int i = 0; i < MOST_MODELS && store->tables[i].model; i++)
		if (store->saved[i].model)
			store->tables[i] = store->saved[i];
}

static const by_database_driver memory_database = {
	.dialect = "memory", .begin = memory_begin, .commit = memory_commit, .rollback = memory_rollback
};

test_store *test_store_new(by_arena *arena)
{
	test_store *store = BY_NEW(arena, test_store);
	store->base.driver = &memory_driver;
	store->database.driver = &memory_database;
	store->arena = arena;
	store->providers = (by_providers){ .database = &store->database, .store = &store->base };
	return store;
}

by_providers *test_store_providers(test_store *store)
{
	return &store->providers;
}

test_store_usage test_store_used(const test_store *store)
{
	return store->usage;
}

void test_store_lose(test_store *store, unsigned times)
{
	store->losses = times;
}
