/*
 * SQLite: what its two files share. sqlite.c runs on the loop and decides who
 * may use which connection; sqlite_connection.c runs on the loop's threads and
 * does all that touches the file. A connection belongs to one job at a time,
 * so neither needs a lock. Internal.
 *
 * Columns hold: a time as INTEGER microseconds since 1970 (declared TIMESTAMP:
 * it sorts, and costs no parsing), a date, ULID, UUID, decimal or JSON as TEXT,
 * a bool as 0 or 1. A column declared TIMESTAMP, DATE or BOOLEAN is read as one.
 */
#ifndef BY_INFRASTRUCTURE_DB_SQLITE_H
#define BY_INFRASTRUCTURE_DB_SQLITE_H

#include <sqlite3.h>
#include <uv.h>

#include <banyan/database.h>
#include <banyan/task.h>

#include "core/statement.h"

typedef struct by__lite by__lite;

typedef struct by__lite_connection {
	const char    *path;
	const char    *synchronous;
	bool           writer;
	bool           alone;    /* of :memory:, where it reads, too */
	bool           taken;
	sqlite3       *db;       /* NULL: not opened yet */
	sqlite3_stmt **prepared; /* by statement id */
	uint32_t       prepared_count;
	by_arena      *arena;    /* of the rows of one job */
	struct by__lite_connection *next_free;
} by__lite_connection;

typedef struct by__lite_row {
	struct by__lite_row *next;
	by_value             cells[];
} by__lite_row;

typedef enum by__lite_task {
	BY__LITE_QUERY,
	BY__LITE_SCRIPT,
	BY__LITE_COMMIT,
	BY__LITE_ROLLBACK,
	BY__LITE_CLOSE
} by__lite_task;

/* What a thread is to do for a coroutine, on whose stack it lies, and what came of it. */
typedef struct by__lite_job {
	uv_work_t            work; /* first */
	by_wait              back;
	by__lite_connection *connection;
	by__lite_task        task;
	const by_ctx        *ctx;   /* its deadline and cancellation end the work; NULL: nothing does */
	const by_statement  *statement;
	const by_value      *args;
	const char          *script;
	const char          *begin; /* BEGIN …, run in front; or NULL */
	bool                 in_transaction;

	int                  code;  /* SQLite's extended one */
	const char          *message; /* in the connection's arena */
	int                  line;  /* of the script */
	bool                 needs_writer; /* nothing was done: the statement writes */
	bool                 prepared;     /* newly */
	bool                 ended_early;  /* the transaction had been rolled back by SQLite */
	int64_t              affected;
	size_t               columns;
	by__lite_row        *rows;
	uint64_t             busy_since;
	by_duration          timeout; /* DATABASE_STATEMENT_TIMEOUT; 0: none */
	uint64_t             limit;   /* by_clock() when it is over; 0: none */
} by__lite_job;

/* On a thread. */
void by__lite_work(uv_work_t *work);

void by__lite_metrics(void);

#endif
