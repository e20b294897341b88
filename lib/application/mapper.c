/*
 * Mappers: a plan of steps from one model's struct to another's, made once at
 * start-up. Neighbouring fields that lie equally in both structs become one
 * memcpy.
 */
#include <banyan/mapper.h>

#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/buf.h>
#include <banyan/kind.h>

#include "application/mapper.h"

typedef struct map_step map_step;

struct map_step {
	void           (*run)(const map_step *step, by_arena *arena, const char *from, char *to);
	size_t           from;  /* offsets in the structs */
	size_t           to;
	size_t           size;  /* bytes to copy */
	const by_mapper *inner; /* of unlike nested models and lists of them */
};

struct by_mapper {
	const by_model  *from;
	const by_model  *to;
	map_step        *runs;   /* what by_map does, neighbours merged */
	size_t           run_count;
	map_step        *fields; /* of each field of the source; run is NULL for one that is not mapped */
	by_mapper       *outer;  /* while it is made: the plans begun before it, so that a model may nest itself */
};

/* What a plan under construction carries through the nesting. */
typedef struct builder {
	by_arena  *arena;
	by_mapper *begun;
	by_buf     mistakes;
	bool       input; /* leave read-only fields of the source alone */
} builder;

static void run_copy(const map_step *step, by_arena *arena, const char *from, char *to)
{
	(void)arena;
	memcpy(to + step->to, from + step->from, step->size);
}

/* The commonest size, as one load and one store. */
static void run_copy_word(const map_step *step, by_arena *arena, const char *from, char *to)
{
	(void)arena;
	memcpy(to + step->to, from + step->from, sizeof(uint64_t));
}

/* A value becomes an optional: the pointer shares the source. */
static void run_point(const map_step *step, by_arena *arena, const char *from, char *to)
{
	const char *value = from + step->from;
	(void)arena;
	memcpy(to + step->to, &value, sizeof(value));
}

static void run_model(const map_step *step, by_arena *arena, const char *from, char *to)
{
	by_map(step->inner, arena, from + step->from, to + step->to);
}

static void *map_new(const by_mapper *mapper, by_arena *arena, const void *from)
{
	void *made = by_alloc(arena, mapper->to->size);
	by_map(mapper, arena, from, made);
	return made;
}

static void run_model_to_pointer(const map_step *step, by_arena *arena, const char *from, char *to)
{
	void *made = map_new(step->inner, arena, from + step->from);
	memcpy(to + step->to, &made, sizeof(made));
}

static void run_model_pointer(const map_step *step, by_arena *arena, const char *from, char *to)
{
	const void *value;
	void       *made = NULL;
	memcpy(&value, from + step->from, sizeof(value));
	if (value)
		made = map_new(step->inner, arena, value);
	memcpy(to + step->to, &made, sizeof(made));
}

/* The layout that every BY_LIST has. */
typedef struct list {
	char  *items;
	size_t count;
} list;

static void run_list(const map_step *step, by_arena *arena, const char *from, char *to)
{
	const by_mapper *inner = step->inner;
	list             source;
	memcpy(&source, from + step->from, sizeof(source));
	list made = { NULL, source.count };
	if (source.count > 0)
		made.items = by_alloc_array(arena, inner->to->size, source.count);
	for (size_t i = 0; i < source.count; i++)
		by_map(inner, arena, source.items + i * inner->from->size, made.items + i * inner->to->size);
	memcpy(to + step->to, &made, sizeof(made));
}

static bool same_enum(const by_enum *a, const by_enum *b)
{
	if (a == b || a->count != b->count)
		return a == b;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

/* Whether values of both fields have the same form, models and lists apart. */
static bool same_scalar(const by_field *a, const by_field *b)
{
	if (a->kind != b->kind || a->kind == &by_kind_model || a->kind == &by_kind_list)
		return false;
	return a->kind != &by_kind_enum || same_enum(a->values, b->values);
}

static const char *kind_text(builder *b, const by_field *field)
{
	if (field->kind == &by_kind_list && field->items)
		return by_format(b->arena, "a list of %s", kind_text(b, field->items));
	const char *of = field->values ? field->values->name : field->model ? field->model->name : "";
	return by_format(b->arena, "%s%s%s%s", field->pointer ? "an optional " : "", field->kind->name, *of ? " " : "", of);
}

static void mistake(builder *b, const by_mapper *mapper, const by_field *from, const by_field *to, const char *remedy)
{
	const by_place *at = &mapper->from->place;
	const by_place *other = &mapper->to->place;
	by_put_format(&b->mistakes, "%s%s:%d: %s.%s is %s, but %s.%s (%s:%d) is %s; %s", b->mistakes.len ? "\n" : "",
	    at->file, at->line, mapper->from->name, from->name, kind_text(b, from), mapper->to->name, to->name,
	    other->file, other->line, kind_text(b, to), remedy);
}

static by_mapper *plan(builder *b, const by_model *from, const by_model *to);

static void plan_model(builder *b, const by_field *from, const by_field *to, map_step *step)
{
	if (from->model == to->model && from->pointer == to->pointer) {
		step->run = run_copy;
		step->size = from->pointer ? sizeof(void *) : from->model->size;
	} else if (from->model == to->model) {
		step->run = run_point;
	} else {
		step->inner = plan(b, from->model, to->model);
		step->run = from->pointer ? run_model_pointer : to->pointer ? run_model_to_pointer : run_model;
	}
}

static bool plan_list(builder *b, const by_field *from, const by_field *to, map_step *step)
{
	const by_field *x = from->items;
	const by_field *y = to->items;
	if (same_scalar(x, y) || (x->model && x->model == y->model)) {
		step->run = run_copy;
		step->size = sizeof(list);
		return true;
	}
	if (!x->model || !y->model)
		return false;
	step->run = run_list;
	step->inner = plan(b, x->model, y->model);
	return true;
}

/* Fills the step from one field to another of the same name. */
static void plan_field(builder *b, const by_mapper *mapper, const by_field *from, const by_field *to, map_step *step)
{
	*step = (map_step){ .from = from->offset, .to = to->offset };
	if (from->pointer && !to->pointer) {
		mistake(b, mapper, from, to, "make both optional (a pointer), or neither");
		return;
	}
	if (from->kind == &by_kind_model && to->kind == &by_kind_model) {
		plan_model(b, from, to, step);
		return;
	}
	if (from->kind == &by_kind_list && to->kind == &by_kind_list) {
		if (plan_list(b, from, to, step))
			return;
	} else if (same_scalar(from, to)) {
		step->run = from->pointer == to->pointer ? run_copy : run_point;
		step->size = from->size;
		return;
	}
	mistake(b, mapper, from, to, "give both the same kind, or one of them another name");
}

static int by_source_offset(const void *a, const void *b)
{
	const map_step *x = a;
	const map_step *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Orders the steps as the source lies in memory, and joins copies that touch on both sides. */
static void merge_runs(by_mapper *mapper)
{
	map_step *runs = mapper->runs;
	size_t kept = 0;
	qsort(runs, mapper->run_count, sizeof(*runs), by_source_offset);
	for (size_t i = 0; i < mapper->run_count; i++) {
		map_step *last = kept > 0 ? &runs[kept - 1] : NULL;
		bool  joins = last && last->run == run_copy && runs[i].run == run_copy &&
		    last->from + last->size == runs[i].from && last->to + last->size == runs[i].to;
		if (joins)
			last->size += runs[i].size;
		else
			runs[kept++] = runs[i];
	}
	mapper->run_count = kept;
	for (size_t i = 0; i < kept; i++)
		if (runs[i].run == run_copy && runs[i].size == sizeof(uint64_t))
			runs[i].run = run_copy_word;
}

static by_mapper *plan(builder *b, const by_model *from, const by_model *to)
{
	for (by_mapper *m = b->begun; m; m = m->outer)
		if (m->from == from && m->to == to)
			return m;
	by_mapper *mapper = BY_NEW(b->arena, by_mapper);
	*mapper = (by_mapper){ .from = from, .to = to, .outer = b->begun };
	b->begun = mapper;
	mapper->fields = BY_NEW_ARRAY(b->arena, map_step, from->count);
	mapper->runs = BY_NEW_ARRAY(b->arena, map_step, from->count);
	for (size_t i = 0; i < from->count; i++) {
		const by_field *field = &from->fields[i];
		const by_field *other = by_model_field(to, (by_text){ field->name, strlen(field->name) });
		if (!other || (b->input && field->read_only))
			continue;
		plan_field(b, mapper, field, other, &mapper->fields[i]);
		if (mapper->fields[i].run)
			mapper->runs[mapper->run_count++] = mapper->fields[i];
	}
	merge_runs(mapper);
	return mapper;
}

static by_error *make(by_arena *arena, const by_model *from, const by_model *to, bool input, by_mapper **mapper)
{
	builder b = { .arena = arena, .input = input };
	by_buf_init(&b.mistakes, arena, 0);
	by_mapper *made = plan(&b, from, to);
	if (b.mistakes.len > 0)
		return by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&b.mistakes));
	*mapper = made;
	return BY_OK;
}

by_error *by_mapper_new(by_arena *arena, const by_model *from, const by_model *to, by_mapper **mapper)
{
	return make(arena, from, to, false, mapper);
}

by_error *by__mapper_of_input(by_arena *arena, const by_model *from, const by_model *to, by_mapper **mapper)
{
	return make(arena, from, to, true, mapper);
}

void by_map(const by_mapper *mapper, by_arena *arena, const void *from, void *to)
{
	for (size_t i = 0; i < mapper->run_count; i++)
		mapper->runs[i].run(&mapper->runs[i], arena, from, to);
}

void by_map_present(const by_mapper *mapper, by_arena *arena, by_present present, const void *from, void *to)
{
	BY_REQUIRE(mapper->from->count <= 64);
	for (size_t i = 0; i < mapper->from->count; i++) {
		const map_step *step = &mapper->fields[i];
		if (step->run && (present.bits >> i & 1))
			step->run(step, arena, from, to);
	}
}
