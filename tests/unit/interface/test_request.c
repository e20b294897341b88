/* Requests as gateways pass them: targets, headers, bodies with true and false lengths, methods, and what is answered. */
#include <string.h>

#include <banyan/http.h>
#include <banyan/task.h>

#include "interface/request.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef struct thing { const char *text; int64_t version; } thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = { BY_FIELD(thing, text), BY_FIELD(thing, version, .etag = true) };
BY_MODEL(thing, thing_fields);

typedef struct text_in { const char *text; } text_in;
BY_DECLARE_MODEL(text_in);
static const by_field text_in_fields[] = { BY_FIELD(text_in, text) };
BY_MODEL(text_in, text_in_fields);

static int calls;

static by_error *show(by_ctx *ctx, thing *out)
{
	by_text token = by_request_header(ctx, "x-colour");

	calls++;
	out->text = token.ptr ? by_copy_text(ctx->arena, token) : "none";
	out->version = 7;
	return BY_OK;
}
BY_OPERATION_OUT(show, thing);

static by_error *save(by_ctx *ctx, const text_in *in, thing *out)
{
	(void)ctx;
	calls++;
	out->text = in->text;
	out->version = 8;
	return BY_OK;
}
BY_OPERATION(save, text_in, thing);

/* Reads a body of any kind piece by piece, and answers with its length the same way. */
static by_error *count_bytes(by_ctx *ctx, thing *out)
{
	char   piece[64];
	size_t got;
	size_t total = 0;

	(void)out;
	do {
		BY_TRY(by_request_read(ctx, piece, sizeof(piece), &got));
		total += got;
	} while (got > 0);
	by_respond_header(ctx, "Content-Type", "text/plain");
	const char *text = by_format(ctx->arena, "%zu", total);

	BY_TRY(by_respond_write(ctx, text, strlen(text)));
	BY_TRY(by_respond_flush(ctx));
	return by_respond_write(ctx, "\n", 1);
}

static by_error *count_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)operation;
	(void)in;
	return count_bytes(ctx, out);
}
static const by_operation count_op = { "count", NULL, NULL, count_call, BY_HERE_INIT };

/* Waits a while that depends on its text, so that requests overtake each other. */
static by_error *linger(by_ctx *ctx, const text_in *in, thing *out)
{
	const char *id = by_copy(ctx->arena, ctx->request_id);

	for (int i = 0; i < 3; i++)
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1 + in->text[0] % 7)));
	out->text = by_format(ctx->arena, "%s %s %s", in->text, id, ctx->request_id);
	return BY_OK;
}
BY_OPERATION(linger, text_in, thing);

static by_error *erase(by_ctx *ctx, const text_in *in)
{
	(void)ctx;
	(void)in;
	calls++;
	return BY_OK;
}
BY_OPERATION_IN(erase, text_in);

static const by_route rows[] = {
	BY_ROUTE(GET, "/thing", show, .access = BY_PUBLIC),
	BY_ROUTE(POST, "/thing", save, .access = BY_PUBLIC, .status = 201),
	BY_ROUTE(PUT, "/count", count, .access = BY_PUBLIC, .max_body = 1000),
	BY_ROUTE(GET, "/linger/{text}", linger, .access = BY_PUBLIC),
	BY_ROUTE(DELETE, "/thing", erase, .access = BY_PUBLIC),
};
static BY_ROUTES(things, "Things", rows);
static const by_routes *const groups[] = { &things };
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

static test_answer with_variable(const char *target, const char *variable)
{
	const char *const variables[] = { variable, NULL };

	return test_serve(arena, server, &(test_request){ .target = target, .variables = variables });
}

static test_answer method(const char *name, const char *target)
{
	return test_serve(arena, server, &(test_request){ .method = name, .target = target });
}

START_TEST(a_small_answer_leaves_in_one_write)
{
	setup();
	test_answer answer = method("GET", "/api/v1/thing");

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "{\"text\":\"none\",\"version\":7}");
	ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "application/json");
	ck_assert_str_eq(test_header(arena, &answer, "Content-Length"), "27");
	ck_assert_str_eq(test_header(arena, &answer, "ETag"), "\"7\"");
	ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), "no-cache");
	ck_assert_int_eq((int)answer.writes, 1);
	ck_assert(answer.reusable);
}
END_TEST

START_TEST(targets_come_in_origin_form_and_absolute_form)
{
	static const char *const good[] = {
		"/api/v1/thing", "/api/v1/thing?", "/api/v1/thing#part", "http://example.org/api/v1/thing",
		"HTTPS://example.org:8443/api/v1/thing?"
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(good); i++)
		ck_assert_msg(method("GET", good[i]).status == 200, "%s", good[i]);
	ck_assert_int_eq(method("GET", "http://example.org").status, 404);
	ck_assert_int_eq(method("GET", "example.org:80").status, 400);
	ck_assert_int_eq(method("GET", NULL).status, 400);
	ck_assert_int_eq(method("GET", "").status, 400);
}
END_TEST

START_TEST(a_base_path_is_taken_off)
{
	const by__server_options options = { .base_path = "/app/", .body_max = 100 };

	arena = by_arena_new(0);
	ck_ok(by__server_new(arena, &app, &options, &server));
	ck_assert_int_eq(method("GET", "/app/api/v1/thing").status, 200);
	ck_assert_int_eq(method("GET", "/api/v1/thing").status, 404);
	ck_assert_int_eq(method("GET", "/application/api/v1/thing").status, 404);
	ck_assert_int_eq(method("GET", "/app").status, 404);
}
END_TEST

START_TEST(a_target_over_8_kib_is_too_long)
{
	setup();
	char *target = by_alloc(arena, 9000);

	memset(target, 'x', 8193);
	target[0] = '/';
	ck_assert_int_eq(method("GET", target).status, 414);
	target[8192] = '\0';
	ck_assert_int_eq(method("GET", target).status, 404);
}
END_TEST

START_TEST(head_is_the_get_without_its_body)
{
	setup();
	test_answer get = method("GET", "/api/v1/thing");
	test_answer head = method("HEAD", "/api/v1/thing");

	ck_assert_int_eq(head.status, 200);
	ck_assert_uint_eq(head.body_len, 0);
	ck_assert_str_eq(test_header(arena, &head, "Content-Length"), test_header(arena, &get, "Content-Length"));
	ck_assert_str_eq(test_header(arena, &head, "ETag"), "\"7\"");
	head = method("HEAD", "/nothing");
	ck_assert_int_eq(head.status, 404);
	ck_assert_uint_eq(head.body_len, 0);
}
END_TEST

START_TEST(options_and_wrong_methods_name_those_allowed)
{
	setup();
	test_answer answer = method("OPTIONS", "/api/v1/thing");

	ck_assert_int_eq(answer.status, 204);
	ck_assert_str_eq(test_header(arena, &answer, "Allow"), "DELETE, GET, HEAD, OPTIONS, POST");
	ck_assert_ptr_null(test_header(arena, &answer, "Content-Length"));
	answer = method("PATCH", "/api/v1/thing");
	ck_assert_int_eq(answer.status, 405);
	ck_assert_str_eq(test_header(arena, &answer, "Allow"), "DELETE, GET, HEAD, OPTIONS, POST");
	ck_assert_int_eq(method("BREW", "/api/v1/thing").status, 405);
	ck_assert_int_eq(method("get", "/api/v1/thing").status, 405);
	ck_assert_int_eq(method("BREW", "/nothing").status, 404);
	answer = method("OPTIONS", "*");
	ck_assert_int_eq(answer.status, 204);
	ck_assert_ptr_nonnull(test_header(arena, &answer, "Allow"));
	ck_assert_int_eq(method("GET", "*").status, 400);
}
END_TEST

START_TEST(an_answer_without_model_has_no_body)
{
	setup();
	test_answer answer = method("DELETE", "/api/v1/thing?text=a");

	ck_assert_int_eq(answer.status, 204);
	ck_assert_uint_eq(answer.body_len, 0);
	ck_assert_int_eq(calls, 1);
}
END_TEST

START_TEST(headers_are_found_in_any_case_but_never_http_proxy)
{
	setup();
	ck_assert_ptr_nonnull(strstr(with_variable("/api/v1/thing", "HTTP_X_COLOUR=red").body, "\"red\""));
	by_ctx     *ctx = by_ctx_new(arena);
	char       *env[] = { (char[]){ "HTTP_PROXY=http://evil" }, (char[]){ "HTTP_X_A=1" }, (char[]){ "X_B=2" },
		(char[]){ "CONTENT_TYPE=t" }, NULL };
	by__exchange exchange = { .env = env };

	ctx->request = by_alloc(arena, sizeof(by_request));
	by__request_init(ctx->request, &exchange);
	ck_assert_ptr_null(by_request_header(ctx, "Proxy").ptr);
	ck_assert_ptr_null(by_request_header(ctx, "PROXY").ptr);
	ck_assert_str_eq(by_request_header(ctx, "X-A").ptr, "1");
	ck_assert_ptr_null(by_request_header(ctx, "X-B").ptr);
	ck_assert_ptr_null(by_request_header(ctx, "X").ptr);
	ck_assert_str_eq(by_request_header(ctx, "content-type").ptr, "t");
}
END_TEST

START_TEST(request_ids_are_kept_when_safe_and_always_echoed)
{
	static const char *const bad[] = { "HTTP_X_REQUEST_ID=", "HTTP_X_REQUEST_ID=a b", "HTTP_X_REQUEST_ID=a\"b",
		"HTTP_X_REQUEST_ID=\xc3\xa4", "HTTP_X_REQUEST_ID=a<b" };

	setup();
	test_answer answer = with_variable("/api/v1/thing", "HTTP_X_REQUEST_ID=abc-123_X.y");

	ck_assert_str_eq(test_header(arena, &answer, "X-Request-Id"), "abc-123_X.y");
	for (size_t i = 0; i < BY_COUNT(bad); i++) {
		answer = with_variable("/api/v1/thing", bad[i]);
		ck_assert_uint_eq(strlen(test_header(arena, &answer, "X-Request-Id")), 26);
	}
	char *longest = by_format(arena, "HTTP_X_REQUEST_ID=%0129d", 1);

	answer = with_variable("/api/v1/thing", longest);
	ck_assert_uint_eq(strlen(test_header(arena, &answer, "X-Request-Id")), 26);
	longest[strlen(longest) - 1] = '\0';
	answer = with_variable("/api/v1/thing", longest);
	ck_assert_uint_eq(strlen(test_header(arena, &answer, "X-Request-Id")), 128);
}
END_TEST

START_TEST(the_trace_is_continued_and_returned)
{
	setup();
	test_answer answer = with_variable("/api/v1/thing",
	    "HTTP_TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
	const char *trace = test_header(arena, &answer, "traceparent");

	ck_assert_int_eq(strncmp(trace, "00-4bf92f3577b34da6a3ce929d0e0e4736-", 36), 0);
	ck_assert_ptr_null(strstr(trace, "00f067aa0ba902b7"));
	ck_assert_ptr_nonnull(strstr(trace + 50, "-01"));
}
END_TEST

START_TEST(a_conditional_get_is_answered_304_without_body)
{
	setup();
	test_answer answer = with_variable("/api/v1/thing", "HTTP_IF_NONE_MATCH=\"6\", W/\"7\"");

	ck_assert_int_eq(answer.status, 304);
	ck_assert_uint_eq(answer.body_len, 0);
	ck_assert_str_eq(test_header(arena, &answer, "ETag"), "\"7\"");
	ck_assert_ptr_null(test_header(arena, &answer, "Content-Length"));
	ck_assert_int_eq(with_variable("/api/v1/thing", "HTTP_IF_NONE_MATCH=\"8\"").status, 200);
}
END_TEST

static test_answer post(const char *body, const char *length, const char *type, size_t piece)
{
	return test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/v1/thing", .body = body,
	    .content_length = length, .content_type = type, .piece = piece });
}

START_TEST(bodies_may_come_in_pieces_and_without_a_length)
{
	setup();
	ck_assert_int_eq(post("{\"text\":\"abc\"}", NULL, NULL, 1).status, 201);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "", NULL, 3).status, 201);
	ck_assert_int_eq(calls, 2);
}
END_TEST

START_TEST(a_body_of_another_length_than_declared_is_refused_unread_by_the_operation)
{
	setup();
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "13", NULL, 0).status, 400);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "15", NULL, 0).status, 400);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "4000", NULL, 0).status, 400);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "x", NULL, 0).status, 400);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "-1", NULL, 0).status, 400);
	ck_assert_int_eq(post("{\"text\":\"abc\"}", "99999999999999999999999", NULL, 0).status, 400);
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(a_declared_length_over_the_limit_is_refused_before_a_byte_is_read)
{
	setup();
	test_answer answer = post("{\"text\":\"abc\"}", "4097", NULL, 0);

	ck_assert_int_eq(answer.status, 413);
	ck_assert_int_eq((int)answer.reads, 0);
	ck_assert(answer.reusable); /* the gateway takes the rest */
}
END_TEST

START_TEST(an_undeclared_body_is_refused_at_the_first_byte_over_the_limit)
{
	setup();
	char *body = by_alloc(arena, 100001);

	memset(body, ' ', 100000);
	test_answer answer = post(body, "", NULL, 512);

	ck_assert_int_eq(answer.status, 413);
	ck_assert_int_le((int)answer.reads, 9);
	body[4096] = '\0';
	ck_assert_int_eq(post(body, "", NULL, 512).status, 400); /* at the limit it is read, and is not JSON */
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(a_body_that_falls_silent_is_a_request_timeout)
{
	const by__server_options options = {
		.body_max = 4096, .request_timeout = BY_SECONDS(30), .body_timeout = BY_MILLISECONDS(20)
	};

	arena = by_arena_new(0);
	calls = 0;
	ck_ok(by__server_new(arena, &app, &options, &server));
	test_answer answer = test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/v1/thing",
	    .body = "{\"text\":", .content_length = "100", .silent = true });

	ck_assert_int_eq(answer.status, 408);
	ck_assert(answer.reusable);
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(a_client_that_leaves_during_its_body_is_not_answered)
{
	setup();
	test_answer answer = test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/v1/thing",
	    .body = "{}", .gone = true });

	ck_assert_int_eq((int)answer.writes, 0);
	ck_assert(!answer.reusable);
	ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(requests_that_overtake_each_other_keep_what_is_theirs)
{
	enum { MANY = 1000 };
	static test_request requests[MANY];
	static test_answer  answers[MANY];

	setup();
	for (int i = 0; i < MANY; i++) {
		const char **variables = BY_NEW_ARRAY(arena, const char *, 2);

		variables[0] = by_format(arena, "HTTP_X_REQUEST_ID=id-%d", i);
		requests[i] = (test_request){ .target = by_format(arena, "/api/v1/linger/%c%d", 'a' + i % 26, i),
			.variables = variables };
	}
	test_serve_together(arena, server, requests, MANY, answers);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(answers[i].status, 200);
		ck_assert_str_eq(answers[i].body, by_format(arena, "{\"text\":\"%c%d id-%d id-%d\",\"version\":0}", 'a' + i % 26, i, i, i));
		ck_assert_str_eq(test_header(arena, &answers[i], "X-Request-Id"), by_format(arena, "id-%d", i));
	}
}
END_TEST

START_TEST(only_json_in_utf8_is_taken)
{
	static const struct { const char *type; int status; } types[] = {
		{ "application/json", 201 }, { "Application/JSON; charset=UTF-8", 201 }, { "application/json;charset=\"utf-8\"", 201 },
		{ "application/vnd.lab.run+json", 201 }, { "application/json; version=2", 201 }, { "text/plain", 415 }, { "", 415 },
		{ "application/json; charset=latin1", 415 }, { "application/xml", 415 }, { "application/+json", 415 },
		{ "application/jsonx", 415 }, { "multipart/form-data; boundary=x", 415 }, { "application/x-www-form-urlencoded", 415 },
		{ ";", 415 }, { "json", 415 },
	};
	static const char *const zipped[] = { "HTTP_CONTENT_ENCODING=gzip", NULL };

	setup();
	for (size_t i = 0; i < BY_COUNT(types); i++)
		ck_assert_msg(post("{\"text\":\"a\"}", NULL, types[i].type, 0).status == types[i].status, "%s", types[i].type);
	ck_assert_int_eq(test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/v1/thing",
	    .body = "{\"text\":\"a\"}", .variables = zipped }).status, 415);
}
END_TEST

START_TEST(an_operation_may_stream_both_ways)
{
	setup();
	char *body = by_alloc(arena, 2000);

	memset(body, 'b', 1000);
	test_answer answer = test_serve(arena, server, &(test_request){ .method = "PUT", .target = "/api/v1/count", .body = body,
	    .content_type = "image/png", .piece = 7 });

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "1000\n");
	ck_assert_str_eq(test_header(arena, &answer, "X-Accel-Buffering"), "no");
	ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "text/plain");
	ck_assert_ptr_null(test_header(arena, &answer, "Content-Length"));
	body[1000] = 'b';
	answer = test_serve(arena, server, &(test_request){ .method = "PUT", .target = "/api/v1/count", .body = body,
	    .content_length = "" });
	ck_assert_int_eq(answer.status, 413);
}
END_TEST

START_TEST(health_metrics_and_documents_are_there_without_being_asked_for)
{
	static const struct { const char *path, *type, *cache; } rows_[] = {
		{ "/live", "application/json", "no-store" }, { "/ready", "application/json", "no-store" },
		{ "/health?from=probe", "application/json", "no-store" },
		{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store" },
		{ "/openapi.json", "application/json", "no-cache" }, { "/api/v1/openapi.json", "application/json", "no-cache" },
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(rows_); i++) {
		test_answer answer = method("GET", rows_[i].path);

		ck_assert_msg(answer.status == 200, "%s: %d", rows_[i].path, answer.status);
		ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), rows_[i].type);
		ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), rows_[i].cache);
	}
	test_answer answer = method("GET", "/openapi.json");
	const char *again = by_format(arena, "HTTP_IF_NONE_MATCH=%s", test_header(arena, &answer, "ETag"));

	ck_assert_int_eq(with_variable("/openapi.json", again).status, 304);
	answer = method("GET", "/metrics");
	ck_assert_ptr_nonnull(strstr(answer.body, "http_server_request_duration_seconds_count{http_request_method=\"GET\","
	    "http_route=\"/openapi.json\",http_response_status_code=\"304\"} 1"));
	ck_assert_ptr_nonnull(strstr(answer.body, "http_server_active_requests 1\n"));
}
END_TEST

UNIT("request", a_small_answer_leaves_in_one_write, targets_come_in_origin_form_and_absolute_form, a_base_path_is_taken_off,
    a_target_over_8_kib_is_too_long, head_is_the_get_without_its_body, options_and_wrong_methods_name_those_allowed,
    an_answer_without_model_has_no_body, headers_are_found_in_any_case_but_never_http_proxy,
    request_ids_are_kept_when_safe_and_always_echoed, the_trace_is_continued_and_returned,
    a_conditional_get_is_answered_304_without_body, bodies_may_come_in_pieces_and_without_a_length,
    a_body_of_another_length_than_declared_is_refused_unread_by_the_operation,
    a_declared_length_over_the_limit_is_refused_before_a_byte_is_read,
    an_undeclared_body_is_refused_at_the_first_byte_over_the_limit, a_body_that_falls_silent_is_a_request_timeout,
    a_client_that_leaves_during_its_body_is_not_answered,
    requests_that_overtake_each_other_keep_what_is_theirs, only_json_in_utf8_is_taken,
    an_operation_may_stream_both_ways, health_metrics_and_documents_are_there_without_being_asked_for);
