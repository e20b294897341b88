/* Who may call: public, known, or of a role; what is answered else; and in which order refusals come. */
#include <string.h>

#include "infrastructure/security/jwt.h"
#include "support/exchange.h"
#include "unit/unit.h"

#define SECRET "a secret for tests, of more than thirty-two bytes"

typedef struct text_in { const char *text; } text_in;
BY_DECLARE_MODEL(text_in);
static const by_field text_in_fields[] = { BY_FIELD(text_in, text, .max_length = 3) };
BY_MODEL(text_in, text_in_fields);

typedef struct who { const char *text; } who;
BY_DECLARE_MODEL(who);
static const by_field who_fields[] = { BY_FIELD(who, text) };
BY_MODEL(who, who_fields);

static int calls;

static by_error *whoami(by_ctx *ctx, who *out)
{
	calls++;
	out->text = ctx->principal ? ctx->principal->subject : "nobody";
	return BY_OK;
}
BY_OPERATION_OUT(whoami, who);

static by_error *save(by_ctx *ctx, const text_in *in, text_in *out)
{
	(void)ctx;
	calls++;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(save, text_in, text_in);

static const by_route rows[] = {
	BY_ROUTE(GET, "/public", whoami, .name = "public_whoami", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/known", whoami, .access = BY_AUTHENTICATED),
	BY_ROUTE(POST, "/edit", save, .access = BY_ROLE("editor")),
};
static BY_ROUTES(doors, "Doors", rows);
static const by_routes *const groups[] = { &doors };
static const by_version       versions[] = { { "v1", "/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena     *arena;
static by__server   *server;
static by_providers  providers;

static void setup(void)
{
	const by__jwt_options options = { .algorithm = "HS256", .key = BY_TEXT(SECRET) };

	arena = by_arena_new(0);
	server = test_server(arena, &app);
	ck_ok(by__jwt_verifier(arena, &options, &providers.verifier));
	calls = 0;
}

static const char *token_of(const char *role, int64_t seconds)
{
	const char *token = NULL;

	ck_ok(by__jwt_sign(arena, "HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada", .roles = &role,
	    .role_count = role ? 1 : 0, .expires = { by_time_now().us + seconds * 1000000 } }, &token));
	return token;
}

static test_answer call(const char *method, const char *target, const char *authorization, const char *body)
{
	const char *const variables[] = {
		authorization ? by_format(arena, "HTTP_AUTHORIZATION=%s", authorization) : NULL, NULL
	};

	return test_serve(arena, server, &(test_request){ .method = method, .target = target, .variables = variables,
	    .body = body, .providers = &providers });
}

static void refused(test_answer answer, const char *challenge, const char *detail)
{
	ck_assert_int_eq(answer.status, 401);
	ck_assert_str_eq(test_header(arena, &answer, "WWW-Authenticate"), challenge);
	ck_assert_ptr_nonnull(strstr(answer.body, by_format(arena, "\"detail\":\"%s\"", detail)));
	ck_assert_int_eq(calls, 0);
}

START_TEST(a_public_row_asks_for_nothing)
{
	setup();
	ck_assert_str_eq(call("GET", "/v1/public", NULL, NULL).body, "{\"text\":\"nobody\"}");
	ck_assert_int_eq(call("GET", "/v1/public", "Bearer nonsense", NULL).status, 200);
}
END_TEST

START_TEST(a_known_caller_is_the_tokens_subject)
{
	setup();
	test_answer answer = call("GET", "/v1/known", by_format(arena, "Bearer %s", token_of(NULL, 60)), NULL);

	ck_assert_str_eq(answer.body, "{\"text\":\"ada\"}");
	answer = call("GET", "/v1/known", by_format(arena, "bearer   %s ", token_of(NULL, 60)), NULL);
	ck_assert_int_eq(answer.status, 200);
}
END_TEST

START_TEST(without_a_token_authentication_is_required)
{
	setup();
	refused(call("GET", "/v1/known", NULL, NULL), "Bearer", "Authentication is required.");
	refused(call("GET", "/v1/known", "Basic YTpi", NULL), "Bearer", "Authentication is required.");
	refused(call("GET", "/v1/known", "Bearerish x", NULL), "Bearer", "Authentication is required.");
}
END_TEST

START_TEST(a_bad_token_is_told_from_an_expired_one)
{
	static const char bad[] = "Bearer error=\"invalid_token\", error_description=\"invalid token\"";
	static const char old[] = "Bearer error=\"invalid_token\", error_description=\"token expired\"";

	setup();
	refused(call("GET", "/v1/known", "Bearer", NULL), bad, "invalid token");
	refused(call("GET", "/v1/known", "Bearer ", NULL), bad, "invalid token");
	refused(call("GET", "/v1/known", "Bearer a.b.c", NULL), bad, "invalid token");
	refused(call("GET", "/v1/known", by_format(arena, "Bearer %s", token_of(NULL, -60)), NULL), old, "token expired");
	providers.verifier = NULL;
	refused(call("GET", "/v1/known", by_format(arena, "Bearer %s", token_of(NULL, 60)), NULL), bad, "invalid token");
}
END_TEST

START_TEST(a_role_is_needed_where_the_row_says_so)
{
	setup();
	const char *editor = by_format(arena, "Bearer %s", token_of("editor", 60));
	const char *viewer = by_format(arena, "Bearer %s", token_of("viewer", 60));

	ck_assert_int_eq(call("POST", "/v1/edit", editor, "{\"text\":\"a\"}").status, 200);
	test_answer answer = call("POST", "/v1/edit", viewer, "{\"text\":\"a\"}");

	ck_assert_int_eq(answer.status, 403);
	ck_assert_ptr_nonnull(strstr(answer.body, "/problems/forbidden"));
	ck_assert_int_eq(calls, 1);
}
END_TEST

/* Each request breaks one rule more than the one before; the first rule of docs/http.md wins. */
START_TEST(refusals_come_in_the_documented_order)
{
	setup();
	const char *viewer = by_format(arena, "Bearer %s", token_of("viewer", 60));
	const char *editor = by_format(arena, "Bearer %s", token_of("editor", 60));
	const char *large = "5000";
	test_request worst = { .method = "POST", .target = "/v1/edit?x=1", .body = "{\"text\":", .providers = &providers };
	const char  *with_viewer[] = { by_format(arena, "HTTP_AUTHORIZATION=%s", viewer), NULL };
	const char  *with_editor[] = { by_format(arena, "HTTP_AUTHORIZATION=%s", editor), NULL };

	worst.variables = with_editor;
	worst.body = "{\"text\":\"long\"}";
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 422);
	worst.body = "{\"text\":";
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 400);
	worst.variables = with_viewer;
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 403);
	worst.variables = NULL;
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 401);
	worst.content_type = "text/plain";
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 415);
	worst.content_length = large;
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 413);
	worst.method = "PUT";
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 405);
	worst.target = "/v1/none";
	ck_assert_int_eq(test_serve(arena, server, &worst).status, 404);
	ck_assert_int_eq(calls, 0);
}
END_TEST

UNIT("access", a_public_row_asks_for_nothing, a_known_caller_is_the_tokens_subject,
    without_a_token_authentication_is_required, a_bad_token_is_told_from_an_expired_one,
    a_role_is_needed_where_the_row_says_so, refusals_come_in_the_documented_order);
