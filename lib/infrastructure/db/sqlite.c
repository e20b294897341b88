/*
 * The SQLite driver on the loop: one connection that writes, several that
 * read, and the queues before them. Everything that touches the file is done
 * by a thread while the coroutine is parked.
 */
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/metric.h>

#include "core/runtime.h"
#include "infrastructure/db/drivers.h"
#include "infrastructure/db/sqlite.h"

enum { MAGIC = 0x62796c64, TRANSACTION_MAGIC = 0x62796c74, READERS_MAX = 4 };

/* A coroutine that waits for a connection. */
typedef struct waiter {
	by_wait              wait;
	by__lite_connection *connection;
	bool                 refused;
	struct waiter       *next;
} waiter;

/* Connections of one use, and who waits for them. */
typedef struct lite_lane {
	by__lite_connection *free;
	waiter              *first, *last;
	uint32_t             waiting;
} lite_lane;

struct by__lite {
	by_database         base;
	uint32_t            magic;
	by_arena           *arena;
	by_database_options options;
	lite_lane           writers, readers;
	by__lite_connection connections[1 + READERS_MAX];
	size_t              count;
	uint8_t            *writes;  /* by statement id: it was found to need the writer */
	uint32_t            writes_count;
	uint32_t            users;   /* coroutines within the driver, and transactions */
	bool                closing;
};

/* A task that waits until another one's job in the same transaction is done. */
typedef struct turn {
	by_wait      wait;
	struct turn *next;
} turn;

typedef struct lite_transaction {
	by_transaction       base;
	uint32_t             magic;
	by__lite_connection *connection; /* NULL: ended */
	const char          *begin;      /* until the first statement has taken it along */
	bool                 failed;
	bool                 busy;       /* with a job, or handed to the first of those who wait */
	turn                *first, *last;
} lite_transaction;

static const by_metric prepares_metric = {
	.name = "banyan_db_prepares_total",
	.help = "Statements prepared on a connection; flat under load",
	.type = BY_COUNTER,
	.labels = { "db_system_name" },
};
static by_series prepares;

void by__lite_metrics(void)
{
	prepares = by_metric_series(&prepares_metric, (const char *const[]){ "sqlite" });
}

static by__lite *lite_of(by_database *database)
{
	return BY_CHECKED((void *)database, by__lite, MAGIC);
}

static lite_transaction *transaction_of(by_transaction *base)
{
	return BY_CHECKED((void *)base, lite_transaction, TRANSACTION_MAGIC);
}

/* ---- open and close ---- */

static const char *type_name(by_sql_type type)
{
	static const char *const names[] = {
		[BY_SQL_BOOLEAN] = "BOOLEAN", [BY_SQL_INTEGER] = "INTEGER", [BY_SQL_BIGINT] = "INTEGER",
		[BY_SQL_DOUBLE] = "REAL", [BY_SQL_NUMERIC] = "TEXT", [BY_SQL_TEXT] = "TEXT", [BY_SQL_BYTES] = "BLOB",
		[BY_SQL_TIMESTAMP] = "TIMESTAMP", [BY_SQL_DATE] = "DATE", [BY_SQL_ULID] = "TEXT", [BY_SQL_UUID] = "TEXT",
		[BY_SQL_JSON] = "TEXT", [BY_SQL_NONE] = "TEXT", /* lists and nested models, as JSON */
	};
	return names[type];
}

static bool is_synchronous(const char *value)
{
	return strcmp(value, "full") == 0 || strcmp(value, "normal") == 0 || strcmp(value, "off") == 0;
}

/* "sqlite:lab.db", "sqlite:///var/lib/lab.db", "sqlite::memory:", each with ?synchronous=full|normal|off. */
static by_error *parse_url(by_arena *arena, const char *url, const char **path, const char **synchronous)
{
	static const char name[] = "synchronous=";
	const char *start = strchr(url, ':') + 1;
	if (strncmp(start, "//", 2) == 0)
		start += 2;
	const char *query = strchr(start, '?');
	*path = by_copy_text(arena, (by_text){ start, query ? (size_t)(query - start) : strlen(start) });
	*synchronous = "full";
	if (query) {
		*synchronous = query + sizeof name;
		if (strncmp(query + 1, name, sizeof name - 1) != 0 || !is_synchronous(*synchronous))
			return by_error_new(arena, CONFIGURATION,
			    "The only parameter of a SQLite URL is ?synchronous=, with the value full, normal or off.");
		*synchronous = by_copy(arena, *synchronous);
	}
	if (!**path)
		return by_error_new(arena, CONFIGURATION, "The SQLite URL names no file: write sqlite:name.db.");
	return BY_OK;
}

static void add_connection(by__lite *database, const char *path, const char *synchronous, bool writer)
{
	by__lite_connection *connection = &database->connections[database->count++];
	lite_lane                *in = writer ? &database->writers : &database->readers;
	*connection = (by__lite_connection){ .path = path, .synchronous = synchronous, .writer = writer,
		.arena = by_arena_new(16384), .next_free = in->free };
	in->free = connection;
}

static by_error *lite_open(by_arena *arena, const char *url, const by_database_options *options, by_database **out)
{
	static const by_database_options defaults = { .pool_timeout = { 5000000 }, .queue_max = 1000 };
	const char *path, *synchronous;
	BY_REQUIRE(by__loop());
	BY_TRY(parse_url(arena, url, &path, &synchronous));
	by__lite *database = calloc(1, sizeof *database);
	if (!database)
		BY_IMPOSSIBLE("out of memory for a database");
	database->base.driver = &by__sqlite_driver;
	database->magic = MAGIC;
	database->arena = by_arena_new(0);
	database->options = options ? *options : defaults;
	if (!database->options.queue_max)
		database->options.queue_max = defaults.queue_max;
	path = by_copy(database->arena, path);
	synchronous = by_copy(database->arena, synchronous);
	add_connection(database, path, synchronous, true);
	/* Each connection to :memory: would be a database of its own. */
	database->connections[0].alone = strcmp(path, ":memory:") == 0;
	uint32_t readers = options && options->pool_max && options->pool_max < READERS_MAX ? options->pool_max : READERS_MAX;
	for (uint32_t i = 0; i < readers && !database->connections[0].alone; i++)
		add_connection(database, path, synchronous, false);
	*out = &database->base;
	return BY_OK;
}

static void let_go(by__lite *database)
{
	if (--database->users > 0 || !database->closing)
		return;
	for (size_t i = 0; i < database->count; i++)
		by_arena_free(&database->connections[i].arena);
	by_arena_free(&database->arena);
	database->magic = 0;
	free(database->writes);
	free(database);
}

/* In place: closing the last connection copies the log into the file, and whoever closes can wait for it. */
static void close_connection(by__lite_connection *connection)
{
	by__lite_job job = { .connection = connection, .task = BY__LITE_CLOSE };
	by__lite_work(&job.work);
}

static void refuse_waiters(lite_lane *lane)
{
	for (waiter *at = lane->first; at; at = at->next) {
		at->refused = true;
		by_wake(&at->wait);
	}
	lane->first = lane->last = NULL;
	lane->waiting = 0;
}

static void lite_close(by_database *base)
{
	by__lite *database = lite_of(base);
	database->closing = true;
	database->users++;
	refuse_waiters(&database->writers);
	refuse_waiters(&database->readers);
	for (size_t i = 0; i < database->count; i++)
		if (!database->connections[i].taken)
			close_connection(&database->connections[i]);
	let_go(database);
}

/* ---- connections ---- */

static by_error *unavailable(by_ctx *ctx, const char *why)
{
	by_error *error = by_fail(ctx, DATABASE_UNAVAILABLE, "The database is not available.");
	error->retry_after = 1;
	return by_error_internal(ctx->arena, error, "%s", why);
}

static by_error *overloaded(by_ctx *ctx, const char *why)
{
	by_error *error = by_fail(ctx, OVERLOADED, "Too much work is waiting for the database.");
	error->retry_after = 1;
	return by_error_internal(ctx->arena, error, "%s", why);
}

static void give(by__lite *database, by__lite_connection *connection)
{
	lite_lane   *lane = connection->writer ? &database->writers : &database->readers;
	waiter *next = lane->first;
	if (database->closing) {
		close_connection(connection);
		connection->taken = false;
	} else if (next) {
		lane->first = next->next;
		if (!lane->first)
			lane->last = NULL;
		lane->waiting--;
		next->connection = connection;
		by_wake(&next->wait);
	} else {
		connection->taken = false;
		connection->next_free = lane->free;
		lane->free = connection;
	}
}

static void forget(lite_lane *lane, waiter *self)
{
	waiter **at = &lane->first, *last = NULL;
	while (*at && *at != self) {
		last = *at;
		at = &(*at)->next;
	}
	if (!*at)
		return;
	*at = self->next;
	if (lane->last == self)
		lane->last = last;
	lane->waiting--;
}

static by_error *await_turn(by_ctx *ctx, by__lite *database, lite_lane *lane, by__lite_connection **out)
{
	waiter  self = { 0 };
	by_ctx *limited = by_ctx_child(ctx);
	if (database->options.pool_timeout.us > 0)
		by_ctx_limit(limited, database->options.pool_timeout);
	by_wait_init(&self.wait);
	if (lane->last)
		lane->last->next = &self;
	else
		lane->first = &self;
	lane->last = &self;
	lane->waiting++;
	if (by_wait_for(limited, &self.wait) != BY_OK)
		forget(lane, &self);
	by_error *error = by_ctx_check(ctx);
	if (!error && self.connection) {
		*out = self.connection;
		return BY_OK;
	}
	if (self.connection)
		give(database, self.connection);
	BY_TRY(error);
	if (self.refused)
		return unavailable(ctx, "the database is closing");
	return overloaded(ctx, "waited for DATABASE_POOL_TIMEOUT");
}

static by_error *take(by_ctx *ctx, by__lite *database, bool writer, by__lite_connection **out)
{
	lite_lane *lane = writer || database->count == 1 ? &database->writers : &database->readers;
	if (database->closing)
		return unavailable(ctx, "the database is closing");
	if (lane->free && !lane->first) {
		*out = lane->free;
		lane->free = (*out)->next_free;
		(*out)->taken = true;
		return BY_OK;
	}
	if (lane->waiting >= database->options.queue_max)
		return overloaded(ctx, "the queue for a connection is full");
	BY_TRY(await_turn(ctx, database, lane, out));
	return BY_OK;
}

/* ---- jobs ---- */

static void on_done(uv_work_t *work, int status)
{
	(void)status;
	by_wake(&((by__lite_job *)work)->back);
}

/* Parks until a thread has done it: it ends by itself at the deadline. */
static void perform(by_ctx *ctx, by__lite_job *job)
{
	by_wait_init(&job->back);
	if (job->timeout.us > 0)
		job->limit = by_clock() + (uint64_t)job->timeout.us * 1000;
	BY_INVARIANT(uv_queue_work(by__loop(), &job->work, by__lite_work, on_done) == 0);
	by_wait_always(ctx, &job->back);
	if (job->prepared)
		by_count(prepares, 1);
}

typedef struct translation {
	int                  code; /* extended, or primary */
	const by_error_kind *kind;
	const char          *detail;
} translation;

static const translation translations[] = {
	{ SQLITE_CONSTRAINT_UNIQUE, BY_ERROR_KIND(UNIQUE_VIOLATION), "A value that must be unique is taken already." },
	{ SQLITE_CONSTRAINT_PRIMARYKEY, BY_ERROR_KIND(UNIQUE_VIOLATION), "A value that must be unique is taken already." },
	{ SQLITE_CONSTRAINT_ROWID, BY_ERROR_KIND(UNIQUE_VIOLATION), "A value that must be unique is taken already." },
	{ SQLITE_CONSTRAINT_FOREIGNKEY, BY_ERROR_KIND(REFERENCE_VIOLATION),
	  "Something that this refers to does not exist, or something still refers to this." },
	{ SQLITE_BUSY_SNAPSHOT, BY_ERROR_KIND(SERIALIZATION_FAILURE), "The same data was changed at the same time." },
	{ SQLITE_BUSY, BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database is busy." },
	{ SQLITE_LOCKED, BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database is busy." },
	{ SQLITE_FULL, BY_ERROR_KIND(UNAVAILABLE), "There is no room left to store anything." },
	{ SQLITE_CANTOPEN, BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database is not available." },
	{ SQLITE_CORRUPT, BY_ERROR_KIND(DATABASE), "The database is damaged." },
	{ SQLITE_NOTADB, BY_ERROR_KIND(DATABASE), "The database file is not a database." },
	{ SQLITE_READONLY, BY_ERROR_KIND(DATABASE), "The database cannot be written." },
	{ SQLITE_INTERRUPT, BY_ERROR_KIND(DEADLINE_EXCEEDED), "The database took too long." },
	{ SQLITE_IOERR, BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database cannot be read or written." },
};

static const translation *translation_of(int code)
{
	static const translation other = { 0, BY_ERROR_KIND(DATABASE), "The database refused the statement." };
	for (size_t i = 0; i < BY_COUNT(translations); i++)
		if (translations[i].code == code || translations[i].code == (code & 0xff))
			return &translations[i];
	return &other;
}

static by_error *error_of(by_ctx *ctx, const by__lite_job *job)
{
	if (job->ended_early)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database refused the changes."),
		    "the transaction had been rolled back after an error");
	if ((job->code & 0xff) == SQLITE_INTERRUPT || (job->code & 0xff) == SQLITE_BUSY)
		BY_TRY(by_ctx_check(ctx));
	const translation *as = translation_of(job->code);
	by_error   *error = by_error_make(ctx->arena, as->kind, BY_HERE, "%s", as->detail);
	const char *name = job->statement ? job->statement->name : job->script ? "script" : "transaction";
	if (as->kind->status == 503)
		error->retry_after = 1;
	const char *place = "";
	if (job->line)
		place = by_format(ctx->arena, ", line %d: %s", job->line, by__script_line(ctx->arena, job->script, job->line));
	return by_error_internal(ctx->arena, error, "SQLite %d (%s) in %s: %s%s", job->code, sqlite3_errstr(job->code), name,
	    job->message, place);
}

static by_error *deliver(by_ctx *ctx, const by__lite_job *job, by_row_sink *sink, int64_t *affected)
{
	if (job->code)
		return error_of(ctx, job);
	for (const by__lite_row *row = job->rows; sink && row; row = row->next)
		BY_TRY(sink->row(sink, ctx, row->cells, job->columns));
	if (affected)
		*affected = job->affected;
	return BY_OK;
}

/* ---- statements ---- */

static bool is_known_to_write(const by__lite *database, uint32_t id)
{
	return id < database->writes_count && database->writes[id];
}

static void learn_that_it_writes(by__lite *database, uint32_t id)
{
	if (id == BY__STATEMENT_TRANSIENT)
		return;
	if (id >= database->writes_count) {
		uint8_t *writes = realloc(database->writes, id + 64);
		if (!writes)
			return;
		memset(writes + database->writes_count, 0, id + 64 - database->writes_count);
		database->writes = writes;
		database->writes_count = id + 64;
	}
	database->writes[id] = 1;
}

static by_error *check_args(by_ctx *ctx, const by_value *args, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool text = args[i].tag == BY_VALUE_TEXT || args[i].tag == BY_VALUE_DECIMAL || args[i].tag == BY_VALUE_JSON;
		if (text && args[i].text.len && memchr(args[i].text.ptr, '\0', args[i].text.len))
			return by_fail(ctx, VALIDATION, "A text must not hold the character U+0000.");
	}
	return BY_OK;
}

/* Tries a reader first when the statement looks like a read; SQLite knows for certain once it is prepared. */
static by_error *query_alone(by_ctx *ctx, by__lite *database, by__lite_job *job, by_row_sink *sink, int64_t *affected)
{
	by__verb verb = by__statement_of(job->statement)->verb;
	bool     writes = (verb != BY__VERB_SELECT && verb != BY__VERB_WITH)
	    || is_known_to_write(database, job->statement->id);
	for (;;) {
		BY_TRY(take(ctx, database, writes, &job->connection));
		perform(ctx, job);
		if (!job->needs_writer)
			break;
		give(database, job->connection);
		learn_that_it_writes(database, job->statement->id);
		job->needs_writer = false;
		writes = true;
	}
	by_error *error = deliver(ctx, job, sink, affected);
	give(database, job->connection);
	BY_TRY(error);
	return BY_OK;
}

/* Child tasks share their parent's transaction, but its connection does one job at a time. */
static void enter(by_ctx *ctx, lite_transaction *transaction)
{
	turn self = { .next = NULL };
	if (!transaction->busy) {
		transaction->busy = true;
		return;
	}
	by_wait_init(&self.wait);
	if (transaction->last)
		transaction->last->next = &self;
	else
		transaction->first = &self;
	transaction->last = &self;
	by_wait_always(ctx, &self.wait);
}

static void leave(lite_transaction *transaction)
{
	turn *next = transaction->first;
	transaction->busy = next != NULL;
	if (!next)
		return;
	transaction->first = next->next;
	if (!transaction->first)
		transaction->last = NULL;
	by_wake(&next->wait);
}

/* One job of a transaction. As in PostgreSQL, nothing can be done in it after an error. */
static by_error *run_in_turn(by_ctx *ctx, lite_transaction *transaction, by__lite_job *job, by_row_sink *sink,
    int64_t *affected)
{
	if (!transaction->connection)
		return unavailable(ctx, "the transaction has ended");
	if (transaction->failed)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database refused the statement."),
		    "an earlier statement of the transaction failed");
	job->connection = transaction->connection;
	job->in_transaction = true;
	job->begin = transaction->begin;
	perform(ctx, job);
	transaction->begin = NULL;
	if (job->needs_writer) {
		job->code = SQLITE_READONLY;
		job->message = "a statement that writes, in a read-only transaction";
	}
	transaction->failed = job->code != SQLITE_OK;
	BY_TRY(deliver(ctx, job, sink, affected));
	return BY_OK;
}

static by_error *run_within(by_ctx *ctx, lite_transaction *transaction, by__lite_job *job, by_row_sink *sink,
    int64_t *affected)
{
	enter(ctx, transaction);
	by_error *error = by_ctx_check(ctx);
	if (!error)
		error = run_in_turn(ctx, transaction, job, sink, affected);
	leave(transaction);
	BY_TRY(error);
	return BY_OK;
}

static by_error *lite_query(by_ctx *ctx, by_database *base, by_transaction *within, const by_statement *statement,
    const by_value *args, size_t count, by_row_sink *sink, int64_t *affected)
{
	by__lite    *database = lite_of(base);
	by__lite_job job = { .task = BY__LITE_QUERY, .ctx = ctx, .statement = statement, .args = args,
		.timeout = database->options.statement_timeout };
	BY_TRY(check_args(ctx, args, count));
	database->users++;
	by_error *error = within ? run_within(ctx, transaction_of(within), &job, sink, affected)
	                         : query_alone(ctx, database, &job, sink, affected);
	let_go(database);
	BY_TRY(error);
	return BY_OK;
}

static by_error *script_alone(by_ctx *ctx, by__lite *database, by__lite_job *job)
{
	BY_TRY(take(ctx, database, true, &job->connection));
	perform(ctx, job);
	by_error *error = deliver(ctx, job, NULL, NULL);
	give(database, job->connection);
	return error;
}

static by_error *lite_script(by_ctx *ctx, by_database *base, by_transaction *within, const char *sql)
{
	by__lite    *database = lite_of(base);
	by__lite_job job = { .task = BY__LITE_SCRIPT, .ctx = ctx, .script = sql };
	database->users++;
	by_error *error = within ? run_within(ctx, transaction_of(within), &job, NULL, NULL)
	                         : script_alone(ctx, database, &job);
	let_go(database);
	BY_TRY(error);
	return BY_OK;
}

/* ---- transactions ---- */

/* Runs nothing yet: BEGIN goes with the first statement. IMMEDIATE, so that no transaction has to give up half-way. */
static by_error *lite_begin(by_ctx *ctx, by_database *base, by_isolation isolation, by_transaction **out)
{
	by__lite            *database = lite_of(base);
	by__lite_connection *connection = NULL;
	bool                 reads = isolation == BY_TX_READ_ONLY;
	database->users++;
	by_error *error = take(ctx, database, !reads, &connection);
	if (error) {
		let_go(database);
		return by_error_pass(error, BY_HERE);
	}
	BY_REQUIRE(connection != NULL);
	lite_transaction *self = BY_NEW(ctx->arena, lite_transaction);
	*self = (lite_transaction){ .base = { base, isolation }, .magic = TRANSACTION_MAGIC, .connection = connection,
		.begin = !reads ? "BEGIN IMMEDIATE" : connection->alone ? "PRAGMA query_only = ON; BEGIN" : "BEGIN" };
	*out = &self->base;
	return BY_OK;
}

/* In its turn; neither deadline nor cancellation end the job. Afterwards the connection is free. */
static by_error *finish_in_turn(by_ctx *ctx, lite_transaction *self, by__lite_task task)
{
	by__lite    *database = lite_of(self->base.database);
	by__lite_job job = { .task = task, .connection = self->connection, .in_transaction = true };
	if (!self->connection)
		return unavailable(ctx, "the transaction has ended");
	if (!self->begin)
		perform(ctx, &job);
	by_error *error = deliver(ctx, &job, NULL, NULL);
	give(database, self->connection);
	self->connection = NULL;
	let_go(database);
	return error;
}

static by_error *finish(by_ctx *ctx, lite_transaction *self, by__lite_task task)
{
	enter(ctx, self);
	by_error *error = finish_in_turn(ctx, self, self->failed ? BY__LITE_ROLLBACK : task);
	leave(self);
	return error;
}

static by_error *lite_commit(by_ctx *ctx, by_transaction *base)
{
	lite_transaction *self = transaction_of(base);
	by_error         *error = finish(ctx, self, BY__LITE_COMMIT);
	if (self->failed)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database refused the changes."),
		    "a statement of the transaction had failed, and its error was ignored");
	BY_TRY(error);
	return BY_OK;
}

static void lite_rollback(by_ctx *ctx, by_transaction *base)
{
	BY_IGNORE(finish(ctx, transaction_of(base), BY__LITE_ROLLBACK), "the transaction is over in any case");
}

static const char *const schemes[] = { "sqlite", NULL };

const by_database_driver by__sqlite_driver = {
	.schemes = schemes,
	.dialect = "sqlite",
	.type_name = type_name,
	.open = lite_open,
	.close = lite_close,
	.query = lite_query,
	.script = lite_script,
	.begin = lite_begin,
	.commit = lite_commit,
	.rollback = lite_rollback,
};
