/*
 * One SQLite connection on a thread of the loop's pool: opening the file,
 * preparing, binding, stepping, and copying rows for the loop to read.
 */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <banyan/assert.h>

#include "infrastructure/db/sqlite.h"

enum {
	BUSY_MS = 5000,     /* waiting for another process that writes, when the context has no earlier deadline */
	CHECK_EVERY = 2000, /* of SQLite's virtual instructions */
	OPEN_ATTEMPTS = 50
};

/* ---- time limits ---- */

static bool is_over(const by__lite_job *job)
{
	if (job->limit && by_clock() >= job->limit)
		return true;
	if (!job->ctx)
		return false;
	uint64_t deadline = __atomic_load_n(&job->ctx->deadline, __ATOMIC_RELAXED);
	return __atomic_load_n(&job->ctx->cancelled, __ATOMIC_RELAXED) || (deadline && by_clock() >= deadline);
}

static int on_progress(void *argument)
{
	return is_over(argument);
}

static int on_busy(void *argument, int count)
{
	by__lite_job *job = argument;
	uint64_t      now = by_clock();
	if (count == 0)
		job->busy_since = now;
	if (is_over(job) || now - job->busy_since > UINT64_C(1000000) * BUSY_MS)
		return 0;
	usleep(count < 5 ? 500u << count : 20000u);
	return 1;
}

static void watch(by__lite_job *job)
{
	sqlite3_busy_handler(job->connection->db, on_busy, job);
	sqlite3_progress_handler(job->connection->db, CHECK_EVERY, on_progress, job);
}

static void unwatch(by__lite_connection *connection)
{
	sqlite3_busy_handler(connection->db, NULL, NULL);
	sqlite3_progress_handler(connection->db, 0, NULL, NULL);
}

/* ---- decimals ---- */

/* A decimal's parts: sign, digits before the point without leading zeros, digits behind it without trailing ones. */
typedef struct parts {
	int         sign;
	const char *whole, *fraction;
	size_t      whole_len, fraction_len;
} parts;

static parts parts_of(int len, const char *text)
{
	const char *end = text + len, *p = text;
	parts       out = { .sign = 1 };
	if (p < end && (*p == '-' || *p == '+'))
		out.sign = *p++ == '-' ? -1 : 1;
	while (p < end && *p == '0')
		p++;
	const char *point = memchr(p, '.', (size_t)(end - p));
	out.whole = p;
	out.whole_len = (size_t)((point ? point : end) - p);
	out.fraction = point ? point + 1 : end;
	while (end > out.fraction && end[-1] == '0')
		end--;
	out.fraction_len = (size_t)(end - out.fraction);
	if (!out.whole_len && !out.fraction_len)
		out.sign = 0;
	return out;
}

/* Orders decimals by value; SQLite's own numbers would lose their digits. */
static int compare_decimals(void *unused, int a_len, const void *a_text, int b_len, const void *b_text)
{
	(void)unused;
	parts a = parts_of(a_len, a_text), b = parts_of(b_len, b_text);
	if (a.sign != b.sign || !a.sign)
		return a.sign - b.sign;
	if (a.whole_len != b.whole_len)
		return a.whole_len < b.whole_len ? -a.sign : a.sign;
	int order = memcmp(a.whole, b.whole, a.whole_len);
	if (!order)
		order = memcmp(a.fraction, b.fraction, a.fraction_len < b.fraction_len ? a.fraction_len : b.fraction_len);
	if (!order)
		order = (a.fraction_len > b.fraction_len) - (a.fraction_len < b.fraction_len);
	return order * a.sign;
}

/* ---- opening ---- */

static bool fail(by__lite_job *job, int code)
{
	by__lite_connection *connection = job->connection;
	job->code = code ? code : SQLITE_ERROR;
	job->message = by_copy(connection->arena, connection->db ? sqlite3_errmsg(connection->db) : sqlite3_errstr(code));
	return false;
}

static bool run(by__lite_job *job, const char *sql)
{
	int code = sqlite3_exec(job->connection->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK || fail(job, code);
}

/* Several processes that switch a new file to WAL at once are refused without the busy handler being asked. */
static bool switch_to_wal(by__lite_job *job)
{
	for (int attempt = 1;; attempt++) {
		int code = sqlite3_exec(job->connection->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (code == SQLITE_OK)
			return true;
		if ((code & 0xff) != SQLITE_BUSY || attempt == OPEN_ATTEMPTS || is_over(job))
			return fail(job, code);
		usleep(10000);
	}
}

static bool set_up(by__lite_job *job)
{
	by__lite_connection *connection = job->connection;
	sqlite3_extended_result_codes(connection->db, 1);
	watch(job);
	if (sqlite3_create_collation(connection->db, "by_decimal", SQLITE_UTF8, NULL, compare_decimals) != SQLITE_OK)
		return fail(job, SQLITE_NOMEM);
	if (!switch_to_wal(job))
		return false;
	const char *pragmas = by_format(connection->arena,
	    "PRAGMA synchronous = %s; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA query_only = %s",
	    connection->synchronous, connection->writer ? "OFF" : "ON");
	return run(job, pragmas);
}

static void shut(by__lite_connection *connection)
{
	for (uint32_t i = 0; i < connection->prepared_count; i++)
		sqlite3_finalize(connection->prepared[i]);
	sqlite3_free(connection->prepared);
	connection->prepared = NULL;
	connection->prepared_count = 0;
	sqlite3_close_v2(connection->db);
	connection->db = NULL;
}

static bool open_file(by__lite_job *job)
{
	by__lite_connection *connection = job->connection;
	if (connection->db)
		return true;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int code = sqlite3_open_v2(connection->path, &connection->db, flags, NULL);
	if (code == SQLITE_OK && set_up(job))
		return true;
	if (code != SQLITE_OK)
		fail(job, code);
	shut(connection);
	return false;
}

/* ---- statements ---- */

static bool keep(by__lite_job *job, sqlite3_stmt *prepared)
{
	by__lite_connection *connection = job->connection;
	uint32_t             id = job->statement->id;
	if (id >= connection->prepared_count) {
		uint32_t       count = id + 64;
		sqlite3_stmt **more = sqlite3_realloc64(connection->prepared, count * sizeof(sqlite3_stmt *));
		if (!more) {
			sqlite3_finalize(prepared);
			return fail(job, SQLITE_NOMEM);
		}
		memset(more + connection->prepared_count, 0, (count - connection->prepared_count) * sizeof(sqlite3_stmt *));
		connection->prepared = more;
		connection->prepared_count = count;
	}
	connection->prepared[id] = prepared;
	return true;
}

static bool prepare(by__lite_job *job, sqlite3_stmt **out)
{
	by__lite_connection *connection = job->connection;
	uint32_t             id = job->statement->id;
	bool                 kept = id != BY__STATEMENT_TRANSIENT;
	*out = id < connection->prepared_count ? connection->prepared[id] : NULL;
	if (*out)
		return true;
	unsigned flags = kept ? SQLITE_PREPARE_PERSISTENT : 0;
	int      code = sqlite3_prepare_v3(connection->db, job->statement->sql, -1, flags, out, NULL);
	if (code != SQLITE_OK)
		return fail(job, code);
	if (!*out)
		return fail(job, SQLITE_MISUSE);
	job->prepared = true;
	return !kept || keep(job, *out);
}

static int bind_text(sqlite3_stmt *statement, int at, size_t (*print)(by_value, char *), by_value value)
{
	char text[48];
	size_t len = print(value, text);
	return sqlite3_bind_text64(statement, at, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static size_t print_date(by_value value, char *out)
{
	return by_date_print(value.date, out);
}

static size_t print_ulid(by_value value, char *out)
{
	by_ulid_print(value.ulid, out);
	return BY_ULID_TEXT - 1;
}

static size_t print_uuid(by_value value, char *out)
{
	by_uuid_print(value.uuid, out);
	return BY_UUID_TEXT - 1;
}

static int bind_value(sqlite3_stmt *statement, int at, by_value value)
{
	switch (value.tag) {
	case BY_VALUE_NULL:
		return sqlite3_bind_null(statement, at);
	case BY_VALUE_BOOL:
		return sqlite3_bind_int(statement, at, value.boolean);
	case BY_VALUE_INT:
		return sqlite3_bind_int64(statement, at, value.integer);
	case BY_VALUE_DOUBLE:
		return sqlite3_bind_double(statement, at, value.real);
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL:
	case BY_VALUE_JSON:
		return sqlite3_bind_text64(statement, at, value.text.len ? value.text.ptr : "", value.text.len, SQLITE_STATIC,
		    SQLITE_UTF8);
	case BY_VALUE_BYTES:
		return sqlite3_bind_blob64(statement, at, value.bytes.len ? (const void *)value.bytes.ptr : "",
		    value.bytes.len, SQLITE_STATIC);
	case BY_VALUE_TIME:
		return sqlite3_bind_int64(statement, at, value.time.us);
	case BY_VALUE_DATE:
		return bind_text(statement, at, print_date, value);
	case BY_VALUE_ULID:
		return bind_text(statement, at, print_ulid, value);
	case BY_VALUE_UUID:
		return bind_text(statement, at, print_uuid, value);
	}
	BY_IMPOSSIBLE("a value without a tag");
}

/* SQLite numbers $1, $2 … by where they first stand; their names say which argument they mean. */
static bool bind_all(by__lite_job *job, sqlite3_stmt *statement)
{
	int count = sqlite3_bind_parameter_count(statement);
	for (int at = 1; at <= count; at++) {
		const char *name = sqlite3_bind_parameter_name(statement, at);
		size_t      number = 0;
		for (const char *p = name ? name + 1 : ""; *p >= '0' && *p <= '9' && number < 100000; p++)
			number = number * 10 + (size_t)(*p - '0');
		if (!number || number > job->statement->arguments)
			return fail(job, SQLITE_RANGE);
		int code = bind_value(statement, at, job->args[number - 1]);
		if (code != SQLITE_OK)
			return fail(job, code);
	}
	return true;
}

/* ---- rows ---- */

typedef by_value reader(sqlite3_stmt *statement, int at, by_arena *arena);

static by_text text_at(sqlite3_stmt *statement, int at, by_arena *arena)
{
	by_text text = { (const char *)sqlite3_column_text(statement, at), 0 };
	text.len = (size_t)sqlite3_column_bytes(statement, at);
	return (by_text){ by_copy_text(arena, text), text.len };
}

static by_value read_plain(sqlite3_stmt *statement, int at, by_arena *arena)
{
	switch (sqlite3_column_type(statement, at)) {
	case SQLITE_INTEGER:
		return by_value_int(sqlite3_column_int64(statement, at));
	case SQLITE_FLOAT:
		return by_value_double(sqlite3_column_double(statement, at));
	case SQLITE_TEXT:
		return by_value_text(text_at(statement, at, arena));
	case SQLITE_BLOB: {
		const void *data = sqlite3_column_blob(statement, at);
		size_t      len = (size_t)sqlite3_column_bytes(statement, at);
		uint8_t    *copy = by_alloc_raw(arena, len + 1);
		if (len)
			memcpy(copy, data, len);
		return by_value_bytes((by_bytes){ copy, len });
	}
	default:
		return (by_value){ .tag = BY_VALUE_NULL };
	}
}

static by_value read_bool(sqlite3_stmt *statement, int at, by_arena *arena)
{
	by_value value = read_plain(statement, at, arena);
	return value.tag == BY_VALUE_INT ? by_value_bool(value.integer != 0) : value;
}

static by_value read_time(sqlite3_stmt *statement, int at, by_arena *arena)
{
	by_value value = read_plain(statement, at, arena);
	return value.tag == BY_VALUE_INT ? by_value_time((by_time){ value.integer }) : value;
}

static by_value read_date(sqlite3_stmt *statement, int at, by_arena *arena)
{
	by_value value = read_plain(statement, at, arena);
	by_date  date;
	return value.tag == BY_VALUE_TEXT && by_date_parse(value.text, &date) ? by_value_date(date) : value;
}

static reader *reader_of(sqlite3_stmt *statement, int at)
{
	const char *type = sqlite3_column_decltype(statement, at);
	if (!type)
		return read_plain;
	if (strcasecmp(type, "TIMESTAMP") == 0)
		return read_time;
	if (strcasecmp(type, "BOOLEAN") == 0)
		return read_bool;
	return strcasecmp(type, "DATE") == 0 ? read_date : read_plain;
}

static by__lite_row *copy_row(by__lite_job *job, sqlite3_stmt *statement, reader *const *readers)
{
	by_arena     *arena = job->connection->arena;
	by__lite_row *row = by_alloc_raw(arena, sizeof *row + job->columns * sizeof(by_value));
	row->next = NULL;
	for (size_t at = 0; at < job->columns; at++)
		row->cells[at] = readers[at](statement, (int)at, arena);
	return row;
}

static bool step_all(by__lite_job *job, sqlite3_stmt *statement)
{
	job->columns = (size_t)sqlite3_column_count(statement);
	reader      **readers = NULL;
	by__lite_row **end = &job->rows;
	int           code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (!readers) {
			readers = BY_NEW_ARRAY(job->connection->arena, reader *, job->columns);
			for (size_t at = 0; at < job->columns; at++)
				readers[at] = reader_of(statement, (int)at);
		}
		*end = copy_row(job, statement, readers);
		end = &(*end)->next;
		job->affected++;
	}
	if (code != SQLITE_DONE)
		return fail(job, code);
	if (!sqlite3_stmt_readonly(statement))
		job->affected = sqlite3_changes(job->connection->db);
	return true;
}

static bool query(by__lite_job *job)
{
	sqlite3_stmt *statement = NULL;
	if (!prepare(job, &statement))
		return false;
	if (!job->connection->writer && !sqlite3_stmt_readonly(statement)) {
		job->needs_writer = true;
	} else if (bind_all(job, statement) && step_all(job, statement)) {
		int code = sqlite3_reset(statement);
		if (code != SQLITE_OK)
			fail(job, code);
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	if (job->statement->id == BY__STATEMENT_TRANSIENT)
		sqlite3_finalize(statement);
	return job->code == SQLITE_OK;
}

static int line_at(const char *script, const char *at)
{
	int line = 1;
	for (const char *p = script; p < at; p++)
		line += *p == '\n';
	return line;
}

static bool script(by__lite_job *job)
{
	for (const char *at = job->script, *next = at; *at; at = next) {
		at += strspn(at, " \t\r\n");
		sqlite3_stmt *statement = NULL;
		int code = sqlite3_prepare_v2(job->connection->db, at, -1, &statement, &next);
		if (code == SQLITE_OK && statement)
			while ((code = sqlite3_step(statement)) == SQLITE_ROW)
				continue;
		if (code != SQLITE_OK && code != SQLITE_DONE) {
			fail(job, code);
			job->line = line_at(job->script, at);
		}
		sqlite3_finalize(statement);
		if (job->code)
			return false;
	}
	return true;
}

/* SQLite ends a transaction by itself after some errors; what follows must then not be done outside it. */
static bool still_in_transaction(by__lite_job *job)
{
	if (!job->in_transaction || job->begin || !sqlite3_get_autocommit(job->connection->db))
		return true;
	job->ended_early = true;
	job->code = SQLITE_ABORT;
	return false;
}

static void end_transaction(by__lite_job *job)
{
	if (job->task == BY__LITE_COMMIT && still_in_transaction(job))
		run(job, "COMMIT");
	if (!sqlite3_get_autocommit(job->connection->db))
		sqlite3_exec(job->connection->db, "ROLLBACK", NULL, NULL, NULL);
	if (job->connection->alone)
		sqlite3_exec(job->connection->db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
}

void by__lite_work(uv_work_t *work)
{
	by__lite_job        *job = (by__lite_job *)work;
	by__lite_connection *connection = job->connection;
	by_arena_reset(connection->arena);
	if (job->task == BY__LITE_CLOSE) {
		shut(connection);
		return;
	}
	if (!open_file(job))
		return;
	watch(job);
	if (job->task == BY__LITE_COMMIT || job->task == BY__LITE_ROLLBACK)
		end_transaction(job);
	else if (still_in_transaction(job) && (!job->begin || run(job, job->begin)))
		(void)(job->task == BY__LITE_QUERY ? query(job) : script(job));
	unwatch(connection);
}
