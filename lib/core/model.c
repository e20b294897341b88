/*
 * Models at run time: compiling a table into its plan, finding fields, and
 * getting, setting, parsing and checking their values.
 */
#include <string.h>

#include <banyan/assert.h>

#include "core/fault.h"
#include "core/number.h"
#include "core/plan.h"

/* ---- fields ---- */

bool by__field_nullable(const by_field *field)
{
	return field->pointer || field->optional;
}

bool by__field_required(const by_field *field)
{
	return !field->pointer && !field->optional && !field->default_value && !field->read_only;
}

size_t by__value_size(const by_field *field)
{
	return field->kind->size ? field->kind->size : field->model->size;
}

void *by__field_place(by_arena *arena, const by_field *field, void *object)
{
	char *place = (char *)object + field->offset;

	if (!field->pointer)
		return place;
	void *value = by_alloc(arena, by__value_size(field));

	memcpy(place, &value, sizeof(value));
	return value;
}

static const void *pointer_at(const void *place)
{
	const void *pointer;

	memcpy(&pointer, place, sizeof(pointer));
	return pointer;
}

const void *by_field_value(const by_field *field, const void *object)
{
	const void *place = (const char *)object + field->offset;

	if (field->pointer && (place = pointer_at(place)) == NULL)
		return NULL;
	return field->kind->nullable && pointer_at(place) == NULL ? NULL : place;
}

by_value by_field_get(const by_field *field, const void *object)
{
	const void *value = by_field_value(field, object);

	if (value == NULL || field->kind->get == NULL)
		return (by_value){ .tag = BY_VALUE_NULL };
	return field->kind->get(field, value);
}

static void clear(const by_field *field, void *object)
{
	memset((char *)object + field->offset, 0, field->size);
}

bool by_field_set(by_arena *arena, const by_field *field, by_value value, void *object)
{
	if (value.tag == BY_VALUE_NULL) {
		if (!by__field_nullable(field))
			return false;
		clear(field, object);
		return true;
	}
	if (field->kind->set == NULL)
		return false;
	if (field->kind->set(arena, field, value, by__field_place(arena, field, object)))
		return true;
	clear(field, object);
	return false;
}

/* A number that is one, but that the kind has no room for. */
static bool out_of_range(const by_kind *kind, by_text text)
{
	if (kind->refused != NULL || !by__number_is(text))
		return false;
	bool whole = memchr(text.ptr, '.', text.len) == NULL && memchr(text.ptr, 'e', text.len) == NULL
	    && memchr(text.ptr, 'E', text.len) == NULL;

	return kind->sql == BY_SQL_DOUBLE || (whole && (kind->sql == BY_SQL_INTEGER || kind->sql == BY_SQL_BIGINT));
}

static void add_refusal(by_faults *faults, const by_field *field, by_text text, const by_where *where)
{
	const by_kind *kind = field->kind;

	if (out_of_range(kind, text))
		by_fault_at(faults, where, "range", "is outside the range of %s", kind->expects);
	else
		by_fault_at(faults, where, kind->refused ? kind->refused : "type", "must be %s", kind->expects);
}

bool by_field_parse(by_faults *faults, const by_field *field, by_text text, by_fault_in in, const char *where,
    void *object)
{
	by_arena *arena = by_faults_arena(faults);
	by_where  root = { .name = { where, strlen(where) }, .in = in };
	size_t    before = by_faults_count(faults);

	BY_REQUIRE(field->kind->parse != NULL);
	if (text.ptr == NULL)
		text = BY_TEXT("");
	void *value = by__field_place(arena, field, object);

	if (!field->kind->parse(arena, field, text, value)) {
		add_refusal(faults, field, text, &root);
		clear(field, object);
	} else if (field->kind->check != NULL) {
		field->kind->check(faults, field, value, &root);
	}
	return by_faults_count(faults) == before;
}

/* ---- models ---- */

const by_plan *by__plan(const by_model *model)
{
	if (BY_UNLIKELY(*model->plan == NULL))
		by_abort("model not compiled", model->name, model->place.file, model->place.line);
	return *model->plan;
}

static uint32_t name_hash(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return hash ^ hash >> 15;
}

int by__plan_find(const by_plan *plan, by_text name)
{
	if (plan->count == 0)
		return -1;
	for (uint32_t at = name_hash(name.ptr, name.len);; at++) {
		uint32_t slot = plan->slots[at & plan->slot_mask];

		if (slot == 0)
			return -1;
		const by__member *member = &plan->members[slot - 1];

		if (member->name_len == name.len && memcmp(member->field->name, name.ptr, name.len) == 0)
			return (int)slot - 1;
	}
}

void by__plan_add(by_plan *plan, size_t member)
{
	uint32_t at = name_hash(plan->members[member].field->name, plan->members[member].name_len);

	while (plan->slots[at & plan->slot_mask] != 0)
		at++;
	plan->slots[at & plan->slot_mask] = (uint16_t)(member + 1);
}

const by_field *by_model_field(const by_model *model, by_text name)
{
	if (*model->plan != NULL) {
		int index = by__plan_find(*model->plan, name);

		return index < 0 ? NULL : &model->fields[index];
	}
	for (size_t i = 0; i < model->count; i++)
		if (strlen(model->fields[i].name) == name.len && memcmp(model->fields[i].name, name.ptr, name.len) == 0)
			return &model->fields[i];
	return NULL;
}

void by_model_init(const by_model *model, void *object)
{
	memcpy(object, by__plan(model)->image, model->size);
}

static void check_member(by_faults *faults, const by__member *member, const void *object, const by_where *where)
{
	const by_field *field = member->field;
	const void     *value = by_field_value(field, object);

	if (value != NULL) {
		if (field->kind->check != NULL)
			field->kind->check(faults, field, value, where);
	} else if (!member->nullable && !field->read_only) {
		by_fault_at(faults, where, "required", "is missing");
	}
}

void by__model_rules(const by_model *model, const void *object, const by_where *where, by_faults *faults)
{
	size_t count = by_faults_count(faults);

	if (model->rules == NULL)
		return;
	model->rules(faults, object);
	if (by_faults_count(faults) == count || (where->up == NULL && where->name.len == 0))
		return;
	const char *place = by_where_text(by_faults_arena(faults), where);
	by_fault   *fault;

	for (; (fault = by__faults_kept(faults, count)) != NULL; count++)
		if (fault->in == BY_FAULT_BODY && fault->where[0] == '#')
			fault->where = by_format(by_faults_arena(faults), "%s%s", place, fault->where + 1);
}

void by__model_check_at(const by_model *model, const void *object, const by_where *where, by_faults *faults)
{
	const by_plan *plan = by__plan(model);
	size_t         before = by_faults_count(faults);

	for (size_t i = 0; i < plan->count; i++) {
		const by__member *member = &plan->members[i];
		by_where          here = { .up = where, .name = { member->field->name, member->name_len } };

		check_member(faults, member, object, &here);
	}
	if (by_faults_count(faults) == before)
		by__model_rules(model, object, where, faults);
}

void by_model_check(const by_model *model, const void *object, by_fault_in in, const char *pointer, by_faults *faults)
{
	by_where root = { .name = { pointer, strlen(pointer) }, .in = in };

	by__model_check_at(model, object, &root, faults);
}
