/*
 * What PostgreSQL's driver does when things go wrong or slow: run with a URL
 * and the name of a case, it prints TAP. The case `load` is left running while
 * the test kills and restarts the server.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <banyan/kind.h>
#include <banyan/log.h>
#include <banyan/metric.h>
#include <banyan/provider.h>
#include <banyan/store.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "infrastructure/db/drivers.h"
#include "infrastructure/db/postgresql.h"

static int failures;

static void report(bool ok, const char *name)
{
	printf("%s - %s\n", ok ? "ok" : "not ok", name);
	fflush(stdout);
	failures += !ok;
}

static double ms_since(uint64_t since)
{
	return (double)(by_clock() - since) / 1e6;
}

static by_error *run(by_ctx *ctx, const char *sql)
{
	return by_database_query(ctx, by_statement_of("test", sql), NULL, 0, NULL, NULL);
}

typedef struct text_sink {
	by_row_sink sink; /* first */
	int64_t     value;
} text_sink;

static by_error *on_value(by_row_sink *sink, by_ctx *ctx BY_UNUSED, const by_value *cells, size_t count BY_UNUSED)
{
	((text_sink *)sink)->value = cells[0].integer;
	return BY_OK;
}

static by_error *ask(by_ctx *ctx, const char *sql, int64_t *value)
{
	text_sink sink = { { on_value }, -1 };
	BY_TRY(by_database_query(ctx, by_statement_of("test.ask", sql), NULL, 0, &sink.sink, NULL));
	*value = sink.value;
	return BY_OK;
}

/* ---- transactions ---- */

typedef struct sleeper {
	const char *sql;
	by_error   *error;
	double      ms;
} sleeper;

static by_error *run_argument(by_ctx *ctx, void *argument)
{
	return run(ctx, argument);
}

static by_error *sleep_in_transaction(by_ctx *ctx, sleeper *self)
{
	uint64_t since = by_clock();
	self->error = by_transact(ctx, BY_TX_READ_COMMITTED, run_argument, (void *)(uintptr_t)self->sql);
	self->ms = ms_since(since);
	return BY_OK;
}
BY_TASK(sleep_in_transaction, sleeper);

static by_error *spawn_sleepers(by_ctx *ctx, sleeper *all, int count, const char *sql)
{
	by_task **tasks = BY_NEW_ARRAY(ctx->arena, by_task *, (size_t)count);
	for (int i = 0; i < count; i++) {
		all[i].sql = sql;
		tasks[i] = BY_SPAWN(ctx, sleep_in_transaction, &all[i]);
	}
	for (int i = 0; i < count; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	return BY_OK;
}

static by_error *fifty_sleeps(by_ctx *ctx)
{
	enum { MANY = 50 };
	sleeper  all[MANY] = { { 0 } };
	uint64_t since = by_clock();
	bool     ok = true;
	BY_TRY(spawn_sleepers(ctx, all, MANY, "SELECT pg_sleep(1)"));
	double ms = ms_since(since);
	for (int i = 0; i < MANY; i++)
		ok = ok && !all[i].error;
	printf("# fifty transactions of one second took %.0f ms\n", ms);
	report(ok && ms < 1500, "fifty transactions of one second take less than 1.5 s");
	return BY_OK;
}

/* pool_max 2, queue_max 3, pool_timeout 300 ms. */
static by_error *exhausted_pool(by_ctx *ctx)
{
	enum { MANY = 8 };
	sleeper all[MANY] = { { 0 } };
	int     done = 0, at_once = 0, late = 0;
	BY_TRY(spawn_sleepers(ctx, all, MANY, "SELECT pg_sleep(1)"));
	for (int i = 0; i < MANY; i++) {
		bool refused = by_error_is(all[i].error, OVERLOADED) && all[i].error->retry_after > 0;
		done += !all[i].error;
		at_once += refused && all[i].ms < 100;
		late += refused && all[i].ms >= 250 && all[i].ms < 600;
	}
	printf("# %d done, %d refused at once, %d after waiting\n", done, at_once, late);
	report(done == 2 && at_once + late == MANY - 2 && late >= 1,
	    "a full pool refuses with OVERLOADED and Retry-After: at once, or after its time-out");
	BY_TRY(spawn_sleepers(ctx, all, 2, "SELECT 1"));
	report(!all[0].error && !all[1].error, "the pool serves again afterwards");
	return BY_OK;
}

/* ---- deadlines ---- */

static by_error *count_running(by_ctx *ctx, int64_t *count)
{
	return ask(ctx, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(9)%' "
	    "AND pid <> pg_backend_pid()", count);
}

static by_error *count_open(by_ctx *ctx, int64_t *count)
{
	return ask(ctx, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'", count);
}

static by_error *await_none(by_ctx *ctx, by_error *(*count)(by_ctx *ctx, int64_t *count), bool *none)
{
	int64_t left = 1;
	for (int i = 0; i < 40 && left; i++) {
		BY_TRY(count(ctx, &left));
		if (left)
			BY_TRY(by_sleep(ctx, BY_MILLISECONDS(50)));
	}
	*none = left == 0;
	return BY_OK;
}

static by_error *deadlines(by_ctx *ctx)
{
	bool   ok = true, none = false;
	double longest = 0;
	char   sleep[] = "SELECT pg_sleep(9)";
	for (int i = 0; i < 20; i++) {
		by_ctx  *limited = by_ctx_child(ctx);
		uint64_t since = by_clock();
		by_ctx_limit(limited, BY_MILLISECONDS(50));
		by_error *error = i % 2 ? run(limited, sleep) : by_transact(limited, BY_TX_READ_COMMITTED, run_argument, sleep);
		ok = ok && by_error_is(error, DEADLINE_EXCEEDED);
		double ms = ms_since(since);
		longest = ms > longest ? ms : longest;
	}
	printf("# the longest took %.0f ms\n", longest);
	report(ok && longest < 500, "a statement returns at its deadline, alone and in a transaction");
	BY_TRY(await_none(ctx, count_running, &none));
	report(none, "what nobody waits for is cancelled on the server");
	BY_TRY(await_none(ctx, count_open, &none));
	report(none, "no transaction is left open");
	int64_t open = 0;
	BY_TRY(ask(ctx, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'", &open));
	printf("# %lld connections\n", (long long)open);
	report(open <= 2 + 2, "no more connections than the pools may hold");
	sleeper one = { 0 };
	BY_TRY(spawn_sleepers(ctx, &one, 1, "SELECT 1"));
	report(!one.error, "the pool's connections are clean afterwards");
	return BY_OK;
}

/* ---- who is served first ---- */

enum { IN_LINE = 12, GIVES_UP = 5 };

typedef struct in_line {
	int       number;
	int      *served; /* how many have been, so far */
	int       place;
	by_error *error;
} in_line;

static by_error *take_place(by_ctx *ctx, void *argument)
{
	in_line *self = argument;
	self->place = ++*self->served;
	/* Long enough for whoever is not next to come first if order were not kept. */
	return by_sleep(ctx, BY_MILLISECONDS(self->number ? 5 : 300));
}

static by_error *stand_in_line(by_ctx *ctx, in_line *self)
{
	if (self->number == GIVES_UP)
		by_ctx_limit(ctx, BY_MILLISECONDS(50));
	self->error = by_transact(ctx, BY_TX_READ_COMMITTED, take_place, self);
	return BY_OK;
}
BY_TASK(stand_in_line, in_line);

/* pool_max 1: the first holds the one connection while the others come, and one in their middle leaves. */
static by_error *in_order(by_ctx *ctx)
{
	in_line  all[IN_LINE];
	by_task *tasks[IN_LINE];
	int      served = 0;
	bool     ok = true;
	for (int i = 0; i < IN_LINE; i++) {
		all[i] = (in_line){ .number = i, .served = &served };
		tasks[i] = BY_SPAWN(ctx, stand_in_line, &all[i]);
	}
	for (int i = 0; i < IN_LINE; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	for (int i = 0; i < IN_LINE; i++) {
		printf("# number %d was served as %d\n", i, all[i].place);
		ok = ok && (i == GIVES_UP || (!all[i].error && all[i].place == i + 1 - (i > GIVES_UP)));
	}
	report(ok, "whoever waits for a connection is served in the order of coming");
	report(all[GIVES_UP].place == 0 && by_error_is(all[GIVES_UP].error, DEADLINE_EXCEEDED),
	    "one that gives up in the middle does so at its own deadline, and the line goes on");
	return BY_OK;
}

/* ---- the pool's least number, idle limit and age ---- */

/* Others' sessions with this database; `shared` among them are not the pool's. */
static by_error *count_sessions(by_ctx *ctx, int64_t *count)
{
	return ask(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool'", count);
}

static by_error *await_sessions(by_ctx *ctx, int64_t wanted, int64_t *count)
{
	*count = -1;
	for (int i = 0; i < 400 && *count != wanted; i++) {
		BY_TRY(count_sessions(ctx, count));
		if (*count != wanted)
			BY_TRY(by_sleep(ctx, BY_MILLISECONDS(25)));
	}
	return BY_OK;
}

/* pool_min 2, pool_max 6, pool_idle 400 ms, beside two shared ones. */
static by_error *idle_limit(by_ctx *ctx)
{
	enum { MANY = 6 };
	sleeper all[MANY] = { { 0 } };
	int64_t open = 0;
	bool    ok = true;
	BY_TRY(await_sessions(ctx, 2 + 2, &open));
	report(open == 4, "the least number of connections is opened before anything needs them");
	BY_TRY(spawn_sleepers(ctx, all, MANY, "SELECT pg_sleep(0.2)"));
	for (int i = 0; i < MANY; i++)
		ok = ok && !all[i].error;
	BY_TRY(count_sessions(ctx, &open));
	printf("# %lld connections after the load\n", (long long)open);
	report(ok && open == 2 + 6, "under load the pool grows to its bound");
	BY_TRY(await_sessions(ctx, 2 + 2, &open));
	report(open == 4, "connections that nobody needs are closed, but not below the least number");
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1000)));
	BY_TRY(count_sessions(ctx, &open));
	report(open == 4, "and it stays at that");
	return BY_OK;
}

typedef struct steady {
	uint64_t ends;
	int      done, failed;
} steady;

static by_error *run_steadily(by_ctx *ctx, steady *self)
{
	static char sql[] = "SELECT 7001";
	for (int i = 0; by_clock() < self->ends; i++) {
		by_error *error = i % 2 ? run(ctx, sql) : by_transact(ctx, BY_TX_READ_COMMITTED, run_argument, sql);
		self->failed += error != NULL;
		self->done++;
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1)));
	}
	return BY_OK;
}
BY_TASK(run_steadily, steady);

static by_error *count_older(by_ctx *ctx, int64_t *count)
{
	return ask(ctx, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool' "
	    "AND backend_start < (SELECT at FROM remembered)", count);
}

/* pool_lifetime 300 ms: in two seconds under load every connection is replaced several times. */
static by_error *lifetime(by_ctx *ctx)
{
	enum { MANY = 16 };
	steady   self = { .ends = by_clock() + UINT64_C(2000000000) };
	by_task *tasks[MANY];
	bool     none = false;
	BY_TRY(ctx->providers->database->driver->script(ctx, ctx->providers->database, NULL,
	    "DROP TABLE IF EXISTS remembered; CREATE TABLE remembered AS SELECT clock_timestamp() AS at"));
	for (int i = 0; i < MANY; i++)
		tasks[i] = BY_SPAWN(ctx, run_steadily, &self);
	for (int i = 0; i < MANY; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	printf("# %d statements, %d failed\n", self.done, self.failed);
	report(self.done > 0 && self.failed == 0, "no statement fails while connections are replaced");
	BY_TRY(await_none(ctx, count_older, &none));
	report(none, "no connection is left of those that were there first");
	return BY_OK;
}

/* statement_timeout 200 ms. */
static by_error *statement_timeout(by_ctx *ctx)
{
	bool     lite = strcmp(ctx->providers->database->driver->dialect, "sqlite") == 0;
	uint64_t since = by_clock();
	by_error *error = run(ctx, lite ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
	                                : "SELECT pg_sleep(60)");
	report(by_error_is(error, DEADLINE_EXCEEDED) && ms_since(since) < 30000, "a statement ends at its time limit");
	return BY_OK;
}

/* ---- a slow neighbour ---- */

typedef struct timed {
	const char *sql;
	double      ms;
	by_error   *error;
} timed;

static by_error *run_timed(by_ctx *ctx, timed *self)
{
	uint64_t since = by_clock();
	self->error = run(ctx, self->sql);
	self->ms = ms_since(since);
	return BY_OK;
}
BY_TASK(run_timed, timed);

static by_error *slow_neighbour(by_ctx *ctx)
{
	enum { MANY = 100 };
	timed    slow = { .sql = "SELECT pg_sleep(1)" }, all[MANY];
	by_task *tasks[MANY];
	int      late = 0;
	double   longest = 0;
	by_task *slow_task = BY_SPAWN(ctx, run_timed, &slow);
	for (int i = 0; i < MANY; i++) {
		all[i] = (timed){ .sql = "SELECT 1 AS short" };
		tasks[i] = BY_SPAWN(ctx, run_timed, &all[i]);
	}
	for (int i = 0; i < MANY; i++) {
		BY_TRY(by_join(ctx, tasks[i]));
		late += all[i].ms >= 50 || all[i].error;
		longest = all[i].ms > longest ? all[i].ms : longest;
	}
	BY_TRY(by_join(ctx, slow_task));
	printf("# the longest of the short ones took %.1f ms, the slow one %.0f\n", longest, slow.ms);
	report(late <= 1 && !slow.error, "beside a statement of one second, 99 of 100 short ones take less than 50 ms");
	return BY_OK;
}

/* ---- a server that goes and comes back ---- */

static volatile sig_atomic_t load_ends; /* set by SIGTERM */

static void end_load(int number)
{
	(void)number;
	load_ends = 1;
}

typedef struct load {
	uint64_t ok, unavailable, other;
	uint64_t last_failure, first_after, slowest;
	const char *other_text;
} load;

static by_error *load_once(by_ctx *ctx, int number)
{
	static char write[] = "INSERT INTO loaded VALUES (1)";
	if (number % 4 == 0)
		return by_transact(ctx, BY_TX_READ_COMMITTED, run_argument, write);
	return run(ctx, number % 4 == 1 ? write : "SELECT count(*) FROM loaded WHERE number = 0");
}

static by_error *load_task(by_ctx *ctx, load *self)
{
	for (int number = 0; !load_ends; number++) {
		by_arena *arena = by_arena_new(0);
		by_ctx   *own = by_ctx_child(ctx);
		own->arena = arena;
		uint64_t  since = by_clock();
		by_error *error = load_once(own, number);
		uint64_t  now = by_clock();
		self->slowest = now - since > self->slowest ? now - since : self->slowest;
		if (!error) {
			self->ok++;
			if (self->last_failure && !self->first_after)
				self->first_after = now;
		} else {
			self->last_failure = now;
			self->first_after = 0;
			self->unavailable += by_error_is(error, DATABASE_UNAVAILABLE);
			if (!by_error_is(error, DATABASE_UNAVAILABLE)) {
				self->other++;
				printf("# %s: %s\n", error->kind->name, error->internal ? error->internal : error->detail);
			}
		}
		by_arena_free(&arena);
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(5)));
	}
	return BY_OK;
}
BY_TASK(load_task, load);

static by_error *under_load(by_ctx *ctx)
{
	enum { MANY = 20 };
	load     total = { 0 };
	by_task *tasks[MANY];
	BY_TRY(ctx->providers->database->driver->script(ctx, ctx->providers->database, NULL,
	    "DROP TABLE IF EXISTS loaded; CREATE TABLE loaded (number integer)"));
	for (int i = 0; i < MANY; i++)
		tasks[i] = BY_SPAWN(ctx, load_task, &total);
	signal(SIGTERM, end_load);
	printf("# loading\n");
	fflush(stdout);
	for (int i = 0; i < MANY; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	printf("# ok=%llu unavailable=%llu other=%llu slowest_ms=%llu first_after=%llu\n", (unsigned long long)total.ok,
	    (unsigned long long)total.unavailable, (unsigned long long)total.other,
	    (unsigned long long)(total.slowest / 1000000), (unsigned long long)total.first_after);
	report(total.ok > 0 && total.other == 0, "every failure was DATABASE_UNAVAILABLE");
	return BY_OK;
}

/* ---- speed ---- */

typedef struct speedy {
	int64_t     id;
	const char *name;
	double      fps;
	by_time     at;
	bool        gone;
	int64_t     version;
	const char *note;
	int32_t     state;
} speedy;
BY_DECLARE_MODEL(speedy);
static const by_field speedy_fields[] = {
	BY_FIELD(speedy, id), BY_FIELD(speedy, name), BY_FIELD(speedy, fps), BY_FIELD(speedy, at), BY_FIELD(speedy, gone),
	BY_FIELD(speedy, version), BY_FIELD(speedy, note), BY_FIELD(speedy, state),
};
BY_MODEL(speedy, speedy_fields, .table = "speedy");

static double cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
	    + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* What a repository's page of 100 rows costs this process. */
static by_error *list_pages(by_ctx *ctx)
{
	enum { TIMES = 2000 };
	by_query query = { .by_cursor = true, .size = 100 };
	double   before = cpu_us();
	for (int i = 0; i < TIMES; i++) {
		by_list_any  rows;
		by_page_info info;
		by_arena    *arena = by_arena_new(0);
		by_ctx      *own = by_ctx_child(ctx);
		own->arena = arena;
		BY_TRY(by_store_list(own, &speedy_model, &query, &rows, &info));
		by_arena_free(&arena);
	}
	printf("# a page of 100 rows: %.1f us of processor time\n", (cpu_us() - before) / TIMES);
	return BY_OK;
}

typedef struct hammer {
	const by_statement *statement;
	by_value            arg;
	int                 times;
	by_row_sink         sink;
	int64_t             rows;
} hammer;

static by_error *on_hammered(by_row_sink *sink, by_ctx *ctx BY_UNUSED, const by_value *cells BY_UNUSED, size_t count)
{
	((hammer *)(void *)((char *)sink - offsetof(hammer, sink)))->rows += count > 0;
	return BY_OK;
}

static by_error *hammer_task(by_ctx *ctx, hammer *self)
{
	for (int i = 0; i < self->times; i++)
		BY_TRY(by_database_query(ctx, self->statement, &self->arg, 1, &self->sink, NULL));
	return BY_OK;
}
BY_TASK(hammer_task, hammer);

static by_error *hammer_with(by_ctx *ctx, const char *what, const char *sql, int64_t arg, int times)
{
	enum { MANY = 32 };
	hammer   all[MANY];
	by_task *tasks[MANY];
	uint64_t since = by_clock();
	for (int i = 0; i < MANY; i++) {
		all[i] = (hammer){ by_statement_of(what, sql), by_value_int(arg), times, { on_hammered }, 0 };
		tasks[i] = BY_SPAWN(ctx, hammer_task, &all[i]);
	}
	for (int i = 0; i < MANY; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	double us = ms_since(since) * 1000 / (MANY * times);
	printf("# %s: %.1f us each, %.0f per second\n", what, us, 1e6 / us);
	return BY_OK;
}

/* The value behind the name in what /metrics says; -1: it is not there. */
static double metric(by_ctx *ctx, const char *name)
{
	by_buf text;
	by_buf_init(&text, ctx->arena, 0);
	by_metrics_print(&text);
	const char *at = strstr(by_buf_string(&text), name);
	return at ? strtod(at + strlen(name), NULL) : -1;
}

static by_error *metrics(by_ctx *ctx)
{
	static const char prepares[] = "banyan_db_prepares_total{db_system_name=\"postgresql\"}";
	static const char selects[] = "db_client_operation_duration_seconds_count{db_system_name=\"postgresql\","
	                              "db_operation_name=\"select\",outcome=\"ok\"}";
	static const char used[] = "db_client_connection_count{db_system_name=\"postgresql\","
	                           "db_client_connection_state=\"used\"}";
	const char *sql = "SELECT i FROM generate_series(1, 3) i WHERE i = $1";
	BY_TRY(hammer_with(ctx, "warming up", sql, 1, 50));
	double prepared = metric(ctx, prepares), selected = metric(ctx, selects);
	BY_TRY(hammer_with(ctx, "three rows", sql, 1, 100));
	printf("# %.0f statements prepared\n", prepared);
	report(prepared > 0 && metric(ctx, prepares) == prepared, "nothing is prepared again under load");
	report(metric(ctx, selects) == selected + 3200, "every statement is counted");
	report(metric(ctx, used) == 2, "open connections are counted");
	return BY_OK;
}

/* A server may refuse BEGIN itself: SERIALIZABLE on a hot standby, a pooler's limits. */
static by_error *begin_wrongly(by_ctx *ctx, void *argument)
{
	((by__pg_transaction *)ctx->transaction)->begin = "BEGIN ISOLATION LEVEL NONE OF THEM";
	return run(ctx, argument);
}

static by_error *refused_begin(by_ctx *ctx)
{
	static char once[] = "SELECT 5101", prepared[] = "SELECT 5102";
	by_ctx  *limited = by_ctx_child(ctx);
	int64_t  value = 0;
	by_ctx_limit(limited, BY_MILLISECONDS(2000));
	for (int i = 0; i < 3; i++) {
		BY_TRY(run(ctx, prepared));
		by_error *error = by_transact(limited, BY_TX_SERIALIZABLE, begin_wrongly, i == 0 ? once : prepared);
		report(error && error->kind == BY_ERROR_KIND(DATABASE), "the statement behind a refused BEGIN gets its error");
		report(error && error->internal && strstr(error->internal, "42601"), "and what the server said");
	}
	BY_TRY(by_transact(ctx, BY_TX_SERIALIZABLE, run_argument, once));
	BY_TRY(ask(ctx, "SELECT 5103", &value));
	report(value == 5103, "the connections are still good");
	return BY_OK;
}

static by_error *speed(by_ctx *ctx)
{
	BY_TRY(ctx->providers->database->driver->script(ctx, ctx->providers->database, NULL,
	    "DROP TABLE IF EXISTS speedy; CREATE TABLE speedy AS SELECT i AS id, 'row ' || i AS name, "
	    "i * 0.5::float8 AS fps, now() AS at, false AS gone, 1::bigint AS version, 'some longer text of the row' AS note, i % 7 AS state "
	    "FROM generate_series(1, 1000) i; CREATE UNIQUE INDEX ON speedy (id); ANALYZE speedy"));
	BY_TRY(hammer_with(ctx, "one row by key", "SELECT * FROM speedy WHERE id = $1", 500, 2000));
	BY_TRY(hammer_with(ctx, "100 rows", "SELECT * FROM speedy ORDER BY id LIMIT $1", 100, 300));
	BY_TRY(by_model_compile(ctx->arena, &speedy_model));
	BY_TRY(list_pages(ctx));
	report(true, "measured");
	return BY_OK;
}

/* ---- commits ---- */

/* What a statement outside a transaction did counts once it is committed, and a deferred constraint speaks only then. */
static by_error *deferred(by_ctx *ctx)
{
	int64_t count = -1;
	BY_TRY(run(ctx, "CREATE TABLE parent (id int PRIMARY KEY)"));
	BY_TRY(run(ctx, "CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)"));
	by_error *error = ask(ctx, "INSERT INTO child VALUES (7) RETURNING parent", &count);
	report(by_error_is(error, REFERENCE_VIOLATION), "a row that the commit refuses is an error, and no success");
	BY_TRY(ask(ctx, "SELECT count(*) FROM child", &count));
	report(count == 0, "it is not there");
	for (int i = 0; i < 50; i++) {
		bool fails = i % 2;
		error = run(ctx, fails ? "INSERT INTO child VALUES (1000)" : "INSERT INTO parent VALUES ((SELECT count(*) FROM parent))");
		if (fails != (error != BY_OK)) {
			report(false, "each statement has its own outcome");
			return error;
		}
	}
	report(true, "each statement has its own outcome");
	return BY_OK;
}

/* ---- running ---- */

typedef struct fault_case {
	const char         *name;
	by_error         *(*run)(by_ctx *ctx);
	by_database_options options;
} fault_case;

static const fault_case cases[] = {
	{ "fifty_sleeps", fifty_sleeps, { .pool_max = 50, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "exhausted_pool", exhausted_pool, { .pool_max = 2, .pool_timeout = { 300000 }, .queue_max = 3 } },
	{ "deadlines", deadlines, { .pool_max = 2, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "slow_neighbour", slow_neighbour, { .pool_max = 2, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "load", under_load, { .pool_max = 8, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "deferred", deferred, { .pipelines = 1, .pool_max = 2, .pool_timeout = { 3000000 }, .queue_max = 100 } },
	{ "metrics", metrics, { .pool_max = 8, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "refused_begin", refused_begin, { .pool_max = 2, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
	{ "in_order", in_order, { .pool_max = 1, .pool_timeout = { 20000000 }, .queue_max = 100 } },
	{ "statement_timeout", statement_timeout, { .pool_max = 2, .statement_timeout = { 200000 }, .queue_max = 100 } },
	{ "idle_limit", idle_limit, { .pool_min = 2, .pool_max = 6, .pool_timeout = { 20000000 }, .pool_idle = { 400000 },
	    .queue_max = 100 } },
	{ "lifetime", lifetime, { .pool_min = 1, .pool_max = 4, .pool_timeout = { 20000000 }, .pool_lifetime = { 300000 },
	    .queue_max = 1000 } },
	{ "speed", speed, { .pool_max = 8, .pool_timeout = { 3000000 }, .queue_max = 1000 } },
};

typedef struct command_line {
	const char       *url;
	const fault_case *which;
} command_line;

static by_error *run_case(by_ctx *ctx, void *argument)
{
	const command_line *command = argument;
	by_database        *database = NULL;
	BY_TRY(by_database_open(ctx->arena, command->url, &command->which->options, &database));
	by_providers providers = { .database = database, .store = by__sql_store() };
	ctx->providers = &providers;
	by_error *error = by_database_ping(ctx, database);
	if (!error)
		error = command->which->run(ctx);
	by_database_close(database);
	return error;
}

int main(int argc, char **argv)
{
	command_line command = { .url = argc == 3 ? argv[1] : NULL };
	by_arena    *arena = by_arena_new(0);
	for (size_t i = 0; argc == 3 && i < BY_COUNT(cases); i++)
		if (strcmp(argv[2], cases[i].name) == 0)
			command.which = &cases[i];
	if (!command.which) {
		fprintf(stderr, "usage: db_faults URL CASE\n");
		return 2;
	}
	by__databases_register();
	by_error *error = by__runtime_block_on(arena, run_case, &command);
	if (error)
		printf("not ok - %s: %s (%s)\n", error->kind->name, error->detail, error->internal ? error->internal : "");
	by_log_flush();
	by_arena_free(&arena);
	return error || failures;
}
