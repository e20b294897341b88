/*
 * Pages of lists: parameters, the models of the answers, and the links between
 * pages.
 */
#include "interface/paging.h"

#include <string.h>

#include <banyan/assert.h>
#include <banyan/http.h>
#include <banyan/kind.h>

#include "interface/request.h"

/* What an answer tells about itself; the cells of both kinds of paging. */
typedef struct number_meta {
	int64_t total;
	int64_t page;
	int64_t size;
	int64_t pages;
	bool    has_next;
	bool    has_previous;
} number_meta;

typedef struct cursor_meta {
	int64_t     size;
	bool        has_next;
	bool        has_previous;
	const char *next_cursor;
} cursor_meta;

/* Answers: the rows, and then the cells, as members beside them or nested in `meta`. */
typedef struct number_page {
	by_list_any items;
	number_meta meta;
} number_page;

typedef struct cursor_page {
	by_list_any items;
	cursor_meta meta;
} cursor_page;

static const by_field number_fields[] = {
	BY_FIELD(number_meta, total, .minimum = BY_NUM(0), .doc = "How many there are on all pages", .example = "57"),
	BY_FIELD(number_meta, page, .minimum = BY_NUM(1), .doc = "Number of this page, from 1", .example = "1"),
	BY_FIELD(number_meta, size, .minimum = BY_NUM(1), .doc = "How many a page holds at most", .example = "20"),
	BY_FIELD(number_meta, pages, .minimum = BY_NUM(0), .doc = "How many pages there are", .example = "3"),
	BY_FIELD(number_meta, has_next, .doc = "Whether a page follows"),
	BY_FIELD(number_meta, has_previous, .doc = "Whether a page comes before", .example = "false"),
};

static const by_field cursor_fields[] = {
	BY_FIELD(cursor_meta, size, .minimum = BY_NUM(1), .doc = "How many a page holds at most", .example = "20"),
	BY_FIELD(cursor_meta, has_next, .doc = "Whether a page follows"),
	BY_FIELD(cursor_meta, has_previous, .doc = "Whether a page comes before", .example = "false"),
	BY_FIELD(cursor_meta, next_cursor, .optional = true, .doc = "The next page's cursor; null on the last page",
	    .example = "\"AfrL0ZbYmQ0\""),
};

static by_plan *number_plan;
static by_plan *cursor_plan;
static const by_model number_model = { .name = "page_meta", .size = sizeof(number_meta), .fields = number_fields,
	.count = BY_COUNT(number_fields), .plan = &number_plan, .place = BY_HERE_INIT,
	.doc = "Where a page lies in its list" };
static const by_model cursor_model = { .name = "cursor_meta", .size = sizeof(cursor_meta), .fields = cursor_fields,
	.count = BY_COUNT(cursor_fields), .plan = &cursor_plan, .place = BY_HERE_INIT,
	.doc = "Where a page lies in its list" };

static const by_field number_parameters[] = {
	BY_FIELD(by__page_input, page, .default_value = "1", .minimum = BY_NUM(1), .maximum = BY_NUM(1000000000),
	    .from = BY_FROM_QUERY, .doc = "Number of the page, from 1"),
	BY_FIELD(by__page_input, size, .default_value = "20", .minimum = BY_NUM(1), .maximum = BY_NUM(100),
	    .from = BY_FROM_QUERY, .doc = "How many a page holds"),
};

static const by_field cursor_parameters[] = {
	BY_FIELD(by__page_input, cursor, .optional = true, .min_length = 1, .max_length = 1000, .from = BY_FROM_QUERY,
	    .doc = "Opaque: next_cursor of the page before; without it, the first page"),
	BY_FIELD(by__page_input, size, .default_value = "20", .minimum = BY_NUM(1), .maximum = BY_NUM(100),
	    .from = BY_FROM_QUERY, .doc = "How many a page holds"),
};

static const by_field sort_parameter = BY_FIELD(by__page_input, sort, .optional = true, .min_length = 1,
    .max_length = 200, .from = BY_FROM_QUERY);
static const by_field filter_parameter = BY_FIELD(by__page_input, filter, .optional = true, .min_length = 1,
    .max_length = 4000, .from = BY_FROM_QUERY);

/* The entity's field, if clients see it in the view: columns that no schema names cannot be probed. */
static bool is_shown(const by_model *view, const by_field *field)
{
	return by_model_field(view, (by_text){ field->name, strlen(field->name) }) != NULL;
}

/* "name, status": the fields of which one flag is set. */
static const char *names_of(by_arena *arena, const by_model *model, bool sortable)
{
	by_buf names;
	by_buf_init(&names, arena, 0);
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];
		if (!(sortable ? field->sortable : field->filterable))
			continue;
		if (names.len > 0)
			BY_PUT(&names, ", ");
		by_put_string(&names, field->name);
	}
	return by_buf_string(&names);
}

/* The kind of a sort or filter parameter: a string, checked against what one entity lets clients name. */
typedef struct query_kind {
	by_kind         base; /* first: a check finds the rest by it */
	const by_model *queried;
} query_kind;

static const by_model *queried_by(const by_field *field)
{
	return ((const query_kind *)field->kind)->queried;
}

static by_text parameter_text(const void *value)
{
	const char *text = *(const char *const *)value;
	return (by_text){ text, strlen(text) };
}

static bool check_text(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	const size_t before = by_faults_count(faults);
	by_kind_string.check(faults, field, value, where);
	return by_faults_count(faults) == before;
}

/* Checked while the input is bound, so that its faults are told along with those of the other parameters. */
static void check_sort(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	const by_order *order = NULL;
	size_t          count = 0;
	if (check_text(faults, field, value, where))
		by_order_read(faults, queried_by(field), parameter_text(value), field->name, &order, &count);
}

static void check_filter(by_faults *faults, const by_field *field, const void *value, const by_where *where)
{
	const by_spec *spec = NULL;
	if (!check_text(faults, field, value, where))
		return;
	by_error *error = by_spec_read(faults, queried_by(field), parameter_text(value), field->name, &spec);
	if (error)
		by_fault_at(faults, where, "malformed", "%s", error->detail ? error->detail : error->kind->title);
}

static const by_kind *kind_over(by_arena *arena, const by_model *queried, const char *name,
    void (*check)(by_faults *, const by_field *, const void *, const by_where *))
{
	query_kind *kind = BY_NEW(arena, query_kind);
	*kind = (query_kind){ by_kind_string, queried };
	kind->base.name = name;
	kind->base.check = check;
	return &kind->base;
}

/* The entity as queries may see it: its fields that the view shows, no others. */
static const by_model *queried_model(by_arena *arena, const by_model *entity, const by_model *view)
{
	by_field *fields = BY_NEW_ARRAY(arena, by_field, entity->count);
	size_t    count = 0;
	for (size_t i = 0; i < entity->count; i++)
		if (is_shown(view, &entity->fields[i]))
			fields[count++] = entity->fields[i];
	by_model *model = BY_NEW(arena, by_model);
	*model = (by_model){ .name = entity->name, .size = entity->size, .fields = fields, .count = count,
	    .plan = BY_NEW(arena, by_plan *), .place = entity->place };
	BY_INVARIANT(by_model_compile(arena, model) == BY_OK); /* part of one that compiled */
	return model;
}

size_t by__page_fields(by_arena *arena, by_paging paging, const by_model *entity, const by_model *view, size_t at,
    by_field fields[BY__PAGE_FIELDS])
{
	const by_field *first = paging == BY_PAGING_CURSOR ? cursor_parameters : number_parameters;
	const by_model *queried = queried_model(arena, entity, view);
	by_field       *sort = &fields[2];
	by_field       *filter = &fields[3];
	fields[0] = first[0];
	fields[1] = first[1];
	*sort = sort_parameter;
	sort->kind = kind_over(arena, queried, "sort", check_sort);
	sort->doc = by_format(arena, "Comma-separated fields, each with - before it for descending order, of: %s",
	    names_of(arena, queried, true));
	*filter = filter_parameter;
	filter->kind = kind_over(arena, queried, "filter", check_filter);
	filter->doc = by_format(arena, "A condition as JSON, such as {\"field\":{\"gte\":1}}, over: %s. "
	    "Operators: eq ne lt lte gt gte in between contains starts_with is_null; and, or, not combine",
	    names_of(arena, queried, false));
	for (size_t i = 0; i < BY__PAGE_FIELDS; i++)
		fields[i].offset += at;
	return BY__PAGE_FIELDS;
}

by_error *by__page_query(by_ctx *ctx, by_paging paging, const by_model *entity, const by__page_input *in,
    by_query *query)
{
	by_faults *faults = by_faults_new(ctx->arena);
	*query = (by_query){ .by_cursor = paging == BY_PAGING_CURSOR, .cursor = in->cursor, .page = in->page,
	    .size = in->size };
	if (in->filter)
		BY_TRY(by_spec_read(faults, entity, (by_text){ in->filter, strlen(in->filter) }, "filter", &query->where));
	if (in->sort)
		by_order_read(faults, entity, (by_text){ in->sort, strlen(in->sort) }, "sort", &query->order,
		    &query->order_count);
	return by_faults_error(faults);
}

/* `items` or `data`: the list of views. */
static by_field items_field(by_arena *arena, const char *name, const by_model *view, const char *doc)
{
	by_field *item = BY_NEW(arena, by_field);
	*item = (by_field){ .name = view->name, .kind = &by_kind_model, .size = view->size, .model = view };
	return (by_field){ .name = name, .kind = &by_kind_list, .size = sizeof(by_list_any), .items = item, .doc = doc };
}

const by_model *by__page_model(by_arena *arena, const by_route *row, const char *name, const by_model *view)
{
	const bool      cursor = row->paging == BY_PAGING_CURSOR;
	const bool      data = row->envelope == BY_ENVELOPE_DATA;
	const by_model *meta = cursor ? &cursor_model : &number_model;
	const size_t    at = cursor ? offsetof(cursor_page, meta) : offsetof(number_page, meta);
	by_field       *fields = BY_NEW_ARRAY(arena, by_field, 1 + meta->count);
	size_t          count = 1;
	fields[0] = items_field(arena, data ? "data" : "items", view, "This page's rows, in order");
	if (data)
		fields[count++] = (by_field){ .name = "meta", .kind = &by_kind_model, .offset = at, .size = meta->size,
		    .model = meta, .doc = "Where the page lies in its list" };
	for (size_t i = 0; !data && i < meta->count; i++) {
		fields[count] = meta->fields[i];
		fields[count++].offset += at;
	}
	by_model *model = BY_NEW(arena, by_model);
	*model = (by_model){
		.name = by_format(arena, "%s%s%s_page", name, data ? "_data" : "", cursor ? "_cursor" : ""),
		.size = at + meta->size, .fields = fields, .count = count, .plan = BY_NEW(arena, by_plan *),
		.place = row->place, .doc = "One page of a list",
	};
	return model;
}

static int64_t pages_of(const by_page_info *info)
{
	return (info->total + info->size - 1) / info->size;
}

void by__page_fill(const by_route *row, by_list_any items, const by_page_info *info, void *out)
{
	if (row->paging == BY_PAGING_CURSOR) {
		*(cursor_page *)out = (cursor_page){ items, { .size = info->size, .has_next = info->has_next,
		    .has_previous = info->has_previous, .next_cursor = info->next } };
	} else {
		*(number_page *)out = (number_page){ items, { .total = info->total, .page = info->page, .size = info->size,
		    .pages = pages_of(info), .has_next = info->has_next, .has_previous = info->has_previous } };
	}
}

/* What a URI reference may hold as it is (RFC 3986); the client's own text is not trusted to be one. */
static void put_uri(by_buf *out, const char *text, size_t len)
{
	static const char others[] = "-._~:/?#[]@!$&'()*+,;=%";
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)text[i];
		const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (alphanumeric || (c != '\0' && strchr(others, c)))
			by_put_char(out, (char)c);
		else
			by_put_format(out, "%%%02X", c);
	}
}

/* The request's own parameters but `name`, each with its & behind it. */
static void put_other_parameters(by_buf *out, by_text query, const char *name)
{
	const size_t name_len = strlen(name);
	const char  *end = query.ptr + query.len;
	for (const char *p = query.ptr; p && p < end;) {
		const char  *amp = memchr(p, '&', (size_t)(end - p));
		const size_t len = (size_t)((amp ? amp : end) - p);
		const bool   same = len >= name_len && memcmp(p, name, name_len) == 0 && (len == name_len || p[name_len] == '=');
		if (len > 0 && !same) {
			put_uri(out, p, len);
			by_put_char(out, '&');
		}
		p += len + 1;
	}
}

/* <path?others&name=value>; rel="…" */
static void put_link(by_buf *out, by_ctx *ctx, const char *rel, const char *name, const char *value)
{
	by_text path = by__request(ctx)->full_path;
	if (out->len > 0)
		BY_PUT(out, ", ");
	by_put_char(out, '<');
	put_uri(out, path.ptr, path.len);
	by_put_char(out, '?');
	put_other_parameters(out, by_request_query(ctx), name);
	if (value)
		by_put_format(out, "%s=%s", name, value);
	else if (out->data[out->len - 1] == '&' || out->data[out->len - 1] == '?')
		out->len--;
	by_put_format(out, ">; rel=\"%s\"", rel);
}

static void put_number_link(by_buf *out, by_ctx *ctx, const char *rel, int64_t page)
{
	char text[24];
	by_buf digits = { .data = text, .cap = sizeof(text) };
	by_put_int(&digits, page);
	text[digits.len] = '\0';
	put_link(out, ctx, rel, "page", text);
}

static void put_number_links(by_buf *out, by_ctx *ctx, const by_page_info *info)
{
	const int64_t pages = pages_of(info);
	put_number_link(out, ctx, "first", 1);
	if (info->page > 1)
		put_number_link(out, ctx, "prev", info->page - 1 > pages && pages > 0 ? pages : info->page - 1);
	if (info->has_next)
		put_number_link(out, ctx, "next", info->page + 1);
	put_number_link(out, ctx, "last", pages > 0 ? pages : 1);
}

void by__page_links(by_ctx *ctx, by_paging paging, const by_page_info *info)
{
	by_buf links;
	if (!ctx->request)
		return;
	by_buf_init(&links, ctx->arena, 512);
	if (paging == BY_PAGING_NUMBER) {
		put_number_links(&links, ctx, info);
	} else {
		put_link(&links, ctx, "first", "cursor", NULL);
		if (info->next)
			put_link(&links, ctx, "next", "cursor", info->next);
	}
	by_respond_header(ctx, "Link", by_buf_string(&links));
}
