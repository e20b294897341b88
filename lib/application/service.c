/*
 * Services: schemas in, repository calls and business rules in the middle,
 * schemas out. The mappers between them are made at start-up.
 */
#include <banyan/service.h>

#include <string.h>

#include <banyan/assert.h>
#include <banyan/database.h>
#include <banyan/entity.h>

#include "application/mapper.h"
#include "application/service.h"

enum { UPDATE_ATTEMPTS = 3 };

struct by_service_plan {
	by_mapper *create;  /* input to entity */
	by_mapper *update;  /* input to entity */
	by_mapper *overlay; /* update input to itself: what a partial one changes */
	by_mapper *whole;   /* entity to update input, to check a partial one as a whole */
	by_mapper *view;    /* entity to output; NULL: they are one model */
};

/* One create, update or remove, as it runs within a transaction. */
typedef struct change {
	const by_service *service;
	const by__scope  *scope;
	by_value          id;
	int64_t           version; /* 0: any */
	const void       *in;
	const by_present *present; /* NULL: all of it */
	void             *view;
} change;

typedef by_error *change_fn(by_ctx *ctx, void *argument);

const by_model *by__service_create_model(const by_service *service)
{
	return service->create ? service->create : service->entity;
}

const by_model *by__service_update_model(const by_service *service)
{
	return service->update ? service->update : by__service_create_model(service);
}

const by_model *by__service_view_model(const by_service *service)
{
	return service->view ? service->view : service->entity;
}

static by_error *check_entity(by_arena *arena, const by_service *service)
{
	const by_model *entity = service->entity;
	const char     *lacks = NULL;
	if (!by_model_is_entity(entity))
		lacks = "does not begin with the entity base; make its first row BY_ENTITY";
	else if (!entity->table)
		lacks = "has no table; give BY_MODEL a .table";
	if (lacks)
		return by_error_new(arena, CONFIGURATION, "%s:%d: the entity %s of service %s %s", service->place.file,
		    service->place.line, entity->name, service->name, lacks);
	if (by__service_update_model(service)->count > 64)
		return by_error_new(arena, CONFIGURATION, "%s:%d: %s, the update model of service %s, has over 64 fields; "
		    "nest some of them", service->place.file, service->place.line, by__service_update_model(service)->name,
		    service->name);
	return BY_OK;
}

static by_error *make_plan(by_arena *arena, const by_service *service, struct by_service_plan *plan)
{
	const by_model *create = by__service_create_model(service);
	const by_model *update = by__service_update_model(service);
	const by_model *view = by__service_view_model(service);
	BY_TRY(by__mapper_of_input(arena, create, service->entity, &plan->create));
	BY_TRY(by__mapper_of_input(arena, update, service->entity, &plan->update));
	BY_TRY(by_mapper_new(arena, update, update, &plan->overlay));
	BY_TRY(by_mapper_new(arena, service->entity, update, &plan->whole));
	if (view != service->entity)
		BY_TRY(by_mapper_new(arena, service->entity, view, &plan->view));
	return BY_OK;
}

by_error *by_service_compile(by_arena *arena, const by_service *service)
{
	if (*service->plan)
		return BY_OK;
	BY_TRY(by_model_compile(arena, service->entity));
	BY_TRY(by_model_compile(arena, by__service_create_model(service)));
	BY_TRY(by_model_compile(arena, by__service_update_model(service)));
	BY_TRY(by_model_compile(arena, by__service_view_model(service)));
	BY_TRY(check_entity(arena, service));
	struct by_service_plan *plan = BY_NEW(arena, struct by_service_plan);
	BY_TRY(make_plan(arena, service, plan));
	*service->plan = plan;
	return BY_OK;
}

static const struct by_service_plan *plan_of(const by_service *service)
{
	BY_REQUIRE(*service->plan != NULL);
	return *service->plan;
}

static void show(by_ctx *ctx, const by_service *service, const void *row, void *view)
{
	const struct by_service_plan *plan = plan_of(service);
	if (plan->view)
		by_map(plan->view, ctx->arena, row, view);
	else
		memcpy(view, row, service->entity->size);
}

static bool same_value(by_value a, by_value b)
{
	if (a.tag != b.tag)
		return false;
	switch (a.tag) {
	case BY_VALUE_INT:
		return a.integer == b.integer;
	case BY_VALUE_TEXT:
		return a.text.len == b.text.len && memcmp(a.text.ptr, b.text.ptr, a.text.len) == 0;
	case BY_VALUE_ULID:
		return memcmp(a.ulid.bytes, b.ulid.bytes, sizeof(a.ulid.bytes)) == 0;
	case BY_VALUE_UUID:
		return memcmp(a.uuid.bytes, b.uuid.bytes, sizeof(a.uuid.bytes)) == 0;
	default:
		return false;
	}
}

/* A row by its id, unless it lies outside the scope. */
static by_error *find(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id, void *row)
{
	BY_TRY(by_store_find(ctx, service->entity, id, row));
	if (scope && !same_value(by_field_get(scope->field, row), scope->value))
		return by_fail(ctx, NOT_FOUND, "There is no such %s.", service->entity->name);
	return BY_OK;
}

/* The row that a change is about, at the version that the caller knows. */
static by_error *find_to_change(by_ctx *ctx, const change *c, void *row)
{
	BY_TRY(find(ctx, c->service, c->scope, c->id, row));
	if (c->version != 0 && ((const by_entity *)row)->version != c->version)
		return by_fail(ctx, VERSION_CONFLICT, "The %s has been changed meanwhile; read it again.", c->service->entity->name);
	return BY_OK;
}

/* In a transaction when a rule looks at other rows, which must then still hold at its end. */
static by_error *run(by_ctx *ctx, change *c, change_fn *work, bool has_rule)
{
	return has_rule ? by_transact(ctx, BY_TX_SERIALIZABLE, work, c) : work(ctx, c);
}

by_error *by__service_get(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id, void *view)
{
	void *row = plan_of(service)->view ? by_alloc(ctx->arena, service->entity->size) : view;
	BY_TRY(find(ctx, service, scope, id, row));
	if (row != view)
		show(ctx, service, row, view);
	return BY_OK;
}

by_error *by__service_list(by_ctx *ctx, const by_service *service, const by__scope *scope, const by_query *query,
    by_list_any *views, by_page_info *info)
{
	const struct by_service_plan *plan = plan_of(service);
	by_query    scoped = *query;
	by_list_any rows = { 0 };
	if (scope)
		scoped.where = by_spec_and(ctx->arena, query->where,
		    by_spec_eq(ctx->arena, service->entity, scope->field->name, scope->value));
	BY_TRY(by_store_list(ctx, service->entity, &scoped, &rows, info));
	if (plan->view && rows.count > 0) {
		const size_t from = service->entity->size;
		const size_t to = service->view->size;
		char        *items = by_alloc_array(ctx->arena, to, rows.count);
		for (size_t i = 0; i < rows.count; i++)
			by_map(plan->view, ctx->arena, (const char *)rows.items + i * from, items + i * to);
		rows.items = items;
	}
	*views = rows;
	return BY_OK;
}

static by_error *enter_scope(by_ctx *ctx, const by__scope *scope, void *row)
{
	if (scope && !by_field_set(ctx->arena, scope->field, scope->value, row))
		return by_fail(ctx, INTERNAL, "The parent's identifier does not fit %s.", scope->field->name);
	return BY_OK;
}

static by_error *create(by_ctx *ctx, void *argument)
{
	const change     *c = argument;
	const by_service *service = c->service;
	void             *row = by_alloc(ctx->arena, service->entity->size);
	by_model_init(service->entity, row);
	by_map(plan_of(service)->create, ctx->arena, c->in, row);
	BY_TRY(enter_scope(ctx, c->scope, row));
	if (service->before_create)
		BY_TRY(service->before_create(ctx, row));
	BY_TRY(by_store_create(ctx, service->entity, row));
	show(ctx, service, row, c->view);
	return BY_OK;
}

by_error *by__service_create(by_ctx *ctx, const by_service *service, const by__scope *scope, const void *in, void *view)
{
	change c = { .service = service, .scope = scope, .in = in, .view = view };
	return run(ctx, &c, create, service->before_create != NULL);
}

/*
 * The members that there were go into the row, once the input that would have
 * made the row as it then is passes every check: rules over several fields see
 * the unchanged ones too.
 */
static by_error *merge(by_ctx *ctx, const change *c, void *row)
{
	const struct by_service_plan *plan = plan_of(c->service);
	const by_model *model = by__service_update_model(c->service);
	void           *whole = by_alloc(ctx->arena, model->size);
	by_faults      *faults = by_faults_new(ctx->arena);
	by_model_init(model, whole);
	by_map(plan->whole, ctx->arena, row, whole);
	by_map_present(plan->overlay, ctx->arena, *c->present, c->in, whole);
	by_model_check(model, whole, BY_FAULT_BODY, "", faults);
	BY_TRY(by_faults_error(faults));
	by_map_present(plan->update, ctx->arena, *c->present, c->in, row);
	return BY_OK;
}

static by_error *update(by_ctx *ctx, void *argument)
{
	const change     *c = argument;
	const by_service *service = c->service;
	const size_t      size = service->entity->size;
	void             *row = by_alloc(ctx->arena, service->entity->size);
	BY_TRY(find_to_change(ctx, c, row));
	void *before = service->before_update ? memcpy(by_alloc_raw(ctx->arena, size), row, size) : NULL;
	if (c->present)
		BY_TRY(merge(ctx, c, row));
	else
		by_map(plan_of(service)->update, ctx->arena, c->in, row);
	BY_TRY(enter_scope(ctx, c->scope, row));
	if (service->before_update)
		BY_TRY(service->before_update(ctx, before, row));
	BY_TRY(by_store_update(ctx, service->entity, row));
	show(ctx, service, row, c->view);
	return BY_OK;
}

/* A caller that named no version asked for no check: if it lost a race, it is run again on the new row. */
by_error *by__service_update(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id,
    int64_t version, const void *in, const by_present *present, void *view)
{
	change c = { .service = service, .scope = scope, .id = id, .version = version, .in = in, .present = present,
	    .view = view };
	for (int attempt = 1;; attempt++) {
		by_error *error = run(ctx, &c, update, service->before_update != NULL);
		bool      lost = by_error_is(error, VERSION_CONFLICT) && version == 0;
		if (!lost || attempt == UPDATE_ATTEMPTS)
			return error;
	}
}

static by_error *remove_row(by_ctx *ctx, void *argument)
{
	const change     *c = argument;
	const by_service *service = c->service;
	void             *row = by_alloc(ctx->arena, service->entity->size);
	BY_TRY(find_to_change(ctx, c, row));
	if (service->before_remove)
		BY_TRY(service->before_remove(ctx, row));
	return by_store_remove(ctx, service->entity, c->id, c->version);
}

by_error *by__service_remove(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id,
    int64_t version)
{
	change c = { .service = service, .scope = scope, .id = id, .version = version };
	if (!scope && !service->before_remove)
		return by_store_remove(ctx, service->entity, id, version);
	return run(ctx, &c, remove_row, service->before_remove != NULL);
}

by_error *by_service_get(by_ctx *ctx, const by_service *service, by_value id, void *view)
{
	return by__service_get(ctx, service, NULL, id, view);
}

by_error *by_service_list(by_ctx *ctx, const by_service *service, const by_query *query, by_list_any *views,
    by_page_info *info)
{
	return by__service_list(ctx, service, NULL, query, views, info);
}

by_error *by_service_create(by_ctx *ctx, const by_service *service, const void *in, void *view)
{
	return by__service_create(ctx, service, NULL, in, view);
}

by_error *by_service_update(by_ctx *ctx, const by_service *service, by_value id, int64_t version, const void *in,
    const by_present *present, void *view)
{
	return by__service_update(ctx, service, NULL, id, version, in, present, view);
}

by_error *by_service_remove(by_ctx *ctx, const by_service *service, by_value id, int64_t version)
{
	return by__service_remove(ctx, service, NULL, id, version);
}
