/*
 * Compiling models: every table is checked for mistakes, and becomes a plan
 * with member names ready to write, a hash table of names, and the image of an
 * object with its defaults.
 */
#include <string.h>

#include <banyan/assert.h>

#include "core/plan.h"

enum { MOST_FIELDS = 1000, MOST_PARTIAL = 64 };

typedef struct compiler {
	by_arena        *arena;
	by_buf           mistakes;
	const by_model **met; /* so that cycles end, and a failure undoes all */
	size_t           met_count;
	size_t           met_room;
} compiler;

static const char *make_prefix(by_arena *arena, const char *name, size_t name_len)
{
	char *prefix = by_alloc(arena, name_len + 4 + 1 + BY__PREFIX_CHUNK);

	memcpy(prefix, ",\"", 2);
	memcpy(prefix + 2, name, name_len);
	memcpy(prefix + 2 + name_len, "\":", 2);
	return prefix;
}

static void make_members(by_plan *plan, by_arena *arena)
{
	for (size_t i = 0; i < plan->count; i++) {
		const by_field *field = &plan->model->fields[i];
		size_t          name_len = strlen(field->name);

		plan->members[i] = (by__member){
			.field = field,
			.prefix = make_prefix(arena, field->name, name_len),
			.prefix_len = (uint32_t)(name_len + 4),
			.name_len = (uint32_t)name_len,
			.required = by__field_required(field),
			.nullable = by__field_nullable(field),
			.direct = !field->pointer && !field->kind->nullable,
			.hidden = field->write_only || field->kind == &by_kind_secret
		};
		if (plan->members[i].required)
			plan->required[i / 64] |= (uint64_t)1 << (i % 64);
	}
}

static by_plan *make_plan(by_arena *arena, const by_model *model)
{
	by_plan *plan = BY_NEW(arena, by_plan);
	uint32_t room = 4;

	plan->model = model;
	plan->count = model->count;
	plan->members = BY_NEW_ARRAY(arena, by__member, model->count + 1);
	plan->words = (model->count + 63) / 64;
	plan->required = BY_NEW_ARRAY(arena, uint64_t, plan->words + 1);
	while (room < model->count * 2)
		room *= 2;
	plan->slots = BY_NEW_ARRAY(arena, uint16_t, room);
	plan->slot_mask = room - 1;
	make_members(plan, arena);
	return plan;
}

/* Letters, digits and underscores: what JSON, SQL, URLs and C all take without quoting. */
static bool plain_name(const char *name)
{
	if (name == NULL || name[0] == '\0' || (name[0] >= '0' && name[0] <= '9'))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name);
}

static void fill_slots(compiler *c, by_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const by__member *member = &plan->members[i];
		by_text           name = { member->field->name, member->name_len };

		if (by__plan_find(plan, name) >= 0)
			by__mistake(&c->mistakes, plan->model, member->field, "is described twice; remove one of the rows");
		else
			by__plan_add(plan, i);
	}
}

static void compile_model(compiler *c, const by_model *model);

/* What a field nests: its model, and what its list's items are. */
static void compile_nested(compiler *c, const by_field *field)
{
	for (; field != NULL; field = field->items)
		if (field->model != NULL)
			compile_model(c, field->model);
}

static void set_default(compiler *c, const by_model *model, const by_field *field, void *image)
{
	by_text text = { field->default_value, strlen(field->default_value) };

	if (field->pointer) {
		by__mistake(&c->mistakes, model, field, "is a pointer and has a default; a pointer's default is NULL: "
		    "make it a plain member or remove .default_value");
		return;
	}
	if (field->kind->parse == NULL) {
		by__mistake(&c->mistakes, model, field, "has a default, but %s has no text form; remove .default_value",
		    field->kind->name);
		return;
	}
	by_faults *faults = by_faults_new(c->arena);

	if (by_field_parse(faults, field, text, BY_FAULT_SETTING, field->name, image))
		return;
	for (size_t i = 0; i < by_faults_count(faults); i++)
		by__mistake(&c->mistakes, model, field, "the default \"%s\" does not fit: it %s; correct .default_value",
		    field->kind == &by_kind_secret ? "***" : field->default_value, by_faults_at(faults, i)->detail);
}

/* Defaults of the model's own fields, and of the models that it holds in place. */
static const void *make_image(compiler *c, const by_model *model)
{
	char *image = by_alloc(c->arena, model->size + 1);

	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];

		if (field->default_value != NULL)
			set_default(c, model, field, image);
		else if (field->kind == &by_kind_model && !field->pointer && !field->partial && *field->model->plan != NULL)
			memcpy(image + field->offset, (*field->model->plan)->image, field->model->size);
	}
	return image;
}

/* Whether the model is met for the first time; it is remembered. */
static bool meet(compiler *c, const by_model *model)
{
	for (size_t i = 0; i < c->met_count; i++)
		if (c->met[i] == model)
			return false;
	if (c->met_count == c->met_room) {
		size_t           room = c->met_room ? c->met_room * 2 : 16;
		const by_model **grown = BY_NEW_ARRAY(c->arena, const by_model *, room);

		if (c->met_count > 0)
			memcpy(grown, c->met, c->met_count * sizeof(*grown));
		c->met = grown;
		c->met_room = room;
	}
	c->met[c->met_count++] = model;
	return true;
}

/* Whether the rows are sound enough for a plan to be made of them. */
static bool check_rows(compiler *c, const by_model *model)
{
	size_t before = c->mistakes.len;

	if (model->count > MOST_FIELDS)
		by__mistake(&c->mistakes, model, NULL, "has %zu fields; split it, %d is the most", model->count, MOST_FIELDS);
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];

		if (!plain_name(field->name))
			by__mistake(&c->mistakes, model, field, "is not a name; use letters, digits and underscores");
		else if (field->kind == NULL)
			by__mistake(&c->mistakes, model, field, "has no kind; write the row with BY_FIELD or one of its kin");
		else
			by__field_mistakes(&c->mistakes, c->arena, model, field);
		if (field->offset + field->size > model->size)
			by__mistake(&c->mistakes, model, field, "lies outside struct %s; name the right struct in the row",
			    model->name);
		if (field->partial && field->model != NULL && field->model->count > MOST_PARTIAL)
			by__mistake(&c->mistakes, model, field, "is partial, but %s has %zu fields; %d is the most",
			    field->model->name, field->model->count, MOST_PARTIAL);
	}
	return c->mistakes.len == before;
}

static void compile_model(compiler *c, const by_model *model)
{
	if (*model->plan != NULL || !meet(c, model))
		return;
	bool sound = check_rows(c, model);

	for (size_t i = 0; i < model->count; i++)
		compile_nested(c, &model->fields[i]);
	if (!sound)
		return;
	by_plan *plan = make_plan(c->arena, model);

	fill_slots(c, plan);
	plan->image = make_image(c, model);
	*model->plan = plan;
}

static void forget(void *object)
{
	by_plan **plan = object;

	*plan = NULL;
}

by_error *by_model_compile(by_arena *arena, const by_model *model)
{
	compiler c = { .arena = arena };

	by_buf_init(&c.mistakes, arena, 0);
	compile_model(&c, model);
	bool sound = c.mistakes.len == 0;

	for (size_t i = 0; i < c.met_count; i++)
		if (sound)
			by_arena_defer(arena, forget, c.met[i]->plan); /* the plan lives in the arena */
		else
			*c.met[i]->plan = NULL;
	if (sound)
		return BY_OK;
	return by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&c.mistakes));
}
