/* The entity base: in struct, JSON and rules of its life. */
#include <string.h>

#include <banyan/entity.h>
#include <banyan/json.h>

#include "tests/unit/unit.h"

typedef struct sample {
	by_entity   base;
	const char *name;
} sample;
BY_DECLARE_MODEL(sample);
static const by_field sample_fields[] = { BY_ENTITY(sample, base), BY_FIELD(sample, name) };
BY_MODEL(sample, sample_fields);

typedef struct late {
	const char *name;
	by_entity   base;
} late;
BY_DECLARE_MODEL(late);
static const by_field late_fields[] = { BY_FIELD(late, name), BY_ENTITY(late, base) };
BY_MODEL(late, late_fields);

START_TEST(an_entity_begins_with_id_times_and_version)
{
	by_entity entity = { .is_deleted = true, .version = 9 };
	by_ulid   given = by_ulid_new();
	by_entity with_id = { .id = given };

	by_entity_begin(&entity);
	ck_assert_uint_ne(entity.id.bytes[1], 0);
	ck_assert_int_gt(entity.created_at.us, 0);
	ck_assert_int_eq(entity.created_at.us, entity.updated_at.us);
	ck_assert(!entity.is_deleted);
	ck_assert_int_eq(entity.version, 1);
	by_entity_begin(&with_id);
	ck_assert_mem_eq(&with_id.id, &given, sizeof(given));
}
END_TEST

START_TEST(touching_never_goes_back_in_time)
{
	by_entity entity = { .updated_at = { INT64_MAX / 2 } };

	by_entity_touch(&entity);
	ck_assert_int_eq(entity.updated_at.us, INT64_MAX / 2);
	entity.updated_at.us = 1;
	by_entity_touch(&entity);
	ck_assert_int_gt(entity.updated_at.us, 1);
}
END_TEST

START_TEST(deleting_happens_once)
{
	by_entity entity = { 0 };

	by_entity_delete(&entity);
	ck_assert(entity.is_deleted);
	ck_assert_int_gt(entity.updated_at.us, 0);
	entity.updated_at.us = 5;
	by_entity_delete(&entity);
	ck_assert_int_eq(entity.updated_at.us, 5);
}
END_TEST

START_TEST(a_model_is_an_entity_when_it_begins_with_the_base)
{
	ck_assert(by_model_is_entity(&sample_model));
	ck_assert(!by_model_is_entity(&late_model));
}
END_TEST

START_TEST(clients_see_the_base_and_cannot_set_it)
{
	by_arena *arena = by_arena_new(0);
	sample    s = { .name = "n" };
	by_buf    out;

	ck_ok(by_model_compile(arena, &sample_model));
	by_entity_begin(&s.base);
	by_buf_init(&out, arena, 0);
	by_json_write(&out, &sample_model, &s, NULL);
	ck_assert_ptr_nonnull(strstr(by_buf_string(&out), "\"is_deleted\":false,\"version\":1,\"name\":\"n\"}"));
	by_faults *faults = by_faults_new(arena);

	ck_ok(by_json_read(faults, (by_text){ out.data, out.len }, &sample_model, &s, NULL));
	ck_assert_uint_eq(by_faults_count(faults), 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_str_eq(by_faults_at(faults, i)->code, "read_only");
	by_arena_free(&arena);
}
END_TEST

UNIT("entity", an_entity_begins_with_id_times_and_version, touching_never_goes_back_in_time, deleting_happens_once,
    a_model_is_an_entity_when_it_begins_with_the_base, clients_see_the_base_and_cannot_set_it);
