/* Schemas of models (JSON Schema 2020-12), each once under components/schemas by its struct's name. */
#include <string.h>

#include <banyan/kind.h>

#include "interface/openapi.h"

static bool is_nullable(const by_field *field)
{
	return field->pointer || field->optional;
}

/* Whether a client must send the member, or can rely on its being there. */
static bool is_required(const by_field *field, unsigned usage)
{
	if (usage & BY__USED_PARTIAL)
		return false;
	if (usage & BY__USED_IN)
		return !is_nullable(field) && !field->default_value && !field->read_only;
	return !field->write_only && field->kind != &by_kind_secret;
}

static void put_default(by_json_writer *w, const by_field *field)
{
	by_json_name(w, "default");
	by__example_write_text(w, field, field->default_value);
}

void by__schema_write_field(by_json_writer *w, const by_field *field, unsigned usage)
{
	if (is_nullable(field)) {
		by_json_name(w, "anyOf");
		by_json_array(w);
		by_json_object(w);
		field->kind->schema(w, field);
		by_json_object_end(w);
		by_json_object(w);
		by_json_name(w, "type");
		by_json_string(w, "null");
		by_json_object_end(w);
		by_json_array_end(w);
	} else {
		field->kind->schema(w, field);
	}
	if (field->doc) {
		by_json_name(w, "description");
		by_json_string(w, field->doc);
	}
	if (field->default_value && !(usage & BY__USED_PARTIAL))
		put_default(w, field);
	if (field->read_only || field->write_only) {
		by_json_name(w, field->read_only ? "readOnly" : "writeOnly");
		by_json_bool(w, true);
	}
	if (field->example) {
		by_json_name(w, "examples");
		by_json_array(w);
		by_json_raw(w, (by_text){ field->example, strlen(field->example) });
		by_json_array_end(w);
	}
}

static void put_required(by_json_writer *w, const by_model *model, unsigned usage)
{
	bool any = false;
	for (size_t i = 0; i < model->count; i++) {
		if (!is_required(&model->fields[i], usage))
			continue;
		if (!any) {
			by_json_name(w, "required");
			by_json_array(w);
		}
		any = true;
		by_json_string(w, model->fields[i].name);
	}
	if (any)
		by_json_array_end(w);
}

/* Fields that neither side of this usage ever sees are left out. */
static bool is_visible(const by_field *field, unsigned usage)
{
	if (!(usage & BY__USED_OUT))
		return !field->read_only;
	if (!(usage & (BY__USED_IN | BY__USED_PARTIAL)))
		return !field->write_only && field->kind != &by_kind_secret;
	return true;
}

static void put_model(by_json_writer *w, const by_model *model, unsigned usage)
{
	by_json_object(w);
	by_json_name(w, "type");
	by_json_string(w, "object");
	if (model->doc) {
		by_json_name(w, "description");
		by_json_string(w, model->doc);
	}
	by_json_name(w, "properties");
	by_json_object(w);
	for (size_t i = 0; i < model->count; i++)
		if (is_visible(&model->fields[i], usage)) {
			by_json_name(w, model->fields[i].name);
			by_json_object(w);
			by__schema_write_field(w, &model->fields[i], usage);
			by_json_object_end(w);
		}
	by_json_object_end(w);
	put_required(w, model, usage);
	if ((usage & (BY__USED_IN | BY__USED_PARTIAL)) && !model->allow_unknown) {
		by_json_name(w, "additionalProperties");
		by_json_bool(w, false);
	}
	by_json_object_end(w);
}

static by_text schema_text(by_arena *arena, const by_model *model)
{
	by_json_writer w;
	by_buf         out;
	by_buf_init(&out, arena, 1024);
	by_json_writer_init(&w, &out);
	put_model(&w, model, BY__USED_IN | BY__USED_OUT);
	return (by_text){ out.data, out.len };
}

/* Models that start-up makes may come twice; what counts is that they say the same. */
static void check_same(const by__schemas *schemas, const by_model *there, const by_model *model)
{
	if (there == model || !schemas->mistakes)
		return;
	by_text a = schema_text(schemas->arena, there);
	by_text b = schema_text(schemas->arena, model);
	if (a.len != b.len || memcmp(a.ptr, b.ptr, a.len) != 0)
		by_put_format(schemas->mistakes, "%s:%d: there is another model named %s, at %s:%d; rename one of them\n",
		    model->place.file, model->place.line, model->name, there->place.file, there->place.line);
}

static by__schema *find(by__schemas *schemas, const by_model *model)
{
	for (size_t i = 0; i < schemas->count; i++)
		if (strcmp(schemas->items[i].model->name, model->name) == 0) {
			check_same(schemas, schemas->items[i].model, model);
			return &schemas->items[i];
		}
	if (schemas->count == schemas->room) {
		const size_t room = schemas->room ? schemas->room * 2 : 32;
		by__schema  *grown = BY_NEW_ARRAY(schemas->arena, by__schema, room);
		if (schemas->count > 0)
			memcpy(grown, schemas->items, schemas->count * sizeof(*grown));
		schemas->items = grown;
		schemas->room = room;
	}
	by__schema *added = &schemas->items[schemas->count++];
	*added = (by__schema){ .model = model };
	return added;
}

void by__schemas_add(by__schemas *schemas, const by_model *model, unsigned usage)
{
	by__schema *schema = find(schemas, model);
	if ((schema->usage & usage) == usage)
		return;
	schema->usage |= usage;
	/* Within a partial body only its own members may be absent. */
	const unsigned within = usage & BY__USED_PARTIAL ? (usage & ~(unsigned)BY__USED_PARTIAL) | BY__USED_IN : usage;
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];
		const by_model *nested = field->items ? field->items->model : field->model;
		if (nested && is_visible(field, usage))
			by__schemas_add(schemas, nested, within);
	}
}

void by__schemas_write(const by__schemas *schemas, by_json_writer *w)
{
	for (size_t i = 0; i < schemas->count; i++) {
		by_json_name(w, schemas->items[i].model->name);
		put_model(w, schemas->items[i].model, schemas->items[i].usage);
	}
}
