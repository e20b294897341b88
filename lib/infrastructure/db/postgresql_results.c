/*
 * What comes in on a connection: results are matched, in order, to the
 * entries that expect them, and handed to the coroutines that wait.
 */
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>

#include "infrastructure/db/postgresql.h"

/* ---- entries ---- */

by__pg_entry *by__pg_entry_at(by__pg_connection *connection, uint32_t at)
{
	return &connection->entries[(connection->first + at) & (connection->room - 1)];
}

static void grow(by__pg_connection *connection)
{
	uint32_t      room = connection->room ? connection->room * 2 : 32;
	by__pg_entry *entries = calloc(room, sizeof *entries);
	if (!entries)
		BY_IMPOSSIBLE("out of memory for what a database connection expects");
	for (uint32_t i = 0; i < connection->count; i++)
		entries[i] = *by__pg_entry_at(connection, i);
	free(connection->entries);
	connection->entries = entries;
	connection->room = room;
	connection->first = 0;
}

void by__pg_expect_more(by__pg_connection *connection, by__pg_entry entry)
{
	if (connection->count == connection->room)
		grow(connection);
	*by__pg_entry_at(connection, connection->count++) = entry;
}

static void pop(by__pg_connection *connection)
{
	connection->first = (connection->first + 1) & (connection->room - 1);
	connection->count--;
}

bool by__pg_is_prepared(const by__pg_connection *connection, uint32_t statement)
{
	return statement / 64 < connection->prepared_words
	    && (connection->prepared[statement / 64] >> (statement % 64) & 1);
}

void by__pg_set_prepared(by__pg_connection *connection, uint32_t statement, bool is)
{
	uint32_t word = statement / 64;
	if (word >= connection->prepared_words) {
		if (!is)
			return;
		uint64_t *words = calloc(word + 8, sizeof *words);
		if (!words)
			BY_IMPOSSIBLE("out of memory for prepared statements");
		if (connection->prepared)
			memcpy(words, connection->prepared, connection->prepared_words * sizeof *words);
		free(connection->prepared);
		connection->prepared = words;
		connection->prepared_words = word + 8;
	}
	if (is)
		connection->prepared[word] |= UINT64_C(1) << (statement % 64);
	else
		connection->prepared[word] &= ~(UINT64_C(1) << (statement % 64));
}

/* ---- requests ---- */

void by__pg_settle(by__pg_request *request)
{
	request->connection = NULL;
	request->ended = true;
	by_wake(&request->wait);
}

/* What still comes for the request is dropped: its entries must not point to it any longer. */
static void forget_request(by__pg_connection *connection, const by__pg_request *request)
{
	for (uint32_t i = 0; i < connection->count; i++) {
		by__pg_entry *entry = by__pg_entry_at(connection, i);
		if (entry->request == request)
			entry->request = NULL;
	}
}

void by__pg_abandon(by__pg_request *request)
{
	by__pg_connection *connection = request->connection;
	request->connection = NULL;
	if (!connection)
		return;
	if (connection->script == request)
		connection->script = NULL;
	forget_request(connection, request);
}

/* Whether nobody waits for anything that is in flight. */
static bool is_forsaken(const by__pg_connection *connection)
{
	for (uint32_t i = 0; i < connection->count; i++)
		if (connection->entries[(connection->first + i) & (connection->room - 1)].request)
			return false;
	return !connection->script;
}

/* ---- cancelling ---- */

typedef struct by__pg_cancelling {
	uv_work_t          work; /* first */
	by__pg            *database;
	by__pg_connection *connection; /* NULL: it has gone */
	PGcancel          *cancel;
} by__pg_cancelling;

static void cancel_work(uv_work_t *work)
{
	char wrong[256];
	PQcancel(((by__pg_cancelling *)work)->cancel, wrong, sizeof wrong);
}

static void on_cancelled(uv_work_t *work, int status BY_UNUSED)
{
	by__pg_cancelling *cancel = (by__pg_cancelling *)work;
	by__pg_connection *connection = cancel->connection;
	by__pg            *database = cancel->database;
	PQfreeCancel(cancel->cancel);
	free(cancel);
	if (connection) {
		connection->cancel = NULL;
		if (connection->count == 0)
			by__pg_on_drained(connection);
		by__pg_dispatch(database);
	}
	by__pg_handle_gone(database);
}

/*
 * The server has sent the signal before PQcancel returns, and an idle backend
 * ignores it. So the next statement is safe once both the answer to the
 * cancelled one and the thread are back: until then nothing is sent.
 */
void by__pg_cancel(by__pg_connection *connection)
{
	if (connection->cancel || connection->state != BY__PG_READY || !is_forsaken(connection))
		return;
	by__pg_cancelling *cancel = calloc(1, sizeof *cancel);
	if (!cancel)
		return;
	cancel->database = connection->database;
	cancel->connection = connection;
	cancel->cancel = PQgetCancel(connection->pg);
	if (!cancel->cancel || uv_queue_work(connection->database->loop, &cancel->work, cancel_work, on_cancelled) != 0) {
		PQfreeCancel(cancel->cancel);
		free(cancel);
		return;
	}
	connection->cancel = cancel;
	connection->database->handles++;
}

void by__pg_cancel_forget(by__pg_connection *connection)
{
	if (connection->cancel)
		connection->cancel->connection = NULL;
	connection->cancel = NULL;
}

/* ---- results ---- */

/* The session itself is over; what it says of itself is no answer to the statement. */
static bool is_fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	return !severity || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}

/*
 * A statement that the session no longer knows, or whose result has another
 * shape since a migration: this connection's preparations cannot be trusted,
 * and nothing has been executed, so outside a transaction another may do it.
 */
static bool is_stale(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	if (!state)
		return false;
	if (strcmp(state, "26000") == 0)
		return true;
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
	return strcmp(state, "0A000") == 0 && function && strcmp(function, "RevalidateCachedQuery") == 0;
}

static void hand_over(by__pg_connection *connection, by__pg_request *request, PGresult *result)
{
	if (PQresultStatus(result) == PGRES_FATAL_ERROR && is_stale(result)) {
		connection->retiring = true;
		if (!request->in_transaction && !request->resent) {
			PQclear(result);
			forget_request(connection, request);
			request->connection = NULL;
			request->resent = true;
			by__pg_requeue(connection->database, request);
			return;
		}
	}
	request->result = result;
	/* Outside a transaction what was done is not committed yet: the sync's entry tells the request. */
	if (!request->in_transaction && PQresultStatus(result) != PGRES_FATAL_ERROR)
		return;
	forget_request(connection, request);
	by__pg_settle(request);
}

/* The sync has committed, or has found why it cannot: a deferred constraint. */
static void on_sync(by__pg_entry *entry, PGresult *failure)
{
	by__pg_request *request = entry->request;

	entry->seen = failure != NULL;
	entry->request = NULL;
	if (!request || request->ended) {
		PQclear(failure);
		return;
	}
	if (failure) {
		PQclear(request->result);
		request->result = failure;
	}
	request->lost = request->result == NULL;
	by__pg_settle(request);
}

/*
 * One result for the first entry. Consumes it. A request whose BEGIN or
 * preparation fails gets that error: of what stands behind, up to the sync, the
 * server only says that it was skipped.
 */
static void on_result(by__pg_connection *connection, by__pg_entry *entry, PGresult *result)
{
	ExecStatusType  status = PQresultStatus(result);
	by__pg_request *request = entry->request;
	bool            before_rows = entry->expect == BY__PG_EXPECT_COMMAND || entry->expect == BY__PG_EXPECT_PREPARED;
	entry->seen = true;
	if (entry->expect == BY__PG_EXPECT_PREPARED && status != PGRES_COMMAND_OK)
		by__pg_set_prepared(connection, entry->statement, false);
	if (before_rows)
		entry->request = NULL;
	if ((before_rows && status == PGRES_COMMAND_OK) || status == PGRES_PIPELINE_ABORTED || !request || request->ended) {
		PQclear(result);
		return;
	}
	if (before_rows)
		forget_request(connection, request);
	entry->request = NULL;
	hand_over(connection, request, result);
}

/* The first entry has had all its results. A request that no result reached was behind one that failed. */
static void on_end(by__pg_connection *connection)
{
	by__pg_entry entry = *by__pg_entry_at(connection, 0);
	pop(connection);
	if (entry.expect != BY__PG_EXPECT_ROWS)
		return;
	uint64_t now = uv_hrtime();
	by__pg_cost_learn(connection->database, entry.statement, now - connection->head_since);
	connection->head_since = now;
	if (--connection->in_flight == 0)
		connection->slow = false;
	if (entry.request && !entry.request->ended) {
		forget_request(connection, entry.request);
		entry.request->lost = true;
		by__pg_settle(entry.request);
	}
}

static void script_results(by__pg_connection *connection)
{
	by__pg_request *request = connection->script;
	while (!PQisBusy(connection->pg)) {
		PGresult *result = PQgetResult(connection->pg);
		if (!result) {
			connection->script = NULL;
			if (PQenterPipelineMode(connection->pg) == 1)
				by__pg_settle(request);
			else
				by__pg_connection_break(connection, "the pipeline mode could not be entered again");
			return;
		}
		ExecStatusType status = PQresultStatus(result);
		bool failed = status == PGRES_FATAL_ERROR;
		request->done += !failed;
		if (PQstatus(connection->pg) == CONNECTION_BAD || status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
			PQclear(result);
			by__pg_connection_break(connection, "the connection ended within a script");
			return;
		}
		if (request->result && (failed || PQresultStatus(request->result) != PGRES_FATAL_ERROR)) {
			PQclear(request->result);
			request->result = NULL;
		}
		if (request->result)
			PQclear(result);
		else
			request->result = result;
	}
}

void by__pg_results(by__pg_connection *connection)
{
	if (connection->script) {
		script_results(connection);
		return;
	}
	while (connection->count && !PQisBusy(connection->pg)) {
		by__pg_entry *entry = by__pg_entry_at(connection, 0);
		PGresult     *result = PQgetResult(connection->pg);
		if (!result) {
			if (!entry->seen)
				break;
			/* Behind a failure of the sync, before the sync itself. */
			if (entry->expect == BY__PG_EXPECT_SYNC)
				entry->seen = false;
			else
				on_end(connection);
			continue;
		}
		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			BY_INVARIANT(entry->expect == BY__PG_EXPECT_SYNC);
			on_sync(entry, NULL);
			pop(connection);
		} else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT
		           || (status == PGRES_FATAL_ERROR && is_fatal(result))) {
			const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
			by__pg_connection_break(connection, text ? text : "the server closed the connection");
			PQclear(result);
			return;
		} else if (entry->expect == BY__PG_EXPECT_SYNC) {
			on_sync(entry, result);
		} else {
			on_result(connection, entry, result);
		}
	}
	if (connection->count == 0)
		by__pg_on_drained(connection);
	by__pg_dispatch(connection->database);
}
