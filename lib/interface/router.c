/* Compiles paths into a trie of segments, and walks it for each request. */
#include <string.h>

#include <banyan/assert.h>

#include "interface/router.h"
#include "interface/uri.h"

typedef struct node node;

/* A static segment and where it leads; kept sorted by length, then bytes. */
typedef struct branch {
	by_text text;
	node   *to;
} branch;

struct node {
	branch             *branches;
	size_t              branch_count;
	node               *parameter; /* any one segment that is not empty */
	node               *rest;      /* everything that is left, at least one segment */
	const by__endpoint *methods[BY_METHOD_COUNT];
	const char         *allow;     /* NULL: no endpoint ends here */
};

struct by__router {
	node root;
};

/* The next segment of a template, and the position behind it; false at the end. */
static bool next_segment(const char **at, by_text *segment)
{
	if (**at != '/')
		return false;
	const char *start = *at + 1;
	const char *end = strchr(start, '/');

	end = end ? end : start + strlen(start);
	*segment = (by_text){ start, (size_t)(end - start) };
	*at = end;
	return true;
}

static bool is_parameter(by_text segment)
{
	return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

static bool is_rest(by_text segment)
{
	return is_parameter(segment) && segment.len > 5 && memcmp(segment.ptr + segment.len - 4, "...}", 4) == 0;
}

static by_text parameter_name(by_text segment)
{
	return (by_text){ segment.ptr + 1, segment.len - (is_rest(segment) ? 5 : 2) };
}

static bool all_of(by_text text, const char *others)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && strchr(others, c) == NULL)
			return false;
	}
	return text.len > 0;
}

static const char *segment_mistake(by_text segment, const char *behind)
{
	if (is_rest(segment) && *behind != '\0')
		return "\"{name...}\" is not the last segment";
	if (is_parameter(segment))
		return all_of(parameter_name(segment), "_") ? NULL : "a parameter's name holds more than letters, digits and _";
	return all_of(segment, "-._~@:") ? NULL : "a segment is empty or holds characters beyond A-Z a-z 0-9 - . _ ~ @ :";
}

int by__template_check(const char *path, const char **why)
{
	const char *at = path;
	by_text     segment;
	int         parameters = 0;
	int         segments = 0;

	*why = "it does not begin with \"/\"";
	while (next_segment(&at, &segment)) {
		*why = segment_mistake(segment, at);
		if (*why != NULL)
			return -1;
		parameters += is_parameter(segment);
		segments++;
	}
	if (segments == 0)
		return -1;
	*why = "it has more than 8 parameters or 64 segments";
	return parameters <= BY__PATH_PARAMETERS && segments <= BY__PATH_SEGMENTS ? parameters : -1;
}

int by__template_parameter(const char *path, const char *name)
{
	const char *at = path;
	by_text     segment;
	int         position = 0;

	while (next_segment(&at, &segment)) {
		if (!is_parameter(segment))
			continue;
		by_text own = parameter_name(segment);

		if (own.len == strlen(name) && memcmp(own.ptr, name, own.len) == 0)
			return position;
		position++;
	}
	return -1;
}

static int compare(by_text a, by_text b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return memcmp(a.ptr, b.ptr, a.len);
}

/* Where the text is among the branches, or should be. */
static size_t branch_position(const node *of, by_text text, bool *found)
{
	size_t low = 0;
	size_t high = of->branch_count;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int    order = compare(text, of->branches[middle].text);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static node *branch_to(by_arena *arena, node *of, by_text text)
{
	bool   found;
	size_t position = branch_position(of, text, &found);

	if (found)
		return of->branches[position].to;
	branch *grown = BY_NEW_ARRAY(arena, branch, of->branch_count + 1);

	for (size_t i = 0; i < of->branch_count; i++)
		grown[i < position ? i : i + 1] = of->branches[i];
	grown[position] = (branch){ text, BY_NEW(arena, node) };
	of->branches = grown;
	of->branch_count++;
	return grown[position].to;
}

static node *step(by_arena *arena, node *from, by_text segment)
{
	if (!is_parameter(segment))
		return branch_to(arena, from, segment);
	node **to = is_rest(segment) ? &from->rest : &from->parameter;

	if (*to == NULL)
		*to = BY_NEW(arena, node);
	return *to;
}

static by_place place_of(const by__endpoint *endpoint)
{
	return endpoint->route ? endpoint->route->place : endpoint->operation->place;
}

static void insert(by_arena *arena, by__router *router, const by__endpoint *endpoint, by_buf *mistakes)
{
	const char *at = endpoint->path;
	node       *to = &router->root;
	by_text     segment;

	while (next_segment(&at, &segment))
		to = step(arena, to, segment);
	const by__endpoint *other = to->methods[endpoint->method];

	if (other != NULL) {
		by_put_format(mistakes, "%s:%d: %s %s takes the same requests as %s in %s:%d; change or remove one of them\n",
		    place_of(endpoint).file, place_of(endpoint).line, by_method_name(endpoint->method), endpoint->path,
		    other->path, place_of(other).file, place_of(other).line);
		return;
	}
	to->methods[endpoint->method] = endpoint;
}

/* GET brings HEAD with it, and every path answers OPTIONS. */
static void allow_fill(by_arena *arena, node *of)
{
	static const by_method order[] = { BY_DELETE, BY_GET, BY_HEAD, BY_OPTIONS, BY_PATCH, BY_POST, BY_PUT };
	by_buf                 out;
	bool                   any = false;

	for (int i = 0; i < BY_METHOD_COUNT; i++)
		any |= of->methods[i] != NULL;
	if (any) {
		by_buf_init(&out, arena, 64);
		for (size_t i = 0; i < BY_COUNT(order); i++) {
			bool implied = order[i] == BY_OPTIONS || (order[i] == BY_HEAD && of->methods[BY_GET] != NULL);

			if (of->methods[order[i]] != NULL || implied)
				by_put_format(&out, "%s%s", out.len > 0 ? ", " : "", by_method_name(order[i]));
		}
		of->allow = by_buf_string(&out);
	}
	for (size_t i = 0; i < of->branch_count; i++)
		allow_fill(arena, of->branches[i].to);
	if (of->parameter != NULL)
		allow_fill(arena, of->parameter);
	if (of->rest != NULL)
		allow_fill(arena, of->rest);
}

by__router *by__router_new(by_arena *arena, const by__endpoints *endpoints, by_buf *mistakes)
{
	by__router *router = BY_NEW(arena, by__router);

	for (size_t i = 0; i < endpoints->count; i++)
		insert(arena, router, &endpoints->items[i], mistakes);
	allow_fill(arena, &router->root);
	return router;
}

/* One walk: the decoded segments, and the parameters taken so far. */
typedef struct walk {
	by_arena   *arena;
	by_text     segments[BY__PATH_SEGMENTS];
	size_t      count;
	by__routed *routed;
} walk;

/*
 * "." and ".." would mean another path to the web server in front than to us,
 * and to whoever makes a file's name of a parameter; so they would behind a
 * slash that was escaped.
 */
static bool has_dots(by_text text)
{
	const char *at = text.ptr;
	const char *end = text.ptr + text.len;

	while (at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		size_t      len = (size_t)((slash ? slash : end) - at);

		if ((len == 1 && at[0] == '.') || (len == 2 && at[0] == '.' && at[1] == '.'))
			return true;
		at += len + (slash != NULL);
	}
	return false;
}

/* Splits, then decodes; false: not a path at all. Too many segments leave count at its limit plus one. */
static bool split(walk *to, by_text path)
{
	const char *at = path.ptr;
	const char *end = path.ptr + path.len;

	if (path.len == 0 || *at != '/')
		return false;
	while (at < end) {
		const char *start = at + 1;
		const char *slash = memchr(start, '/', (size_t)(end - start));
		by_text     decoded;

		at = slash ? slash : end;
		if (!by__uri_decode(to->arena, (by_text){ start, (size_t)(at - start) }, false, &decoded) || has_dots(decoded))
			return false;
		if (to->count < BY__PATH_SEGMENTS)
			to->segments[to->count] = decoded;
		to->count += to->count <= BY__PATH_SEGMENTS;
	}
	return true;
}

/* What is left from segment `from` on, joined by '/'. */
static by_text join(const walk *of, size_t from)
{
	by_buf out;

	if (from == of->count)
		return BY_TEXT("");
	if (from + 1 == of->count)
		return of->segments[from];
	by_buf_init(&out, of->arena, 128);
	for (size_t i = from; i < of->count; i++) {
		if (i > from)
			by_put_char(&out, '/');
		by_put_text(&out, of->segments[i]);
	}
	return (by_text){ out.data, out.len };
}

static const node *descend(walk *at, const node *from, size_t index)
{
	const node *found = NULL;

	if (index == at->count) {
		found = from->allow != NULL ? from : NULL;
	} else {
		bool   exact;
		size_t position = branch_position(from, at->segments[index], &exact);

		if (exact)
			found = descend(at, from->branches[position].to, index + 1);
		if (found == NULL && from->parameter != NULL && at->segments[index].len > 0) {
			size_t mark = at->routed->count;

			at->routed->parameters[at->routed->count++] = at->segments[index];
			found = descend(at, from->parameter, index + 1);
			if (found == NULL)
				at->routed->count = mark;
		}
	}
	if (found == NULL && from->rest != NULL && index < at->count) {
		at->routed->parameters[at->routed->count++] = join(at, index);
		found = from->rest;
	}
	return found;
}

by__match by__router_find(const by__router *router, by_arena *arena, by_method method, by_text path, by__routed *routed)
{
	walk at;

	at.arena = arena;
	at.count = 0;
	at.routed = routed;
	routed->endpoint = NULL;
	routed->allow = NULL;
	routed->count = 0;
	if (!split(&at, path))
		return BY__MATCH_BAD_PATH;
	const node *found = at.count <= BY__PATH_SEGMENTS ? descend(&at, &router->root, 0) : NULL;

	if (found == NULL)
		return BY__MATCH_NO_PATH;
	routed->allow = found->allow;
	routed->endpoint = found->methods[method];
	if (routed->endpoint == NULL && method == BY_HEAD)
		routed->endpoint = found->methods[BY_GET];
	return routed->endpoint ? BY__MATCHED : BY__MATCH_NO_METHOD;
}
