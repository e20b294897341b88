/* How inputs are filled from path, query, headers and body, and how all their faults are told at once. */
#include <string.h>

#include "support/exchange.h"
#include "unit/unit.h"

/* Parameters of every sort. */
typedef struct search_in {
	const char     *shelf;
	int32_t         size;
	int64_t        *after;
	by_list_string  tags;
	bool            deep;
	const char     *if_match;
	by_ulid        *trace_token;
} search_in;
BY_DECLARE_MODEL(search_in);
static const by_field search_in_fields[] = {
	BY_FIELD(search_in, shelf, .max_length = 8),
	BY_FIELD(search_in, size, .default_value = "20", .minimum = BY_NUM(1), .maximum = BY_NUM(100)),
	BY_FIELD(search_in, after),
	BY_FIELD(search_in, tags, .optional = true, .max_items = 3),
	BY_FIELD(search_in, deep, .optional = true),
	BY_FIELD(search_in, if_match, .optional = true, .from = BY_FROM_HEADER),
	BY_FIELD(search_in, trace_token, .from = BY_FROM_HEADER, .header = "X-Token"),
};
BY_MODEL(search_in, search_in_fields);

/* Says back what it was given. */
typedef struct echo { const char *text; } echo;
BY_DECLARE_MODEL(echo);
static const by_field echo_fields[] = { BY_FIELD(echo, text) };
BY_MODEL(echo, echo_fields);

static int calls;

static by_error *search(by_ctx *ctx, const search_in *in, echo *out)
{
	by_buf tags;

	by_buf_init(&tags, ctx->arena, 0);
	for (size_t i = 0; i < in->tags.count; i++)
		by_put_format(&tags, "[%s]", in->tags.items[i]);
	calls++;
	out->text = by_format(ctx->arena, "%s %d %lld %s %d %s", in->shelf, in->size, (long long)(in->after ? *in->after : -1),
	    by_buf_string(&tags), in->deep, in->if_match ? in->if_match : "none");
	return BY_OK;
}
BY_OPERATION(search, search_in, echo);

/* A path parameter and a query parameter beside members of the body. */
typedef struct rename_in {
	const char *shelf;
	const char *name;
	int32_t     weight;
	bool        quiet;
} rename_in;
BY_DECLARE_MODEL(rename_in);

static void not_both(by_faults *faults, const rename_in *in)
{
	if (in->quiet && in->weight > 50)
		by_fault_add(faults, BY_FAULT_BODY, "#/weight", "too_loud", "must be at most 50 when quiet");
}
BY_RULES(rename_in, not_both);

static const by_field rename_in_fields[] = {
	BY_FIELD(rename_in, shelf),
	BY_FIELD(rename_in, name, .min_length = 1),
	BY_FIELD(rename_in, weight, .default_value = "10"),
	BY_FIELD(rename_in, quiet, .from = BY_FROM_QUERY, .optional = true),
};
BY_MODEL(rename_in, rename_in_fields, .rules = not_both_rules);

static by_error *rename_shelf(by_ctx *ctx, const rename_in *in, echo *out)
{
	calls++;
	out->text = by_format(ctx->arena, "%s %s %d %d", in->shelf, in->name, in->weight, in->quiet);
	return BY_OK;
}
BY_OPERATION(rename_shelf, rename_in, echo);

/* A nested model that is the body, of which absent members stay absent. */
typedef struct patch_body { by_present present; const char *name; int32_t weight; } patch_body;
BY_DECLARE_MODEL(patch_body);
static const by_field patch_body_fields[] = {
	BY_FIELD(patch_body, name, .max_length = 4),
	BY_FIELD(patch_body, weight),
};
BY_MODEL(patch_body, patch_body_fields);

typedef struct patch_in { const char *shelf; patch_body body; } patch_in;
BY_DECLARE_MODEL(patch_in);
static const by_field patch_in_fields[] = {
	BY_FIELD(patch_in, shelf),
	BY_FIELD_MODEL(patch_in, body, patch_body, .from = BY_FROM_WHOLE_BODY, .partial = true),
};
BY_MODEL(patch_in, patch_in_fields);

static by_error *patch_shelf(by_ctx *ctx, const patch_in *in, echo *out)
{
	calls++;
	out->text = by_format(ctx->arena, "%s %llu %s %d", in->shelf, (unsigned long long)in->body.present.bits,
	    in->body.name ? in->body.name : "-", in->body.weight);
	return BY_OK;
}
BY_OPERATION(patch_shelf, patch_in, echo);

/* A body that may be missing. */
typedef struct note { const char *text; } note;
BY_DECLARE_MODEL(note);
static const by_field note_fields[] = { BY_FIELD(note, text) };
BY_MODEL(note, note_fields);
typedef struct close_in { note *note; } close_in;
BY_DECLARE_MODEL(close_in);
static const by_field close_in_fields[] = { BY_FIELD_MODEL(close_in, note, note, .from = BY_FROM_WHOLE_BODY) };
BY_MODEL(close_in, close_in_fields);

static by_error *close_shelf(by_ctx *ctx, const close_in *in, echo *out)
{
	calls++;
	out->text = in->note ? by_copy(ctx->arena, in->note->text) : "no note";
	return BY_OK;
}
BY_OPERATION(close_shelf, close_in, echo);

static const by_route rows[] = {
	BY_ROUTE(GET, "/shelves/{shelf}", search, .access = BY_PUBLIC),
	BY_ROUTE(POST, "/shelves/{shelf}", rename_shelf, .access = BY_PUBLIC),
	BY_ROUTE(PATCH, "/shelves/{shelf}", patch_shelf, .access = BY_PUBLIC),
	BY_ROUTE(POST, "/close", close_shelf, .access = BY_PUBLIC),
};
static BY_ROUTES(shelves, "Shelves", rows);
static const by_routes *const groups[] = { &shelves };
static const by_version       versions[] = { { "v1", "/api/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena   *arena;
static by__server *server;

static void setup(void)
{
	arena = by_arena_new(0);
	server = test_server(arena, &app);
	calls = 0;
}

static test_answer get(const char *target, const char *const *variables)
{
	return test_serve(arena, server, &(test_request){ .target = target, .variables = variables });
}

static test_answer sent(const char *method, const char *target, const char *body)
{
	return test_serve(arena, server, &(test_request){ .method = method, .target = target, .body = body });
}

static void says(test_answer answer, const char *text)
{
	ck_assert_msg(answer.status == 200, "%d %s", answer.status, answer.body);
	ck_assert_str_eq(answer.body, by_format(arena, "{\"text\":\"%s\"}", text));
}

static void refuses(test_answer answer, int status, const char *part)
{
	ck_assert_msg(answer.status == status, "%d %s", answer.status, answer.body);
	ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "application/problem+json");
	ck_assert_msg(strstr(answer.body, part) != NULL, "%s is not in %s", part, answer.body);
	ck_assert_int_eq(calls, 0);
}

START_TEST(parameters_are_read_and_defaults_applied)
{
	static const char *const headers[] = { "HTTP_IF_MATCH=\"7\"", NULL };

	setup();
	says(get("/api/v1/shelves/a1", NULL), "a1 20 -1  0 none");
	says(get("/api/v1/shelves/a%2Fb?size=5&after=9&deep=true&tags=x,y&tags=z", NULL), "a/b 5 9 [x][y][z] 1 none");
	says(get("/api/v1/shelves/a1?size=%35&&tags=a%20b", headers), "a1 5 -1 [a b] 0 \\\"7\\\"");
	says(get("/api/v1/shelves/a1?tags=a+b%2Bc", NULL), "a1 20 -1 [a b+c] 0 none");
}
END_TEST

START_TEST(every_fault_of_path_query_and_headers_is_told_at_once)
{
	static const char *const headers[] = { "HTTP_X_TOKEN=nonsense", NULL };
	setup();
	test_answer answer = get("/api/v1/shelves/much-too-long?size=0&after=x&tags=a,b,c,d&nope=1&deep=2&size=3", headers);

	refuses(answer, 422, "{\"in\":\"path\",\"name\":\"shelf\",\"code\":\"max_length\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"size\",\"code\":\"minimum\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"size\",\"code\":\"duplicate\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"after\",\"code\":\"type\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"tags\",\"code\":\"max_items\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"deep\",\"code\":\"type\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"nope\",\"code\":\"unknown_parameter\"");
	refuses(answer, 422, "{\"in\":\"header\",\"name\":\"X-Token\"");
	ck_assert_ptr_null(strstr(answer.body, "nonsense"));
	ck_assert_ptr_nonnull(strstr(answer.body, "8 values"));
}
END_TEST

START_TEST(a_query_that_is_not_percent_encoded_utf8_is_a_bad_request)
{
	static const char *const bad[] = { "size=%", "size=%4", "%zz=1", "tags=%ff", "tags=%00", "tags=\xff", "tags=%c0%80" };

	setup();
	for (size_t i = 0; i < BY_COUNT(bad); i++)
		refuses(get(by_format(arena, "/api/v1/shelves/a?%s", bad[i]), NULL), 400, "/problems/bad-request");
}
END_TEST

START_TEST(members_of_the_body_stand_beside_parameters)
{
	setup();
	says(sent("POST", "/api/v1/shelves/a1?quiet=true", "{\"name\":\"new\"}"), "a1 new 10 1");
	says(sent("POST", "/api/v1/shelves/a1", "{\"weight\":99,\"name\":\"new\"}"), "a1 new 99 0");
}
END_TEST

START_TEST(faults_of_the_body_join_those_of_parameters)
{
	setup();
	test_answer answer = sent("POST", "/api/v1/shelves/a1?quiet=maybe&x=1", "{\"name\":\"\",\"shelf\":\"b\",\"weight\":\"1\"}");

	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"quiet\"");
	refuses(answer, 422, "{\"in\":\"query\",\"name\":\"x\"");
	refuses(answer, 422, "{\"pointer\":\"#/name\",\"code\":\"min_length\"");
	refuses(answer, 422, "{\"pointer\":\"#/shelf\",\"code\":\"unknown_member\"");
	refuses(answer, 422, "{\"pointer\":\"#/weight\",\"code\":\"type\"");
	refuses(sent("POST", "/api/v1/shelves/a1", "{}"), 422, "{\"pointer\":\"#/name\",\"code\":\"required\"");
}
END_TEST

START_TEST(rules_see_the_whole_input)
{
	setup();
	refuses(sent("POST", "/api/v1/shelves/a1?quiet=true", "{\"name\":\"n\",\"weight\":51}"), 422, "too_loud");
	says(sent("POST", "/api/v1/shelves/a1?quiet=false", "{\"name\":\"n\",\"weight\":51}"), "a1 n 51 0");
}
END_TEST

START_TEST(malformed_json_is_a_bad_request)
{
	static const char *const bad[] = {
		"{", "{\"name\":}", "{\"name\":\"a\"}x", "{\"name\":\"a\",\"name\":\"b\"}", "nonsense", "{\"name\":\"\xff\"}", " "
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(bad); i++)
		refuses(sent("POST", "/api/v1/shelves/a1?quiet=maybe", bad[i]), 400, "/problems/malformed-body");
}
END_TEST

START_TEST(a_partial_body_tells_what_was_there)
{
	setup();
	says(sent("PATCH", "/api/v1/shelves/a1", "{\"weight\":5}"), "a1 2 - 5");
	says(sent("PATCH", "/api/v1/shelves/a1", "{}"), "a1 0 - 0");
	calls = 0;
	refuses(sent("PATCH", "/api/v1/shelves/a1", "{\"name\":\"longer\"}"), 422, "#/name");
}
END_TEST

START_TEST(a_missing_body_is_a_bad_request_unless_it_is_optional)
{
	setup();
	refuses(sent("POST", "/api/v1/shelves/a1", NULL), 400, "A JSON body is required.");
	refuses(sent("POST", "/api/v1/shelves/a1", ""), 400, "A JSON body is required.");
	says(sent("POST", "/api/v1/close", NULL), "no note");
	says(sent("POST", "/api/v1/close", "{\"text\":\"done\"}"), "done");
}
END_TEST

UNIT("bind", parameters_are_read_and_defaults_applied, every_fault_of_path_query_and_headers_is_told_at_once,
    a_query_that_is_not_percent_encoded_utf8_is_a_bad_request, members_of_the_body_stand_beside_parameters,
    faults_of_the_body_join_those_of_parameters, rules_see_the_whole_input, malformed_json_is_a_bad_request,
    a_partial_body_tells_what_was_there, a_missing_body_is_a_bad_request_unless_it_is_optional);
