/* Paths through the router: whatever is asked, what is found is an endpoint's path with clean parameters. */
#include <banyan/buf.h>

#include "core/utf8.h"
#include "fuzz/fuzz.h"
#include "interface/router.h"

static const by_operation nothing = { .name = "nothing", .place = { "router.c", 1 } };

static const by__endpoint rows[] = {
	{ .method = BY_GET, .path = "/", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs", .operation = &nothing },
	{ .method = BY_POST, .path = "/runs", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/{id}", .operation = &nothing },
	{ .method = BY_DELETE, .path = "/runs/{id}", .operation = &nothing },
	{ .method = BY_POST, .path = "/runs/import", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/{run}/frames/{n}", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/import/log", .operation = &nothing },
	{ .method = BY_GET, .path = "/files/{path...}", .operation = &nothing },
	{ .method = BY_PUT, .path = "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}", .operation = &nothing },
	{ .method = BY_PUT, .path = "/{a}/{b}/{c}/last", .operation = &nothing },
	{ .method = BY_OPTIONS, .path = "/own", .operation = &nothing },
};

static by__router *the_router(void)
{
	static by__router *router;
	by_buf             mistakes;

	if (!router) {
		by_buf_init(&mistakes, fuzz_kept(), 0);
		router = by__router_new(fuzz_kept(), &(by__endpoints){ (by__endpoint *)(uintptr_t)rows, BY_COUNT(rows) }, &mistakes);
		BY_REQUIRE(mistakes.len == 0);
	}
	return router;
}

static bool is_dots(by_text text)
{
	return (text.len == 1 && text.ptr[0] == '.') || (text.len == 2 && memcmp(text.ptr, "..", 2) == 0);
}

static void check_parameters(const by__routed *routed)
{
	const char *why;

	/* "/" has an empty segment, which only the root of all may have. */
	if (strcmp(routed->endpoint->path, "/") != 0)
		FUZZ_HOLDS(routed->count == (size_t)by__template_check(routed->endpoint->path, &why));
	for (size_t i = 0; i < routed->count; i++) {
		by_text value = routed->parameters[i];

		FUZZ_HOLDS(by__utf8_valid(value) && !is_dots(value));
		FUZZ_HOLDS(value.len == 0 || !memchr(value.ptr, '\0', value.len));
	}
}

/* Any text as a template, as a programmer may write one. */
static void check_template(by_arena *arena, by_text text)
{
	const char *template = by_copy_text(arena, text);
	const char *why;
	int         count = by__template_check(template, &why);

	FUZZ_HOLDS(count <= BY__PATH_PARAMETERS && (count >= 0 || why != NULL));
	FUZZ_HOLDS(by__template_parameter(template, "id") < (count < 0 ? 1000000 : BY__PATH_PARAMETERS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_method  method = (by_method)(BY_GET + fuzz_choice(&data, &size) % (BY_METHOD_COUNT - BY_GET));
	by_text    path = fuzz_text(data, size);
	by_arena  *arena = by_arena_new(0);
	by__routed routed;
	by__match  match = by__router_find(the_router(), arena, method, path, &routed);

	FUZZ_HOLDS(routed.count <= BY__PATH_PARAMETERS);
	FUZZ_HOLDS((match == BY__MATCHED) == (routed.endpoint != NULL));
	if (match == BY__MATCHED) {
		FUZZ_HOLDS(routed.endpoint->method == method || (method == BY_HEAD && routed.endpoint->method == BY_GET));
		check_parameters(&routed);
	} else if (match == BY__MATCH_NO_METHOD) {
		FUZZ_HOLDS(routed.allow != NULL);
		FUZZ_HOLDS(method == BY_OPTIONS || !strstr(routed.allow, by_method_name(method)));
	}
	check_template(arena, path);
	by_arena_free(&arena);
	return 0;
}
