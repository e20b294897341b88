/* Chains: their order, what interceptors are given, and what start-up refuses. */
#include <string.h>

#include <banyan/http.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "interface/chain.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef struct text_in { const char *text; } text_in;
BY_DECLARE_MODEL(text_in);
static const by_field text_in_fields[] = { BY_FIELD(text_in, text, .optional = true) };
BY_MODEL(text_in, text_in_fields);

static int failures_left;
static int calls;

static by_error *flaky(by_ctx *ctx, text_in *out)
{
	calls++;
	ck_assert_ptr_null(out->text); /* zeroed each time */
	out->text = "dirt";
	if (failures_left-- > 0)
		return by_fail(ctx, UNAVAILABLE, "Not yet.");
	out->text = "done";
	return BY_OK;
}
BY_OPERATION_OUT(flaky, text_in);

static by_error *edit(by_ctx *ctx, const text_in *in)
{
	(void)ctx;
	(void)in;
	return BY_OK;
}
BY_OPERATION_IN(edit, text_in);

static const by_route rows[] = {
	BY_ROUTE(GET, "/flaky", flaky, .access = BY_PUBLIC),
	BY_ROUTE(POST, "/edit", edit, .access = BY_ROLE("editor"), .transaction = BY_TX_SERIALIZABLE, .timeout_ms = 50),
};
static BY_ROUTES(good, "Good", rows);
static const by_routes *const groups[] = { &good };
static const by_version       versions[] = { { "v1", "/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena *arena;

static const by__endpoint *endpoint_of(const by__server *server, const char *path)
{
	const by__endpoints *all = by__server_endpoints(server);

	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].path, path) == 0)
			return &all->items[i];
	return NULL;
}

static const char *policies_of(const by__server *server, const char *path)
{
	by_buf      out;
	const char *name;

	by_buf_init(&out, arena, 0);
	for (size_t i = 0; by__server_policy(server, endpoint_of(server, path), i, &name); i++)
		by_put_format(&out, "%s%s", i ? " " : "", name);
	return by_buf_string(&out);
}

START_TEST(a_chain_holds_what_its_row_asks_for_in_one_order)
{
	arena = by_arena_new(0);
	by__server *server = test_server(arena, &app);

	ck_assert_str_eq(policies_of(server, "/v1/edit"),
	    "observe problem deadline body access decode encode transaction operate");
	ck_assert_str_eq(policies_of(server, "/v1/flaky"), "observe problem deadline body decode encode operate");
	ck_assert_str_eq(policies_of(server, "/health"), "observe problem deadline body encode operate");
}
END_TEST

/* A policy of one's own: tries again, and counts in its state how often. */
typedef struct again_config { int most; } again_config;
typedef struct again_state { int tried; } again_state;

static bool again_configure(const by__setup *setup, again_config *config)
{
	config->most = setup->endpoint->method == BY_GET ? 3 : 0;
	return config->most > 0;
}

static int last_tried;

static by_error *again_around(by__call *call, const again_config *config, again_state *state)
{
	by_error *error;

	do
		error = by__next(call);
	while (error != BY_OK && error->kind->retryable && ++state->tried < config->most);
	last_tried = state->tried;
	return error;
}

extern const by__interceptor by__again;
BY__INTERCEPTOR(again, again_config, again_state);

static by__endpoint endpoint;

static by_error *run(by_ctx *ctx, void *argument)
{
	by__call   call = { .ctx = ctx, .endpoint = &endpoint };
	by_request request = { .magic = BY__REQUEST_MAGIC };
	text_in    out;

	call.request = ctx->request = &request;
	call.out = &out;
	return by__chain_run(argument, &call);
}

static by_error *run_chain(const by__interceptor *const *order, size_t count)
{
	static by__server_options options = { .body_max = 1 };

	if (arena == NULL)
		arena = by_arena_new(0);
	endpoint = (by__endpoint){ .method = BY_GET, .operation = &flaky_op };
	calls = 0;
	return by__runtime_block_on(arena, run,
	    (void *)(uintptr_t)by__chain_of(&(by__setup){ arena, &endpoint, &options, NULL }, order, count));
}

START_TEST(an_interceptor_may_run_what_follows_again)
{
	static const by__interceptor *const order[] = { &by__again, &by__operate };

	failures_left = 2;
	ck_ok(run_chain(order, 2));
	ck_assert_int_eq(calls, 3);
	ck_assert_int_eq(last_tried, 2);
	failures_left = 9;
	ck_fails(run_chain(order, 2), UNAVAILABLE);
	ck_assert_int_eq(calls, 3);
}
END_TEST

START_TEST(one_interceptor_may_stand_twice_with_a_state_each)
{
	static const by__interceptor *const order[] = { &by__again, &by__deadline, &by__again, &by__operate };

	failures_left = 5;
	ck_fails(run_chain(order, 4), UNAVAILABLE); /* the inner state is of the request: it has none left */
	ck_assert_int_eq(calls, 5);
	ck_assert_int_eq(last_tried, 3);
}
END_TEST

/* What start-up says about an application of these rows. */
static const char *complaint(const by_route *wrong, size_t count)
{
	const by__server_options options = { .body_max = 100 };
	by__server              *server = NULL;
	by_routes                group = { "Wrong", wrong, count, BY_HERE_INIT };
	const by_routes         *own_groups[] = { &group };
	by_version               version = { "v1", "/v1", own_groups, 1 };
	by_app                   own = { .name = "test", .version = "1", .versions = &version, .version_count = 1 };

	arena = by_arena_new(0);
	by_error *error = by__server_new(arena, &own, &options, &server);

	ck_assert_msg(by_error_is(error, CONFIGURATION), "start-up took the rows");
	return error->detail;
}

static void complains(const char *text, const char *about)
{
	ck_assert_msg(strstr(text, about) != NULL, "\"%s\" is not in: %s", about, text);
	ck_assert_ptr_nonnull(strstr(text, "test_chain.c:"));
}

START_TEST(a_row_without_access_does_not_start)
{
	static const by_route wrong[] = { BY_ROUTE(GET, "/a", flaky, .summary = "x") };

	complains(complaint(wrong, 1), "/a says nothing about who may call; add .access");
}
END_TEST

START_TEST(every_mistake_is_told_at_once_with_its_place)
{
	static const by_route wrong[] = {
		BY_ROUTE(GET, "a", flaky, .access = BY_PUBLIC),
		BY_ROUTE(GET, "/a//b", flaky, .access = BY_PUBLIC),
		BY_ROUTE(GET, "/a/{id}", flaky, .access = BY_PUBLIC),
		BY_ROUTE(GET, "/b", flaky, .access = { BY_ACCESS_ROLE, "" }),
		BY_ROUTE(GET, "/c", flaky, .access = BY_PUBLIC, .status = 302),
		BY_ROUTE(GET, "/d", flaky, .access = BY_PUBLIC, .public_read = true),
		{ .path = "/e", .access = BY_PUBLIC, .place = BY_HERE_INIT },
	};
	const char *text = complaint(wrong, BY_COUNT(wrong));

	complains(text, "the path must begin with \"/\"");
	complains(text, "a segment is empty");
	complains(text, "/v1/a/{id} has 1 parameters");
	complains(text, "the role is empty");
	complains(text, "the status of success of /v1/c is 302");
	complains(text, "are for BY_CRUD");
	complains(text, "/e is neither BY_ROUTE");
}
END_TEST

START_TEST(two_rows_for_the_same_requests_do_not_start)
{
	static const by_route wrong[] = {
		BY_ROUTE(GET, "/a", flaky, .access = BY_PUBLIC),
		BY_ROUTE(GET, "/a", flaky, .access = BY_PUBLIC),
	};
	const char *text = complaint(wrong, 2);

	complains(text, "GET /v1/a takes the same requests as /v1/a");
	complains(text, "the operation \"flaky\" is in version v1 already");
}
END_TEST

typedef struct odd_in { by_json any; const char *id; } odd_in;
BY_DECLARE_MODEL(odd_in);
static const by_field odd_in_fields[] = {
	BY_FIELD(odd_in, any, .from = BY_FROM_BODY),
	BY_FIELD(odd_in, id, .from = BY_FROM_PATH),
};
BY_MODEL(odd_in, odd_in_fields);

static by_error *odd(by_ctx *ctx, const odd_in *in)
{
	(void)ctx;
	(void)in;
	return BY_OK;
}
BY_OPERATION_IN(odd, odd_in);

START_TEST(fields_that_have_nowhere_to_come_from_do_not_start)
{
	static const by_route wrong[] = { BY_ROUTE(GET, "/a", odd, .access = BY_PUBLIC) };
	const char           *text = complaint(wrong, 1);

	complains(text, "odd_in.any comes from the body, which this method does not have");
	complains(text, "odd_in.id comes from the path, which has no parameter of that name");
}
END_TEST

static by_error *slow(by_ctx *ctx, text_in *out)
{
	(void)out;
	return by_sleep(ctx, BY_SECONDS(10));
}
BY_OPERATION_OUT(slow, text_in);

START_TEST(the_deadline_of_the_row_ends_its_waits)
{
	static const by_route own[] = { BY_ROUTE(GET, "/slow", slow, .access = BY_PUBLIC, .timeout_ms = 20) };
	const by_routes       group = { "Slow", own, 1, BY_HERE_INIT };
	const by_routes      *own_groups[] = { &group };
	const by_version      version = { "v1", "/v1", own_groups, 1 };
	const by_app          slow_app = { .name = "test", .version = "1", .versions = &version, .version_count = 1 };

	arena = by_arena_new(0);
	test_answer answer = test_serve(arena, test_server(arena, &slow_app), &(test_request){ .target = "/v1/slow" });

	ck_assert_int_eq(answer.status, 504);
	ck_assert_ptr_nonnull(strstr(answer.body, "/problems/deadline-exceeded"));
	ck_assert(answer.reusable);
}
END_TEST

/* A database whose transactions leave a trail of what happened to them. */
static char trail[64];
static bool commit_fails;
static int  rivals; /* transactions that lose against another one */

static by_error *begin_transaction(by_ctx *ctx, by_database *database, by_isolation isolation,
    by_transaction **transaction)
{
	*transaction = BY_NEW(ctx->arena, by_transaction);
	**transaction = (by_transaction){ database, isolation };
	strcat(trail, isolation == BY_TX_SERIALIZABLE ? "begin " : "begin? ");
	return BY_OK;
}

static by_error *commit_transaction(by_ctx *ctx, by_transaction *transaction)
{
	(void)transaction;
	strcat(trail, "commit ");
	if (rivals-- > 0)
		return by_fail(ctx, SERIALIZATION_FAILURE, "The same data was changed at the same time.");
	return commit_fails ? by_fail(ctx, DATABASE_UNAVAILABLE, "The database cannot be reached.") : BY_OK;
}

static void rollback_transaction(by_ctx *ctx, by_transaction *transaction)
{
	(void)ctx;
	(void)transaction;
	strcat(trail, "rollback ");
}

static by_error *write_rows(by_ctx *ctx, text_in *out)
{
	by_respond_header(ctx, "X-Rows", "1");
	strcat(trail, ctx->transaction ? "write " : "outside ");
	out->text = "written";
	return failures_left > 0 ? by_fail(ctx, CONFLICT, "It is there already.") : BY_OK;
}
BY_OPERATION_OUT(write_rows, text_in);

static by_error *stream_rows(by_ctx *ctx, const text_in *in)
{
	(void)in;
	by_respond_status(ctx, 200);
	return by_respond_write(ctx, "row", 3);
}
BY_OPERATION_IN(stream_rows, text_in);

/* Asks an application of that one row. */
static test_answer ask_row(const by_route *row, const test_request *request)
{
	static const by_database_driver driver = {
		.dialect = "test", .begin = begin_transaction, .commit = commit_transaction, .rollback = rollback_transaction
	};
	by_database      database = { &driver };
	by_providers     providers = { .database = &database };
	const by_routes  group = { "Rows", row, 1, BY_HERE_INIT };
	const by_routes *own_groups[] = { &group };
	const by_version version = { "v1", "/v1", own_groups, 1 };
	const by_app     own_app = { .name = "test", .version = "1", .versions = &version, .version_count = 1 };
	test_request     own = *request;

	own.providers = &providers;
	trail[0] = '\0';
	return test_serve(arena, test_server(arena, &own_app), &own);
}

START_TEST(an_answer_under_way_is_not_begun_again)
{
	static const by_route row = BY_ROUTE(GET, "/rows", stream_rows, .access = BY_PUBLIC,
	    .transaction = BY_TX_SERIALIZABLE);

	arena = by_arena_new(0);
	rivals = 1;
	test_answer answer = ask_row(&row, &(test_request){ .target = "/v1/rows?text=x" });

	ck_assert_str_eq(answer.body, "row");
	ck_assert(answer.broken_off);
	ck_assert_str_eq(trail, "begin commit begin rollback ");
}
END_TEST

START_TEST(the_answer_is_written_after_its_transaction_is_committed)
{
	static const by_route row = BY_ROUTE(PUT, "/rows", write_rows, .access = BY_PUBLIC,
	    .transaction = BY_TX_SERIALIZABLE);
	const test_request request = { .method = "PUT", .target = "/v1/rows" };

	arena = by_arena_new(0);
	failures_left = 0;
	ck_assert_str_eq(ask_row(&row, &request).body, "{\"text\":\"written\"}");
	ck_assert_str_eq(trail, "begin write commit ");
	rivals = 1;
	test_answer again = ask_row(&row, &request);

	ck_assert_str_eq(trail, "begin write commit begin write commit ");
	ck_assert_ptr_null(strstr(strstr(again.headers, "X-Rows: 1") + 1, "X-Rows"));
	failures_left = 1;
	ck_assert_int_eq(ask_row(&row, &request).status, 409);
	ck_assert_str_eq(trail, "begin write rollback ");
	failures_left = 0;
	commit_fails = true;
	test_answer answer = ask_row(&row, &request);

	ck_assert_int_eq(answer.status, 503);
	ck_assert_ptr_null(strstr(answer.body, "written"));
	ck_assert_str_eq(trail, "begin write commit ");
}
END_TEST

UNIT("chain", a_chain_holds_what_its_row_asks_for_in_one_order, an_interceptor_may_run_what_follows_again,
    one_interceptor_may_stand_twice_with_a_state_each, a_row_without_access_does_not_start,
    every_mistake_is_told_at_once_with_its_place, two_rows_for_the_same_requests_do_not_start,
    fields_that_have_nowhere_to_come_from_do_not_start, the_deadline_of_the_row_ends_its_waits,
    an_answer_under_way_is_not_begun_again, the_answer_is_written_after_its_transaction_is_committed);
