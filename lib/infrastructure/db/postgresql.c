/*
 * The PostgreSQL driver: one statement of a coroutine from its arguments to
 * its rows, and transactions on connections of their own.
 */
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>

#include "core/runtime.h"
#include "infrastructure/db/drivers.h"
#include "infrastructure/db/postgresql.h"

static const by_metric prepares_metric = {
	.name = "banyan_db_prepares_total",
	.help = "Statements prepared on a connection; flat under load",
	.type = BY_COUNTER,
	.labels = { "db_system_name" },
};
static const by_metric connections_metric = {
	.name = "db_client_connection_count",
	.help = "Open connections to the database",
	.type = BY_GAUGE,
	.labels = { "db_system_name", "db_client_connection_state" },
};

by_series        by__pg_prepares;
static by_series connections_idle, connections_used;

void by__pg_metrics(void)
{
	by__pg_prepares = by_metric_series(&prepares_metric, (const char *const[]){ "postgresql" });
	connections_idle = by_metric_series(&connections_metric, (const char *const[]){ "postgresql", "idle" });
	connections_used = by_metric_series(&connections_metric, (const char *const[]){ "postgresql", "used" });
}

void by__pg_count(const by__pg *database)
{
	by_gauge_set(connections_idle, database->idle_count);
	by_gauge_set(connections_used, (int64_t)database->ready - database->idle_count);
}

static by__pg *pg_of(by_database *database)
{
	return BY_CHECKED((void *)database, by__pg, BY__PG_DATABASE_MAGIC);
}

static by__pg_transaction *transaction_of(by_transaction *transaction)
{
	return BY_CHECKED((void *)transaction, by__pg_transaction, BY__PG_TRANSACTION_MAGIC);
}

/* ---- open and close ---- */

static const char *type_name(by_sql_type type)
{
	static const char *const names[] = {
		[BY_SQL_BOOLEAN] = "boolean", [BY_SQL_INTEGER] = "integer", [BY_SQL_BIGINT] = "bigint",
		[BY_SQL_DOUBLE] = "double precision", [BY_SQL_NUMERIC] = "numeric",
		/* By code points, as filters, sorting and cursors compare: an index of the column serves them. */
		[BY_SQL_TEXT] = "text COLLATE \"C\"",
		[BY_SQL_BYTES] = "bytea", [BY_SQL_TIMESTAMP] = "timestamp with time zone", [BY_SQL_DATE] = "date",
		[BY_SQL_ULID] = "text COLLATE \"C\"", [BY_SQL_UUID] = "uuid", [BY_SQL_JSON] = "jsonb",
		[BY_SQL_NONE] = "jsonb", /* lists and nested models */
	};
	return names[type];
}

static void set_options(by__pg *database, const by_database_options *options)
{
	static const by_database_options defaults = {
		.pipelines = 2, .pool_max = 10, .pool_timeout = { 2000000 }, .connect_timeout = { 5000000 },
		.queue_max = 1000,
	};
	database->options = options ? *options : defaults;
	if (!database->options.pipelines)
		database->options.pipelines = defaults.pipelines;
	if (!database->options.pool_max)
		database->options.pool_max = defaults.pool_max;
	if (!database->options.queue_max)
		database->options.queue_max = defaults.queue_max;
	if (database->options.pool_min > database->options.pool_max)
		database->options.pool_min = database->options.pool_max;
}

static by_error *pg_open(by_arena *arena, const char *url, const by_database_options *options, by_database **out)
{
	BY_REQUIRE(by__loop());
	by__pg *database = calloc(1, sizeof *database);
	if (!database)
		BY_IMPOSSIBLE("out of memory for a database");
	database->base.driver = &by__postgresql_driver;
	database->magic = BY__PG_DATABASE_MAGIC;
	database->arena = by_arena_new(0);
	set_options(database, options);
	by_error *error = by__pg_address_new(arena, url, database);
	if (error) {
		by_arena_free(&database->arena);
		free(database);
		return by_error_pass(error, BY_HERE);
	}
	database->loop = by__loop();
	uv_idle_init(database->loop, &database->flush);
	database->flush.data = database;
	uv_timer_init(database->loop, &database->keep);
	database->keep.data = database;
	database->handles = 2;
	database->shared = BY_NEW_ARRAY(database->arena, by__pg_connection *, database->options.pipelines);
	database->pool = BY_NEW_ARRAY(database->arena, by__pg_connection *, database->options.pool_max);
	for (uint32_t i = 0; i < database->options.pipelines; i++)
		database->shared[i] = by__pg_connection_new(database, BY__PG_SHARED);
	for (uint32_t i = 0; i < database->options.pipelines; i++)
		by__pg_connection_open(database->shared[i]);
	by__pg_keep(database);
	*out = &database->base;
	return BY_OK;
}

void by__pg_handle_gone(by__pg *database)
{
	BY_INVARIANT(database->handles > 0);
	if (--database->handles > 0 || !database->closing)
		return;
	database->magic = 0;
	by__pg_address_free(database);
	by_arena_free(&database->arena);
	free(database->costs);
	free(database->trouble);
	free(database);
}

static void on_closed(uv_handle_t *handle)
{
	by__pg_handle_gone(handle->data);
}

static void pg_close(by_database *base)
{
	by__pg *database = pg_of(base);
	database->closing = true;
	by__pg_refuse_all(database);
	for (uint32_t i = 0; i < database->options.pipelines; i++)
		by__pg_connection_free(database->shared[i]);
	for (uint32_t i = database->pool_count; i-- > 0;) {
		by__pg_connection *connection = database->pool[i];
		/* Its coroutine gives it back, and it goes then. */
		if (connection->role == BY__PG_TAKEN)
			by__pg_connection_break(connection, "the database is closing");
		else
			by__pg_connection_free(connection);
	}
	uv_close((uv_handle_t *)&database->flush, on_closed);
	uv_close((uv_handle_t *)&database->keep, on_closed);
}

/* ---- statements ---- */

/* What became of a settled request, as an error. */
static by_error *outcome(by_ctx *ctx, by__pg *database, by__pg_request *request, by_row_sink *sink, int64_t *affected)
{
	by_error *error = BY_OK;
	if (request->lost || !request->result)
		return by__pg_unavailable(ctx, database);
	switch (PQresultStatus(request->result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		error = by__pg_rows(ctx, request->result, sink, affected);
		break;
	default:
		error = by__pg_error(ctx, request);
	}
	PQclear(request->result);
	request->result = NULL;
	return error;
}

/* Parks until the request is settled. When it is left early, whatever it still has with the driver is undone. */
static by_error *await_settled(by_ctx *ctx, by__pg *database, by__pg_request *request)
{
	by_error *error = by_wait_for(ctx, &request->wait);
	if (!error || request->ended)
		return BY_OK;
	if (request->queued)
		by__pg_unqueue(database, request);
	by__pg_connection *connection = request->connection;
	by__pg_abandon(request);
	PQclear(request->result);
	request->result = NULL;
	/* One of a transaction is cancelled when that ends, so that only the connection's owner decides. */
	if (connection && !request->in_transaction)
		by__pg_cancel(connection);
	return by_error_pass(error, BY_HERE);
}

static by_error *transaction_over(by_ctx *ctx, const by__pg *database)
{
	return by_error_internal(ctx->arena, by__pg_unavailable(ctx, database), "the transaction's connection is gone");
}

static by_error *send_within(by_ctx *ctx, by__pg_transaction *transaction, by__pg_request *request)
{
	by__pg_connection *connection = transaction->connection;
	if (!connection)
		return transaction_over(ctx, pg_of(transaction->base.database));
	request->in_transaction = true;
	request->before = transaction->begin;
	transaction->begin = NULL;
	if (by__statement_of(request->statement)->verb == BY__VERB_OTHER)
		connection->dirty = true;
	by__pg_send(connection, request);
	return BY_OK;
}

static by_error *run_query(by_ctx *ctx, by__pg *database, by_transaction *within, by__pg_request *request,
    by_row_sink *sink, int64_t *affected)
{
	by_wait_init(&request->wait);
	if (within)
		BY_TRY(send_within(ctx, transaction_of(within), request));
	else
		BY_TRY(by__pg_enqueue(ctx, database, request));
	BY_TRY(await_settled(ctx, database, request));
	BY_TRY(outcome(ctx, database, request, sink, affected));
	return BY_OK;
}

/* Each call into the driver counts as a handle, so that one that is closed meanwhile stays until they are out. */
static by_error *pg_query(by_ctx *ctx, by_database *base, by_transaction *within, const by_statement *statement,
    const by_value *args, size_t count, by_row_sink *sink, int64_t *affected)
{
	by__pg        *database = pg_of(base);
	by__pg_request request = { .statement = statement };
	BY_TRY(by__pg_args_make(ctx, args, count, &request.args));
	database->handles++;
	by_error *error = run_query(ctx, database, within, &request, sink, affected);
	by__pg_handle_gone(database);
	BY_TRY(error);
	return BY_OK;
}

/* ---- transactions ---- */

static const char *begin_of(by_isolation isolation)
{
	switch (isolation) {
	case BY_TX_REPEATABLE_READ:
		return "BEGIN ISOLATION LEVEL REPEATABLE READ";
	case BY_TX_SERIALIZABLE:
		return "BEGIN ISOLATION LEVEL SERIALIZABLE";
	case BY_TX_READ_ONLY:
		return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
	default:
		return "BEGIN ISOLATION LEVEL READ COMMITTED";
	}
}

/* Sends nothing yet: BEGIN travels with the first statement. */
static by_error *pg_begin(by_ctx *ctx, by_database *base, by_isolation isolation, by_transaction **out)
{
	by__pg            *database = pg_of(base);
	by__pg_connection *connection = NULL;
	database->handles++;
	by_error *error = by__pg_take(ctx, database, &connection);
	if (error) {
		by__pg_handle_gone(database);
		return by_error_pass(error, BY_HERE);
	}
	by__pg_transaction *transaction = BY_NEW(ctx->arena, by__pg_transaction);
	transaction->base = (by_transaction){ base, isolation };
	transaction->magic = BY__PG_TRANSACTION_MAGIC;
	transaction->connection = connection;
	transaction->begin = begin_of(isolation);
	*out = &transaction->base;
	return BY_OK;
}

static void end(by__pg_transaction *transaction)
{
	by__pg_connection *connection = transaction->connection;
	if (!connection)
		return;
	transaction->connection = NULL;
	by__pg_give(connection);
	by__pg_handle_gone(pg_of(transaction->base.database));
}

/* COMMIT answers "ROLLBACK" when a statement had failed and its error was ignored. */
static by_error *committed(by_ctx *ctx, by__pg *database, by__pg_request *request)
{
	if (request->lost)
		return by_error_internal(ctx->arena, by__pg_unavailable(ctx, database),
		    "the connection was lost during COMMIT: whether it took place is unknown");
	bool undone = request->result && PQresultStatus(request->result) == PGRES_COMMAND_OK
	    && strcmp(PQcmdStatus(request->result), "ROLLBACK") == 0;
	BY_TRY(outcome(ctx, database, request, NULL, NULL));
	if (undone)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database refused the changes."),
		    "a statement of the transaction had failed, and its error was ignored");
	return BY_OK;
}

static by_error *pg_commit(by_ctx *ctx, by_transaction *base)
{
	by__pg_transaction *transaction = transaction_of(base);
	by__pg             *database = pg_of(base->database);
	if (!transaction->connection)
		return transaction_over(ctx, database);
	if (transaction->begin) {
		end(transaction);
		return BY_OK;
	}
	by__pg_request request = { .statement = by_statement_of("transaction.commit", "COMMIT"), .in_transaction = true };
	by_wait_init(&request.wait);
	by__pg_send(transaction->connection, &request);
	by_wait_always(ctx, &request.wait);
	by_error *error = committed(ctx, database, &request);
	end(transaction);
	BY_TRY(error);
	return BY_OK;
}

/* The connection is cleaned on its own, while the coroutine goes on. */
static void pg_rollback(by_ctx *ctx BY_UNUSED, by_transaction *base)
{
	end(transaction_of(base));
}

/* ---- scripts ---- */

static by_error *run_script(by_ctx *ctx, by__pg *database, by__pg_connection *connection, const char *sql)
{
	by__pg_request request = { .script = sql, .in_transaction = true };
	by_wait_init(&request.wait);
	by__pg_send_script(connection, &request);
	BY_TRY(await_settled(ctx, database, &request));
	BY_TRY(outcome(ctx, database, &request, NULL, NULL));
	return BY_OK;
}

static by_error *script_alone(by_ctx *ctx, by__pg *database, const char *sql)
{
	by__pg_connection *connection = NULL;
	BY_TRY(by__pg_take(ctx, database, &connection));
	by_error *error = run_script(ctx, database, connection, sql);
	by__pg_give(connection);
	BY_TRY(error);
	return BY_OK;
}

static by_error *script_within(by_ctx *ctx, by__pg *database, by__pg_transaction *transaction, const char *sql)
{
	if (!transaction->connection)
		return transaction_over(ctx, database);
	if (transaction->begin) {
		by__pg_request begin = { .statement = by_statement_of("transaction.begin", "SELECT 1") };
		BY_TRY(run_query(ctx, database, &transaction->base, &begin, NULL, NULL));
	}
	BY_TRY(run_script(ctx, database, transaction->connection, sql));
	return BY_OK;
}

static by_error *pg_script(by_ctx *ctx, by_database *base, by_transaction *within, const char *sql)
{
	by__pg *database = pg_of(base);
	database->handles++;
	by_error *error = within ? script_within(ctx, database, transaction_of(within), sql)
	                         : script_alone(ctx, database, sql);
	by__pg_handle_gone(database);
	BY_TRY(error);
	return BY_OK;
}

static const char *const schemes[] = { "postgresql", "postgres", NULL };

const by_database_driver by__postgresql_driver = {
	.schemes = schemes,
	.dialect = "postgresql",
	.type_name = type_name,
	.open = pg_open,
	.close = pg_close,
	.query = pg_query,
	.script = pg_script,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
};
