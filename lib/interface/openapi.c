/*
 * The OpenAPI 3.1 document of one version, written from its endpoints and
 * models and nothing else, in one fixed order of keys.
 */
#include "interface/openapi.h"

#include <string.h>

#include "interface/crud.h"
#include "interface/server.h"

/* The problem documents of one status: a set of error kinds that some operation answers with. */
typedef struct refusal {
	const char          *key; /* of components/responses */
	int                  status;
	const by_error_kind *kinds[16];
	size_t               count;
} refusal;

typedef struct document {
	by_json_writer     w;
	const by__server  *server;
	by_arena          *arena; /* of scratch memory */
	const by__endpoints *endpoints;
	const by_version  *version;
	by__schemas        schemas;
	refusal           *refusals;
	size_t             refusal_count;
	size_t             refusal_room;
} document;

static void put_string(by_json_writer *w, const char *name, const char *value)
{
	by_json_name(w, name);
	by_json_string(w, value);
}

static void open_object(by_json_writer *w, const char *name)
{
	by_json_name(w, name);
	by_json_object(w);
}

static void put_ref(by_json_writer *w, const document *d, const char *section, const char *name)
{
	put_string(w, "$ref", by_format(d->arena, "#/components/%s/%s", section, name));
}

static bool is_shown(const document *d, const by__endpoint *endpoint)
{
	return endpoint->version == d->version && endpoint->route && !endpoint->route->hidden;
}

/* ---- problems ------------------------------------------------------------- */

/* "not-found", or "conflict.already-exists" where one status has several kinds. */
static const char *refusal_key(const document *d, const refusal *r)
{
	by_buf key;
	by_buf_init(&key, d->arena, 64);
	for (size_t i = 0; i < r->count; i++) {
		if (i > 0)
			by_put_char(&key, '.');
		by_put_string(&key, r->kinds[i]->slug);
	}
	return by_buf_string(&key);
}

static void keep_refusal(document *d, const refusal *r)
{
	for (size_t i = 0; i < d->refusal_count; i++)
		if (strcmp(d->refusals[i].key, r->key) == 0)
			return;
	if (d->refusal_count == d->refusal_room) {
		const size_t room = d->refusal_room ? d->refusal_room * 2 : 32;
		refusal     *grown = BY_NEW_ARRAY(d->arena, refusal, room);
		if (d->refusal_count > 0)
			memcpy(grown, d->refusals, d->refusal_count * sizeof(*grown));
		d->refusals = grown;
		d->refusal_room = room;
	}
	d->refusals[d->refusal_count++] = *r;
}

static bool has_slug(const refusal *r, const char *slug)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->kinds[i]->slug, slug) == 0)
			return true;
	return false;
}

/* The kinds of one status, those that read alike once. */
static refusal refusal_of(const document *d, const by__endpoint *endpoint, int status)
{
	refusal r = { .status = status };
	for (size_t i = 0; endpoint->errors && endpoint->errors[i]; i++) {
		const by_error_kind *kind = endpoint->errors[i];
		if (kind->status == status && !has_slug(&r, kind->slug) && r.count < BY_COUNT(r.kinds))
			r.kinds[r.count++] = kind;
	}
	r.key = refusal_key(d, &r);
	return r;
}

/* The next status above the given one; 0 at the end. */
static int next_status(const by__endpoint *endpoint, int above)
{
	int next = 0;
	for (size_t i = 0; endpoint->errors && endpoint->errors[i]; i++) {
		const int status = endpoint->errors[i]->status;
		if (status > above && (next == 0 || status < next))
			next = status;
	}
	return next;
}

static void put_refusals(document *d, const by__endpoint *endpoint)
{
	by_json_writer *w = &d->w;
	for (int status = next_status(endpoint, 0); status != 0; status = next_status(endpoint, status)) {
		const refusal r = refusal_of(d, endpoint, status);
		keep_refusal(d, &r);
		open_object(w, by_format(d->arena, "%d", status));
		put_ref(w, d, "responses", r.key);
		by_json_object_end(w);
	}
}

static void put_problem_example(by_json_writer *w, const document *d, const by_error_kind *kind)
{
	open_object(w, kind->slug);
	open_object(w, "value");
	put_string(w, "type", by_format(d->arena, "/problems/%s", kind->slug));
	put_string(w, "title", kind->title);
	by_json_name(w, "status");
	by_json_int(w, kind->status);
	put_string(w, "detail", kind->title);
	put_string(w, "instance", d->version->prefix);
	put_string(w, "request_id", "01KA1V3C5T8M2Q9RZX4B7N6YEH");
	if (kind->status == 422) {
		by_json_name(w, "errors");
		by_json_raw(w, BY_TEXT("[{\"pointer\":\"#/name\",\"code\":\"required\",\"detail\":\"is required\"}]"));
	}
	by_json_object_end(w);
	by_json_object_end(w);
}

static void put_refusal_component(by_json_writer *w, const document *d, const refusal *r)
{
	by_buf titles;
	by_buf_init(&titles, d->arena, 64);
	for (size_t i = 0; i < r->count; i++)
		by_put_format(&titles, "%s%s", i > 0 ? ", or " : "", r->kinds[i]->title);
	open_object(w, r->key);
	put_string(w, "description", by_buf_string(&titles));
	if (r->status == 401) {
		by_json_name(w, "headers");
		by_json_raw(w, BY_TEXT("{\"WWW-Authenticate\":{\"description\":\"How to authenticate (RFC 6750)\","
		    "\"schema\":{\"type\":\"string\"}}}"));
	}
	open_object(w, "content");
	open_object(w, "application/problem+json");
	open_object(w, "schema");
	put_ref(w, d, "schemas", "problem");
	by_json_object_end(w);
	open_object(w, "examples");
	for (size_t i = 0; i < r->count; i++)
		put_problem_example(w, d, r->kinds[i]);
	by_json_object_end(w);
	by_json_object_end(w);
	by_json_object_end(w);
	by_json_object_end(w);
}

/* RFC 9457, with our extensions request_id, error_id and errors. */
static const char problem_schema[] =
    "{\"type\":\"object\",\"description\":\"What went wrong (RFC 9457)\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\",\"description\":\"The kind of problem\"},"
    "\"title\":{\"type\":\"string\",\"description\":\"The kind, for people\"},"
    "\"status\":{\"type\":\"integer\",\"minimum\":400,\"maximum\":599,\"description\":\"The HTTP status\"},"
    "\"detail\":{\"type\":\"string\",\"description\":\"This occurrence, for people\"},"
    "\"instance\":{\"type\":\"string\",\"format\":\"uri-reference\",\"description\":\"The path that was asked for\"},"
    "\"request_id\":{\"type\":\"string\",\"description\":\"As in the header X-Request-Id\"},"
    "\"error_id\":{\"type\":\"string\",\"description\":\"Under which our log has the cause\"},"
    "\"errors\":{\"type\":\"array\",\"description\":\"Every fault of the input at once\",\"items\":{"
    "\"$ref\":\"#/components/schemas/problem_fault\"}}},"
    "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"instance\"]}";
static const char fault_schema[] =
    "{\"type\":\"object\",\"description\":\"One fault of an input\",\"properties\":{"
    "\"pointer\":{\"type\":\"string\",\"description\":\"Where in the body: a JSON pointer as URI fragment\"},"
    "\"in\":{\"type\":\"string\",\"enum\":[\"path\",\"query\",\"header\"],"
    "\"description\":\"Where, if not in the body\"},"
    "\"name\":{\"type\":\"string\",\"description\":\"The parameter, if not in the body\"},"
    "\"code\":{\"type\":\"string\",\"description\":\"Stable, for programs\"},"
    "\"detail\":{\"type\":\"string\",\"description\":\"For people\"}},"
    "\"required\":[\"code\",\"detail\"]}";

/* ---- requests ------------------------------------------------------------- */

static void put_parameter(by_json_writer *w, const by__binding *binding)
{
	static const char *const places[] = { [BY_FROM_PATH] = "path", [BY_FROM_QUERY] = "query",
		[BY_FROM_HEADER] = "header" };
	const by_field *field = binding->field;
	by_field        bare = *field; /* what the parameter itself says is not said again in its schema */
	bare.doc = NULL;
	bare.example = NULL;
	bare.pointer = false; /* a parameter is absent, never null */
	bare.optional = false;
	by_json_object(w);
	put_string(w, "name", binding->name);
	put_string(w, "in", places[binding->from]);
	if (field->doc)
		put_string(w, "description", field->doc);
	if (binding->from == BY_FROM_PATH || !(field->pointer || field->optional || field->default_value)) {
		by_json_name(w, "required");
		by_json_bool(w, true);
	}
	if (field->items && binding->from == BY_FROM_QUERY) { /* a,b,c */
		by_json_name(w, "explode");
		by_json_bool(w, false);
	}
	open_object(w, "schema");
	by__schema_write_field(w, &bare, BY__USED_IN);
	by_json_object_end(w);
	if (field->example || binding->from == BY_FROM_PATH) {
		by_json_name(w, "example");
		by__example_write_field(w, field, BY__USED_IN);
	}
	by_json_object_end(w);
}

static void put_parameters(by_json_writer *w, const by__endpoint *endpoint)
{
	if (endpoint->binding_count == 0)
		return;
	by_json_name(w, "parameters");
	by_json_array(w);
	for (size_t i = 0; i < endpoint->binding_count; i++)
		put_parameter(w, &endpoint->bindings[i]);
	by_json_array_end(w);
}

/* How the body is read: partial when its field says so. */
static unsigned body_usage(const by__endpoint *endpoint)
{
	const by_model *in = endpoint->operation->in;
	for (size_t i = 0; i < in->count; i++)
		if (in->fields[i].model == endpoint->body && in->fields[i].partial)
			return BY__USED_PARTIAL;
	return BY__USED_IN;
}

static void put_media(document *d, const char *type, const by_model *model, unsigned usage)
{
	by_json_writer *w = &d->w;
	open_object(w, type);
	open_object(w, "schema");
	put_ref(w, d, "schemas", model->name);
	by_json_object_end(w);
	by_json_name(w, "example");
	by__example_write(w, model, usage);
	by_json_object_end(w);
}

/* One model, in every media type that it is taken or given in. */
static void put_content(document *d, by_accepts forms, const by_model *model, unsigned usage)
{
	by__schemas_add(&d->schemas, model, usage);
	open_object(&d->w, "content");
	put_media(d, "application/json", model, usage);
	if (forms & BY_FORM_URLENCODED)
		put_media(d, "application/x-www-form-urlencoded", model, usage);
	if (forms & BY_FORM_MULTIPART)
		put_media(d, "multipart/form-data", model, usage);
	by_json_object_end(&d->w);
}

static void put_body(document *d, const by__endpoint *endpoint)
{
	by_json_writer *w = &d->w;
	if (!endpoint->body)
		return;
	open_object(w, "requestBody");
	by_json_name(w, "required");
	by_json_bool(w, true);
	put_content(d, endpoint->route->accepts, endpoint->body, body_usage(endpoint));
	by_json_object_end(w);
}

/* ---- answers -------------------------------------------------------------- */

static bool has_etag(const by__endpoint *endpoint)
{
	const by_model *model = NULL;
	by__answer_resource(endpoint, NULL, &model);
	for (size_t i = 0; model && i < model->count; i++)
		if (model->fields[i].etag)
			return true;
	return false;
}

static void put_header(by_json_writer *w, const char *name, const char *description)
{
	open_object(w, name);
	put_string(w, "description", description);
	by_json_name(w, "schema");
	by_json_raw(w, BY_TEXT("{\"type\":\"string\"}"));
	by_json_object_end(w);
}

static void put_headers(by_json_writer *w, const by__endpoint *endpoint)
{
	const bool etag = has_etag(endpoint);
	if (!etag && !endpoint->is_list)
		return;
	open_object(w, "headers");
	if (etag)
		put_header(w, "ETag", "The version that the answer shows (RFC 9110 section 8.8.3)");
	if (etag && endpoint->status == 201)
		put_header(w, "Location", "Where the new resource is");
	if (endpoint->is_list)
		put_header(w, "Link", "The pages around this one (RFC 8288)");
	by_json_object_end(w);
}

static const char *success_text(const by__endpoint *endpoint)
{
	if (endpoint->status == 201)
		return "Created";
	return endpoint->operation->out ? "Success" : endpoint->status == 204 ? "Done; nothing to show" : "Success";
}

/* What an operation writes itself has a media type, and no schema that says more. */
static void put_written(document *d, const char *type)
{
	by_json_writer *w = &d->w;
	open_object(w, "content");
	open_object(w, type);
	by_json_name(w, "schema");
	by_json_raw(w, BY_TEXT("{\"type\":\"string\"}"));
	by_json_object_end(w);
	by_json_object_end(w);
}

static void put_success(document *d, const by__endpoint *endpoint)
{
	by_json_writer *w = &d->w;
	open_object(w, by_format(d->arena, "%d", endpoint->status));
	put_string(w, "description", success_text(endpoint));
	put_headers(w, endpoint);
	if (endpoint->operation->out && endpoint->status != 204)
		put_content(d, BY_JSON_ONLY, endpoint->operation->out, BY__USED_OUT);
	else if (endpoint->route->produces)
		put_written(d, endpoint->route->produces);
	by_json_object_end(w);
	if (endpoint->method == BY_GET && has_etag(endpoint)) {
		open_object(w, "304");
		put_string(w, "description", "Not modified since the version that If-None-Match names");
		by_json_object_end(w);
	}
}

/* ---- operations ----------------------------------------------------------- */

static void put_security(by_json_writer *w, const by_access *access)
{
	by_json_name(w, "security");
	by_json_array(w);
	if (access->kind != BY_ACCESS_PUBLIC) {
		by_json_object(w);
		by_json_name(w, "bearerAuth");
		by_json_array(w);
		if (access->kind == BY_ACCESS_ROLE)
			by_json_string(w, access->role);
		by_json_array_end(w);
		by_json_object_end(w);
	}
	by_json_array_end(w);
}

static void put_operation(document *d, const by__endpoint *endpoint)
{
	by_json_writer *w = &d->w;
	char method[8];
	size_t len = 0;
	for (const char *c = by_method_name(endpoint->method); *c && len + 1 < sizeof(method); c++)
		method[len++] = (char)(*c | 0x20);
	method[len] = '\0';
	open_object(w, method);
	by_json_name(w, "tags");
	by_json_array(w);
	by_json_string(w, endpoint->group->tag);
	by_json_array_end(w);
	if (endpoint->summary)
		put_string(w, "summary", endpoint->summary);
	if (endpoint->route->description)
		put_string(w, "description", endpoint->route->description);
	put_string(w, "operationId", endpoint->name);
	put_parameters(w, endpoint);
	put_body(d, endpoint);
	open_object(w, "responses");
	put_success(d, endpoint);
	put_refusals(d, endpoint);
	by_json_object_end(w);
	put_security(w, &endpoint->access);
	if (by__server_body_max(d->server, endpoint) > 0) {
		by_json_name(w, "x-max-body");
		by_json_int(w, (int64_t)by__server_body_max(d->server, endpoint));
	}
	by_json_object_end(w);
}

/* OpenAPI has no parameter that takes the rest of a path: {rest...} is written as {rest}. */
static const char *path_text(by_arena *arena, const char *path)
{
	const char *dots = strstr(path, "...}");
	return dots ? by_format(arena, "%.*s%s", (int)(dots - path), path, dots + 3) : path;
}

static bool is_first_of_path(const document *d, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_shown(d, &d->endpoints->items[i]) &&
		    strcmp(d->endpoints->items[i].path, d->endpoints->items[index].path) == 0)
			return false;
	return is_shown(d, &d->endpoints->items[index]);
}

static void put_paths(document *d)
{
	by_json_writer *w = &d->w;
	open_object(w, "paths");
	for (size_t i = 0; i < d->endpoints->count; i++) {
		if (!is_first_of_path(d, i))
			continue;
		open_object(w, path_text(d->arena, d->endpoints->items[i].path));
		for (size_t j = i; j < d->endpoints->count; j++)
			if (is_shown(d, &d->endpoints->items[j]) &&
			    strcmp(d->endpoints->items[j].path, d->endpoints->items[i].path) == 0)
				put_operation(d, &d->endpoints->items[j]);
		by_json_object_end(w);
	}
	by_json_object_end(w);
}

/* ---- the document --------------------------------------------------------- */

static void put_info(document *d, const by_app *app)
{
	by_json_writer *w = &d->w;
	open_object(w, "info");
	put_string(w, "title", app->title ? app->title : app->name);
	if (app->description)
		put_string(w, "description", app->description);
	if (app->contact_url) {
		open_object(w, "contact");
		put_string(w, "url", app->contact_url);
		by_json_object_end(w);
	}
	if (app->license) {
		open_object(w, "license");
		put_string(w, "name", app->license);
		by_json_object_end(w);
	}
	put_string(w, "version", app->version ? app->version : d->version->name);
	by_json_object_end(w);
}

static void put_tags(document *d)
{
	by_json_writer *w = &d->w;
	by_json_name(w, "tags");
	by_json_array(w);
	for (size_t i = 0; i < d->version->count; i++) {
		const char *tag = d->version->groups[i]->tag;
		bool        again = false;
		for (size_t j = 0; j < i; j++)
			again = again || strcmp(d->version->groups[j]->tag, tag) == 0;
		if (again)
			continue;
		by_json_object(w);
		put_string(w, "name", tag);
		by_json_object_end(w);
	}
	by_json_array_end(w);
}

static void put_components(document *d)
{
	by_json_writer *w = &d->w;
	open_object(w, "components");
	open_object(w, "schemas");
	by__schemas_write(&d->schemas, w);
	by_json_name(w, "problem");
	by_json_raw(w, (by_text){ problem_schema, sizeof(problem_schema) - 1 });
	by_json_name(w, "problem_fault");
	by_json_raw(w, (by_text){ fault_schema, sizeof(fault_schema) - 1 });
	by_json_object_end(w);
	open_object(w, "responses");
	for (size_t i = 0; i < d->refusal_count; i++)
		put_refusal_component(w, d, &d->refusals[i]);
	by_json_object_end(w);
	by_json_name(w, "securitySchemes");
	by_json_raw(w, BY_TEXT("{\"bearerAuth\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}}"));
	by_json_object_end(w);
}

static const by_version *version_of(const by_app *app, const char *name)
{
	for (size_t i = 0; name && i < app->version_count; i++)
		if (strcmp(app->versions[i].name, name) == 0)
			return &app->versions[i];
	return name || app->version_count == 0 ? NULL : &app->versions[app->version_count - 1];
}

static void put_document(document *d, const by__server *server)
{
	by_json_writer *w = &d->w;
	const by_text   base = by__server_base_path(server);
	by_json_object(w);
	put_string(w, "openapi", "3.1.0");
	put_info(d, by__server_app(server));
	by_json_name(w, "servers");
	by_json_array(w);
	by_json_object(w);
	by_json_name(w, "url");
	by_json_text(w, base.len > 0 ? base : BY_TEXT("/"));
	by_json_object_end(w);
	by_json_array_end(w);
	put_tags(d);
	put_paths(d);
	put_components(d);
	by_json_object_end(w);
}

void by__server_openapi(const by__server *server, const char *version, by_buf *out)
{
	document d = { .server = server, .endpoints = by__server_endpoints(server), .version = version_of(by__server_app(server), version) };
	if (!d.version)
		return;
	d.arena = by_arena_new(0);
	d.schemas.arena = d.arena;
	by_json_writer_init(&d.w, out);
	put_document(&d, server);
	by_arena_free(&d.arena);
}

static void check_reserved(const by__schemas *schemas)
{
	for (size_t i = 0; i < schemas->count; i++) {
		const by_model *model = schemas->items[i].model;
		if (strcmp(model->name, "problem") == 0 || strcmp(model->name, "problem_fault") == 0)
			by_put_format(schemas->mistakes, "%s:%d: %s is the name of the framework's own schema; rename the model\n",
			    model->place.file, model->place.line, model->name);
	}
}

void by__openapi_check(by_arena *arena, const by_app *app, const by__endpoints *endpoints, by_buf *mistakes)
{
	for (size_t v = 0; v < app->version_count; v++) {
		by__schemas schemas = { .arena = arena, .mistakes = mistakes };
		for (size_t i = 0; i < endpoints->count; i++) {
			const by__endpoint *endpoint = &endpoints->items[i];
			if (endpoint->version != &app->versions[v])
				continue;
			if (endpoint->body)
				by__schemas_add(&schemas, endpoint->body, body_usage(endpoint));
			if (endpoint->operation->out)
				by__schemas_add(&schemas, endpoint->operation->out, BY__USED_OUT);
		}
		check_reserved(&schemas);
	}
}
