/* Every error is one problem document, with the headers that belong to its kind and nothing of our insides. */
#include <stdatomic.h>
#include <string.h>

#include <json-c/json.h>

#include <banyan/http.h>
#include <banyan/identity.h>

#include "core/shared.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef struct kind_in { const char *kind; } kind_in;
BY_DECLARE_MODEL(kind_in);
static const by_field kind_in_fields[] = { BY_FIELD(kind_in, kind) };
BY_MODEL(kind_in, kind_in_fields);

typedef struct thing { double number; } thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = { BY_FIELD(thing, number, .maximum = BY_NUM(10)) };
BY_MODEL(thing, thing_fields);

#define ROW(NAME, PARENT, STATUS, SLUG, TITLE, RETRYABLE) { #NAME, BY_ERROR_KIND(NAME) },
static const struct { const char *name; const by_error_kind *kind; } kinds[] = { BY_ERROR_KINDS(ROW) };

/* Fails with the kind asked for; the texts that must not be seen are in `internal` and in the cause. */
static by_error *fails_with(by_ctx *ctx, const kind_in *in, thing *out)
{
	(void)out;
	by_respond_header(ctx, "X-Half-Done", "yes");
	by_respond_header(ctx, "Content-Type", "image/png");
	by_respond_status(ctx, 201);
	for (size_t i = 0; i < BY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, in->kind) != 0)
			continue;
		by_error *error = by_error_make(ctx->arena, kinds[i].kind, BY_HERE, "%s",
		    kinds[i].kind->status == 500 ? "relation secret_table on db.internal" : "A detail to show.");

		by_error_internal(ctx->arena, error, "SELECT secret_column FROM secret_table at db.internal");
		return by_error_because(error, by_fail(ctx, IO, "connect to db.internal failed"));
	}
	return by_error_new(ctx->arena, UNAVAILABLE, NULL);
}
BY_OPERATION(fails_with, kind_in, thing);

static by_error *not_finite(by_ctx *ctx, thing *out)
{
	(void)ctx;
	out->number = 1e308 * 10;
	return BY_OK;
}
BY_OPERATION_OUT(not_finite, thing);

static by_error *too_large(by_ctx *ctx, thing *out)
{
	(void)ctx;
	out->number = 11;
	return BY_OK;
}
BY_OPERATION_OUT(too_large, thing);

static by_error *many_headers(by_ctx *ctx, thing *out)
{
	char value[2000];

	(void)out;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	by_respond_header(ctx, "X-First", value);
	by_respond_header(ctx, "X-Second", value);
	return BY_OK;
}
BY_OPERATION_OUT(many_headers, thing);

/* A header of what a client sent. */
static by_error *named_file(by_ctx *ctx, const kind_in *in, thing *out)
{
	out->number = 1;
	by_respond_header(ctx, "Content-Disposition", by_format(ctx->arena, "attachment; filename=%s", in->kind));
	return BY_OK;
}
BY_OPERATION(named_file, kind_in, thing);

static by_error *breaks_off(by_ctx *ctx, const kind_in *in)
{
	(void)in;
	BY_TRY(by_respond_write(ctx, "half", 4));
	return by_fail(ctx, INTERNAL, "no more");
}
BY_OPERATION_IN(breaks_off, kind_in);

/* An application's own 401, whose detail holds what the client sent. */
static by_error *stranger(by_ctx *ctx, const kind_in *in)
{
	return by_fail(ctx, UNAUTHENTICATED, "Nobody is called %s.", in->kind);
}
BY_OPERATION_IN(stranger, kind_in);

/* Takes every token. */
static by_error *trusting(by_verifier *verifier, by_ctx *ctx, by_text token, const by_principal **principal)
{
	(void)verifier;
	(void)token;
	*principal = BY_NEW(ctx->arena, by_principal);
	return BY_OK;
}

static const by_route rows[] = {
	BY_ROUTE(GET, "/stranger", stranger, .access = BY_AUTHENTICATED),
	BY_ROUTE(GET, "/fail/{kind}", fails_with, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/not-finite", not_finite, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/too-large", too_large, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/named", named_file, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/headers", many_headers, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/breaks-off/{kind}", breaks_off, .access = BY_PUBLIC),
};
static BY_ROUTES(failures, "Failures", rows);
static const by_routes *const groups[] = { &failures };
static const by_version       versions[] = { { "v1", "/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena   *arena;
static by__server *server;

static void setup(void)
{
	arena = by_arena_new(0);
	server = test_server(arena, &app);
}

static test_answer get(const char *target)
{
	return test_serve(arena, server, &(test_request){ .target = target });
}

static const char *member(json_object *document, const char *name)
{
	json_object *value = NULL;

	return json_object_object_get_ex(document, name, &value) ? json_object_get_string(value) : NULL;
}

START_TEST(every_kind_is_one_document_with_its_status)
{
	setup();
	for (size_t i = 0; i < BY_COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, "CANCELLED") == 0)
			continue;
		test_answer  answer = get(by_format(arena, "/v1/fail/%s", kinds[i].name));
		json_object *document = json_tokener_parse(answer.body);
		int          status = kinds[i].kind->status;

		ck_assert_msg(document != NULL, "%s: %s", kinds[i].name, answer.body);
		ck_assert_int_eq(answer.status, status);
		ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "application/problem+json");
		ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), "no-store");
		ck_assert_str_eq(member(document, "type"), by_format(arena, "/problems/%s", kinds[i].kind->slug));
		ck_assert_str_eq(member(document, "title"), kinds[i].kind->title);
		ck_assert_str_eq(member(document, "status"), by_format(arena, "%d", status));
		ck_assert_str_eq(member(document, "instance"), by_format(arena, "/v1/fail/%s", kinds[i].name));
		ck_assert_str_eq(member(document, "request_id"), test_header(arena, &answer, "X-Request-Id"));
		ck_assert_int_eq(member(document, "error_id") != NULL, status >= 500);
		json_object_put(document);
	}
}
END_TEST

START_TEST(the_instance_is_the_address_that_the_client_asked_for)
{
	by__server_options options = { .base_path = "/lab", .body_max = 4096 };
	by__server        *below;

	setup();
	ck_ok(by__server_new(arena, &app, &options, &below));
	test_answer answer = test_serve(arena, below, &(test_request){ .target = "/lab/v1/fail/NOT_FOUND" });

	ck_assert_int_eq(answer.status, 404);
	ck_assert_msg(strstr(answer.body, "\"instance\":\"/lab/v1/fail/NOT_FOUND\","), "%s", answer.body);
	answer = test_serve(arena, below, &(test_request){ .target = "/elsewhere" });
	ck_assert_msg(strstr(answer.body, "\"instance\":\"/elsewhere\","), "%s", answer.body);
}
END_TEST

START_TEST(nothing_internal_is_shown)
{
	setup();
	for (size_t i = 0; i < BY_COUNT(kinds); i++) {
		test_answer answer = get(by_format(arena, "/v1/fail/%s", kinds[i].name));

		ck_assert_ptr_null(strstr(answer.body, "secret"));
		ck_assert_ptr_null(strstr(answer.body, "db.internal"));
		ck_assert_ptr_null(strstr(answer.body, "SELECT"));
		if (kinds[i].kind->status == 500)
			ck_assert_ptr_nonnull(strstr(answer.body, "Something went wrong on our side."));
	}
}
END_TEST

START_TEST(what_a_failed_operation_had_set_is_dropped)
{
	setup();
	test_answer answer = get("/v1/fail/CONFLICT");

	ck_assert_int_eq(answer.status, 409);
	ck_assert_ptr_null(test_header(arena, &answer, "X-Half-Done"));
}
END_TEST

START_TEST(a_challenge_holds_no_quote_and_no_line_end)
{
	static const by_verifier_driver driver = { trusting, NULL };
	static const char *const        variables[] = { "HTTP_AUTHORIZATION=Bearer t", NULL };
	by_verifier  verifier = { &driver };
	by_providers providers = { .verifier = &verifier };

	setup();
	test_answer answer = test_serve(arena, server, &(test_request){ .target = "/v1/stranger?kind=a%22b%0D%0AX-Made:+up",
	    .variables = variables, .providers = &providers });

	ck_assert_int_eq(answer.status, 401);
	ck_assert_str_eq(test_header(arena, &answer, "WWW-Authenticate"),
	    "Bearer error=\"invalid_token\", error_description=\"Nobody is called a?b??X-Made: up.\"");
}
END_TEST

START_TEST(unavailable_says_when_to_come_back)
{
	setup();
	test_answer answer = get("/v1/fail/DATABASE_UNAVAILABLE");

	ck_assert_int_eq(answer.status, 503);
	ck_assert_str_eq(test_header(arena, &answer, "Retry-After"), "1");
	answer = get("/v1/fail/TOO_MANY_REQUESTS");
	ck_assert_str_eq(test_header(arena, &answer, "Retry-After"), "1");
	answer = get("/v1/fail/NOT_FOUND");
	ck_assert_ptr_null(test_header(arena, &answer, "Retry-After"));
	answer = get("/v1/fail/without-a-detail");
	ck_assert_ptr_nonnull(strstr(answer.body, "\"detail\":\"Service Unavailable\""));
}
END_TEST

START_TEST(what_the_router_refuses_is_a_document_too)
{
	static const struct { const char *target; int status; } refused[] = {
		{ "/none", 404 }, { "/v1/fail/%zz", 400 }, { "/v1/not-finite?x=1", 422 }, { "/v1/not-finite?x=%", 400 },
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(refused); i++) {
		test_answer answer = get(refused[i].target);

		ck_assert_int_eq(answer.status, refused[i].status);
		ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "application/problem+json");
		ck_assert_ptr_nonnull(strstr(answer.body, "\"request_id\":\""));
	}
}
END_TEST

START_TEST(an_answer_that_cannot_be_written_is_a_500)
{
	setup();
	test_answer answer = get("/v1/not-finite");

	ck_assert_int_eq(answer.status, 500);
	ck_assert_ptr_nonnull(strstr(answer.body, "error_id"));
}
END_TEST

START_TEST(in_development_an_answer_must_fit_its_model)
{
	const by__server_options options = { .body_max = 100, .debug = false };

	setup();
	ck_assert_int_eq(get("/v1/too-large").status, 500);
	ck_ok(by__server_new(arena, &app, &options, &server));
	ck_assert_str_eq(get("/v1/too-large").body, "{\"number\":11}");
}
END_TEST

START_TEST(too_many_headers_are_a_500_without_them)
{
	setup();
	test_answer answer = get("/v1/headers");

	ck_assert_int_eq(answer.status, 500);
	ck_assert_ptr_null(test_header(arena, &answer, "X-First"));
	ck_assert_uint_lt(strlen(answer.headers), 600);
}
END_TEST

START_TEST(a_line_end_in_a_header_is_a_500_without_it)
{
	setup();
	test_answer answer = get("/v1/named?kind=plain");

	ck_assert_str_eq(test_header(arena, &answer, "Content-Disposition"), "attachment; filename=plain");
	answer = get("/v1/named?kind=a%0D%0ASet-Cookie:+x");
	ck_assert_int_eq(answer.status, 500);
	ck_assert_ptr_null(strstr(answer.headers, "Set-Cookie"));
	ck_assert_ptr_null(test_header(arena, &answer, "Content-Disposition"));
}
END_TEST

START_TEST(an_answer_under_way_is_broken_off)
{
	setup();
	test_answer answer = get("/v1/breaks-off/x");

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "half");
	ck_assert(!answer.reusable && answer.broken_off);
}
END_TEST

START_TEST(an_operation_that_cancels_itself_is_a_500)
{
	setup();
	test_answer answer = get("/v1/fail/CANCELLED");

	ck_assert_int_eq(answer.status, 500);
	ck_assert(answer.reusable);
}
END_TEST

START_TEST(requests_that_a_stopping_server_ends_are_told_to_come_again)
{
	setup();
	atomic_store(&by__shared_get()->draining, 1);
	test_answer answer = get("/v1/fail/CANCELLED");

	ck_assert_int_eq(answer.status, 503);
	ck_assert_str_eq(test_header(arena, &answer, "Retry-After"), "1");
	ck_assert_ptr_nonnull(strstr(answer.body, "The server is restarting."));
}
END_TEST

UNIT("problem", every_kind_is_one_document_with_its_status, the_instance_is_the_address_that_the_client_asked_for,
    nothing_internal_is_shown,
    a_challenge_holds_no_quote_and_no_line_end,
    what_a_failed_operation_had_set_is_dropped, unavailable_says_when_to_come_back,
    what_the_router_refuses_is_a_document_too, an_answer_that_cannot_be_written_is_a_500,
    in_development_an_answer_must_fit_its_model, too_many_headers_are_a_500_without_them,
    a_line_end_in_a_header_is_a_500_without_it, an_answer_under_way_is_broken_off,
    an_operation_that_cancels_itself_is_a_500, requests_that_a_stopping_server_ends_are_told_to_come_again);
