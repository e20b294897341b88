/*
 * Compiles route rows into endpoints: checks each row, finds out where each
 * field of its input comes from, and collects every error it can answer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/kind.h>

#include "interface/bind.h"
#include "interface/crud.h"
#include "interface/endpoint.h"
#include "interface/form.h"
#include "interface/router.h"

typedef struct compiler {
	by_arena      *arena;
	const by_app  *app;
	by__endpoints *endpoints;
	by_buf        *mistakes;
} compiler;

static void mistake(compiler *c, by_place place, const char *format, ...) BY_PRINTF(3, 4);

static void mistake(compiler *c, by_place place, const char *format, ...)
{
	char    text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	by_put_format(c->mistakes, "%s:%d: %s\n", place.file, place.line, text);
}

/* The mistakes of a model are lines already. */
static bool compile_model(compiler *c, const by_model *model)
{
	by_error *error = model ? by_model_compile(c->arena, model) : BY_OK;

	if (error == BY_OK)
		return true;
	const char *text = error->detail ? error->detail : error->kind->title;

	/* One model may serve many rows; its mistakes are said once. */
	if (memmem(c->mistakes->data, c->mistakes->len, text, strlen(text)) == NULL)
		by_put_format(c->mistakes, "%s\n", text);
	return false;
}

/* "if_match" as a header's usual spelling: "If-Match". */
static const char *header_name(by_arena *arena, const char *field)
{
	char *name = by_copy(arena, field);
	bool  first = true;

	for (char *c = name; *c != '\0'; c++) {
		if (first && *c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		first = *c == '_';
		if (*c == '_')
			*c = '-';
	}
	return name;
}

static bool takes_body(by_method method)
{
	return method != BY_GET && method != BY_HEAD && method != BY_OPTIONS;
}

static by_source source_of(const by__endpoint *endpoint, const by_field *field)
{
	if (field->from != BY_FROM_AUTO)
		return field->from;
	if (by__template_parameter(endpoint->path, field->name) >= 0)
		return BY_FROM_PATH;
	return takes_body(endpoint->method) && endpoint->method != BY_DELETE ? BY_FROM_BODY : BY_FROM_QUERY;
}

static const char *source_mistake(const by__endpoint *endpoint, const by_field *field, by_source from)
{
	bool has_text = field->kind->parse != NULL && (field->items == NULL || field->items->kind->parse != NULL);

	switch (from) {
	case BY_FROM_PATH:
		if (by__template_parameter(endpoint->path, field->name) < 0)
			return "comes from the path, which has no parameter of that name; add {name} to the path";
		if (field->items != NULL || field->pointer)
			return "is a parameter of the path and can be neither a list nor optional";
		break;
	case BY_FROM_WHOLE_BODY:
		if (field->model == NULL || field->kind != &by_kind_model)
			return "is the whole body, which only a nested model can be; use BY_FIELD_MODEL";
		/* fall through */
	case BY_FROM_BODY:
		return takes_body(endpoint->method) ? NULL : "comes from the body, which this method does not have";
	default:
		break;
	}
	return has_text ? NULL : "has no text form, which a parameter needs; take it from the body";
}

static void bind_field(compiler *c, by__endpoint *endpoint, const by_field *field, by_source from, by__binding *bindings)
{
	by__binding *binding = &bindings[endpoint->binding_count++];

	*binding = (by__binding){ .field = field, .from = from, .name = field->name, .segment = -1 };
	if (from == BY_FROM_HEADER)
		binding->name = field->header ? field->header : header_name(c->arena, field->name);
	if (from == BY_FROM_PATH)
		binding->segment = by__template_parameter(endpoint->path, field->name);
}

/* The members of the body where other fields of the input come from elsewhere: a model over the same struct. */
static const by_model *body_part(compiler *c, const by__endpoint *endpoint, const by_model *in)
{
	by_model *part = BY_NEW(c->arena, by_model);
	by_field *fields = BY_NEW_ARRAY(c->arena, by_field, in->count);

	*part = *in;
	part->name = by_format(c->arena, "%s_body", endpoint->name);
	part->plan = BY_NEW(c->arena, by_plan *);
	part->fields = fields;
	part->count = 0;
	part->rules = NULL;   /* they need the whole input */
	part->example = NULL; /* likewise */
	for (size_t i = 0; i < in->count; i++)
		if (source_of(endpoint, &in->fields[i]) == BY_FROM_BODY)
			fields[part->count++] = in->fields[i];
	return compile_model(c, part) ? part : in;
}

static void check_whole_body(compiler *c, by__endpoint *endpoint, const by_field *whole, size_t wholes, by_place place)
{
	if (wholes > 1 || (wholes == 1 && endpoint->body_fields > 0))
		mistake(c, place, "the input %s of %s has more than its one whole body; nest the other fields in %s",
		    endpoint->operation->in->name, endpoint->path, whole->name);
}

/* Every parameter of the path must be read by a field, or a typing error would go unseen. */
static void check_parameters(compiler *c, const by__endpoint *endpoint, by_place place, int parameters)
{
	int bound = 0;

	for (size_t i = 0; i < endpoint->binding_count; i++)
		bound += endpoint->bindings[i].from == BY_FROM_PATH;
	if (bound != parameters)
		mistake(c, place, "%s has %d parameters, and the input of %s takes %d of them; give each a field of its name",
		    endpoint->path, parameters, endpoint->operation->name, bound);
}

static void check_form(compiler *c, const by__endpoint *endpoint, by_place place)
{
	by_accepts  accepts = endpoint->route->accepts;
	const char *why = endpoint->body && accepts ? by__form_mistake(c->arena, endpoint->body) : NULL;

	if (accepts > BY_FORMS)
		mistake(c, place, "%s: .accepts is not one of by_accepts", endpoint->path);
	if (why != NULL)
		mistake(c, place, "%s accepts forms, but in its body %s; take .accepts off", endpoint->path, why);
}

static void bind_fields(compiler *c, by__endpoint *endpoint, by_place place)
{
	const by_model *in = endpoint->operation->in;
	by__binding    *bindings = BY_NEW_ARRAY(c->arena, by__binding, in->count + 1);
	const by_field *whole = NULL;
	size_t          wholes = 0;

	for (size_t i = 0; i < in->count; i++) {
		const by_field *field = &in->fields[i];
		by_source       from = source_of(endpoint, field);
		const char     *wrong = source_mistake(endpoint, field, from);

		if (wrong != NULL)
			mistake(c, place, "%s.%s %s", in->name, field->name, wrong);
		else if (from == BY_FROM_WHOLE_BODY)
			whole = field, wholes++;
		else if (from == BY_FROM_BODY)
			endpoint->body_fields++;
		else if (!field->read_only)
			bind_field(c, endpoint, field, from, bindings);
	}
	endpoint->bindings = bindings;
	check_whole_body(c, endpoint, whole, wholes, place);
	if (whole != NULL)
		endpoint->body = whole->model;
	else if (endpoint->body_fields > 0)
		endpoint->body = endpoint->body_fields == in->count ? in : body_part(c, endpoint, in);
	check_form(c, endpoint, place);
	if (endpoint->binding_count > BY__BINDINGS_MAX)
		mistake(c, place, "%s takes %zu parameters; %d is the most", endpoint->path, endpoint->binding_count,
		    BY__BINDINGS_MAX);
}

/* A set of error kinds under way. */
typedef struct kind_set {
	const by_error_kind **items;
	size_t                count;
} kind_set;

static void kind_add(kind_set *set, const by_error_kind *kind)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == kind)
			return;
	set->items[set->count++] = kind;
}

static void collect_errors(compiler *c, by__endpoint *endpoint)
{
	const by_error_kind *const *own = endpoint->errors;
	size_t                      own_count = 0;

	while (own != NULL && own[own_count] != NULL)
		own_count++;
	kind_set set = { BY_NEW_ARRAY(c->arena, const by_error_kind *, own_count + 20), 0 };

	if (endpoint->body != NULL) {
		kind_add(&set, BY_ERROR_KIND(PAYLOAD_TOO_LARGE));
		kind_add(&set, BY_ERROR_KIND(UNSUPPORTED_MEDIA_TYPE));
		kind_add(&set, BY_ERROR_KIND(REQUEST_TIMEOUT));
		kind_add(&set, BY_ERROR_KIND(MALFORMED));
	}
	if (endpoint->access.kind != BY_ACCESS_PUBLIC)
		kind_add(&set, BY_ERROR_KIND(UNAUTHENTICATED));
	if (endpoint->access.kind == BY_ACCESS_ROLE)
		kind_add(&set, BY_ERROR_KIND(FORBIDDEN));
	kind_add(&set, BY_ERROR_KIND(BAD_REQUEST));
	kind_add(&set, BY_ERROR_KIND(VALIDATION)); /* an unknown query parameter is one everywhere */
	for (size_t i = 0; i < own_count; i++)
		kind_add(&set, own[i]);
	kind_add(&set, BY_ERROR_KIND(INTERNAL));
	kind_add(&set, BY_ERROR_KIND(UNAVAILABLE));
	kind_add(&set, BY_ERROR_KIND(DEADLINE_EXCEEDED));
	endpoint->errors = set.items;
}

/* What is the same for rows of both sorts, once the operation is known. */
static void finish(compiler *c, by__endpoint *endpoint, by_place place)
{
	const char *why;
	int         parameters = by__template_check(endpoint->path, &why);

	if (parameters < 0) {
		mistake(c, place, "the path \"%s\" cannot be: %s", endpoint->path, why);
		return;
	}
	bool in = compile_model(c, endpoint->operation->in);
	bool out = compile_model(c, endpoint->operation->out);

	if (endpoint->status == 0)
		endpoint->status = endpoint->operation->out || endpoint->route->produces ? 200 : 204;
	if (endpoint->status < 200 || endpoint->status > 299)
		mistake(c, place, "the status of success of %s is %d; it must be 200 to 299", endpoint->path, endpoint->status);
	if (!in || !out)
		return;
	if (endpoint->operation->in != NULL)
		bind_fields(c, endpoint, place);
	check_parameters(c, endpoint, place, parameters);
	collect_errors(c, endpoint);
}

static bool check_row(compiler *c, const by_route *row)
{
	bool crud = row->service != NULL;

	if (row->access.kind == BY_ACCESS_UNDECLARED) {
		mistake(c, row->place, "%s says nothing about who may call; add .access = BY_PUBLIC, BY_AUTHENTICATED or "
		    "BY_ROLE(\"...\")", row->path ? row->path : "the row");
		return false;
	}
	if (row->access.kind == BY_ACCESS_ROLE && (row->access.role == NULL || row->access.role[0] == '\0')) {
		mistake(c, row->place, "the role is empty; name it: .access = BY_ROLE(\"editor\")");
		return false;
	}
	if (row->path == NULL || row->path[0] != '/') {
		mistake(c, row->place, "the path must begin with \"/\"");
		return false;
	}
	if (crud == (row->operation != NULL) || crud != (row->method == BY_METHOD_NONE)) {
		mistake(c, row->place, "%s is neither BY_ROUTE with method and operation nor BY_CRUD with a service", row->path);
		return false;
	}
	return true;
}

static void add_operation(compiler *c, const by_version *version, const by_routes *group, const by_route *row)
{
	by__endpoint                *endpoint = &c->endpoints->items[c->endpoints->count++];
	const by_error_kind        **errors = BY_NEW_ARRAY(c->arena, const by_error_kind *, BY_ERRORS_MAX + 1);

	memcpy(errors, row->errors, sizeof(row->errors));
	*endpoint = (by__endpoint){
		.method = row->method, .name = row->name ? row->name : row->operation->name, .operation = row->operation, .route = row, .group = group,
		.version = version, .access = row->access, .summary = row->summary, .status = row->status, .errors = errors,
		.path = by_format(c->arena, "%s%s", version->prefix, row->path)
	};
	if (row->public_read || row->without != 0 || row->parent != NULL)
		mistake(c, row->place, "%s: .public_read, .without and .parent are for BY_CRUD", row->path);
	finish(c, endpoint, row->place);
}

static void add_service(compiler *c, const by_version *version, const by_routes *group, const by_route *row)
{
	by__endpoint *made = &c->endpoints->items[c->endpoints->count];
	size_t        count = by__crud_expand(c->arena, c->app, version, group, row, made, c->mistakes);

	c->endpoints->count += count;
	for (size_t i = 0; i < count; i++)
		finish(c, &made[i], row->place);
}

static bool check_version(compiler *c, const by_version *version, by_place place)
{
	const char *why = "";
	bool        named = version->name != NULL && version->name[0] != '\0';

	if (named && version->prefix != NULL && by__template_check(version->prefix, &why) == 0)
		return true;
	mistake(c, place, "the version \"%s\" needs a name and a prefix such as \"/api/v1\"; \"%s\" is not one",
	    named ? version->name : "", version->prefix ? version->prefix : "");
	return false;
}

static void add_version(compiler *c, const by_version *version)
{
	by_place place = version->count > 0 ? version->groups[0]->place : (by_place){ c->app->name, 0 };

	if (!check_version(c, version, place))
		return;
	for (size_t i = 0; i < version->count; i++) {
		const by_routes *group = version->groups[i];

		for (size_t j = 0; j < group->count; j++) {
			const by_route *row = &group->rows[j];

			if (!check_row(c, row))
				continue;
			if (row->service != NULL)
				add_service(c, version, group, row);
			else
				add_operation(c, version, group, row);
		}
	}
}

/* Clients generated from the documents are named after operations. */
static void check_names(compiler *c)
{
	for (size_t i = 0; i < c->endpoints->count; i++)
		for (size_t j = 0; j < i; j++) {
			const by__endpoint *a = &c->endpoints->items[i];
			const by__endpoint *b = &c->endpoints->items[j];

			if (a->version == b->version && strcmp(a->name, b->name) == 0)
				mistake(c, a->route->place, "the operation \"%s\" is in version %s already, by %s:%d; name one of them by .name",
				    a->name, a->version->name, b->route->place.file, b->route->place.line);
		}
}

static size_t most_endpoints(const by_app *app)
{
	size_t count = 0;

	for (size_t i = 0; i < app->version_count; i++)
		for (size_t j = 0; j < app->versions[i].count; j++)
			count += app->versions[i].groups[j]->count * BY__CRUD_MAX;
	return count;
}

void by__endpoints_compile(by_arena *arena, const by_app *app, by__endpoints *endpoints, by_buf *mistakes)
{
	compiler c = { arena, app, endpoints, mistakes };

	endpoints->items = BY_NEW_ARRAY(arena, by__endpoint, most_endpoints(app) + BY__CRUD_MAX);
	endpoints->count = 0;
	for (size_t i = 0; i < app->version_count; i++)
		add_version(&c, &app->versions[i]);
	check_names(&c);
	for (size_t i = 0; i < endpoints->count; i++)
		endpoints->items[i].index = (uint32_t)i;
}
