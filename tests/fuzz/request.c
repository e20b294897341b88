/*
 * A request as text through the whole server: parameters of path, query and
 * headers, and a JSON body. Whatever is asked, the answer is whole and none of
 * our own faults.
 *
 *	POST /api/v1/shelves/a?quiet=true
 *	HTTP_X_TOKEN=01ARZ3NDEKTSV4RRFFQ69G5FAV
 *
 *	{"name":"x"}
 */
#include <stdlib.h>
#include <unistd.h>

#include <banyan/app.h>
#include <banyan/http.h>
#include <banyan/log.h>

#include "core/json_reader.h"
#include "core/runtime.h"
#include "fuzz/fuzz.h"
#include "fuzz/thing.h"
#include "support/exchange.h"

enum { HEADERS_MOST = 20 };

typedef struct search_in {
	const char     *shelf;
	int32_t         size;
	int64_t        *after;
	by_list_string  tags;
	bool            deep;
	by_time        *since;
	by_decimal      price;
	const char     *if_match;
	by_ulid        *token;
} search_in;
BY_DECLARE_MODEL(search_in);
static const by_field search_in_fields[] = {
	BY_FIELD(search_in, shelf, .max_length = 8),
	BY_FIELD(search_in, size, .default_value = "20", .minimum = BY_NUM(1), .maximum = BY_NUM(100)),
	BY_FIELD(search_in, after),
	BY_FIELD(search_in, tags, .optional = true, .max_items = 3),
	BY_FIELD(search_in, deep, .optional = true),
	BY_FIELD(search_in, since),
	BY_FIELD(search_in, price, .optional = true),
	BY_FIELD(search_in, if_match, .optional = true, .from = BY_FROM_HEADER),
	BY_FIELD(search_in, token, .from = BY_FROM_HEADER, .header = "X-Token"),
};
BY_MODEL(search_in, search_in_fields);

typedef struct found { const char *text; } found;
BY_DECLARE_MODEL(found);
static const by_field found_fields[] = { BY_FIELD(found, text) };
BY_MODEL(found, found_fields);

static by_error *search(by_ctx *ctx, const search_in *in, found *out)
{
	out->text = by_format(ctx->arena, "%s %d %zu %s", in->shelf, in->size, in->tags.count, in->if_match ? in->if_match : "");
	return BY_OK;
}
BY_OPERATION(search, search_in, found);

static by_error *echo_thing(by_ctx *ctx, const thing *in, thing *out)
{
	(void)ctx;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(echo_thing, thing, thing);

typedef struct patch_body { by_present present; const char *name; int32_t weight; } patch_body;
BY_DECLARE_MODEL(patch_body);
static const by_field patch_body_fields[] = { BY_FIELD(patch_body, name, .max_length = 4), BY_FIELD(patch_body, weight) };
BY_MODEL(patch_body, patch_body_fields);
typedef struct patch_in { const char *shelf; patch_body body; } patch_in;
BY_DECLARE_MODEL(patch_in);
static const by_field patch_in_fields[] = {
	BY_FIELD(patch_in, shelf),
	BY_FIELD_MODEL(patch_in, body, patch_body, .from = BY_FROM_WHOLE_BODY, .partial = true),
};
BY_MODEL(patch_in, patch_in_fields);

static by_error *patch_shelf(by_ctx *ctx, const patch_in *in, found *out)
{
	out->text = by_format(ctx->arena, "%s %s", in->shelf, in->body.name ? in->body.name : "-");
	return BY_OK;
}
BY_OPERATION(patch_shelf, patch_in, found);

static const by_route rows[] = {
	BY_ROUTE(GET, "/shelves/{shelf}", search, .access = BY_PUBLIC),
	BY_ROUTE(PATCH, "/shelves/{shelf}", patch_shelf, .access = BY_PUBLIC),
	BY_ROUTE(POST, "/things", echo_thing, .access = BY_PUBLIC),
};
static BY_ROUTES(shelves, "Shelves", rows);
static const by_routes *const groups[] = { &shelves };
static const by_version       versions[] = { { "v1", "/api/v1", groups, 1 } };
static const by_app           app = { .name = "fuzz", .version = "1", .versions = versions, .version_count = 1 };

static by__server *the_server(void)
{
	static by__server *server;

	if (!server) {
		BY_REQUIRE(by_log_configure(fuzz_kept(), "off", STDERR_FILENO) == BY_OK);
		BY_REQUIRE(by__runtime_open(fuzz_kept(), NULL) == BY_OK);
		server = test_server(fuzz_kept(), &app);
	}
	return server;
}

/* The lines up to an empty one, as CGI variables. */
static const char *const *variables_of(by_arena *arena, by_text *rest)
{
	const char **variables = BY_NEW_ARRAY(arena, const char *, HEADERS_MOST + 1);
	size_t       count = 0;

	while (rest->len > 0) {
		by_text line = fuzz_line(rest);

		if (line.len == 0)
			break;
		const char *variable = by_copy_text(arena, line);

		/* The guard lets nothing else through. */
		if (count < HEADERS_MOST && strchr(variable, '=') > variable)
			variables[count++] = variable;
	}
	return variables;
}

static void check_answer(by_arena *arena, const test_answer *answer)
{
	const char *type = test_header(arena, answer, "Content-Type");

	FUZZ_HOLDS(answer->status >= 200 && answer->status < 500);
	FUZZ_HOLDS(!answer->broken_off);
	if (type && strstr(type, "json") && answer->body_len > 0)
		FUZZ_HOLDS(by__json_accept(arena, (by_text){ answer->body, answer->body_len }, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by__server  *server = the_server();
	by_arena    *arena = by_arena_new(0);
	by_text      rest = fuzz_text(data, size);
	by_text      line = fuzz_line(&rest);
	const char  *space = line.len > 0 ? memchr(line.ptr, ' ', line.len) : NULL;
	test_request request = { .piece = 7 };

	if (space) {
		request.method = by_copy_text(arena, (by_text){ line.ptr, (size_t)(space - line.ptr) });
		request.target = by_copy_text(arena, (by_text){ space + 1, (size_t)(line.ptr + line.len - space - 1) });
	}
	request.variables = variables_of(arena, &rest);
	if (rest.len > 0) {
		request.body = by_copy_text(arena, rest);
		request.body_len = rest.len;
		request.content_length = "";
	}
	test_answer answer = test_serve(arena, server, &request);

	check_answer(arena, &answer);
	by_arena_free(&arena);
	return 0;
}
