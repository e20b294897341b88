/*
 * BY_CRUD rows become operations here: their input and answer models are made
 * at start-up, and six functions serve every service.
 */
#include "interface/crud.h"

#include <inttypes.h>
#include <stdalign.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/entity.h>
#include <banyan/http.h>

#include "application/service.h"
#include "interface/etag.h"
#include "interface/paging.h"
#include "interface/request.h"

/* An identifier of any kind that may be one. */
typedef union crud_key {
	by_ulid     ulid;
	by_uuid     uuid;
	int64_t     integer;
	const char *string;
} crud_key;

/* The input of every operation but list; the body's struct follows at BODY_AT. */
typedef struct item_input {
	crud_key    parent;
	crud_key    id;
	const char *if_match;
} item_input;

/* A version that no row has. */
enum { NO_VERSION = -1 };

/* A partial body's struct begins with its by_present; the fields of the update model follow at PRESENT_ROOM. */
enum {
	ALIGNMENT = alignof(max_align_t),
	BODY_AT = (sizeof(item_input) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
	PRESENT_ROOM = (sizeof(by_present) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT,
	INPUT_FIELDS = 8,
	MOST_ERRORS = 5 /* of one operation, before those of the row */
};

/* What the operations of one row share. */
typedef struct crud_row {
	by_arena         *arena;
	const by_route   *row;
	const by_service *service;
	const by_model   *parent;       /* the parent's entity; NULL: none */
	const by_field   *parent_field; /* of the entity: names the parent */
	const char       *resource;     /* "dataset", "experiment_dataset" under a parent */
	by_buf           *mistakes;
} crud_row;

typedef struct crud_operation {
	by_operation    base;
	const crud_row     *crud;
	const by_field *parent; /* of the input; NULL: none */
	const by_field *id;     /* of the input; NULL: none */
} crud_operation;

typedef by_error *crud_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out);

/* ---- the operations ------------------------------------------------------- */

static const crud_operation *crud_of(const by_operation *operation)
{
	return (const crud_operation *)operation;
}

/* The scope that the path names, once its parent is known to exist: in `scope`; `used` is NULL without a parent. */
static by_error *scope_of(const crud_operation *op, by_ctx *ctx, const void *in, by__scope *scope,
    const by__scope **used)
{
	const crud_row *crud = op->crud;
	*used = NULL;
	if (!crud->parent)
		return BY_OK;
	scope->field = crud->parent_field;
	scope->value = by_field_get(op->parent, in);
	BY_TRY(by_store_find(ctx, crud->parent, scope->value, by_alloc(ctx->arena, crud->parent->size)));
	*used = scope;
	return BY_OK;
}

static by_error *call_list(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const crud_operation *op = crud_of(operation);
	const crud_row           *crud = op->crud;
	by__scope             storage;
	const by__scope      *scope = NULL;
	by_query              query = { 0 };
	by_list_any           views = { 0 };
	by_page_info          info = { 0 };
	BY_TRY(by__page_query(ctx, crud->row->paging, crud->service->entity,
	    (const by__page_input *)(const void *)((const char *)in + BODY_AT), &query));
	BY_TRY(scope_of(op, ctx, in, &storage, &scope));
	BY_TRY(by__service_list(ctx, crud->service, scope, &query, &views, &info));
	by__page_fill(crud->row, views, &info, out);
	by__page_links(ctx, crud->row->paging, &info);
	return BY_OK;
}

static by_error *call_get(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const crud_operation *op = crud_of(operation);
	by__scope             storage;
	const by__scope      *scope = NULL;
	BY_TRY(scope_of(op, ctx, in, &storage, &scope));
	return by__service_get(ctx, op->crud->service, scope, by_field_get(op->id, in), out);
}

/* Location of the new resource: below the collection that the request named. */
static void locate(by_ctx *ctx, const by_model *view, const void *out)
{
	const by_field *id = by_model_field(view, BY_TEXT("id"));
	if (!ctx->request || !id)
		return;
	by_text path = by__request(ctx)->full_path;
	by_buf  location;
	while (path.len > 0 && path.ptr[path.len - 1] == '/')
		path.len--;
	by_buf_init(&location, ctx->arena, path.len + 64);
	by_put_text(&location, path);
	by_put_char(&location, '/');
	id->kind->print(&location, id, by_field_value(id, out));
	by_respond_header(ctx, "Location", by_buf_string(&location));
}

static by_error *call_create(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const crud_operation *op = crud_of(operation);
	by__scope             storage;
	const by__scope      *scope = NULL;
	BY_TRY(scope_of(op, ctx, in, &storage, &scope));
	BY_TRY(by__service_create(ctx, op->crud->service, scope, (const char *)in + BODY_AT, out));
	locate(ctx, by__service_view_model(op->crud->service), out);
	return BY_OK;
}

/* Whether the row's tag is among these, and its version if so, else NO_VERSION. The row must be read for it. */
static by_error *match_current(const crud_operation *op, by_ctx *ctx, const void *in, by_text tags, int64_t *version)
{
	const by_model *entity = op->crud->service->entity;
	by_entity      *row = by_alloc(ctx->arena, entity->size);
	BY_TRY(by_store_find(ctx, entity, by_field_get(op->id, in), row));
	const char *tag = by_format(ctx->arena, "\"%" PRId64 "\"", row->version);
	*version = by__etag_none_match(tags, tag) ? row->version : NO_VERSION;
	return BY_OK;
}

/* If-None-Match before a change (RFC 9110 section 13.1.2): "*" is how a client says that it means to overwrite nothing. */
static by_error *check_none_match(const crud_operation *op, by_ctx *ctx, const void *in)
{
	by_text tags = ctx->request ? by_request_header(ctx, "If-None-Match") : (by_text){ NULL, 0 };
	int64_t version = NO_VERSION;
	if (tags.ptr == NULL)
		return BY_OK;
	BY_TRY(match_current(op, ctx, in, tags, &version));
	if (version != NO_VERSION)
		return by_fail(ctx, PRECONDITION_FAILED, "It is there already, in a state that If-None-Match names.");
	return BY_OK;
}

/* The version that If-Match asks for: 0 any, NO_VERSION one that there is not. */
static by_error *wanted_version(const crud_operation *op, by_ctx *ctx, const void *in, int64_t *version)
{
	const char *header = ((const item_input *)in)->if_match;
	*version = 0;
	BY_TRY(check_none_match(op, ctx, in));
	if (!header)
		return BY_OK;
	by_text tags = { header, strlen(header) };
	switch (by__etag_if_match(tags, version)) {
	case BY__IF_MATCH_ANY:
		*version = 0;
		return BY_OK;
	case BY__IF_MATCH_VERSION:
		return BY_OK;
	case BY__IF_MATCH_OTHER:
		*version = NO_VERSION;
		return BY_OK;
	case BY__IF_MATCH_SEVERAL:
		return match_current(op, ctx, in, tags, version);
	default:
		return by_fail(ctx, BAD_REQUEST, "If-Match must be * or a list of entity tags, each in double quotes.");
	}
}

/* A version that the client named and that has moved on is a failed precondition (RFC 9110 section 13.1.1). */
static by_error *unless_moved(by_ctx *ctx, int64_t version, by_error *error)
{
	if (version == 0 || !by_error_is(error, VERSION_CONFLICT))
		return error;
	return by_error_because(by_fail(ctx, PRECONDITION_FAILED,
	    "It has been changed since the version that If-Match names; read it again."), error);
}

static by_error *change(const crud_operation *op, by_ctx *ctx, const void *in, const void *body,
    const by_present *present, void *out)
{
	by__scope        storage;
	const by__scope *scope = NULL;
	int64_t          version = 0;
	BY_TRY(scope_of(op, ctx, in, &storage, &scope));
	BY_TRY(wanted_version(op, ctx, in, &version));
	return unless_moved(ctx, version,
	    by__service_update(ctx, op->crud->service, scope, by_field_get(op->id, in), version, body, present, out));
}

static by_error *call_replace(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	return change(crud_of(operation), ctx, in, (const char *)in + BODY_AT, NULL, out);
}

static by_error *call_patch(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const char *body = (const char *)in + BODY_AT;
	return change(crud_of(operation), ctx, in, body + PRESENT_ROOM, (const by_present *)(const void *)body, out);
}

static by_error *call_delete(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const crud_operation *op = crud_of(operation);
	by__scope             storage;
	const by__scope      *scope = NULL;
	int64_t               version = 0;
	(void)out;
	BY_TRY(scope_of(op, ctx, in, &storage, &scope));
	BY_TRY(wanted_version(op, ctx, in, &version));
	return unless_moved(ctx, version,
	    by__service_remove(ctx, op->crud->service, scope, by_field_get(op->id, in), version));
}

/* ---- their models --------------------------------------------------------- */

/* A model made at start-up; it counts as written where the row is. */
static by_model *new_model(const crud_row *crud, const char *name, size_t size, const by_field *fields, size_t count)
{
	by_model *model = BY_NEW(crud->arena, by_model);
	*model = (by_model){ .name = name, .size = size, .fields = fields, .count = count, .place = crud->row->place,
	    .plan = BY_NEW(crud->arena, by_plan *) };
	return model;
}

/* "experiment_view", "experiment_create" and the like without their role: what names of derived models begin with. */
static const char *stem(by_arena *arena, const char *name)
{
	static const char *const roles[] = { "_view", "_create", "_update" };
	const size_t len = strlen(name);
	for (size_t i = 0; i < BY_COUNT(roles); i++) {
		const size_t role = strlen(roles[i]);
		if (len > role && strcmp(name + len - role, roles[i]) == 0)
			return by_copy_text(arena, (by_text){ name, len - role });
	}
	return name;
}

/*
 * The input model as a body under a parent: the field that names the parent
 * comes from the path, so that in the body it is a fault. The same struct.
 */
static const by_model *without_parent(const crud_row *crud, const by_model *model)
{
	if (!crud->parent)
		return model;
	const char     *name = crud->parent_field->name;
	const by_field *field = by_model_field(model, (by_text){ name, strlen(name) });
	if (!field)
		return model;
	by_field *fields = BY_NEW_ARRAY(crud->arena, by_field, model->count);
	memcpy(fields, model->fields, model->count * sizeof(*fields));
	fields[field - model->fields].read_only = true;
	by_model *made = new_model(crud, by_format(crud->arena, "%s_%s", crud->parent->name, model->name), model->size, fields,
	    model->count);
	made->doc = model->doc;
	made->rules = model->rules;
	made->allow_unknown = model->allow_unknown;
	return made;
}

/*
 * The update model as a partial body: a by_present and then the same struct.
 * Its rules are left to the service, which sees the unchanged members too.
 */
static const by_model *partial_of(const crud_row *crud, const by_model *update)
{
	by_field *fields = BY_NEW_ARRAY(crud->arena, by_field, update->count);
	memcpy(fields, update->fields, update->count * sizeof(*fields));
	for (size_t i = 0; i < update->count; i++)
		fields[i].offset += PRESENT_ROOM;
	by_model *made = new_model(crud, by_format(crud->arena, "%s_patch", stem(crud->arena, update->name)),
	    PRESENT_ROOM + update->size, fields, update->count);
	made->doc = update->doc;
	made->allow_unknown = update->allow_unknown;
	return made;
}

/* One operation under construction: its input's fields. */
typedef struct input {
	by_field *fields;
	size_t    count;
	size_t    size;
} input;

static by_field *add_field(input *in, by_field field)
{
	BY_INVARIANT(in->count < INPUT_FIELDS);
	in->fields[in->count] = field;
	return &in->fields[in->count++];
}

static void add_key(const crud_row *crud, input *in, const char *name, const by_field *key, size_t offset,
    const char *doc)
{
	add_field(in, (by_field){ .name = name, .kind = key->kind, .offset = offset, .size = key->size,
	    .values = key->values, .from = BY_FROM_PATH, .doc = by_format(crud->arena, "Identifier of the %s", doc) });
}

static void add_if_match(input *in)
{
	add_field(in, (by_field){ .name = "if_match", .kind = &by_kind_string, .offset = offsetof(item_input, if_match),
	    .size = sizeof(const char *), .optional = true, .max_length = 1000, .from = BY_FROM_HEADER, .header = "If-Match",
	    .example = "\"\\\"1\\\"\"", .doc = "Change it only if its entity tag is this one" });
}

static void add_body(input *in, const by_model *model, bool partial)
{
	add_field(in, (by_field){ .name = "body", .kind = &by_kind_model, .offset = BODY_AT, .size = model->size,
	    .model = model, .partial = partial, .from = BY_FROM_WHOLE_BODY });
	in->size = BODY_AT + model->size;
}

/* ---- the endpoints -------------------------------------------------------- */

typedef enum crud_body { BODY_NONE, BODY_CREATE, BODY_UPDATE, BODY_PARTIAL } crud_body;
typedef enum crud_answer { ANSWER_NONE, ANSWER_ONE, ANSWER_PAGE } crud_answer;

/* What differs between the six. */
typedef struct crud_shape {
	unsigned    bit;
	by_method   method;
	crud_call  *call;
	const char *verb;    /* of the name */
	const char *summary; /* printf: the resource, with its article but for list */
	int         status;
	bool        item;    /* below /{id} */
	bool        changes; /* takes If-Match */
	crud_body   body;
	crud_answer answer;
} crud_shape;

static const crud_shape shapes[BY__CRUD_MAX] = {
	{ BY_CRUD_LIST, BY_GET, call_list, "list", "List %s", 200, false, false, BODY_NONE, ANSWER_PAGE },
	{ BY_CRUD_CREATE, BY_POST, call_create, "create", "Create %s", 201, false, false, BODY_CREATE, ANSWER_ONE },
	{ BY_CRUD_GET, BY_GET, call_get, "get", "Get %s", 200, true, false, BODY_NONE, ANSWER_ONE },
	{ BY_CRUD_REPLACE, BY_PUT, call_replace, "replace", "Replace %s", 200, true, true, BODY_UPDATE, ANSWER_ONE },
	{ BY_CRUD_PATCH, BY_PATCH, call_patch, "update", "Change %s", 200, true, true, BODY_PARTIAL, ANSWER_ONE },
	{ BY_CRUD_DELETE, BY_DELETE, call_delete, "delete", "Delete %s", 204, true, true, BODY_NONE, ANSWER_NONE },
};

static void note(const crud_row *crud, const char *what, const char *remedy)
{
	by_put_format(crud->mistakes, "%s:%d: %s: %s; %s\n", crud->row->place.file, crud->row->place.line, crud->row->path,
	    what, remedy);
}

static bool compiled(const crud_row *crud, by_error *error)
{
	if (error)
		by_put_format(crud->mistakes, "%s\n", error->detail ? error->detail : error->kind->title);
	return error == BY_OK;
}

/* The entity stored in the table that "experiments(id)" names, from the application's own services. */
static const by_model *entity_of_table(const by_app *app, const char *references)
{
	const size_t len = strcspn(references, "(");
	for (size_t v = 0; v < app->version_count; v++)
		for (size_t g = 0; g < app->versions[v].count; g++)
			for (size_t r = 0; r < app->versions[v].groups[g]->count; r++) {
				const by_service *service = app->versions[v].groups[g]->rows[r].service;
				const char       *table = service ? service->entity->table : NULL;
				if (table && strlen(table) == len && memcmp(table, references, len) == 0)
					return service->entity;
			}
	return NULL;
}

static bool find_parent(crud_row *crud, const by_app *app)
{
	const char *name = crud->row->parent;
	if (!name)
		return true;
	const char *parameter = by_format(crud->arena, "{%s}", name);
	crud->parent_field = by_model_field(crud->service->entity, (by_text){ name, strlen(name) });
	if (!strstr(crud->row->path, parameter)) {
		note(crud, "its .parent is no parameter of the path", "write it as {name} in the path");
		return false;
	}
	if (!crud->parent_field || !crud->parent_field->references) {
		note(crud, "its .parent is no field of the entity that references another table", "give the field .references");
		return false;
	}
	crud->parent = entity_of_table(app, crud->parent_field->references);
	if (!crud->parent) {
		note(crud, "no service of this application stores the table that .parent references",
		    "mount a BY_CRUD row of the parent");
		return false;
	}
	crud->resource = by_format(crud->arena, "%s_%s", crud->parent->name, crud->service->entity->name);
	return compiled(crud, by_model_compile(crud->arena, crud->parent));
}

/* The last part of the path, "datasets", as names spell it; NULL when it is a parameter. */
static const char *collection_of(const crud_row *crud)
{
	const char *slash = strrchr(crud->row->path, '/');
	if (!slash || slash[1] == '\0' || slash[1] == '{')
		return NULL;
	char *name = by_copy(crud->arena, slash + 1);
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static const char *spaced(by_arena *arena, const char *name)
{
	char *text = by_copy(arena, name);
	for (char *c = text; *c; c++)
		if (*c == '_')
			*c = ' ';
	return text;
}

static const char *with_article(by_arena *arena, const char *name)
{
	return by_format(arena, "%s %s", strchr("aeiou", *name) ? "an" : "a", spaced(arena, name));
}

static const char *summary_of(const crud_row *crud, const crud_shape *shape, const char *collection)
{
	by_arena   *arena = crud->arena;
	const char *what = shape->answer != ANSWER_PAGE ? with_article(arena, crud->service->entity->name)
	         : spaced(arena, collection);
	if (shape->answer == ANSWER_PAGE && crud->parent)
		what = by_format(arena, "%s's %s", with_article(arena, crud->parent->name), what);
	if (shape->answer != ANSWER_PAGE && crud->parent)
		what = by_format(arena, "%s of %s", what, with_article(arena, crud->parent->name));
	by_buf text;
	by_buf_init(&text, arena, 0);
	const size_t verb = strcspn(shape->summary, "%");
	by_put(&text, shape->summary, verb);
	by_put_string(&text, what);
	return by_buf_string(&text);
}

static const by_error_kind *const *errors_of(const crud_row *crud, const crud_shape *shape)
{
	const by_error_kind **errors = BY_NEW_ARRAY(crud->arena, const by_error_kind *, MOST_ERRORS + BY_ERRORS_MAX + 1);
	size_t count = 0;
	bool   unique = false;
	bool   references = false;
	for (size_t i = 0; i < crud->service->entity->count; i++) {
		unique = unique || crud->service->entity->fields[i].unique;
		references = references || crud->service->entity->fields[i].references;
	}
	if (shape->item || crud->parent)
		errors[count++] = BY_ERROR_KIND(NOT_FOUND);
	if (shape->changes)
		errors[count++] = BY_ERROR_KIND(PRECONDITION_FAILED);
	if (shape->changes || (shape->body != BODY_NONE && crud->service->before_create))
		errors[count++] = BY_ERROR_KIND(CONFLICT);
	if (shape->body != BODY_NONE && unique)
		errors[count++] = BY_ERROR_KIND(UNIQUE_VIOLATION);
	if (shape->body != BODY_NONE && references)
		errors[count++] = BY_ERROR_KIND(REFERENCE_VIOLATION);
	for (size_t i = 0; i < BY_ERRORS_MAX && crud->row->errors[i]; i++)
		errors[count++] = crud->row->errors[i];
	return errors;
}

/* The input model of one operation. */
static const by_model *input_of(const crud_row *crud, const crud_shape *shape, crud_operation *op)
{
	const by_service *service = crud->service;
	input             in = { .fields = BY_NEW_ARRAY(crud->arena, by_field, INPUT_FIELDS), .size = BODY_AT };
	const char       *parent_name = crud->parent ? crud->parent->name : NULL;
	if (parent_name) {
		op->parent = &in.fields[in.count];
		add_key(crud, &in, crud->row->parent, crud->parent_field, offsetof(item_input, parent), parent_name);
	}
	if (shape->item) {
		op->id = &in.fields[in.count];
		add_key(crud, &in, "id", by_model_field(service->entity, BY_TEXT("id")), offsetof(item_input, id),
		    service->entity->name);
	}
	if (shape->changes)
		add_if_match(&in);
	if (shape->body == BODY_CREATE)
		add_body(&in, without_parent(crud, by__service_create_model(service)), false);
	else if (shape->body == BODY_UPDATE)
		add_body(&in, without_parent(crud, by__service_update_model(service)), false);
	else if (shape->body == BODY_PARTIAL)
		add_body(&in, partial_of(crud, without_parent(crud, by__service_update_model(service))), true);
	if (shape->answer == ANSWER_PAGE) {
		in.count += by__page_fields(crud->arena, crud->row->paging, service->entity, by__service_view_model(service),
		    BODY_AT, in.fields + in.count);
		in.size = BODY_AT + sizeof(by__page_input);
	}
	return new_model(crud, by_format(crud->arena, "%s_%s_in", shape->verb, crud->resource), in.size, in.fields, in.count);
}

static const by_model *answer_of(const crud_row *crud, const crud_shape *shape)
{
	const by_model *view = by__service_view_model(crud->service);
	if (shape->answer == ANSWER_NONE)
		return NULL;
	if (shape->answer == ANSWER_PAGE)
		return by__page_model(crud->arena, crud->row, stem(crud->arena, view->name), view);
	if (crud->row->envelope == BY_ENVELOPE_NONE)
		return view;
	by_field *data = BY_NEW(crud->arena, by_field);
	*data = (by_field){ .name = "data", .kind = &by_kind_model, .size = view->size, .model = view };
	by_model *model = new_model(crud, by_format(crud->arena, "%s_data", stem(crud->arena, view->name)), view->size,
	    data, 1);
	model->doc = by_format(crud->arena, "An answer about one %s", spaced(crud->arena, crud->service->entity->name));
	return model;
}

static bool make_endpoint(const crud_row *crud, const crud_shape *shape, const by_version *version,
    const by_routes *group, const char *collection, by__endpoint *endpoint)
{
	const by_route *row = crud->row;
	crud_operation *op = BY_NEW(crud->arena, crud_operation);
	const char     *parent = crud->parent ? by_format(crud->arena, "%s_", crud->parent->name) : "";
	const char     *name = shape->answer == ANSWER_PAGE
	        ? by_format(crud->arena, "%s_%s%s", shape->verb, parent, collection)
	        : by_format(crud->arena, "%s_%s", shape->verb, crud->resource);
	*op = (crud_operation){ .base = { .name = name, .call = shape->call, .place = row->place }, .crud = crud };
	op->base.in = input_of(crud, shape, op);
	op->base.out = answer_of(crud, shape);
	const bool reads = shape->method == BY_GET;
	*endpoint = (by__endpoint){
		.method = shape->method, .name = name, .operation = &op->base, .route = row, .group = group, .version = version,
		.path = by_format(crud->arena, "%s%s%s", version ? version->prefix : "", row->path, shape->item ? "/{id}" : ""),
		.access = reads && row->public_read ? (by_access)BY_PUBLIC : row->access,
		.summary = summary_of(crud, shape, collection), .status = shape->status, .envelope = row->envelope,
		.is_list = shape->answer == ANSWER_PAGE, .errors = errors_of(crud, shape),
	};
	bool ok = compiled(crud, by_model_compile(crud->arena, op->base.in));
	return ok && (!op->base.out || compiled(crud, by_model_compile(crud->arena, op->base.out)));
}

size_t by__crud_expand(by_arena *arena, const by_app *app, const by_version *version, const by_routes *group,
    const by_route *row, by__endpoint endpoints[BY__CRUD_MAX], by_buf *mistakes)
{
	crud_row *crud = BY_NEW(arena, crud_row);
	*crud = (crud_row){ .arena = arena, .row = row, .service = row->service, .resource = row->service->entity->name,
	    .mistakes = mistakes };
	const char *collection = collection_of(crud);
	if (!collection)
		note(crud, "its last part is no collection", "end the path in the resource's plural, \"/experiments\"");
	if (!compiled(crud, by_service_compile(arena, row->service)) || !find_parent(crud, app) || !collection)
		return 0;
	size_t count = 0;
	for (size_t i = 0; i < BY_COUNT(shapes); i++)
		if (!(row->without & shapes[i].bit)) {
			if (!make_endpoint(crud, &shapes[i], version, group, collection, &endpoints[count]))
				return 0;
			count++;
		}
	if (count == 0)
		note(crud, ".without leaves no operation", "delete the row");
	return count;
}

const void *by__answer_resource(const by__endpoint *endpoint, const void *out, const by_model **model)
{
	const by_model *answer = endpoint->operation->out;
	const bool      enveloped = endpoint->route && endpoint->route->service && endpoint->envelope == BY_ENVELOPE_DATA;
	*model = !answer || endpoint->is_list ? NULL : enveloped ? answer->fields[0].model : answer;
	return *model ? out : NULL;
}
