/* Health answers over a database that is well, gone, or hangs. */
#include <stdatomic.h>
#include <string.h>

#include <banyan/task.h>

#include "core/shared.h"
#include "support/exchange.h"
#include "unit/unit.h"

/* A database that counts the statements it is asked, and does with them what the test says. */
typedef enum mood { WELL, GONE, HANGING } mood;

static mood now_is;
static int  statements;

static by_error *query(by_ctx *ctx, by_database *database, by_transaction *transaction, const by_statement *statement,
    const by_value *args, size_t count, by_row_sink *sink, int64_t *affected)
{
	(void)database;
	(void)transaction;
	(void)statement;
	(void)args;
	(void)count;
	(void)sink;
	(void)affected;
	statements++;
	if (now_is == GONE)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE_UNAVAILABLE, "No."), "connect to db.internal failed");
	return by_sleep(ctx, now_is == HANGING ? BY_SECONDS(60) : BY_MILLISECONDS(5));
}

static const by_database_driver driver = { .dialect = "test", .query = query };
static by_database              database = { &driver };
static by_providers             providers = { .database = &database };
static const by_app             app = { .name = "test", .version = "1.2.3" };

static by_arena   *arena;
static by__server *server;

static void setup(mood mood_now)
{
	arena = by_arena_new(0);
	server = test_server(arena, &app);
	now_is = mood_now;
	statements = 0;
}

static test_answer get(const char *target)
{
	return test_serve(arena, server, &(test_request){ .target = target, .providers = &providers });
}

static void holds(test_answer answer, int status, const char *part)
{
	ck_assert_msg(answer.status == status, "%d %s", answer.status, answer.body);
	ck_assert_msg(strstr(answer.body, part) != NULL, "%s is not in %s", part, answer.body);
	ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), "no-store");
}

START_TEST(a_database_that_answers_is_healthy)
{
	setup(WELL);
	test_answer answer = get("/health");

	holds(answer, 200, "{\"status\":\"healthy\",\"version\":\"1.2.3\",\"uptime_seconds\":");
	holds(answer, 200, "\"components\":{\"database\":{\"status\":\"healthy\",\"latency_ms\":");
	holds(get("/ready"), 200, "\"healthy\"");
}
END_TEST

START_TEST(a_database_that_is_gone_makes_503_and_says_nothing_of_hosts)
{
	setup(GONE);
	test_answer answer = get("/health");

	holds(answer, 503, "{\"status\":\"unhealthy\"");
	holds(answer, 503, "\"message\":\"It cannot be reached.\"");
	ck_assert_ptr_null(strstr(answer.body, "db.internal"));
	holds(get("/ready"), 503, "\"unhealthy\"");
	holds(get("/live"), 200, "\"healthy\"");
}
END_TEST

START_TEST(a_database_that_hangs_costs_a_second)
{
	setup(HANGING);
	uint64_t start = by_clock();

	holds(get("/ready"), 503, "\"message\":\"It did not answer in time.\"");
	ck_assert_uint_lt(by_clock() - start, 3000000000u);
}
END_TEST

START_TEST(it_is_asked_once_a_second_however_many_ask)
{
	setup(WELL);
	for (int i = 0; i < 5; i++)
		holds(get(i % 2 ? "/ready" : "/health"), 200, "\"healthy\"");
	ck_assert_int_eq(statements, 1);
	holds(get("/live"), 200, "\"healthy\"");
	ck_assert_int_eq(statements, 1);
}
END_TEST

START_TEST(many_that_ask_at_once_share_one_probe)
{
	enum { MANY = 50 };
	static test_request requests[MANY];
	static test_answer  answers[MANY];

	setup(WELL);
	for (int i = 0; i < MANY; i++)
		requests[i] = (test_request){ .target = i % 2 ? "/health" : "/ready", .providers = &providers };
	test_serve_together(arena, server, requests, MANY, answers);
	for (int i = 0; i < MANY; i++)
		holds(answers[i], 200, "\"database\":{\"status\":\"healthy\"");
	ck_assert_int_eq(statements, 1);
}
END_TEST

START_TEST(a_server_that_drains_is_not_ready_but_lives)
{
	setup(WELL);
	atomic_store(&by__shared_get()->draining, 1);
	holds(get("/ready"), 503, "\"draining\"");
	holds(get("/live"), 200, "\"healthy\"");
	holds(get("/health"), 200, "\"healthy\"");
}
END_TEST

UNIT("health", a_database_that_answers_is_healthy, a_database_that_is_gone_makes_503_and_says_nothing_of_hosts,
    a_database_that_hangs_costs_a_second, it_is_asked_once_a_second_however_many_ask, many_that_ask_at_once_share_one_probe,
    a_server_that_drains_is_not_ready_but_lives);
