/* The service's inside: the same calls within a scope, for resources that lie under a parent. */
#ifndef BY_APPLICATION_SERVICE_H
#define BY_APPLICATION_SERVICE_H

#include <banyan/service.h>

/* Rows whose field has another value do not exist for the call; a new row gets the value. */
typedef struct by__scope {
	const by_field *field; /* of the entity */
	by_value        value;
} by__scope;

/* As the public functions; `scope` may be NULL. All park. */
BY_MUST_CHECK by_error *by__service_get(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id,
    void *view);
BY_MUST_CHECK by_error *by__service_list(by_ctx *ctx, const by_service *service, const by__scope *scope,
    const by_query *query, by_list_any *views, by_page_info *info);
BY_MUST_CHECK by_error *by__service_create(by_ctx *ctx, const by_service *service, const by__scope *scope,
    const void *in, void *view);
BY_MUST_CHECK by_error *by__service_update(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id,
    int64_t version, const void *in, const by_present *present, void *view);
BY_MUST_CHECK by_error *by__service_remove(by_ctx *ctx, const by_service *service, const by__scope *scope, by_value id,
    int64_t version);

/* The models in effect: a slot that is empty stands for the entity's own model, `update` for `create`. */
const by_model *by__service_create_model(const by_service *service);
const by_model *by__service_update_model(const by_service *service);
const by_model *by__service_view_model(const by_service *service);

#endif
