/*
 * Specifications: conditions over the rows of a model, read from a filter's
 * JSON or put together by code.
 */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/kind.h>
#include <banyan/store.h>

#include "core/json_reader.h"
#include "core/plan.h"

enum {
	DEPTH_MAX = 5,       /* of and, or, not */
	CONDITIONS_MAX = 100,
	VALUES_MAX = 1000    /* of all `in` lists together */
};

/* What an operator may be asked of. */
typedef enum fitness { ANY_KIND, ORDERED_KINDS, TEXT_KINDS } fitness;

typedef struct operator {
	const char *name;
	by_spec_op  op;
	fitness     fits;
	size_t      least, most; /* values; 1 and 1 is a bare value, else a list */
} operator;

static const operator operators[] = {
	{ "eq", BY_SPEC_EQ, ANY_KIND, 1, 1 },
	{ "ne", BY_SPEC_NE, ANY_KIND, 1, 1 },
	{ "lt", BY_SPEC_LT, ORDERED_KINDS, 1, 1 },
	{ "lte", BY_SPEC_LE, ORDERED_KINDS, 1, 1 },
	{ "gt", BY_SPEC_GT, ORDERED_KINDS, 1, 1 },
	{ "gte", BY_SPEC_GE, ORDERED_KINDS, 1, 1 },
	{ "in", BY_SPEC_IN, ANY_KIND, 0, VALUES_MAX },
	{ "between", BY_SPEC_BETWEEN, ORDERED_KINDS, 2, 2 },
	{ "contains", BY_SPEC_CONTAINS, TEXT_KINDS, 1, 1 },
	{ "starts_with", BY_SPEC_STARTS_WITH, TEXT_KINDS, 1, 1 },
};

/* One filter being read. The reader's own faults go to a list of their own and are told at the parameter. */
typedef struct reading {
	by_json_reader  json;
	by_faults      *found;
	by_arena       *arena;
	const by_model *model;
	size_t          depth, conditions, values;
} reading;

/* Specs gathered under one `and` or `or`. */
typedef struct parts {
	const by_spec **of;
	size_t          count, room;
} parts;

static bool is_word(by_text text, const char *word)
{
	return strlen(word) == text.len && memcmp(word, text.ptr, text.len) == 0;
}

static by_spec *new_spec(by_arena *arena, by_spec_op op, const by_field *field)
{
	by_spec *spec = BY_NEW(arena, by_spec);
	spec->op = op;
	spec->field = field;
	return spec;
}

static const by_spec *tree(by_arena *arena, by_spec_op op, const parts *from)
{
	if (from->count == 1 && op != BY_SPEC_NOT)
		return from->of[0];
	by_spec *spec = new_spec(arena, op, NULL);
	spec->of = from->of;
	spec->count = from->count;
	return spec;
}

static void add_part(by_arena *arena, parts *to, const by_spec *part)
{
	if (!part)
		return;
	if (to->count == to->room) {
		size_t          room = to->room ? to->room * 2 : 4;
		const by_spec **grown = BY_NEW_ARRAY(arena, const by_spec *, room);
		if (to->count)
			memcpy(grown, to->of, to->count * sizeof *grown);
		to->of = grown;
		to->room = room;
	}
	to->of[to->count++] = part;
}

/* ---- values ---- */

/* The next JSON value as the field's kind reads it; the field's constraints are of rows, not of questions about them. */
static bool read_value(reading *r, const by_field *field, by_value *value)
{
	by_field plain = { .name = field->name, .kind = field->kind, .size = field->size, .values = field->values };
	void    *place = by_alloc(r->arena, by__value_size(&plain));
	size_t   before = by_faults_count(r->found);
	if (++r->values > VALUES_MAX) {
		by_json_fault(&r->json, "too_many", "holds more than %d values", VALUES_MAX);
		return by_json_skip(&r->json, &(by_text){ 0 }) && false;
	}
	if (by_json_peek(&r->json) == BY_JSON_NULL)
		return by_json_wrong_type(&r->json, field);
	if (!field->kind->read(&r->json, &plain, place) || by_faults_count(r->found) > before)
		return false;
	by_field *kept = BY_NEW(r->arena, by_field);
	*kept = plain;
	*value = field->kind->get(kept, place);
	return true;
}

static const by_spec *read_list(reading *r, const by_field *field, const operator *how)
{
	by_spec   *spec = new_spec(r->arena, how->op, field);
	by_value  *values = NULL;
	size_t     room = 0, seen = 0;
	by_where   here = { .up = r->json.where };
	if (by_json_peek(&r->json) != BY_JSON_ARRAY) {
		by_json_fault(&r->json, "type", "must be a list");
		by_json_skip(&r->json, &(by_text){ 0 });
		return NULL;
	}
	if (!by_json_enter_array(&r->json))
		return NULL;
	for (r->json.where = &here; by_json_next_item(&r->json); here.index = ++seen) {
		if (!values || spec->count == room) {
			room = room ? room * 2 : 8;
			by_value *grown = BY_NEW_ARRAY(r->arena, by_value, room);
			if (values)
				memcpy(grown, values, spec->count * sizeof *values);
			values = grown;
		}
		spec->count += read_value(r, field, &values[spec->count]);
	}
	r->json.where = here.up;
	if (seen < how->least || seen > how->most)
		by_json_fault(&r->json, "items", how->least ? "must hold two values" : "holds too many values");
	spec->values = values;
	return spec;
}

static const by_spec *read_one(reading *r, const by_field *field, by_spec_op op)
{
	by_spec  *spec = new_spec(r->arena, op, field);
	by_value *value = BY_NEW(r->arena, by_value);
	if (!read_value(r, field, value))
		return NULL;
	spec->values = value;
	spec->count = 1;
	return spec;
}

static const by_spec *negated(by_arena *arena, const by_spec *spec)
{
	parts one = { 0 };
	add_part(arena, &one, spec);
	return tree(arena, BY_SPEC_NOT, &one);
}

static const by_spec *null_check(reading *r, const by_field *field, bool is_null)
{
	const by_spec *spec = new_spec(r->arena, BY_SPEC_IS_NULL, field);
	return is_null ? spec : negated(r->arena, spec);
}

static const by_spec *read_is_null(reading *r, const by_field *field)
{
	bool is_null = false;
	if (by_json_peek(&r->json) == BY_JSON_BOOL && by_json_read_bool(&r->json, &is_null))
		return null_check(r, field, is_null);
	by_json_fault(&r->json, "type", "must be true or false");
	by_json_skip(&r->json, &(by_text){ 0 });
	return NULL;
}

/* ---- conditions on a field ---- */

static bool fits(const operator *how, const by_kind *kind)
{
	switch (how->fits) {
	case TEXT_KINDS:
		return kind == &by_kind_string;
	case ORDERED_KINDS:
		return kind != &by_kind_bool && kind != &by_kind_enum && kind != &by_kind_bytes && kind != &by_kind_uuid;
	default:
		return true;
	}
}

static const operator *operator_of(by_text name)
{
	for (size_t i = 0; i < BY_COUNT(operators); i++)
		if (is_word(name, operators[i].name))
			return &operators[i];
	return NULL;
}

static const by_spec *refuse_operator(reading *r, const char *detail)
{
	by_json_fault(&r->json, "operator", "%s", detail);
	by_json_skip(&r->json, &(by_text){ 0 });
	return NULL;
}

static const by_spec *read_operator(reading *r, const by_field *field, by_text name)
{
	if (++r->conditions > CONDITIONS_MAX)
		return refuse_operator(r, "makes the filter too large");
	if (is_word(name, "is_null"))
		return read_is_null(r, field);
	const operator *how = operator_of(name);
	if (!how)
		return refuse_operator(r, "is no operator: there are eq, ne, lt, lte, gt, gte, in, between, contains, "
		    "starts_with, is_null");
	if (!fits(how, field->kind))
		return refuse_operator(r, "does not suit the type of the field");
	if (how->most > 1)
		return read_list(r, field, how);
	if (by_json_peek(&r->json) != BY_JSON_NULL || how->fits != ANY_KIND)
		return read_one(r, field, how->op);
	by_json_read_null(&r->json);
	return null_check(r, field, how->op == BY_SPEC_EQ);
}

/* {"gte":30,"lt":60}, or a bare value. */
static const by_spec *read_field(reading *r, const by_field *field)
{
	if (by_json_peek(&r->json) != BY_JSON_OBJECT)
		return read_operator(r, field, BY_TEXT("eq"));
	parts    all = { 0 };
	by_text  name;
	by_where here = { .up = r->json.where };
	if (!by_json_enter_object(&r->json))
		return NULL;
	r->json.where = &here;
	while (by_json_next_member(&r->json, &name)) {
		here.name = name;
		add_part(r->arena, &all, read_operator(r, field, name));
	}
	r->json.where = here.up;
	return all.count ? tree(r->arena, BY_SPEC_AND, &all) : NULL;
}

/* ---- trees ---- */

static const by_spec *read_object(reading *r);

/* Under and, or, not. One without a condition would mean the opposite of what its neighbours make of its absence. */
static const by_spec *read_part(reading *r)
{
	size_t         before = by_faults_count(r->found);
	const by_spec *spec = read_object(r);
	if (!spec && by_faults_count(r->found) == before && !r->json.broken)
		by_json_fault(&r->json, "items", "must hold at least one condition");
	return spec;
}

static const by_spec *read_several(reading *r, by_spec_op op)
{
	parts    all = { 0 };
	by_where here = { .up = r->json.where };
	if (by_json_peek(&r->json) != BY_JSON_ARRAY) {
		by_json_fault(&r->json, "type", "must be a list of filters");
		by_json_skip(&r->json, &(by_text){ 0 });
		return NULL;
	}
	if (!by_json_enter_array(&r->json))
		return NULL;
	size_t seen = 0;
	for (r->json.where = &here; by_json_next_item(&r->json); here.index = ++seen)
		add_part(r->arena, &all, read_part(r));
	r->json.where = here.up;
	if (!seen)
		by_json_fault(&r->json, "items", "must hold at least one filter");
	return all.count ? tree(r->arena, op, &all) : NULL;
}

static const by_spec *read_not(reading *r)
{
	const by_spec *of = read_part(r);
	return of ? negated(r->arena, of) : NULL;
}

static bool is_filterable(const by_field *field)
{
	return field && field->filterable && field->kind->get && field->kind->sql != BY_SQL_NONE
	    && field->kind->sql != BY_SQL_JSON;
}

static const by_spec *read_member(reading *r, by_text name)
{
	if (is_word(name, "and"))
		return read_several(r, BY_SPEC_AND);
	if (is_word(name, "or"))
		return read_several(r, BY_SPEC_OR);
	if (is_word(name, "not"))
		return read_not(r);
	const by_field *field = by_model_field(r->model, name);
	if (is_filterable(field))
		return read_field(r, field);
	by_json_fault(&r->json, "unknown_field", "is not a field that can be filtered by");
	by_json_skip(&r->json, &(by_text){ 0 });
	return NULL;
}

static const by_spec *read_object(reading *r)
{
	parts    all = { 0 };
	by_text  name;
	by_where here = { .up = r->json.where };
	if (by_json_peek(&r->json) != BY_JSON_OBJECT || r->depth == DEPTH_MAX) {
		bool deep = r->depth == DEPTH_MAX;
		by_json_fault(&r->json, deep ? "depth" : "type", deep ? "is nested too deeply" : "must be an object");
		by_json_skip(&r->json, &(by_text){ 0 });
		return NULL;
	}
	if (!by_json_enter_object(&r->json))
		return NULL;
	r->depth++;
	r->json.where = &here;
	while (by_json_next_member(&r->json, &name)) {
		here.name = name;
		add_part(r->arena, &all, read_member(r, name));
	}
	r->json.where = here.up;
	r->depth--;
	return all.count ? tree(r->arena, BY_SPEC_AND, &all) : NULL;
}

/* The reader knows where inside the filter a fault lies; the answer names the parameter, and then that place. */
static void tell(const reading *r, by_faults *faults, const char *name)
{
	for (size_t i = 0; i < by_faults_count(r->found) && by_faults_at(r->found, i); i++) {
		const by_fault *fault = by_faults_at(r->found, i);
		const char     *at = fault->where[0] == '.' ? fault->where + 1 : fault->where;
		by_fault_add(faults, BY_FAULT_QUERY, name, fault->code, "%s%s%s", at, *at ? ": " : "", fault->detail);
	}
}

by_error *by_spec_read(by_faults *faults, const by_model *model, by_text json, const char *name, const by_spec **spec)
{
	by_where root = { .name = BY_TEXT(""), .in = BY_FAULT_QUERY };
	reading  r = { .arena = by_faults_arena(faults), .model = model };
	*spec = NULL;
	if (json.len == 0)
		return BY_OK;
	r.found = by_faults_new(r.arena);
	by__json_reader_init(&r.json, r.found, json, &root);
	const by_spec *read = read_object(&r);
	if (by__json_reader_finish(&r.json) != BY_OK)
		by_fault_add(faults, BY_FAULT_QUERY, name, "malformed", "must be a well-formed JSON object");
	else if (by_faults_count(r.found))
		tell(&r, faults, name);
	else
		*spec = read;
	return BY_OK;
}

/* ---- by code ---- */

const by_spec *by_spec_eq(by_arena *arena, const by_model *model, const char *field, by_value value)
{
	by_spec *spec = new_spec(arena, BY_SPEC_EQ, by_model_field(model, (by_text){ field, strlen(field) }));
	BY_REQUIRE(spec->field);
	if (value.tag == BY_VALUE_NULL) {
		spec->op = BY_SPEC_IS_NULL;
		return spec;
	}
	by_value *kept = BY_NEW(arena, by_value);
	*kept = value;
	spec->values = kept;
	spec->count = 1;
	return spec;
}

const by_spec *by_spec_and(by_arena *arena, const by_spec *a, const by_spec *b)
{
	parts both = { 0 };
	add_part(arena, &both, a);
	add_part(arena, &both, b);
	return both.count ? tree(arena, BY_SPEC_AND, &both) : NULL;
}
