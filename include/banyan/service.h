/*
 * Services: create, read, change and delete entities of one model, taking and
 * giving schemas. What BY_CRUD mounts, and what operations call.
 *
 *	BY_SERVICE(experiments_service, experiment, .create = &experiment_create_model,
 *	    .update = &experiment_update_model, .view = &experiment_view_model);
 */
#ifndef BANYAN_SERVICE_H
#define BANYAN_SERVICE_H

#include <banyan/ctx.h>
#include <banyan/model.h>
#include <banyan/store.h>

BY_BEGIN

typedef struct by_service by_service;

/* Business rules around a change, in its transaction; an error leaves nothing written. */
typedef by_error *by_service_hook(by_ctx *ctx, void *row);
typedef by_error *by_service_change_hook(by_ctx *ctx, const void *before, void *row);

struct by_service {
	const char     *name;
	const by_model *entity;
	struct by_service_plan **plan; /* private: the mappers, made at start-up */
	by_place        place;

	const by_model *create; /* input; NULL: the entity's own model */
	const by_model *update; /* input; NULL: as create */
	const by_model *view;   /* output; NULL: the entity's own model */

	by_service_hook        *before_create;
	by_service_change_hook *before_update;
	by_service_hook        *before_remove;
};

#define BY_DECLARE_SERVICE(NAME) extern const by_service NAME
#define BY_SERVICE(...) BY__SERVICE(__VA_ARGS__, )
#define BY__SERVICE(NAME, T, ...) \
	static struct by_service_plan *NAME##_plan; \
	const by_service NAME = { .name = #NAME, .entity = &T##_model, .plan = &NAME##_plan, .place = BY_HERE_INIT, \
		__VA_ARGS__ }

/* fn is by_error *(by_ctx *, T *); gives fn_hook. */
#define BY_SERVICE_HOOK(fn, T) \
	static by_error *fn##_hook(by_ctx *ctx, void *row) \
	{ \
		T *typed = row; \
		return fn(ctx, typed); \
	} \
	typedef int fn##_hook_end
/* fn is by_error *(by_ctx *, const T *before, T *row); gives fn_hook. */
#define BY_SERVICE_CHANGE_HOOK(fn, T) \
	static by_error *fn##_hook(by_ctx *ctx, const void *before, void *row) \
	{ \
		const T *typed_before = before; \
		T *typed = row; \
		return fn(ctx, typed_before, typed); \
	} \
	typedef int fn##_hook_end

/* Compiles models and mappers at start-up. CONFIGURATION names models and field. */
BY_API BY_MUST_CHECK by_error *by_service_compile(by_arena *arena, const by_service *service);

/* Inputs and outputs are structs of the service's models. All park. */
BY_API BY_MUST_CHECK by_error *by_service_get(by_ctx *ctx, const by_service *service, by_value id, void *view);
BY_API BY_MUST_CHECK by_error *by_service_list(by_ctx *ctx, const by_service *service, const by_query *query,
    by_list_any *views, by_page_info *info);
BY_API BY_MUST_CHECK by_error *by_service_create(by_ctx *ctx, const by_service *service, const void *in, void *view);
/* `present` NULL replaces, else only those members change. version 0: any. VERSION_CONFLICT when it has moved on. */
BY_API BY_MUST_CHECK by_error *by_service_update(by_ctx *ctx, const by_service *service, by_value id, int64_t version,
    const void *in, const by_present *present, void *view);
BY_API BY_MUST_CHECK by_error *by_service_remove(by_ctx *ctx, const by_service *service, by_value id, int64_t version);

BY_END

#endif
