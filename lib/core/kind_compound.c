/* Kinds made of others: nested models and lists; and the elements of the lists of scalars. */
#include <string.h>

#include <banyan/assert.h>

#include "core/constraint.h"
#include "core/json_reader.h"
#include "core/plan.h"
#include "core/text.h"

/* ---- model ---- */

static void model_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	by_json_write(out, field->model, value, style);
}

static bool model_read(by_json_reader *r, const by_field *field, void *value)
{
	if (field->partial) /* the struct begins with its by_present */
		return by__json_read_partial(r, field->model, value, value);
	return by_json_read_model(r, field->model, value);
}

static void model_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	if (!field->partial)
		by__model_check_at(field->model, value, where, faults);
}

static void model_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "$ref");
	by_json_string(out, by_format(out->out->arena, "#/components/schemas/%s", field->model->name));
}

const by_kind by_kind_model = {
	.name = "model", .expects = "an object", .sql = BY_SQL_NONE,
	.write = model_write, .read = model_read, .check = model_check, .schema = model_schema
};

/* ---- list ---- */

enum { ENOUGH_FAULTS = 100 }; /* so many are reported */

typedef struct list { /* the layout of every BY_LIST */
	char  *items;
	size_t count;
} list;

static const void *item_at(const by_field *field, const list *l, size_t index)
{
	return l->items + index * by__value_size(field->items);
}

static bool item_absent(const by_field *item, const void *value)
{
	return by_field_value(item, value) == NULL;
}

static void list_write(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	const list     *l = value;
	const by_field *item = field->items;

	by_put_char(out, '[');
	for (size_t i = 0; i < l->count; i++) {
		const void *each = item_at(field, l, i);

		if (i > 0)
			by_put_char(out, ',');
		if (item_absent(item, each))
			BY_PUT(out, "null");
		else
			item->kind->write(out, item, each, style);
	}
	by_put_char(out, ']');
}

typedef struct growing {
	list   list;
	size_t room;
	size_t size; /* of an item */
} growing;

/* Room for one more item, zeroed; NULL when memory is refused. */
static void *grow(by_arena *arena, growing *g)
{
	if (g->list.count == g->room) {
		size_t room = g->room ? g->room * 2 : 8;
		size_t bytes;

		if (__builtin_mul_overflow(room, g->size, &bytes))
			return NULL;
		char *grown = by_try_alloc(arena, bytes);

		if (grown == NULL)
			return NULL;
		if (g->list.count > 0)
			memcpy(grown, g->list.items, g->list.count * g->size);
		g->list.items = grown;
		g->room = room;
	}
	return g->list.items + g->list.count++ * g->size;
}

static void read_item(by_json_reader *r, const by_field *item, growing *g)
{
	if (by_json_peek(r) == BY_JSON_NULL) {
		if (by_json_read_null(r))
			by_json_fault(r, "null", "must not be null");
		return;
	}
	void *place = grow(r->arena, g);

	if (place != NULL) {
		item->kind->read(r, item, place);
	} else {
		r->exhausted = true;
		by__json_break(r, r->at, "a list is too long");
	}
}

static void check_count(by_faults *faults, const by_field *field, size_t count, const by_where *where)
{
	if (count < field->min_items)
		by_fault_at(faults, where, "min_items", "must hold at least %zu item%s", field->min_items,
		    by__plural(field->min_items));
	if (field->max_items > 0 && count > field->max_items)
		by_fault_at(faults, where, "max_items", "must hold at most %zu item%s", field->max_items,
		    by__plural(field->max_items));
}

/* Items are compared as the JSON that they would be written as. */
static void check_unique(by_faults *faults, const by_field *field, const list *l, const by_where *where)
{
	static const by_json_style whole = { .all_fields = true };
	by_arena                  *arena = by_faults_arena(faults);
	by__json_name             *texts = BY_NEW_ARRAY(arena, by__json_name, l->count + 1);
	size_t                     twice;

	for (size_t i = 0; i < l->count; i++) {
		by_buf out;

		by_buf_init(&out, arena, 32);
		field->items->kind->write(&out, field->items, item_at(field, l, i), &whole);
		texts[i] = (by__json_name){ { out.data, out.len }, i };
	}
	if (!by__find_twice(texts, l->count, &twice))
		return;
	by_where here = { .up = where, .index = twice };

	by_fault_at(faults, &here, "unique_items", "must not equal another item");
}

static bool list_read(by_json_reader *r, const by_field *field, void *value)
{
	growing  g = { .size = by__value_size(field->items) };
	by_where here = { .up = r->where };
	size_t   faults_before = by_faults_count(r->faults);
	by_text  raw;

	if (by_json_peek(r) != BY_JSON_ARRAY)
		return by_json_wrong_type(r, field);
	if (!by_json_enter_array(r))
		return false;
	r->where = &here;
	while (by_json_next_item(r)) {
		/* What is refused anyhow is not kept: small items may be large structs. */
		if ((field->max_items > 0 && here.index >= field->max_items) || by_faults_count(r->faults) >= ENOUGH_FAULTS)
			by_json_skip(r, &raw);
		else
			read_item(r, field->items, &g);
		here.index++;
	}
	r->where = here.up;
	if (r->broken != NULL)
		return false;
	check_count(r->faults, field, here.index, r->where);
	*(list *)value = g.list;
	if (field->unique_items && by_faults_count(r->faults) == faults_before)
		check_unique(r->faults, field, &g.list, r->where);
	return true;
}

static bool parse_json_list(by_arena *arena, const by_field *field, by_text text, void *value)
{
	by_json_reader r;
	by_faults     *faults = by_faults_new(arena);
	by_where       root = { .name = { "", 0 } };

	by__json_reader_init(&r, faults, text, &root);
	if (!list_read(&r, field, value) || by__json_reader_finish(&r) != BY_OK)
		return false;
	return by_faults_count(faults) == 0;
}

/* "a, b, c", or a JSON array. */
static bool list_parse(by_arena *arena, const by_field *field, by_text text, void *value)
{
	growing g = { .size = by__value_size(field->items) };
	by_text rest = by__trim(text);

	if (rest.len > 0 && rest.ptr[0] == '[')
		return parse_json_list(arena, field, rest, value);
	if (field->items->kind->parse == NULL)
		return false;
	while (rest.len > 0) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t      len = comma ? (size_t)(comma - rest.ptr) : rest.len;
		void       *place = grow(arena, &g);

		if (place == NULL || !field->items->kind->parse(arena, field->items, by__trim((by_text){ rest.ptr, len }), place))
			return false;
		if (comma == NULL)
			break;
		rest.ptr += len + 1;
		rest.len -= len + 1;
		if (rest.len == 0)
			return false;
	}
	*(list *)value = g.list;
	return true;
}

static void list_print(by_buf *out, const by_field *field, const void *value)
{
	list_write(out, field, value, NULL);
}

static void list_check(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	const list     *l = value;
	const by_field *item = field->items;
	size_t          before = by_faults_count(faults);

	check_count(faults, field, l->count, where);
	for (size_t i = 0; i < l->count; i++) {
		by_where    here = { .up = where, .index = i };
		const void *each = item_at(field, l, i);

		if (item_absent(item, each))
			by_fault_at(faults, &here, "null", "must not be null");
		else if (item->kind->check != NULL)
			item->kind->check(faults, item, each, &here);
	}
	if (field->unique_items && by_faults_count(faults) == before)
		check_unique(faults, field, l, where);
}

static void list_schema(by_json_writer *out, const by_field *field)
{
	by_json_name(out, "type");
	by_json_string(out, "array");
	by_json_name(out, "items");
	by_json_object(out);
	field->items->kind->schema(out, field->items);
	by_json_object_end(out);
	if (field->min_items > 0) {
		by_json_name(out, "minItems");
		by_json_int(out, (int64_t)field->min_items);
	}
	if (field->max_items > 0) {
		by_json_name(out, "maxItems");
		by_json_int(out, (int64_t)field->max_items);
	}
	if (field->unique_items) {
		by_json_name(out, "uniqueItems");
		by_json_bool(out, true);
	}
}

const by_kind by_kind_list = {
	.name = "list", .expects = "a list", .size = sizeof(list), .sql = BY_SQL_NONE, .takes = BY_TAKES_ITEMS,
	.write = list_write, .read = list_read, .parse = list_parse, .print = list_print,
	.check = list_check, .schema = list_schema
};

/* ---- the elements of the lists of scalars ---- */

const by_field by_items_bool = { .name = "bool", .kind = &by_kind_bool, .size = sizeof(bool) };
const by_field by_items_int32 = { .name = "int32", .kind = &by_kind_int32, .size = sizeof(int32_t) };
const by_field by_items_int64 = { .name = "int64", .kind = &by_kind_int64, .size = sizeof(int64_t) };
const by_field by_items_double = { .name = "double", .kind = &by_kind_double, .size = sizeof(double) };
const by_field by_items_string = { .name = "string", .kind = &by_kind_string, .size = sizeof(const char *) };
const by_field by_items_ulid = { .name = "ulid", .kind = &by_kind_ulid, .size = sizeof(by_ulid) };
const by_field by_items_uuid = { .name = "uuid", .kind = &by_kind_uuid, .size = sizeof(by_uuid) };
const by_field by_items_time = { .name = "time", .kind = &by_kind_time, .size = sizeof(by_time) };
const by_field by_items_decimal = { .name = "decimal", .kind = &by_kind_decimal, .size = sizeof(by_decimal) };
const by_field by_items_json = { .name = "json", .kind = &by_kind_json, .size = sizeof(by_json) };
