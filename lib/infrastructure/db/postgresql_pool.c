/*
 * Who may use which connection: the queue of statements outside transactions
 * over the shared connections, and the pool with its own queue.
 */
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>

#include "infrastructure/db/postgresql.h"

enum { CLEANING_MS = 5000, KEEP_FIRST_MS = 20, KEEP_LAST_MS = 1000 };

/* ---- what statements cost ---- */

enum { COST_UNKNOWN, COST_FAST, COST_SLOW };

void by__pg_cost_learn(by__pg *database, uint32_t statement, uint64_t ns)
{
	if (statement == BY__STATEMENT_TRANSIENT)
		return;
	if (statement >= database->cost_count) {
		uint32_t count = statement + 64;
		uint8_t *costs = realloc(database->costs, count);
		if (!costs)
			return;
		memset(costs + database->cost_count, COST_UNKNOWN, count - database->cost_count);
		database->costs = costs;
		database->cost_count = count;
	}
	database->costs[statement] = ns < BY__PG_SLOW_NS ? COST_FAST : COST_SLOW;
}

bool by__pg_cost_is_fast(const by__pg *database, uint32_t statement)
{
	return statement < database->cost_count && database->costs[statement] == COST_FAST;
}

/* ---- the queue over the shared connections ---- */

void by__pg_requeue(by__pg *database, by__pg_request *request)
{
	request->queued = true;
	request->next = NULL;
	if (database->queue_last)
		database->queue_last->next = request;
	else
		database->queue_first = request;
	database->queue_last = request;
	database->queued++;
}

by_error *by__pg_enqueue(by_ctx *ctx, by__pg *database, by__pg_request *request)
{
	if (database->closing || database->down)
		return by__pg_unavailable(ctx, database);
	if (database->queued >= database->options.queue_max) {
		by_error *error = by_fail(ctx, OVERLOADED, "Too much work is waiting for the database.");
		error->retry_after = 1;
		return error;
	}
	by__pg_requeue(database, request);
	by__pg_dispatch(database);
	return BY_OK;
}

void by__pg_unqueue(by__pg *database, by__pg_request *request)
{
	by__pg_request **at = &database->queue_first, *last = NULL;
	while (*at && *at != request) {
		last = *at;
		at = &(*at)->next;
	}
	BY_INVARIANT(*at);
	*at = request->next;
	if (database->queue_last == request)
		database->queue_last = last;
	database->queued--;
	request->queued = false;
}

/* A connection whose first statement has been running for long keeps those behind it waiting. */
static bool may_take_more(const by__pg_connection *connection, uint64_t now)
{
	if (connection->state != BY__PG_READY || connection->retiring || connection->cancel || connection->slow)
		return false;
	return connection->in_flight == 0
	    || (connection->in_flight < BY__PG_WINDOW && now - connection->head_since < BY__PG_SLOW_NS);
}

static by__pg_connection *least_loaded(const by__pg *database)
{
	by__pg_connection *best = NULL;
	uint64_t           now = uv_hrtime();
	for (uint32_t i = 0; i < database->options.pipelines; i++) {
		by__pg_connection *connection = database->shared[i];
		if (may_take_more(connection, now) && (!best || connection->in_flight < best->in_flight))
			best = connection;
	}
	return best;
}

static void open_pooled(by__pg *database)
{
	by__pg_connection *connection = by__pg_connection_new(database, BY__PG_CLEANING);
	database->pool[database->pool_count++] = connection;
	database->pool_opening++;
	by__pg_connection_open(connection);
}

static by__pg_connection *pop_idle(by__pg *database)
{
	by__pg_connection *connection = database->idle;
	if (connection) {
		database->idle = connection->next_idle;
		connection->next_idle = NULL;
		database->idle_count--;
		by__pg_count(database);
	}
	return connection;
}

/* The shared connections are all held up: one of the pool that nobody waits for takes a statement. */
static by__pg_connection *borrowed(by__pg *database)
{
	if (database->ready == 0 || database->waiter_first)
		return NULL;
	by__pg_connection *connection = pop_idle(database);
	if (connection)
		connection->role = BY__PG_LENT;
	else if (database->pool_opening == 0 && database->pool_count < database->options.pool_max && !database->closing)
		open_pooled(database);
	return connection;
}

void by__pg_dispatch(by__pg *database)
{
	while (database->queue_first) {
		by__pg_connection *connection = least_loaded(database);
		if (!connection)
			connection = borrowed(database);
		if (!connection)
			return;
		by__pg_request *request = database->queue_first;
		by__pg_unqueue(database, request);
		by__pg_send(connection, request);
	}
}

/* ---- the pool ---- */

static void remove_from_pool(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	for (by__pg_connection **at = &database->idle; *at; at = &(*at)->next_idle)
		if (*at == connection) {
			*at = connection->next_idle;
			database->idle_count--;
			break;
		}
	for (uint32_t i = 0; i < database->pool_count; i++)
		if (database->pool[i] == connection) {
			database->pool[i] = database->pool[--database->pool_count];
			break;
		}
	by__pg_connection_free(connection);
}

/* Opens as many as are waited for, within the bound. */
static void open_wanted(by__pg *database)
{
	while (!database->closing && database->pool_opening < database->waiters
	       && database->pool_count < database->options.pool_max)
		open_pooled(database);
}

static by__pg_waiter *pop_waiter(by__pg *database)
{
	by__pg_waiter *waiter = database->waiter_first;
	if (waiter) {
		database->waiter_first = waiter->next;
		if (!database->waiter_first)
			database->waiter_last = NULL;
		database->waiters--;
	}
	return waiter;
}

static bool is_old(const by__pg_connection *connection)
{
	return uv_now(connection->database->loop) >= connection->expires_at;
}

/* Closes it; whoever waits gets another. */
static void leave_pool(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	remove_from_pool(connection);
	open_wanted(database);
	by__pg_dispatch(database);
}

/* A clean connection: to whoever has waited longest. */
static void make_idle(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (is_old(connection)) {
		leave_pool(connection);
		return;
	}
	by__pg_waiter *waiter = pop_waiter(database);
	uv_timer_stop(&connection->timer);
	if (waiter) {
		connection->role = BY__PG_TAKEN;
		waiter->connection = connection;
		by_wake(&waiter->wait);
		return;
	}
	connection->role = BY__PG_IDLE;
	connection->idle_since = uv_now(database->loop);
	connection->next_idle = database->idle;
	database->idle = connection;
	database->idle_count++;
	by__pg_count(database);
	by__pg_dispatch(database);
}

static void on_cleaning_timeout(uv_timer_t *timer)
{
	by__pg_connection_break(timer->data, "a connection could not be cleaned in time");
}

/* In flight may still be what its last user left behind, and then the ROLLBACK. */
static void clean(by__pg_connection *connection)
{
	connection->role = BY__PG_CLEANING;
	by__pg_connection_later(connection, CLEANING_MS, on_cleaning_timeout);
	by__pg_send_command(connection, "ROLLBACK");
}

void by__pg_give(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (connection->state == BY__PG_READY && PQtransactionStatus(connection->pg) == PQTRANS_ACTIVE)
		by__pg_cancel(connection);
	if (connection->state != BY__PG_READY || connection->dirty || connection->retiring || is_old(connection)
	    || database->closing) {
		remove_from_pool(connection);
		open_wanted(database);
	} else if (connection->count || connection->cancel || PQtransactionStatus(connection->pg) != PQTRANS_IDLE) {
		clean(connection);
	} else {
		make_idle(connection);
	}
}

static by_error *overloaded(by_ctx *ctx, const char *why)
{
	by_error *error = by_fail(ctx, OVERLOADED, "All connections to the database are in use.");
	error->retry_after = 1;
	return by_error_internal(ctx->arena, error, "%s", why);
}

static void forget_waiter(by__pg *database, by__pg_waiter *waiter)
{
	by__pg_waiter **at = &database->waiter_first, *last = NULL;
	while (*at && *at != waiter) {
		last = *at;
		at = &(*at)->next;
	}
	if (!*at)
		return;
	*at = waiter->next;
	if (database->waiter_last == waiter)
		database->waiter_last = last;
	database->waiters--;
}

static void add_waiter(by__pg *database, by__pg_waiter *waiter)
{
	if (database->waiter_last)
		database->waiter_last->next = waiter;
	else
		database->waiter_first = waiter;
	database->waiter_last = waiter;
	database->waiters++;
	open_wanted(database);
}

/* Parks until one is free; the pool's own time limit is a child context's deadline. */
static by_error *await_connection(by_ctx *ctx, by__pg *database, by__pg_connection **out)
{
	by__pg_waiter waiter = { 0 };
	by_ctx       *limited = by_ctx_child(ctx);
	if (database->options.pool_timeout.us > 0)
		by_ctx_limit(limited, database->options.pool_timeout);
	by_wait_init(&waiter.wait);
	add_waiter(database, &waiter);
	by_error *error = by_wait_for(limited, &waiter.wait);
	if (error)
		forget_waiter(database, &waiter);
	if (waiter.connection && by_ctx_check(ctx) == BY_OK) {
		*out = waiter.connection;
		return BY_OK;
	}
	if (waiter.connection)
		by__pg_give(waiter.connection);
	BY_TRY(by_ctx_check(ctx));
	if (waiter.refused)
		return by__pg_unavailable(ctx, database);
	return overloaded(ctx, "waited for DATABASE_POOL_TIMEOUT");
}

by_error *by__pg_take(by_ctx *ctx, by__pg *database, by__pg_connection **connection)
{
	if (database->closing || database->down)
		return by__pg_unavailable(ctx, database);
	if (database->idle && !database->waiter_first) {
		*connection = pop_idle(database);
		(*connection)->role = BY__PG_TAKEN;
		return BY_OK;
	}
	if (database->waiters >= database->options.queue_max)
		return overloaded(ctx, "the queue for a connection is full");
	BY_TRY(await_connection(ctx, database, connection));
	return BY_OK;
}

/* ---- age, and the least number ---- */

uint64_t by__pg_expiry(const by__pg *database)
{
	uint64_t ms = (uint64_t)database->options.pool_lifetime.us / 1000;
	uint16_t random;
	if (!ms)
		return UINT64_MAX;
	by_random(&random, sizeof random);
	return uv_now(database->loop) + ms - ms / 10 * random / UINT16_MAX;
}

/* No more than are missing now: one that is refused at once is tried again at the next look. */
static void open_least(by__pg *database)
{
	uint32_t least = database->options.pool_min, count = database->pool_count;
	if (database->closing || database->ready == 0)
		return;
	for (; count < least && database->pool_count < database->options.pool_max; count++)
		open_pooled(database);
}

static void close_idle(by__pg *database)
{
	uint64_t limit = (uint64_t)database->options.pool_idle.us / 1000, now = uv_now(database->loop);
	for (by__pg_connection *at = database->idle, *next; at; at = next) {
		bool unused = limit && now - at->idle_since >= limit && database->pool_count > database->options.pool_min;
		next = at->next_idle;
		if (unused || is_old(at))
			remove_from_pool(at);
	}
}

/* One at a time, once what it has been sent is done: the others serve meanwhile. */
static void renew_shared(by__pg *database)
{
	by__pg_connection *old = NULL;
	for (uint32_t i = 0; i < database->options.pipelines; i++) {
		by__pg_connection *connection = database->shared[i];
		if (connection->state != BY__PG_READY || connection->retiring)
			return;
		if (is_old(connection))
			old = connection;
	}
	if (!old)
		return;
	old->retiring = true;
	if (old->count == 0)
		by__pg_on_drained(old);
}

static void on_keep(uv_timer_t *timer)
{
	by__pg *database = timer->data;
	close_idle(database);
	renew_shared(database);
	open_least(database);
}

/* How often to look, so that no limit is overrun by more than a quarter of it, or by a second. */
static uint64_t keep_period(const by_database_options *options)
{
	uint64_t period = 4 * KEEP_LAST_MS;
	if (options->pool_idle.us > 0 && (uint64_t)options->pool_idle.us / 1000 < period)
		period = (uint64_t)options->pool_idle.us / 1000;
	if (options->pool_lifetime.us > 0 && (uint64_t)options->pool_lifetime.us / 1000 < period)
		period = (uint64_t)options->pool_lifetime.us / 1000;
	return period / 4 < KEEP_FIRST_MS ? KEEP_FIRST_MS : period / 4;
}

void by__pg_keep(by__pg *database)
{
	const by_database_options *options = &database->options;
	if (options->pool_min == 0 && options->pool_idle.us <= 0 && options->pool_lifetime.us <= 0)
		return;
	uint64_t period = keep_period(options);
	uv_timer_start(&database->keep, on_keep, period, period);
	uv_unref((uv_handle_t *)&database->keep);
}

/* ---- what connections tell ---- */

void by__pg_on_ready(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (connection->role == BY__PG_SHARED) {
		/* The server is back: whoever stands back need not. */
		for (uint32_t i = 0; i < database->options.pipelines; i++)
			if (database->shared[i]->state == BY__PG_CLOSED)
				by__pg_connection_open(database->shared[i]);
		open_least(database);
		by__pg_dispatch(database);
		return;
	}
	database->pool_opening--;
	make_idle(connection);
}

void by__pg_on_drained(by__pg_connection *connection)
{
	if (connection->cancel || connection->state != BY__PG_READY)
		return;
	if (connection->retiring && connection->role != BY__PG_TAKEN) {
		by__pg_connection_break(connection, is_old(connection) ? NULL : "a prepared statement is out of date");
		return;
	}
	if (connection->role != BY__PG_LENT && connection->role != BY__PG_CLEANING)
		return;
	if (PQtransactionStatus(connection->pg) == PQTRANS_IDLE)
		make_idle(connection);
	else
		by__pg_connection_break(connection, "a connection could not be cleaned");
}

static void on_reopen(uv_timer_t *timer)
{
	by__pg_connection *connection = timer->data;
	if (connection->state == BY__PG_CLOSED)
		by__pg_connection_open(connection);
}

void by__pg_on_broken(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (connection->role == BY__PG_TAKEN || database->closing)
		return;
	if (connection->role == BY__PG_SHARED) {
		by__pg_connection_later(connection, 0, on_reopen);
		return;
	}
	remove_from_pool(connection);
	open_wanted(database);
}

void by__pg_refuse_all(by__pg *database)
{
	while (database->queue_first) {
		by__pg_request *request = database->queue_first;
		by__pg_unqueue(database, request);
		request->lost = true;
		by__pg_settle(request);
	}
	for (by__pg_waiter *waiter = pop_waiter(database); waiter; waiter = pop_waiter(database)) {
		waiter->refused = true;
		by_wake(&waiter->wait);
	}
}

void by__pg_on_refused(by__pg_connection *connection)
{
	by__pg *database = connection->database;
	if (database->down)
		by__pg_refuse_all(database);
	/* One of the pool stands back and tries again only for those who wait. */
	if (connection->role == BY__PG_SHARED || database->waiters)
		return;
	database->pool_opening--;
	remove_from_pool(connection);
}
