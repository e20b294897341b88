/*
 * PostgreSQL through libpq, without ever blocking: what its files share.
 *
 * A connection always runs in pipeline mode. It keeps the results it still
 * expects as a ring of entries; a coroutine that waits for one has a request
 * on its stack. A coroutine that leaves early clears the entry's pointer, and
 * the result is dropped when it comes: nothing that comes late touches a
 * request's memory.
 *
 * Statements outside transactions wait in one queue and go to whichever
 * shared connection may take them. Transactions, and what the shared
 * connections cannot take, use connections of the pool. Internal.
 */
#ifndef BY_INFRASTRUCTURE_DB_POSTGRESQL_H
#define BY_INFRASTRUCTURE_DB_POSTGRESQL_H

#include <libpq-fe.h>
#include <uv.h>

#include <banyan/database.h>
#include <banyan/metric.h>
#include <banyan/task.h>

#include "core/statement.h"

enum {
	BY__PG_DATABASE_MAGIC = 0x62797064,
	BY__PG_CONNECTION_MAGIC = 0x62797063,
	BY__PG_TRANSACTION_MAGIC = 0x62797074,
	BY__PG_WINDOW = 32,           /* statements in flight on one shared connection */
	BY__PG_SLOW_NS = 10 * 1000 * 1000
};

typedef struct by__pg by__pg;
typedef struct by__pg_connection by__pg_connection;
typedef struct by__pg_request by__pg_request;
typedef struct by__pg_transaction by__pg_transaction;

/* Parameters as libpq takes them; in the arena of their request. */
typedef struct by__pg_args {
	int                count;
	const char *const *values;
	const int         *lengths;
	const int         *formats;
} by__pg_args;

/* One statement, or one script, of a parked coroutine. */
struct by__pg_request {
	by_wait             wait;
	const by_statement *statement;
	by__pg_args         args;
	const char         *script; /* several statements by the simple protocol; then there is no statement */
	unsigned            done;   /* statements of the script that succeeded */
	const char         *before; /* BEGIN …, sent in front under the same sync; or NULL */
	PGresult           *result; /* the coroutine's to clear */
	bool                lost;   /* the connection broke first, or there is none */
	bool                ended;  /* result or loss is settled */
	bool                in_transaction;
	bool                resent;
	bool                queued;
	by__pg_connection  *connection; /* while in flight */
	by__pg_request     *next;       /* in the queue */
};

typedef enum by__pg_expect {
	BY__PG_EXPECT_COMMAND, /* BEGIN, ROLLBACK: of its result only a failure is told */
	BY__PG_EXPECT_PREPARED,
	BY__PG_EXPECT_ROWS,
	BY__PG_EXPECT_SYNC
} by__pg_expect;

/* A result that the server still owes. */
typedef struct by__pg_entry {
	by__pg_expect   expect;
	uint32_t        statement; /* its id */
	bool            seen;      /* its result came; its terminating NULL has not */
	by__pg_request *request;   /* NULL: nobody waits */
} by__pg_entry;

typedef enum by__pg_state {
	BY__PG_CLOSED,  /* its timer runs until the next attempt, if it has one */
	BY__PG_OPENING,
	BY__PG_READY
} by__pg_state;

typedef enum by__pg_role {
	BY__PG_SHARED, /* one of the pipelines */
	BY__PG_IDLE,   /* of the pool, as all below */
	BY__PG_TAKEN,  /* by a coroutine, which gives it back whatever happens to it */
	BY__PG_LENT,   /* to one statement of the queue */
	BY__PG_CLEANING
} by__pg_role;

/* libuv closes a handle some time after its owner: each is a block of its own. */
typedef struct by__pg_poll {
	uv_poll_t          handle; /* first */
	by__pg_connection *connection;
} by__pg_poll;

struct by__pg_connection {
	uint32_t            magic;
	by__pg             *database;
	by__pg_role         role;
	by__pg_state        state;
	PGconn             *pg;
	by__pg_poll        *poll;
	int                 events;    /* the poll's */
	uv_timer_t          timer;     /* connecting, standing back, or cleaning */
	by__pg_entry       *entries;   /* ring of `room`, a power of two */
	uint32_t            room, first, count;
	uint32_t            in_flight; /* entries that are statements */
	uint64_t            head_since; /* when the first of those became the first */
	uint64_t           *prepared;  /* bit per statement id */
	uint32_t            prepared_words;
	bool                slow;      /* a statement that is slow, or not yet known, is in flight */
	bool                retiring;  /* opens anew when drained: a prepared statement of it is out of date */
	bool                dirty;     /* something may be left in the session */
	bool                flush_due;
	unsigned            attempts;  /* that failed in a row */
	uint64_t            expires_at; /* by the loop's clock: then it is too old */
	uint64_t            idle_since;
	by__pg_request     *script;    /* a simple query is running, outside pipeline mode */
	struct by__pg_lookup *lookup;  /* of its host's name, under way */
	struct by__pg_cancelling *cancel; /* a thread sends a cancel request */
	by__pg_connection  *next_idle;
	by__pg_connection  *next_flush;
};

struct by__pg_transaction {
	by_transaction     base;
	uint32_t           magic;
	by__pg_connection *connection; /* NULL: broken, or ended */
	const char        *begin;      /* BEGIN … that the first statement sends along; NULL once sent */
};

/* A coroutine that waits for a connection of the pool. */
typedef struct by__pg_waiter {
	by_wait               wait;
	by__pg_connection    *connection;
	bool                  refused; /* the server cannot be reached */
	struct by__pg_waiter *next;
} by__pg_waiter;

typedef struct by__pg_address by__pg_address;

struct by__pg {
	by_database         base;
	uint32_t            magic;
	by_database_options options;
	by_arena           *arena;
	bool                prepare;   /* ?prepare=off: for a pooler in transaction mode */
	by__pg_address     *address;
	uv_loop_t          *loop;
	uv_idle_t           flush;
	uv_timer_t          keep;      /* looks after the pool's age and least number */
	by__pg_connection  *flush_first;
	bool                closing;
	bool                down;      /* the last attempt to connect failed, and nothing is connected */
	uint32_t            ready;     /* connections */
	uint32_t            handles;   /* of libuv, open; with requests to its threads */
	char               *trouble;   /* what the last failed attempt said */

	by__pg_connection **shared;
	by__pg_request     *queue_first, *queue_last;
	uint32_t            queued;

	by__pg_connection **pool;
	uint32_t            pool_count;
	uint32_t            pool_opening;
	by__pg_connection  *idle;
	uint32_t            idle_count;
	by__pg_waiter      *waiter_first, *waiter_last;
	uint32_t            waiters;

	uint8_t            *costs;     /* by__pg_cost by statement id */
	uint32_t            cost_count;
};

/* postgresql.c */
/* A handle of libuv, or a request to its threads, has ended; the last one frees a closed database. */
void by__pg_handle_gone(by__pg *database);

/* postgresql_address.c: the URL, and names resolved by the loop's threads, so that connecting never blocks. */
BY_MUST_CHECK by_error *by__pg_address_new(by_arena *arena, const char *url, by__pg *database);
/* Calls done(connection, NULL or what is wrong), at once or later from the loop. */
void by__pg_address_resolve(by__pg_connection *connection,
    void (*done)(by__pg_connection *connection, const char *wrong));
void by__pg_address_forget(by__pg_connection *connection);
/* Starts libpq on what was resolved; NULL when memory is out. */
PGconn *by__pg_address_connect(const by__pg *database);
void by__pg_address_free(by__pg *database);

/* postgresql_connection.c */
by__pg_connection *by__pg_connection_new(by__pg *database, by__pg_role role);
void by__pg_connection_open(by__pg_connection *connection);
/* Everything in flight is lost, and the connection closed; the pool decides what becomes of it. `why` is logged; NULL: meant. */
void by__pg_connection_break(by__pg_connection *connection, const char *why);
/* Closed with its farewell; its memory goes when libuv has let go of it. */
void by__pg_connection_free(by__pg_connection *connection);
/* Has its timer call `then` after `ms`. */
void by__pg_connection_later(by__pg_connection *connection, uint64_t ms, uv_timer_cb then);
/* Sends the request; when that fails, the connection breaks and the request is told like any other that is lost. */
void by__pg_send(by__pg_connection *connection, by__pg_request *request);
/* A command whose result nobody waits for. */
void by__pg_send_command(by__pg_connection *connection, const char *sql);
/* The same outside pipeline mode, for several statements in one text; nothing may be in flight. */
void by__pg_send_script(by__pg_connection *connection, by__pg_request *request);

/* postgresql_results.c */
/* Takes every result that has come. The connection may be broken afterwards. */
void by__pg_results(by__pg_connection *connection);
/* The entry at `at` from the first. */
by__pg_entry *by__pg_entry_at(by__pg_connection *connection, uint32_t at);
void by__pg_expect_more(by__pg_connection *connection, by__pg_entry entry);
bool by__pg_is_prepared(const by__pg_connection *connection, uint32_t statement);
void by__pg_set_prepared(by__pg_connection *connection, uint32_t statement, bool is);
/* The result, or its loss, is settled: wakes the coroutine. */
void by__pg_settle(by__pg_request *request);
/* The coroutine no longer waits for what it sent. */
void by__pg_abandon(by__pg_request *request);
/* Asks the server, from a thread, to stop what the connection runs. */
void by__pg_cancel(by__pg_connection *connection);
void by__pg_cancel_forget(by__pg_connection *connection);

/* postgresql_pool.c */
by_error *by__pg_enqueue(by_ctx *ctx, by__pg *database, by__pg_request *request);
void by__pg_requeue(by__pg *database, by__pg_request *request);
void by__pg_unqueue(by__pg *database, by__pg_request *request);
/* Sends what waits in the queue as far as connections may take it. */
void by__pg_dispatch(by__pg *database);
/* A connection of the pool. OVERLOADED, DATABASE_UNAVAILABLE. Parks. */
BY_MUST_CHECK by_error *by__pg_take(by_ctx *ctx, by__pg *database, by__pg_connection **connection);
/* Gives it back; it is cleaned first when it must be. */
void by__pg_give(by__pg_connection *connection);
/* Has the pool look after its age and least number from now on. */
void by__pg_keep(by__pg *database);
/* When a connection that opens now will be too old; not the same for all, so that they do not go together. */
uint64_t by__pg_expiry(const by__pg *database);
/* What the connections tell. */
void by__pg_on_ready(by__pg_connection *connection);
void by__pg_on_drained(by__pg_connection *connection);
void by__pg_on_broken(by__pg_connection *connection);
void by__pg_on_refused(by__pg_connection *connection); /* an attempt to open it failed */
/* What a statement took when it was the first in flight. */
void by__pg_cost_learn(by__pg *database, uint32_t statement, uint64_t ns);
bool by__pg_cost_is_fast(const by__pg *database, uint32_t statement);
/* Everyone who waits is told that the database cannot be reached. */
void by__pg_refuse_all(by__pg *database);

/* postgresql_value.c */
BY_MUST_CHECK by_error *by__pg_args_make(by_ctx *ctx, const by_value *args, size_t count, by__pg_args *out);
/* Each row to the sink; `affected` may be NULL. */
BY_MUST_CHECK by_error *by__pg_rows(by_ctx *ctx, const PGresult *result, by_row_sink *sink, int64_t *affected);
/* The error of a request whose result failed. */
BY_MUST_CHECK by_error *by__pg_error(by_ctx *ctx, const by__pg_request *request);
BY_MUST_CHECK by_error *by__pg_unavailable(by_ctx *ctx, const by__pg *database);

/* Metrics. */
extern by_series by__pg_prepares;
void by__pg_metrics(void);
/* Sets the gauges to what is open now. */
void by__pg_count(const by__pg *database);

#endif
