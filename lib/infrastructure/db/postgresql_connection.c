/*
 * One connection: opening it without ever blocking, sending on it, and
 * closing it. What has come in is handled in postgresql_results.c.
 */
#define BY_LOG_NAME "db.postgresql"

#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/log.h>

#include "infrastructure/db/postgresql.h"

enum { BACKOFF_FIRST_MS = 50, BACKOFF_LAST_MS = 1000 };

static by__pg_connection *connection_of(void *pointer)
{
	return BY_CHECKED(pointer, by__pg_connection, BY__PG_CONNECTION_MAGIC);
}

by__pg_connection *by__pg_connection_new(by__pg *database, by__pg_role role)
{
	by__pg_connection *connection = calloc(1, sizeof *connection);
	if (!connection)
		BY_IMPOSSIBLE("out of memory for a database connection");
	connection->magic = BY__PG_CONNECTION_MAGIC;
	connection->database = database;
	connection->role = role;
	uv_timer_init(database->loop, &connection->timer);
	connection->timer.data = connection;
	database->handles++;
	return connection;
}

void by__pg_connection_later(by__pg_connection *connection, uint64_t ms, uv_timer_cb then)
{
	uv_timer_start(&connection->timer, then, ms, 0);
}

/* ---- the socket ---- */

static void on_poll_closed(uv_handle_t *handle)
{
	by__pg *database = handle->data;
	free(handle);
	by__pg_handle_gone(database);
}

/* Before libpq closes the socket: the number may at once be another's. */
static void unwatch(by__pg_connection *connection)
{
	by__pg_poll *poll = connection->poll;
	if (!poll)
		return;
	connection->poll = NULL;
	poll->handle.data = connection->database;
	uv_poll_stop(&poll->handle);
	uv_close((uv_handle_t *)&poll->handle, on_poll_closed);
}

static bool watch(by__pg_connection *connection, int events, uv_poll_cb then)
{
	if (!connection->poll) {
		by__pg_poll *poll = calloc(1, sizeof *poll);
		if (!poll)
			return false;
		if (uv_poll_init(connection->database->loop, &poll->handle, PQsocket(connection->pg)) != 0) {
			free(poll);
			return false;
		}
		connection->database->handles++;
		poll->connection = connection;
		connection->poll = poll;
		connection->events = 0;
	}
	if (events == connection->events)
		return true;
	connection->events = events;
	return uv_poll_start(&connection->poll->handle, events, then) == 0;
}

static void hang_up(by__pg_connection *connection)
{
	unwatch(connection);
	by__pg_address_forget(connection);
	by__pg_cancel_forget(connection);
	uv_timer_stop(&connection->timer);
	if (connection->pg)
		PQfinish(connection->pg);
	connection->pg = NULL;
	if (connection->state == BY__PG_READY)
		connection->database->ready--;
	connection->state = BY__PG_CLOSED;
	connection->in_flight = 0;
	connection->slow = connection->retiring = connection->dirty = false;
	if (connection->prepared_words)
		memset(connection->prepared, 0, connection->prepared_words * sizeof *connection->prepared);
	by__pg_count(connection->database);
}

/* ---- opening ---- */

static void on_backoff(uv_timer_t *timer)
{
	by__pg_connection_open(connection_of(timer->data));
}

/* Between half and the whole of a span that doubles, so that workers do not come back in step. */
static void stand_back(by__pg_connection *connection)
{
	unsigned doubled = connection->attempts < 6 ? connection->attempts : 6;
	uint64_t span = (uint64_t)BACKOFF_FIRST_MS << doubled;
	uint16_t random;
	by_random(&random, sizeof random);
	span = span < BACKOFF_LAST_MS ? span : BACKOFF_LAST_MS;
	connection->attempts++;
	by__pg_connection_later(connection, span / 2 + random % (span / 2), on_backoff);
}

static void remember_trouble(by__pg *database, const char *why)
{
	free(database->trouble);
	database->trouble = strdup(why);
	size_t len = database->trouble ? strlen(database->trouble) : 0;
	while (len && database->trouble[len - 1] == '\n')
		database->trouble[--len] = '\0';
}

static void refuse(by__pg_connection *connection, const char *why)
{
	by__pg *database = connection->database;
	bool    first = !database->down;
	remember_trouble(database, why);
	hang_up(connection);
	database->down = database->ready == 0;
	if (database->down && first)
		by_err(NULL, "cannot connect to the database", BY_F("reason", database->trouble));
	stand_back(connection);
	by__pg_on_refused(connection);
}

static void on_connect_timeout(uv_timer_t *timer)
{
	refuse(connection_of(timer->data), "connecting timed out");
}

static void on_event(uv_poll_t *handle, int status, int events);

static void open_done(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (PQsetnonblocking(connection->pg, 1) != 0 || PQenterPipelineMode(connection->pg) != 1
	    || !watch(connection, UV_READABLE, on_event)) {
		refuse(connection, "the connection could not be set up");
		return;
	}
	uv_timer_stop(&connection->timer);
	connection->state = BY__PG_READY;
	connection->attempts = 0;
	connection->expires_at = by__pg_expiry(database);
	database->ready++;
	if (database->down)
		by_info(NULL, "the database is back");
	database->down = false;
	by__pg_count(database);
	by__pg_on_ready(connection);
}

static void on_connecting(uv_poll_t *handle, int status, int events);

static void open_step(by__pg_connection *connection, PostgresPollingStatusType what)
{
	switch (what) {
	case PGRES_POLLING_READING:
	case PGRES_POLLING_WRITING:
		if (!watch(connection, what == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE, on_connecting))
			refuse(connection, "the socket cannot be watched");
		break;
	case PGRES_POLLING_OK:
		open_done(connection);
		break;
	default:
		refuse(connection, PQerrorMessage(connection->pg));
	}
}

/* libpq may replace the socket within each step, so it is watched anew after each. */
static void on_connecting(uv_poll_t *handle, int status BY_UNUSED, int events BY_UNUSED)
{
	by__pg_connection *connection = connection_of(((by__pg_poll *)handle)->connection);
	unwatch(connection);
	open_step(connection, PQconnectPoll(connection->pg));
}

static void ignore_notice(void *argument BY_UNUSED, const PGresult *result BY_UNUSED)
{
}

static void on_resolved(by__pg_connection *connection, const char *wrong)
{
	if (wrong) {
		refuse(connection, wrong);
		return;
	}
	connection->pg = by__pg_address_connect(connection->database);
	if (!connection->pg || PQstatus(connection->pg) == CONNECTION_BAD) {
		refuse(connection, connection->pg ? PQerrorMessage(connection->pg) : "out of memory");
		return;
	}
	PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
	open_step(connection, PGRES_POLLING_WRITING);
}

void by__pg_connection_open(by__pg_connection *connection)
{
	BY_INVARIANT(connection->state == BY__PG_CLOSED);
	int64_t ms = connection->database->options.connect_timeout.us / 1000;
	connection->state = BY__PG_OPENING;
	by__pg_connection_later(connection, ms > 0 ? (uint64_t)ms : 5000, on_connect_timeout);
	by__pg_address_resolve(connection, on_resolved);
}

/* ---- closing ---- */

/* A read that had no answer yet goes back to the queue, once; all else that was in flight is lost. */
static void lose(by__pg_connection *connection, by__pg_request *request)
{
	const by__statement *statement = request->statement ? by__statement_of(request->statement) : NULL;
	request->connection = NULL;
	/* Rows that came without their commit. */
	PQclear(request->result);
	request->result = NULL;
	if (statement && statement->verb == BY__VERB_SELECT && !request->in_transaction && !request->resent
	    && !connection->database->closing) {
		request->resent = true;
		by__pg_requeue(connection->database, request);
		return;
	}
	request->lost = true;
	by__pg_settle(request);
}

static void lose_all(by__pg_connection *connection)
{
	by__pg_request *script = connection->script;
	connection->script = NULL;
	if (script)
		lose(connection, script);
	/* A request stands in several entries; the rows', or once these have come the sync's, is the one. */
	uint32_t count = connection->count;
	for (uint32_t i = 0; i < count; i++) {
		by__pg_entry *entry = by__pg_entry_at(connection, i);
		bool deciding = entry->expect == BY__PG_EXPECT_ROWS || entry->expect == BY__PG_EXPECT_SYNC;
		/* One that goes back to the queue stands in its sync's entry, too, and is not lost twice. */
		if (deciding && entry->request && !entry->request->ended && entry->request->connection == connection)
			lose(connection, entry->request);
	}
	connection->first = connection->count = 0;
}

void by__pg_connection_break(by__pg_connection *connection, const char *why)
{
	by__pg *database = connection->database;
	if (connection->state != BY__PG_READY)
		return;
	if (!database->closing && why) {
		remember_trouble(database, why);
		by_warn(NULL, "the database connection was lost", BY_F("reason", database->trouble));
	}
	hang_up(connection);
	lose_all(connection);
	by__pg_on_broken(connection);
}

static void on_timer_closed(uv_handle_t *handle)
{
	by__pg_connection *connection = connection_of(handle->data);
	by__pg            *database = connection->database;
	connection->magic = 0;
	free(connection->entries);
	free(connection->prepared);
	free(connection);
	by__pg_handle_gone(database);
}

static void forget_flush(by__pg_connection *connection)
{
	by__pg_connection **at = &connection->database->flush_first;
	while (*at && *at != connection)
		at = &(*at)->next_flush;
	if (*at)
		*at = connection->next_flush;
}

void by__pg_connection_free(by__pg_connection *connection)
{
	hang_up(connection);
	lose_all(connection);
	forget_flush(connection);
	uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

/* ---- what the server sends, and what waits to be sent ---- */

static void flush(by__pg_connection *connection)
{
	int left = PQflush(connection->pg);
	if (left < 0)
		by__pg_connection_break(connection, PQerrorMessage(connection->pg));
	else if (!watch(connection, left ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_event))
		by__pg_connection_break(connection, "the socket cannot be watched");
}

static void on_flush(uv_idle_t *idle)
{
	by__pg *database = idle->data;
	uv_idle_stop(idle);
	while (database->flush_first) {
		by__pg_connection *connection = database->flush_first;
		database->flush_first = connection->next_flush;
		connection->flush_due = false;
		if (connection->state == BY__PG_READY)
			flush(connection);
	}
}

/* Once per turn of the loop for all that was sent in it: an idle handle also keeps this turn from sleeping. */
static void flush_later(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (connection->flush_due)
		return;
	connection->flush_due = true;
	connection->next_flush = database->flush_first;
	database->flush_first = connection;
	uv_idle_start(&database->flush, on_flush);
}

static void on_event(uv_poll_t *handle, int status, int events)
{
	by__pg_connection *connection = connection_of(((by__pg_poll *)handle)->connection);
	if (status == 0 && events & UV_WRITABLE)
		flush(connection);
	if ((status == 0 && !(events & UV_READABLE)) || connection->state != BY__PG_READY)
		return;
	/* After an error of the socket, which libuv no longer watches, libpq still reads what the server said last. */
	bool alive = PQconsumeInput(connection->pg) == 1 && status == 0;
	by__pg_results(connection);
	if (connection->state == BY__PG_READY && (!alive || PQstatus(connection->pg) == CONNECTION_BAD))
		by__pg_connection_break(connection, PQerrorMessage(connection->pg));
}

/* ---- sending ---- */

#ifdef HAVE_PQSENDPIPELINESYNC
#define send_sync PQsendPipelineSync
#else
#define send_sync PQpipelineSync /* writes at once, too */
#endif

static void expect(by__pg_connection *connection, by__pg_expect what, uint32_t statement, by__pg_request *request)
{
	by__pg_expect_more(connection, (by__pg_entry){ .expect = what, .statement = statement, .request = request });
}

/* Its request, or NULL, is told of its failure only. */
static bool send_plain(by__pg_connection *connection, const char *sql, by__pg_request *request)
{
	expect(connection, BY__PG_EXPECT_COMMAND, 0, request);
	return PQsendQueryParams(connection->pg, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

static bool send_prepared(by__pg_connection *connection, by__pg_request *request)
{
	const by_statement *statement = request->statement;
	const by__pg_args  *args = &request->args;
	char name[16] = "s";
	for (uint32_t left = statement->id, at = 1; at == 1 || left; left /= 10)
		name[at++] = (char)('0' + left % 10); /* from the last digit: distinct all the same */
	if (!by__pg_is_prepared(connection, statement->id)) {
		expect(connection, BY__PG_EXPECT_PREPARED, statement->id, request);
		by__pg_set_prepared(connection, statement->id, true);
		if (PQsendPrepare(connection->pg, name, statement->sql, 0, NULL) != 1)
			return false;
		by_count(by__pg_prepares, 1);
	}
	expect(connection, BY__PG_EXPECT_ROWS, statement->id, request);
	return PQsendQueryPrepared(connection->pg, name, args->count, args->values, args->lengths, args->formats, 1) == 1;
}

static bool send_once(by__pg_connection *connection, by__pg_request *request)
{
	const by__pg_args *args = &request->args;
	expect(connection, BY__PG_EXPECT_ROWS, request->statement->id, request);
	return PQsendQueryParams(connection->pg, request->statement->sql, args->count, NULL, args->values, args->lengths,
	           args->formats, 1) == 1;
}

static bool send_all(by__pg_connection *connection, by__pg_request *request)
{
	bool prepared = connection->database->prepare && request->statement->id != BY__STATEMENT_TRANSIENT;
	if (request->before && !send_plain(connection, request->before, request))
		return false;
	if (prepared ? !send_prepared(connection, request) : !send_once(connection, request))
		return false;
	/* Outside a transaction the sync is what commits: until then nothing that was done may be told. */
	expect(connection, BY__PG_EXPECT_SYNC, 0, request->in_transaction ? NULL : request);
	return send_sync(connection->pg) == 1;
}

void by__pg_send(by__pg_connection *connection, by__pg_request *request)
{
	if (connection->state != BY__PG_READY) {
		request->lost = true;
		by__pg_settle(request);
		return;
	}
	request->connection = connection;
	if (connection->in_flight++ == 0)
		connection->head_since = uv_hrtime();
	if (!by__pg_cost_is_fast(connection->database, request->statement->id))
		connection->slow = true;
	if (send_all(connection, request))
		flush_later(connection);
	else
		by__pg_connection_break(connection, PQerrorMessage(connection->pg));
	/* Broken before the request had an entry. */
	if (connection->state != BY__PG_READY && request->connection == connection)
		lose(connection, request);
}

void by__pg_send_command(by__pg_connection *connection, const char *sql)
{
	if (connection->state != BY__PG_READY)
		return;
	bool sent = send_plain(connection, sql, NULL);
	expect(connection, BY__PG_EXPECT_SYNC, 0, NULL);
	if (sent && send_sync(connection->pg) == 1)
		flush_later(connection);
	else
		by__pg_connection_break(connection, PQerrorMessage(connection->pg));
}

void by__pg_send_script(by__pg_connection *connection, by__pg_request *request)
{
	BY_INVARIANT(connection->count == 0);
	request->connection = connection;
	connection->script = request;
	connection->dirty = true;
	if (connection->state == BY__PG_READY && PQexitPipelineMode(connection->pg) == 1
	    && PQsendQuery(connection->pg, request->script) == 1) {
		flush_later(connection);
	} else if (connection->state == BY__PG_READY) {
		by__pg_connection_break(connection, PQerrorMessage(connection->pg));
	} else {
		connection->script = NULL;
		request->lost = true;
		by__pg_settle(request);
	}
}
