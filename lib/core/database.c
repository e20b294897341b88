/*
 * Databases as applications see them: the driver is found by the URL's scheme,
 * statements are timed, and transactions begin, end and are tried again here.
 */
#include <stdatomic.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/database.h>
#include <banyan/metric.h>
#include <banyan/provider.h>
#include <banyan/task.h>

#include "core/statement.h"

enum { DRIVERS_MAX = 8, TRANSACTION_ATTEMPTS = 4 };

enum { OUTCOME_OK, OUTCOME_ERROR, OUTCOME_COUNT };

static const char *const verb_labels[BY__VERB_COUNT] = {
	[BY__VERB_SELECT] = "select", [BY__VERB_INSERT] = "insert", [BY__VERB_UPDATE] = "update",
	[BY__VERB_DELETE] = "delete", [BY__VERB_WITH] = "with", [BY__VERB_OTHER] = "other",
};
static const char *const outcome_labels[OUTCOME_COUNT] = { "ok", "error" };

static const by_metric duration_metric = {
	.name = "db_client_operation_duration_seconds",
	.help = "Duration of database statements, waiting for a connection included",
	.type = BY_HISTOGRAM,
	.labels = { "db_system_name", "db_operation_name", "outcome" },
};

typedef struct registered {
	const by_database_driver *driver;
	by_series                 durations[BY__VERB_COUNT][OUTCOME_COUNT];
} registered;

static registered drivers[DRIVERS_MAX];
static size_t     driver_count;

static registered *registered_of(const by_database_driver *driver)
{
	for (size_t i = 0; i < driver_count; i++)
		if (drivers[i].driver == driver)
			return &drivers[i];
	return NULL;
}

void by_database_register(const by_database_driver *driver)
{
	if (registered_of(driver))
		return;
	BY_REQUIRE(driver_count < DRIVERS_MAX);
	registered *entry = &drivers[driver_count++];
	entry->driver = driver;
	for (int verb = 0; verb < BY__VERB_COUNT; verb++)
		for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
			const char *labels[] = { driver->dialect, verb_labels[verb], outcome_labels[outcome] };
			entry->durations[verb][outcome] = by_metric_series(&duration_metric, labels);
		}
}

static const by_database_driver *driver_of(by_text scheme)
{
	for (size_t i = 0; i < driver_count; i++)
		for (const char *const *name = drivers[i].driver->schemes; *name; name++)
			if (strlen(*name) == scheme.len && memcmp(*name, scheme.ptr, scheme.len) == 0)
				return drivers[i].driver;
	return NULL;
}

static by_error *unknown_scheme(by_arena *arena)
{
	by_buf known;
	by_buf_init(&known, arena, 0);
	for (size_t i = 0; i < driver_count; i++)
		for (const char *const *name = drivers[i].driver->schemes; *name; name++) {
			by_put_string(&known, known.len ? ", " : "");
			by_put_string(&known, *name);
		}
	return by_error_new(arena, CONFIGURATION,
	    "The database URL must begin with one of these schemes and a colon: %s.", by_buf_string(&known));
}

by_error *by_database_open(by_arena *arena, const char *url, const by_database_options *options,
    by_database **database)
{
	const char *colon = strchr(url, ':');
	const by_database_driver *driver = colon ? driver_of((by_text){ url, (size_t)(colon - url) }) : NULL;
	if (!driver)
		return unknown_scheme(arena);
	BY_TRY(driver->open(arena, url, options, database));
	return BY_OK;
}

void by_database_close(by_database *database)
{
	if (database)
		database->driver->close(database);
}

static by_error *query_timed(by_ctx *ctx, by_database *database, by_transaction *transaction,
    const by_statement *statement, const by_value *args, size_t count, by_row_sink *sink, int64_t *affected)
{
	BY_REQUIRE(count == statement->arguments);
	uint64_t    started = by_clock();
	by_error   *error = database->driver->query(ctx, database, transaction, statement, args, count, sink, affected);
	registered *entry = registered_of(database->driver);
	if (entry) {
		by_series series = entry->durations[by__statement_of(statement)->verb][error ? OUTCOME_ERROR : OUTCOME_OK];
		by_observe(&duration_metric, series, (double)(by_clock() - started) / 1e9);
	}
	return error;
}

by_error *by_database_query(by_ctx *ctx, const by_statement *statement, const by_value *args, size_t count,
    by_row_sink *sink, int64_t *affected)
{
	BY_REQUIRE(ctx->providers && ctx->providers->database);
	BY_TRY(by_ctx_check(ctx));
	BY_TRY(query_timed(ctx, ctx->providers->database, ctx->transaction, statement, args, count, sink, affected));
	return BY_OK;
}

by_error *by_database_ping(by_ctx *ctx, by_database *database)
{
	const by_statement *ping = by_statement_of("database.ping", "SELECT 1");
	BY_TRY(query_timed(ctx, database, NULL, ping, NULL, 0, NULL, NULL));
	return BY_OK;
}

/* The work within a transaction of its own, once. */
static by_error *attempt(by_ctx *ctx, by_isolation isolation, by_error *(*work)(by_ctx *ctx, void *argument),
    void *argument)
{
	by_database    *database = ctx->providers->database;
	by_transaction *transaction = NULL;
	BY_TRY(database->driver->begin(ctx, database, isolation, &transaction));
	ctx->transaction = transaction;
	by_error *error = work(ctx, argument);
	ctx->transaction = NULL;
	if (error)
		database->driver->rollback(ctx, transaction);
	else
		error = database->driver->commit(ctx, transaction);
	return error;
}

/* A short wait that grows and differs between rivals, so that they do not meet again. */
static by_error *stand_back(by_ctx *ctx, int tried)
{
	uint16_t random;
	by_random(&random, sizeof random);
	by_duration span = { (int64_t)(random % 4000 + 1000) << (tried - 1) };
	return by_sleep(ctx, span);
}

/* Whether work that asks for `inner` may run within `outer`: reads in anything, writes in what is at least as strict. */
static bool holds(by_isolation outer, by_isolation inner)
{
	if (inner == BY_TX_NONE || inner == BY_TX_READ_ONLY || outer == inner)
		return true;
	return outer != BY_TX_READ_ONLY && outer > inner;
}

by_error *by_transact(by_ctx *ctx, by_isolation isolation, by_error *(*work)(by_ctx *ctx, void *argument),
    void *argument)
{
	BY_REQUIRE(ctx->providers && ctx->providers->database);
	if (ctx->transaction && !holds(ctx->transaction->isolation, isolation))
		return by_error_internal(ctx->arena, by_fail(ctx, INTERNAL, NULL),
		    "a transaction is asked for within a weaker one; give the outer one, or its route row, that isolation");
	if (ctx->transaction || isolation == BY_TX_NONE) {
		BY_TRY(work(ctx, argument));
		return BY_OK;
	}
	for (int tried = 1;; tried++) {
		by_error *error = attempt(ctx, isolation, work, argument);
		if (!by_error_is(error, SERIALIZATION_FAILURE) || tried == TRANSACTION_ATTEMPTS) {
			BY_TRY(error);
			return BY_OK;
		}
		BY_TRY(stand_back(ctx, tried));
	}
}
