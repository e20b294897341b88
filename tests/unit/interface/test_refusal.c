/* Requests refused for the state of the service: poisoned routes, what the gateway says, and how long they have waited. */
#include <stdatomic.h>
#include <string.h>

#include <banyan/task.h>

#include "core/shared.h"
#include "interface/refusal.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef struct thing { int64_t number; } thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = { BY_FIELD(thing, number) };
BY_MODEL(thing, thing_fields);

static unsigned calls;

static by_error *make(by_ctx *ctx, thing *out)
{
	(void)ctx;
	out->number = ++calls;
	return BY_OK;
}
BY_OPERATION_OUT(make, thing);

static const by_route rows[] = {
	BY_ROUTE(GET, "/things", make, .access = BY_PUBLIC),
	BY_ROUTE(GET, "/others", make, .name = "make_others", .access = BY_PUBLIC),
};
static BY_ROUTES(things, "Things", rows);
static const by_routes *const groups[] = { &things };
static const by_version       versions[] = { { "v1", "/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena   *arena;
static by__server *server;

static void setup(void)
{
	arena = by_arena_new(0);
	server = test_server(arena, &app);
}

static test_answer ask(const char *method, const char *target)
{
	return test_serve(arena, server, &(test_request){ .method = method, .target = target });
}

START_TEST(a_poisoned_route_is_refused_for_its_time_and_its_handler_not_called)
{
	setup();
	by__poison_add(by__poison_key("GET", "/v1/things"), BY_SECONDS(40));
	test_answer answer = ask("GET", "/v1/things");

	ck_assert_int_eq(answer.status, 503);
	int retry = atoi(test_header(arena, &answer, "Retry-After"));

	ck_assert_int_ge(retry, 38);
	ck_assert_int_le(retry, 40);
	ck_assert_ptr_nonnull(strstr(answer.body, "/problems/unavailable"));
	ck_assert_int_eq(ask("HEAD", "/v1/things").status, 503);
	ck_assert_uint_eq(calls, 0);
	ck_assert_int_eq(ask("GET", "/v1/others").status, 200);
}
END_TEST

START_TEST(poison_wears_off)
{
	setup();
	by__poison_add(by__poison_key("HEAD", "/v1/things"), BY_SECONDS(40));
	ck_assert_int_eq(ask("GET", "/v1/things").status, 503);
	by__poison_add(by__poison_key("GET", "/v1/things"), BY_SECONDS(0));
	ck_assert_int_eq(ask("GET", "/v1/things").status, 200);
}
END_TEST

START_TEST(the_frameworks_own_endpoints_are_never_poisoned)
{
	setup();
	by__poison_add(by__poison_key("GET", "/live"), BY_SECONDS(40));
	ck_assert_int_eq(ask("GET", "/live").status, 200);
}
END_TEST

START_TEST(restricted_to_the_frameworks_own_endpoints_a_server_knows_no_others)
{
	setup();
	by__server_restrict(server);
	ck_assert_int_eq(ask("GET", "/live").status, 200);
	ck_assert_int_eq(ask("GET", "/metrics").status, 200);
	ck_assert_int_eq(ask("GET", "/v1/things").status, 404);
	ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(startup_is_told_once_a_worker_was_ready)
{
	setup();
	test_answer answer = ask("GET", "/startup");

	ck_assert_int_eq(answer.status, 503);
	ck_assert_ptr_nonnull(strstr(answer.body, "\"starting\""));
	ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), "no-store");
	atomic_store(&by__shared_get()->ready, 1);
	ck_assert_int_eq(ask("GET", "/startup").status, 200);
}
END_TEST

START_TEST(own_endpoints_are_known_by_their_target)
{
	setup();
	ck_assert(by__server_is_builtin(server, BY_TEXT("/live")));
	ck_assert(by__server_is_builtin(server, BY_TEXT("/health?verbose")));
	ck_assert(!by__server_is_builtin(server, BY_TEXT("/v1/things")));
	ck_assert(!by__server_is_builtin(server, BY_TEXT("/live/")));
	ck_assert(!by__server_is_builtin(server, BY_TEXT("")));
}
END_TEST

START_TEST(the_time_a_web_server_passes_is_read_in_every_unit)
{
	static const by_time now = { 1732831240000000 };
	static const struct {
		const char *start;
		uint64_t    seconds;
	} cases[] = {
		{ "1732831234", 6 }, { "1732831234.000", 6 }, { "1732831234.0000001", 6 }, { "t=1732831234.000", 6 },
		{ "1732831234000", 6 }, { "1732831234000000", 6 }, { "t=1732831234000000", 6 },
		{ "1732831241", 0 }, { "1732830640", 0 }, { "", 0 }, { "t=", 0 }, { "-1732831234", 0 }, { "1732831234.", 6 },
		{ "1732831234x", 0 }, { "1732831234.x", 0 }, { "1732831234000.5", 0 }, { "17328", 0 }, { "99999999999999999999", 0 },
		{ "1732831234.1.1", 0 },
	};

	for (size_t i = 0; i < BY_COUNT(cases); i++)
		ck_assert_msg(by__waited_since((by_text){ cases[i].start, strlen(cases[i].start) }, now)
		    == cases[i].seconds * 1000000000, "%s", cases[i].start);
	ck_assert_uint_eq(by__waited_since(BY_TEXT("1732831239.75"), now), 250000000);
}
END_TEST

UNIT("refusal", a_poisoned_route_is_refused_for_its_time_and_its_handler_not_called, poison_wears_off,
    the_frameworks_own_endpoints_are_never_poisoned, restricted_to_the_frameworks_own_endpoints_a_server_knows_no_others,
    startup_is_told_once_a_worker_was_ready, own_endpoints_are_known_by_their_target,
    the_time_a_web_server_passes_is_read_in_every_unit);
