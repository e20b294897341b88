/* Repositories as applications see them: every call goes to the context's store. */
#include <banyan/assert.h>
#include <banyan/provider.h>
#include <banyan/store.h>

static by_store *store_of(by_ctx *ctx)
{
	BY_REQUIRE(ctx->providers && ctx->providers->store);
	return ctx->providers->store;
}

by_error *by_store_find_maybe(by_ctx *ctx, const by_model *model, by_value id, void *row, bool *found)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->find(ctx, store, model, id, row, found));
	return BY_OK;
}

by_error *by_store_find(by_ctx *ctx, const by_model *model, by_value id, void *row)
{
	bool found = false;
	BY_TRY(by_store_find_maybe(ctx, model, id, row, &found));
	if (!found)
		return by_fail(ctx, NOT_FOUND, "There is no such %s.", model->name);
	return BY_OK;
}

by_error *by_store_list(by_ctx *ctx, const by_model *model, const by_query *query, by_list_any *rows,
    by_page_info *info)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->list(ctx, store, model, query, rows, info));
	return BY_OK;
}

by_error *by_store_count(by_ctx *ctx, const by_model *model, const by_spec *where, int64_t *count)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->count(ctx, store, model, where, count));
	return BY_OK;
}

by_error *by_store_create(by_ctx *ctx, const by_model *model, void *row)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->create(ctx, store, model, row));
	return BY_OK;
}

by_error *by_store_update(by_ctx *ctx, const by_model *model, void *row)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->update(ctx, store, model, row));
	return BY_OK;
}

by_error *by_store_remove(by_ctx *ctx, const by_model *model, by_value id, int64_t version)
{
	by_store *store = store_of(ctx);
	BY_TRY(store->driver->remove(ctx, store, model, id, version));
	return BY_OK;
}
