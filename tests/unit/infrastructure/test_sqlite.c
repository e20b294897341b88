/*
 * SQLite's driver where the file, or another process, does not behave. What
 * all databases do alike is in tests/integration.
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/provider.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "infrastructure/db/drivers.h"
#include "unit/unit.h"

static char directory[] = "/tmp/by-sqlite-XXXXXX";
static char path[64], url[80];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/test.db", directory);
	snprintf(url, sizeof(url), "sqlite:%s", path);
	by__databases_register();
}

static void remove_directory(void)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	for (size_t i = 0; i < BY_COUNT(suffixes); i++) {
		char name[80];
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	rmdir(directory);
}

static by_error *script(by_ctx *ctx, const char *sql)
{
	by_database *database = ctx->providers->database;
	return database->driver->script(ctx, database, ctx->transaction, sql);
}

static by_error *run(by_ctx *ctx, const char *sql)
{
	return by_database_query(ctx, by_statement_of("test", sql), NULL, 0, NULL, NULL);
}

static by_error *opened(by_ctx *ctx, void *argument)
{
	static const by_database_options options = { .pool_timeout = { 300000 }, .queue_max = 10 };
	by_error *(**body)(by_ctx *) = argument;
	by_providers providers = { .store = by__sql_store() };
	BY_TRY(by_database_open(ctx->arena, url, &options, &providers.database));
	ctx->providers = &providers;
	by_error *error = (*body)(ctx);
	by_database_close(providers.database);
	return error;
}

/* Runs the body in a coroutine with a database of its own in a new directory. */
static void with_database(by_error *(*body)(by_ctx *ctx))
{
	by_arena *arena = by_arena_new(0);
	ck_ok(by__runtime_block_on(arena, opened, &body));
	by_arena_free(&arena);
	remove_directory();
}

static void write_file(const char *text, size_t len)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
}

/* ---- files ---- */

static by_error *not_a_database(by_ctx *ctx)
{
	by_error *error = by_database_ping(ctx, ctx->providers->database);
	ck_fails(error, DATABASE);
	ck_assert_str_eq(error->detail, "The database file is not a database.");
	ck_assert_ptr_null(strstr(error->detail, directory));
	ck_fails(run(ctx, "SELECT 1"), DATABASE);
	return BY_OK;
}

START_TEST(a_file_that_is_no_database_is_said_to_be_none)
{
	char text[4096];
	make_directory();
	memset(text, 'x', sizeof(text));
	write_file(text, sizeof(text));
	with_database(not_a_database);
}
END_TEST

static by_error *cannot_open(by_ctx *ctx)
{
	ck_fails(by_database_ping(ctx, ctx->providers->database), DATABASE_UNAVAILABLE);
	return BY_OK;
}

START_TEST(a_file_that_cannot_be_opened_is_unavailable)
{
	make_directory();
	snprintf(url, sizeof(url), "sqlite:%s/none/test.db", directory);
	with_database(cannot_open);
}
END_TEST

static by_error *damaged(by_ctx *ctx)
{
	by_error *error = run(ctx, "SELECT sum(length(b)) FROM t");
	ck_fails(error, DATABASE);
	ck_assert_str_eq(error->detail, "The database is damaged.");
	return BY_OK;
}

START_TEST(a_damaged_file_is_said_to_be_damaged)
{
	sqlite3 *db;
	make_directory();
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE t (b); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
	    "SELECT i + 1 FROM c WHERE i < 200) INSERT INTO t SELECT randomblob(900) FROM c", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	int fd = open(path, O_WRONLY);
	for (off_t at = 8192; at < 60000; at += 4096)
		ck_assert_int_eq(pwrite(fd, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, at), 16);
	close(fd);
	with_database(damaged);
}
END_TEST

static by_error *full(by_ctx *ctx)
{
	BY_TRY(script(ctx, "CREATE TABLE t (b); PRAGMA max_page_count = 20"));
	by_error *error = run(ctx, "INSERT INTO t VALUES (randomblob(200000))");
	ck_fails(error, UNAVAILABLE);
	ck_assert(!by_error_is(error, DATABASE_UNAVAILABLE));
	ck_assert_str_eq(error->detail, "There is no room left to store anything.");
	return run(ctx, "INSERT INTO t VALUES (1)");
}

START_TEST(a_full_disk_is_said_to_be_full)
{
	make_directory();
	with_database(full);
}
END_TEST

/* ---- time ---- */

static by_error *endless(by_ctx *ctx)
{
	by_ctx  *limited = by_ctx_child(ctx);
	uint64_t since = by_clock();
	by_ctx_limit(limited, BY_MILLISECONDS(100));
	ck_fails(run(limited, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c"),
	    DEADLINE_EXCEEDED);
	ck_assert_uint_lt(by_clock() - since, UINT64_C(2000000000));
	return run(ctx, "SELECT 1");
}

START_TEST(a_deadline_interrupts_a_statement)
{
	make_directory();
	with_database(endless);
}
END_TEST

static by_error *write_twice(by_ctx *ctx, void *argument)
{
	(void)argument;
	BY_TRY(run(ctx, "INSERT INTO t VALUES (1)"));
	by_ctx *limited = by_ctx_child(ctx);
	by_ctx_limit(limited, BY_MILLISECONDS(50));
	BY_IGNORE(run(limited, "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
	    "SELECT i FROM c"), "what follows must not be stored by itself");
	by_error *error = run(ctx, "INSERT INTO t VALUES (2)");
	ck_fails(error, DATABASE);
	return error;
}

typedef struct counted {
	by_row_sink sink;
	int64_t     value;
} counted;

static by_error *on_count(by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count)
{
	(void)ctx;
	(void)count;
	((counted *)sink)->value = cells[0].integer;
	return BY_OK;
}

static int64_t count_rows(by_ctx *ctx)
{
	counted result = { { on_count }, -1 };
	ck_ok(by_database_query(ctx, by_statement_of("count", "SELECT count(*) FROM t"), NULL, 0, &result.sink, NULL));
	return result.value;
}

static by_error *nothing_after_interruption(by_ctx *ctx)
{
	BY_TRY(script(ctx, "CREATE TABLE t (i)"));
	ck_fails(by_transact(ctx, BY_TX_SERIALIZABLE, write_twice, NULL), DATABASE);
	ck_assert_int_eq(count_rows(ctx), 0);
	return BY_OK;
}

START_TEST(nothing_of_an_interrupted_transaction_is_stored)
{
	make_directory();
	with_database(nothing_after_interruption);
}
END_TEST

/* ---- other writers ---- */

static by_error *write_beside(by_ctx *ctx)
{
	BY_TRY(script(ctx, "CREATE TABLE t (i)"));
	sqlite3 *other;
	ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE; INSERT INTO t VALUES (0)", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(count_rows(ctx), 0);
	by_ctx *limited = by_ctx_child(ctx);
	by_ctx_limit(limited, BY_MILLISECONDS(100));
	ck_fails(run(limited, "INSERT INTO t VALUES (1)"), DEADLINE_EXCEEDED);
	ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	BY_TRY(run(ctx, "INSERT INTO t VALUES (2)"));
	ck_assert_int_eq(count_rows(ctx), 2);
	sqlite3_close(other);
	return BY_OK;
}

START_TEST(another_writer_is_waited_for_and_does_not_hinder_reading)
{
	make_directory();
	with_database(write_beside);
}
END_TEST

static by_error *hold(by_ctx *ctx, void *argument)
{
	(void)argument;
	BY_TRY(run(ctx, "INSERT INTO t VALUES (1)"));
	return by_sleep(ctx, BY_MILLISECONDS(600));
}

static by_error *hold_task(by_ctx *ctx, int *unused)
{
	return by_transact(ctx, BY_TX_SERIALIZABLE, hold, unused);
}
BY_TASK(hold_task, int);

static by_error *queue(by_ctx *ctx)
{
	int      unused = 0;
	BY_TRY(script(ctx, "CREATE TABLE t (i)"));
	by_task *holder = BY_SPAWN(ctx, hold_task, &unused);
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(50)));
	by_error *error = run(ctx, "INSERT INTO t VALUES (2)");
	ck_fails(error, OVERLOADED);
	ck_assert_uint_eq(error->retry_after, 1);
	ck_assert_int_eq(count_rows(ctx), 0);
	BY_TRY(by_join(ctx, holder));
	BY_TRY(run(ctx, "INSERT INTO t VALUES (3)"));
	ck_assert_int_eq(count_rows(ctx), 2);
	return BY_OK;
}

START_TEST(writers_wait_in_line_for_a_bounded_time)
{
	make_directory();
	with_database(queue);
}
END_TEST

/* Several processes open a new file at once, and each writes. */
static by_error *write_many(by_ctx *ctx)
{
	BY_TRY(script(ctx, "CREATE TABLE IF NOT EXISTS t (i)"));
	for (int i = 0; i < 20; i++)
		BY_TRY(run(ctx, "INSERT INTO t VALUES (1)"));
	return BY_OK;
}

static by_error *count_hundred(by_ctx *ctx)
{
	ck_assert_int_eq(count_rows(ctx), 80);
	return BY_OK;
}

START_TEST(processes_share_a_file_from_its_first_moment)
{
	pid_t children[4];
	make_directory();
	for (size_t i = 0; i < BY_COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			by_error *(*body)(by_ctx *) = write_many;
			by_arena *arena = by_arena_new(0);
			by_error *error = by__runtime_block_on(arena, opened, &body);
			if (error)
				fprintf(stderr, "%s: %s\n", error->detail, error->internal);
			by_arena_free(&arena);
			_exit(error != BY_OK);
		}
	}
	for (size_t i = 0; i < BY_COUNT(children); i++) {
		int status;
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	with_database(count_hundred);
}
END_TEST

/* ---- URLs ---- */

static by_error *open_wrong(by_ctx *ctx, void *argument)
{
	by_database *database = NULL;
	return by_database_open(ctx->arena, argument, NULL, &database);
}

START_TEST(a_wrong_url_is_a_mistake_of_configuration)
{
	static const char *const wrong[] = { "", "lab.db", "sqlite:", "sqlite:?synchronous=off",
		"sqlite:a.db?synchronous=maybe", "sqlite:a.db?mode=ro", "mysql://x", "postgresql://user:secret@[::1", "postgresql://h/db?nonsense=1" };
	by__databases_register();
	for (size_t i = 0; i < BY_COUNT(wrong); i++) {
		char     *copy = strdup(wrong[i]);
		by_arena *arena = by_arena_new(0);
		by_error *error = by__runtime_block_on(arena, open_wrong, copy);
		ck_fails(error, CONFIGURATION);
		ck_assert_ptr_null(strstr(error->detail, "secret"));
		by_arena_free(&arena);
		free(copy);
	}
}
END_TEST

UNIT("sqlite", a_file_that_is_no_database_is_said_to_be_none, a_file_that_cannot_be_opened_is_unavailable,
    a_damaged_file_is_said_to_be_damaged, a_full_disk_is_said_to_be_full, a_deadline_interrupts_a_statement,
    nothing_of_an_interrupted_transaction_is_stored, another_writer_is_waited_for_and_does_not_hinder_reading,
    writers_wait_in_line_for_a_bounded_time, processes_share_a_file_from_its_first_moment,
    a_wrong_url_is_a_mistake_of_configuration);
