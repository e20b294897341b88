/*
 * The entity base: identity, times, soft deletion and optimistic version,
 * embedded as the first member of a stored struct.
 */
#ifndef BANYAN_ENTITY_H
#define BANYAN_ENTITY_H

#include <banyan/model.h>

BY_BEGIN

typedef struct by_entity {
	by_ulid id;
	by_time created_at;
	by_time updated_at;
	bool    is_deleted;
	int64_t version;
} by_entity;

/* The base's five rows, flattened into the model; clients cannot set them. */
#define BY_ENTITY(S, m) \
	BY__ENTITY_ROW(S, m, id, &by_kind_ulid, .doc = "Identifier", .sortable = true, .filterable = true), \
	BY__ENTITY_ROW(S, m, created_at, &by_kind_time, .doc = "When it was created", .sortable = true, .filterable = true), \
	BY__ENTITY_ROW(S, m, updated_at, &by_kind_time, .doc = "When it was last changed", .sortable = true, .filterable = true), \
	BY__ENTITY_ROW(S, m, is_deleted, &by_kind_bool, .doc = "Whether it is deleted"), \
	BY__ENTITY_ROW(S, m, version, &by_kind_int64, .doc = "Rises with every change", .etag = true)

#define BY__ENTITY_ROW(S, m, f, k, ...) { \
	.name = #f, .kind = (k), \
	.offset = _Generic(BY__MEMBER(S, m), by_entity: offsetof(S, m)) + offsetof(by_entity, f), \
	.size = sizeof(((by_entity *)0)->f), .read_only = true, __VA_ARGS__ }

/* Whether the model begins with the entity base. */
BY_API bool by_model_is_entity(const by_model *model);
/* For a new row: an id unless it has one, both times now, version 1. */
BY_API void by_entity_begin(by_entity *entity);
/* updated_at becomes now, never earlier than before. */
BY_API void by_entity_touch(by_entity *entity);
/* Marks it deleted; once only. */
BY_API void by_entity_delete(by_entity *entity);

BY_END

#endif
