/*
 * Databases. DATABASE_URL picks the driver by its scheme: sqlite:lab.db,
 * postgresql://user@host/name. SQL is written with $1, $2 … for both.
 *
 * sqlite:NAME?synchronous=full|normal|off: `full`, the default, survives a
 * power cut, `normal` may lose the last commits in one. postgresql://…: all
 * that libpq takes, and prepare=off for a pooler that gives each transaction
 * another session.
 */
#ifndef BANYAN_DATABASE_H
#define BANYAN_DATABASE_H

#include <banyan/ctx.h>
#include <banyan/kind.h>
#include <banyan/value.h>

BY_BEGIN

typedef struct by_database by_database;
typedef struct by_transaction by_transaction;

/*
 * One SQL text, made once and prepared once per connection. The same text
 * always yields the same statement.
 */
typedef struct by_statement { /* read-only */
	const char *sql;
	size_t      arguments; /* the highest $n */
	uint32_t    id;        /* dense from 0 */
	const char *name;      /* for metrics and logs: "experiments.find" */
} by_statement;

/* Thread-safe. `name` is kept from the first call. */
BY_API const by_statement *by_statement_of(const char *name, const char *sql);

/*
 * Where the rows of a result go, one by one, in the coroutine that asked. The
 * cells are valid during the call only; it must not park. What PostgreSQL has a
 * type for arrives as that; SQLite gives a TIMESTAMP, DATE or BOOLEAN column as
 * such and all else as the integer, double, text or bytes that it keeps:
 * by_field_set takes either.
 */
typedef struct by_row_sink {
	by_error *(*row)(struct by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count);
} by_row_sink;

typedef enum by_isolation {
	BY_TX_NONE,
	BY_TX_READ_COMMITTED, /* SQLite: serializable all the same */
	BY_TX_REPEATABLE_READ,
	BY_TX_SERIALIZABLE,
	BY_TX_READ_ONLY
} by_isolation;

typedef struct by_database_options {
	uint32_t    pipelines;       /* shared connections for statements outside transactions */
	uint32_t    pool_min;        /* connections for transactions that are kept open */
	uint32_t    pool_max;        /* most of them; SQLite: readers, of which it has 4 at most */
	by_duration pool_timeout;    /* waiting for one */
	by_duration pool_idle;       /* one above the minimum that nobody needs for so long is closed; 0: never */
	by_duration pool_lifetime;   /* a connection of this age, shared ones too, is replaced when it is free; 0: never */
	by_duration connect_timeout;
	by_duration statement_timeout; /* 0: only the context's deadline */
	uint32_t    queue_max;       /* coroutines waiting for a connection; beyond it OVERLOADED */
} by_database_options;

/* One family of databases. */
typedef struct by_database_driver {
	const char *const *schemes; /* "postgresql", "postgres", NULL */
	const char *dialect;        /* "postgresql", "sqlite": of migrations and generated SQL */
	/* The type as CREATE TABLE writes it. */
	const char *(*type_name)(by_sql_type type);
	/* On the calling worker's loop; connects in the background. Does not park. */
	by_error *(*open)(by_arena *arena, const char *url, const by_database_options *options, by_database **database);
	/* Closes every connection with its farewell; statements that wait get DATABASE_UNAVAILABLE. */
	void (*close)(by_database *database);
	/*
	 * One statement, in the transaction or, when it is NULL, by itself.
	 * `affected` may be NULL. DATABASE_UNAVAILABLE, OVERLOADED,
	 * UNIQUE_VIOLATION, REFERENCE_VIOLATION, SERIALIZATION_FAILURE, DATABASE. Parks.
	 */
	by_error *(*query)(by_ctx *ctx, by_database *database, by_transaction *transaction, const by_statement *statement,
	    const by_value *args, size_t count, by_row_sink *sink, int64_t *affected);
	/* Several statements in one text, without arguments (migrations); PostgreSQL undoes all when one fails. Parks. */
	by_error *(*script)(by_ctx *ctx, by_database *database, by_transaction *transaction, const char *sql);
	/* Takes a connection of its own. Parks. */
	by_error *(*begin)(by_ctx *ctx, by_database *database, by_isolation isolation, by_transaction **transaction);
	/* Both give the connection back, whatever they return. Park; see it through even when the context is cancelled. */
	by_error *(*commit)(by_ctx *ctx, by_transaction *transaction);
	void (*rollback)(by_ctx *ctx, by_transaction *transaction);
} by_database_driver;

struct by_database {
	const by_database_driver *driver;
};

struct by_transaction {
	by_database *database;
	by_isolation isolation;
};

/* The calls that applications make: the context's database, and its transaction when it is in one. */

/* Runs one statement. `sink` and `affected` may be NULL. Parks. */
BY_API BY_MUST_CHECK by_error *by_database_query(by_ctx *ctx, const by_statement *statement, const by_value *args,
    size_t count, by_row_sink *sink, int64_t *affected);

/*
 * Runs `work` in a transaction: commits when it returns BY_OK, else rolls back
 * and returns its error. Within one already, it simply runs, at that one's
 * isolation, which must be at least as strict: else INTERNAL. A serialization failure is retried up to three times, so that
 * `work` may run again. Child tasks that `work` spawns take part; it joins them
 * before it returns, else their next statement is DATABASE_UNAVAILABLE. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_transact(by_ctx *ctx, by_isolation isolation,
    by_error *(*work)(by_ctx *ctx, void *argument), void *argument);

/* Opens the database of a URL. CONFIGURATION lists the schemes of this build. */
BY_API BY_MUST_CHECK by_error *by_database_open(by_arena *arena, const char *url, const by_database_options *options,
    by_database **database);
BY_API void by_database_close(by_database *database);
/* SELECT 1. Parks. */
BY_API BY_MUST_CHECK by_error *by_database_ping(by_ctx *ctx, by_database *database);
/* Makes a driver known; the framework's are registered by by_main. Before any thread. */
BY_API void by_database_register(const by_database_driver *driver);

BY_END

#endif
