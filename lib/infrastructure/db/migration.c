/*
 * Migrations: numbered steps, each applied in a transaction of its own
 * together with the row of history that says so. A lock within that
 * transaction lets one process at a time; the others then find the step done.
 */
#define BY_LOG_NAME "db.migration"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <banyan/assert.h>
#include <banyan/log.h>
#include <banyan/migration.h>
#include <banyan/task.h>

enum { LOCK_ATTEMPTS = 12, PASSWD_ROOM = 4096, SHA256_SIZE = 32 };

/* One command: what it works on, and what it has found. */
typedef struct work {
	by_database        *database;
	const by_migration **steps; /* of the dialect, by number */
	size_t              count;
	struct history     *history;
	size_t              history_count;
} work;

/* A row of by_migrations. */
typedef struct history {
	int64_t     number, duration_ms;
	const char *name, *sha256, *version, *user;
	by_time     applied_at;
} history;

/* ---- statements ---- */

static bool is_postgresql(const work *w)
{
	return strcmp(w->database->driver->dialect, "postgresql") == 0;
}

static by_error *query(by_ctx *ctx, const work *w, by_transaction *within, const char *name, const char *sql,
    const by_value *args, size_t count, by_row_sink *sink)
{
	return w->database->driver->query(ctx, w->database, within, by_statement_of(name, sql), args, count, sink, NULL);
}

/* The lock ends with the transaction. SQLite's transaction is itself one: only one process may write. */
static by_error *lock(by_ctx *ctx, const work *w, by_transaction *within)
{
	if (!is_postgresql(w))
		return BY_OK;
	BY_TRY(query(ctx, w, within, "migration.limit", "SET LOCAL lock_timeout = '60s'", NULL, 0, NULL));
	BY_TRY(query(ctx, w, within, "migration.patience", "SET LOCAL statement_timeout = 0", NULL, 0, NULL));
	BY_TRY(query(ctx, w, within, "migration.lock", "SELECT pg_advisory_xact_lock(7091302964310521)", NULL, 0, NULL));
	return BY_OK;
}

static by_error *create_table(by_ctx *ctx, const work *w, by_transaction *within)
{
	const char *(*type)(by_sql_type) = w->database->driver->type_name;
	const char *text = type(BY_SQL_TEXT), *integer = type(BY_SQL_BIGINT);
	const char *sql = by_format(ctx->arena,
	    "CREATE TABLE IF NOT EXISTS by_migrations (number %s PRIMARY KEY, name %s NOT NULL, sha256 %s NOT NULL, "
	    "applied_at %s NOT NULL, duration_ms %s NOT NULL, version %s NOT NULL, user_name %s NOT NULL)",
	    integer, text, text, type(BY_SQL_TIMESTAMP), integer, text, text);
	return query(ctx, w, within, "migration.table", sql, NULL, 0, NULL);
}

typedef struct flag {
	by_row_sink sink; /* first */
	bool        set;
} flag;

static by_error *on_flag(by_row_sink *sink, by_ctx *ctx BY_UNUSED, const by_value *cells, size_t count BY_UNUSED)
{
	((flag *)sink)->set = cells[0].integer > 0;
	return BY_OK;
}

static by_error *table_exists(by_ctx *ctx, const work *w, bool *exists)
{
	flag        found = { { on_flag }, false };
	const char *sql = is_postgresql(w)
	    ? "SELECT count(*) FROM pg_class WHERE oid = to_regclass('by_migrations')"
	    : "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'by_migrations'";
	BY_TRY(query(ctx, w, NULL, "migration.exists", sql, NULL, 0, &found.sink));
	*exists = found.set;
	return BY_OK;
}

/* ---- history ---- */

typedef struct reading {
	by_row_sink sink; /* first */
	work       *work;
	size_t      room;
} reading;

static const char *cell_text(by_ctx *ctx, by_value cell)
{
	return cell.tag == BY_VALUE_TEXT ? by_copy_text(ctx->arena, cell.text) : "";
}

static by_error *on_history(by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count BY_UNUSED)
{
	reading *r = (reading *)sink;
	work    *w = r->work;
	if (w->history_count == r->room) {
		r->room = r->room ? r->room * 2 : 32;
		history *grown = BY_NEW_ARRAY(ctx->arena, history, r->room);
		if (w->history_count)
			memcpy(grown, w->history, w->history_count * sizeof *grown);
		w->history = grown;
	}
	w->history[w->history_count++] = (history){
		.number = cells[0].integer,
		.name = cell_text(ctx, cells[1]),
		.sha256 = cell_text(ctx, cells[2]),
		.applied_at = cells[3].tag == BY_VALUE_TIME ? cells[3].time : (by_time){ cells[3].integer },
		.duration_ms = cells[4].integer,
		.version = cell_text(ctx, cells[5]),
		.user = cell_text(ctx, cells[6]),
	};
	return BY_OK;
}

static const by_migration *step_of(const work *w, int64_t number)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->steps[i]->number == number)
			return w->steps[i];
	return NULL;
}

static const history *applied_of(const work *w, uint32_t number)
{
	for (size_t i = 0; i < w->history_count; i++)
		if (w->history[i].number == number)
			return &w->history[i];
	return NULL;
}

static const char *file_of(by_ctx *ctx, const by_migration *step)
{
	return by_format(ctx->arena, "migrations/%s/%04u_%s.sql", step->dialect, step->number, step->name);
}

/* What tells an edited step from the one that was applied. */
static const char *sha256_of(by_ctx *ctx, const by_migration *step)
{
	unsigned char digest[SHA256_SIZE];
	const char   *text;
	by_buf        out;
	if (step->sha256)
		return step->sha256;
	text = by_format(ctx->arena, "%s\n%s", step->up, step->down ? step->down : "");
	BY_REQUIRE(EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) == 1);
	by_buf_init(&out, ctx->arena, 2 * SHA256_SIZE + 1);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		by_put_format(&out, "%02x", digest[i]);
	return by_buf_string(&out);
}

/* Every applied step must be one of ours, and unchanged since. */
static by_error *verify(by_ctx *ctx, const work *w)
{
	for (size_t i = 0; i < w->history_count; i++) {
		const history      *row = &w->history[i];
		const by_migration *step = step_of(w, row->number);
		if (!step)
			return by_fail(ctx, CONFLICT, "Migration %04lld_%s was applied to the database, but this program does not "
			    "have it: it is older than the database.", (long long)row->number, row->name);
		if (strcmp(sha256_of(ctx, step), row->sha256) != 0)
			return by_fail(ctx, CONFLICT, "%s was edited after it had been applied: restore it, and write a new step "
			    "for the change.", file_of(ctx, step));
	}
	return BY_OK;
}

static by_error *read_history(by_ctx *ctx, work *w, by_transaction *within)
{
	reading r = { { on_history }, w, 0 };
	w->history = NULL;
	w->history_count = 0;
	BY_TRY(query(ctx, w, within, "migration.history", "SELECT number, name, sha256, applied_at, duration_ms, version, "
	    "user_name FROM by_migrations ORDER BY number", NULL, 0, &r.sink));
	return verify(ctx, w);
}

static by_error *read_history_if_any(by_ctx *ctx, work *w)
{
	bool exists = false;
	BY_TRY(table_exists(ctx, w, &exists));
	if (exists)
		BY_TRY(read_history(ctx, w, NULL));
	return BY_OK;
}

static const char *user_name(by_ctx *ctx)
{
	struct passwd own, *found = NULL;
	char          room[PASSWD_ROOM];
	if (getpwuid_r(geteuid(), &own, room, sizeof room, &found) == 0 && found)
		return by_copy(ctx->arena, found->pw_name);
	return by_format(ctx->arena, "%u", (unsigned)geteuid());
}

/* ---- one step ---- */

/* The driver's error, with the file's name. Its text has line, statement and SQLSTATE. */
static by_error *step_failed(by_ctx *ctx, const by_migration *step, by_error *cause)
{
	by_error *error = by_error_make(ctx->arena, cause->kind, BY_HERE,
	    "Migration %04u_%s failed; nothing of it was applied.", step->number, step->name);
	by_error_internal(ctx->arena, error, "%s: %s", file_of(ctx, step), cause->internal ? cause->internal : cause->detail);
	return by_error_because(error, cause);
}

static by_error *run_up(by_ctx *ctx, work *w, by_transaction *within, const by_migration *step)
{
	uint64_t  since = by_clock();
	by_error *error = w->database->driver->script(ctx, w->database, within, step->up);
	if (error)
		return step_failed(ctx, step, error);
	int64_t  ms = (int64_t)((by_clock() - since) / 1000000);
	by_value row[] = { by_value_int(step->number), by_value_string(step->name), by_value_string(sha256_of(ctx, step)),
		by_value_time(by_time_now()), by_value_int(ms), by_value_string(PACKAGE_VERSION),
		by_value_string(user_name(ctx)) };
	BY_TRY(query(ctx, w, within, "migration.record", "INSERT INTO by_migrations (number, name, sha256, applied_at, "
	    "duration_ms, version, user_name) VALUES ($1, $2, $3, $4, $5, $6, $7)", row, BY_COUNT(row), NULL));
	by_info(ctx, "migration applied", BY_F("step", file_of(ctx, step)), BY_F("duration_ms", ms));
	return BY_OK;
}

static by_error *run_down(by_ctx *ctx, work *w, by_transaction *within, const by_migration *step)
{
	by_value  number = by_value_int(step->number);
	by_error *error = w->database->driver->script(ctx, w->database, within, step->down);
	if (error)
		return step_failed(ctx, step, error);
	BY_TRY(query(ctx, w, within, "migration.forget", "DELETE FROM by_migrations WHERE number = $1", &number, 1, NULL));
	by_info(ctx, "migration undone", BY_F("step", file_of(ctx, step)));
	return BY_OK;
}

/* Which step the history, read under the lock, leaves to be done; NULL: none. */
typedef const by_migration *choice(const work *w, uint32_t target);

static const by_migration *next_pending(const work *w, uint32_t target)
{
	for (size_t i = 0; i < w->count; i++)
		if (!applied_of(w, w->steps[i]->number))
			return target && w->steps[i]->number > target ? NULL : w->steps[i];
	return NULL;
}

static const by_migration *newest_applied(const work *w, uint32_t keep)
{
	if (w->history_count <= keep)
		return NULL;
	return step_of(w, w->history[w->history_count - 1].number);
}

typedef by_error *action(by_ctx *ctx, work *w, by_transaction *within, const by_migration *step);

static by_error *locked(by_ctx *ctx, work *w, by_transaction *within, choice *choose, uint32_t target, action *act,
    bool *done)
{
	BY_TRY(lock(ctx, w, within));
	BY_TRY(create_table(ctx, w, within));
	BY_TRY(read_history(ctx, w, within));
	const by_migration *step = choose(w, target);
	*done = step != NULL;
	return step ? act(ctx, w, within, step) : BY_OK;
}

static by_error *attempt(by_ctx *ctx, work *w, choice *choose, uint32_t target, action *act, bool *done)
{
	const by_database_driver *driver = w->database->driver;
	by_transaction           *within = NULL;
	BY_TRY(driver->begin(ctx, w->database, BY_TX_READ_COMMITTED, &within));
	by_error *error = locked(ctx, w, within, choose, target, act, done);
	if (error)
		driver->rollback(ctx, within);
	else
		error = driver->commit(ctx, within);
	return error;
}

/* One step in its transaction. A file that another process writes to for long is waited for, within bounds. */
static by_error *one_step(by_ctx *ctx, work *w, choice *choose, uint32_t target, action *act, bool *done)
{
	for (int tried = 1;; tried++) {
		by_error *error = attempt(ctx, w, choose, target, act, done);
		bool      busy = !is_postgresql(w) && by_error_is(error, UNAVAILABLE);
		if (!busy || tried == LOCK_ATTEMPTS) {
			BY_TRY(error);
			return BY_OK;
		}
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(100)));
	}
}

/* ---- commands ---- */

static work work_on(by_ctx *ctx, by_database *database, const by_migrations *migrations)
{
	work w = { .database = database, .steps = BY_NEW_ARRAY(ctx->arena, const by_migration *, migrations->count + 1) };
	for (size_t i = 0; i < migrations->count; i++)
		if (strcmp(migrations->steps[i].dialect, database->driver->dialect) == 0)
			w.steps[w.count++] = &migrations->steps[i];
	for (size_t i = 1; i < w.count; i++)
		BY_REQUIRE(w.steps[i - 1]->number < w.steps[i]->number);
	return w;
}

by_error *by_migrate_up(by_ctx *ctx, by_database *database, const by_migrations *migrations, uint32_t target,
    size_t *applied)
{
	work w = work_on(ctx, database, migrations);
	bool done = true;
	*applied = 0;
	if (target && !step_of(&w, target))
		return by_fail(ctx, NOT_FOUND, "There is no migration %04u for %s.", target, database->driver->dialect);
	BY_TRY(read_history_if_any(ctx, &w));
	while (next_pending(&w, target) && done) {
		BY_TRY(one_step(ctx, &w, next_pending, target, run_up, &done));
		*applied += done;
		BY_TRY(read_history(ctx, &w, NULL));
	}
	return BY_OK;
}

by_error *by_migrate_down(by_ctx *ctx, by_database *database, const by_migrations *migrations, uint32_t steps,
    size_t *undone)
{
	work w = work_on(ctx, database, migrations);
	bool done = true;
	*undone = 0;
	BY_TRY(read_history_if_any(ctx, &w));
	size_t keep = w.history_count > steps ? w.history_count - steps : 0;
	for (size_t i = keep; i < w.history_count; i++) {
		const by_migration *step = step_of(&w, w.history[i].number);
		if (!step->down)
			return by_fail(ctx, CONFLICT, "%s is irreversible: nothing was undone.", file_of(ctx, step));
	}
	while (w.history_count > keep && done) {
		BY_TRY(one_step(ctx, &w, newest_applied, (uint32_t)keep, run_down, &done));
		*undone += done;
		BY_TRY(read_history(ctx, &w, NULL));
	}
	return BY_OK;
}

by_error *by_migrate_check(by_ctx *ctx, by_database *database, const by_migrations *migrations, size_t *pending)
{
	work w = work_on(ctx, database, migrations);
	BY_TRY(read_history_if_any(ctx, &w));
	*pending = w.count - w.history_count;
	return BY_OK;
}

by_error *by_migrate_history(by_ctx *ctx, by_database *database, const by_migrations *migrations, by_buf *out)
{
	work w = work_on(ctx, database, migrations);
	BY_TRY(read_history_if_any(ctx, &w));
	by_put_format(out, "%-6s  %-32s  %-12s  %-27s  %9s  %-10s  %s\n", "number", "name", "sha256", "applied at", "ms",
	    "version", "user");
	for (size_t i = 0; i < w.history_count; i++) {
		const history *row = &w.history[i];
		char           at[BY_TIME_TEXT];
		by_time_print(row->applied_at, at);
		by_put_format(out, "%04lld    %-32s  %.12s  %-27s  %9lld  %-10s  %s\n", (long long)row->number, row->name,
		    row->sha256, at, (long long)row->duration_ms, row->version, row->user);
	}
	for (size_t i = 0; i < w.count; i++)
		if (!applied_of(&w, w.steps[i]->number))
			by_put_format(out, "%04u    %-32s  %.12s  pending\n", w.steps[i]->number, w.steps[i]->name,
			    sha256_of(ctx, w.steps[i]));
	return BY_OK;
}
