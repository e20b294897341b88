/* The life of an entity: begun, touched, marked deleted. */
#include <string.h>

#include <banyan/entity.h>
#include <banyan/kind.h>

static const struct {
	const char    *name;
	const by_kind *kind;
	size_t         offset;
} base_rows[] = {
	{ "id", &by_kind_ulid, offsetof(by_entity, id) },
	{ "created_at", &by_kind_time, offsetof(by_entity, created_at) },
	{ "updated_at", &by_kind_time, offsetof(by_entity, updated_at) },
	{ "is_deleted", &by_kind_bool, offsetof(by_entity, is_deleted) },
	{ "version", &by_kind_int64, offsetof(by_entity, version) },
};

bool by_model_is_entity(const by_model *model)
{
	if (model->count < BY_COUNT(base_rows))
		return false;
	for (size_t i = 0; i < BY_COUNT(base_rows); i++) {
		const by_field *field = &model->fields[i];

		if (field->kind != base_rows[i].kind || field->offset != base_rows[i].offset || field->pointer
		    || strcmp(field->name, base_rows[i].name) != 0)
			return false;
	}
	return true;
}

static bool has_id(const by_entity *entity)
{
	static const by_ulid none;

	return memcmp(&entity->id, &none, sizeof(none)) != 0;
}

void by_entity_begin(by_entity *entity)
{
	if (!has_id(entity))
		entity->id = by_ulid_new();
	entity->created_at = entity->updated_at = by_time_now();
	entity->is_deleted = false;
	entity->version = 1;
}

void by_entity_touch(by_entity *entity)
{
	by_time now = by_time_now();

	if (now.us > entity->updated_at.us)
		entity->updated_at = now;
}

void by_entity_delete(by_entity *entity)
{
	if (entity->is_deleted)
		return;
	entity->is_deleted = true;
	by_entity_touch(entity);
}
