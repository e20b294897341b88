/* The log: every line is one JSON object, carries its context, and is written whole or counted as lost. */
#include <fcntl.h>
#include <json-c/json.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_LOG_NAME "test.log"
#include <banyan/log.h>
#include <banyan/task.h>

#include "core/log.h"
#include "core/runtime.h"
#include "unit/unit.h"

/* ---- a log in a file, and its lines ------------------------------------- */

enum { LINES = 20000 };

static by_arena *arena;
static int file;
static char *lines[LINES];

static void open_log(const char *levels)
{
	char name[] = "test_log.XXXXXX";

	arena = by_arena_new(0);
	file = mkstemp(name);
	ck_assert_int_ge(file, 0);
	unlink(name);
	ck_ok(by_log_configure(arena, levels, file));
}

static void close_log(void)
{
	close(file);
	by_arena_free(&arena);
}

static size_t split(char *text, size_t len)
{
	size_t count = 0;

	ck_assert(len == 0 || text[len - 1] == '\n');
	for (char *at = text; at < text + len; at = strchr(at, '\0') + 1) {
		ck_assert_uint_lt(count, LINES);
		lines[count++] = at;
		*strchr(at, '\n') = '\0';
	}
	return count;
}

static size_t read_lines(void)
{
	off_t len = lseek(file, 0, SEEK_END);
	char *text = by_alloc(arena, (size_t)len + 1);

	ck_assert_int_eq(pread(file, text, (size_t)len, 0), len);
	return split(text, (size_t)len);
}

static void put_object(void *object)
{
	json_object_put(object);
}

/* Freed with the arena. */
static json_object *parsed(const char *line)
{
	enum json_tokener_error error;
	json_tokener *tokener = json_tokener_new();

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	json_object *object = json_tokener_parse_ex(tokener, line, (int)strlen(line) + 1);
	error = json_tokener_get_error(tokener);
	ck_assert_msg(error == json_tokener_success, "%s: %s", json_tokener_error_desc(error), line);
	ck_assert(json_object_is_type(object, json_type_object));
	json_tokener_free(tokener);
	by_arena_defer(arena, put_object, object);
	return object;
}

static const char *member(json_object *object, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : "(absent)";
}

static json_object *only_line(void)
{
	by_log_flush();
	ck_assert_uint_eq(read_lines(), 1);
	return parsed(lines[0]);
}

static by_ctx *request_ctx(void)
{
	static const by_principal principal = { .subject = "ada", .tenant = "lab" };
	by_ctx *ctx = by_ctx_new(arena);

	ctx->request_id = "r1";
	ctx->principal = &principal;
	ctx->operation = "publish_experiment";
	ctx->route = "/experiments/{id}/publish";
	memset(ctx->trace.trace_id, 0xab, sizeof(ctx->trace.trace_id));
	memset(ctx->trace.span_id, 0x01, sizeof(ctx->trace.span_id));
	ctx->trace.flags = 1;
	return ctx;
}

/* ---- what a line says --------------------------------------------------- */

START_TEST(a_line_has_its_members_in_order)
{
	static const char *const names[] = { "timestamp", "level", "message", "logger", "request_id", "trace_id", "span_id",
		"trace_flags", "user_id", "tenant_id", "operation", "route", "attempt", "frames", "name" };
	size_t at = 0;

	open_log("info");
	by_ctx *ctx = request_ctx();
	by_log_with(ctx, "attempt", 2);
	by_info(ctx, "experiment published", BY_F("frames", 12), BY_F("name", "cells"));
	json_object *line = only_line();
	json_object_object_foreach(line, name, value) {
		(void)value;
		ck_assert_uint_lt(at, BY_COUNT(names));
		ck_assert_str_eq(name, names[at++]);
	}
	ck_assert_uint_eq(at, BY_COUNT(names));
	ck_assert_str_eq(member(line, "level"), "info");
	ck_assert_str_eq(member(line, "logger"), "test.log");
	ck_assert_str_eq(member(line, "trace_id"), "abababababababababababababababab");
	ck_assert_str_eq(member(line, "span_id"), "0101010101010101");
	ck_assert_str_eq(member(line, "trace_flags"), "01");
	ck_assert_str_eq(member(line, "user_id"), "ada");
	by_time time;
	ck_assert(by_time_parse((by_text){ member(line, "timestamp"), strlen(member(line, "timestamp")) }, &time));
	close_log();
}
END_TEST

START_TEST(values_keep_their_kind)
{
	static const char digits[] = "[1,\n2]";

	open_log("debug");
	by_debug(NULL, "values", BY_F("int", -7), BY_F("big", UINT64_MAX), BY_F("double", 0.5), BY_F("bool", (bool)true),
	    BY_F("nan", NAN), BY_F("infinite", -INFINITY), BY_F("null", (const char *)NULL), BY_F("text", BY_TEXT("a\0b")),
	    BY_F("json", ((by_json){ digits, sizeof(digits) - 1 })), BY_F("decimal", ((by_decimal){ "-12.340" })),
	    BY_F("wrong", ((by_decimal){ "1,\"level\":\"x\"" })));
	json_object *line = only_line(), *value;
	ck_assert_ptr_nonnull(strstr(lines[0], "\"int\":-7,\"big\":18446744073709551615,\"double\":0.5,\"bool\":true,"
	    "\"nan\":null,\"infinite\":null,\"null\":null,\"text\":\"a\\u0000b\",\"json\":[1, 2],\"decimal\":-12.340,"));
	ck_assert(json_object_object_get_ex(line, "wrong", &value) && json_object_is_type(value, json_type_string));
	ck_assert_str_eq(member(line, "level"), "debug");
	close_log();
}
END_TEST

START_TEST(line_breaks_forge_no_line)
{
	open_log("info");
	by_ctx *ctx = request_ctx();
	ctx->request_id = "r\n{\"level\":\"error\"}\n";
	by_log_with(ctx, "field\n", "a\r\nb\xe2\x80\xa8");
	by_info(ctx, "first\nsecond\"}\n", BY_F("a\nb", "\n\xff\n"));
	json_object *line = only_line();
	ck_assert_str_eq(member(line, "message"), "first\nsecond\"}\n");
	ck_assert_str_eq(member(line, "a\nb"), "\n\xef\xbf\xbd\n");
	ck_assert_str_eq(member(line, "level"), "info");
	close_log();
}
END_TEST

START_TEST(fields_are_inherited_and_the_newest_of_a_name_counts)
{
	open_log("info");
	by_ctx *parent = request_ctx(), *child = by_ctx_child(parent);
	by_log_with(parent, "late", true);
	by_log_with(child, "step", 1);
	by_log_with(child, "step", 2);
	by_info(by_ctx_child(child), "done");
	json_object *line = only_line();
	ck_assert_str_eq(member(line, "step"), "2");
	ck_assert_str_eq(member(line, "late"), "(absent)");
	ck_assert_ptr_eq(strstr(strstr(lines[0], "\"step\"") + 1, "\"step\""), NULL);
	ck_assert_str_eq(member(line, "request_id"), "r1");
	close_log();
}
END_TEST

START_TEST(an_error_is_logged_with_all_that_is_known)
{
	open_log("info");
	by_ctx *ctx = request_ctx();
	by_error *cause = by_error_internal(arena, by_fail(ctx, DATABASE_UNAVAILABLE, "The database is away."),
	    "connect to db1: \"refused\"\n");
	by_error *error = by_error_pass(by_error_because(by_fail(ctx, CONFLICT, "It is there already."), cause), BY_HERE);
	by_log_error(ctx, BY_LOG_ERROR, "request failed", error);
	json_object *line = only_line(), *causes, *trace;
	ck_assert_uint_eq(strlen(error->id), 26);
	ck_assert_str_eq(member(line, "error_id"), error->id);
	ck_assert_str_eq(member(line, "kind"), "CONFLICT");
	ck_assert_str_eq(member(line, "detail"), "It is there already.");
	ck_assert(json_object_object_get_ex(line, "trace", &trace) && json_object_array_length(trace) == 2);
	ck_assert_ptr_nonnull(strstr(json_object_get_string(json_object_array_get_idx(trace, 0)), "test_log.c:"));
	ck_assert(json_object_object_get_ex(line, "causes", &causes) && json_object_array_length(causes) == 1);
	json_object *first = json_object_array_get_idx(causes, 0);
	ck_assert_str_eq(member(first, "kind"), "DATABASE_UNAVAILABLE");
	ck_assert_str_eq(member(first, "internal"), "connect to db1: \"refused\"\n");
	close_log();
}
END_TEST

START_TEST(faults_are_logged_without_values)
{
	open_log("info");
	by_faults *faults = by_faults_new(arena);
	by_fault_add(faults, BY_FAULT_BODY, "#/name", "required", "is required");
	by_fault_add(faults, BY_FAULT_QUERY, "page", "minimum", "must be at least 1");
	by_error *error = by_faults_error(faults);
	by_log_error(NULL, BY_LOG_INFO, "refused", error);
	only_line();
	ck_assert_ptr_nonnull(strstr(lines[0],
	    "\"faults\":[{\"where\":\"#/name\",\"code\":\"required\"},{\"where\":\"page\",\"code\":\"minimum\"}]"));
	close_log();
}
END_TEST

START_TEST(a_line_of_any_length_is_whole)
{
	open_log("info");
	char *text = by_alloc(arena, 300001);
	memset(text, 'x', 300000);
	for (int i = 0; i < 3; i++)
		by_info(NULL, "long", BY_F("text", text), BY_F("n", i));
	by_info(NULL, "short");
	by_log_flush();
	ck_assert_uint_eq(read_lines(), 4);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(strlen(member(parsed(lines[i]), "text")), 300000);
	ck_assert_str_eq(member(parsed(lines[3]), "message"), "short");
	ck_assert_uint_eq(by__log_lost(), 0);
	close_log();
}
END_TEST

/* ---- levels ------------------------------------------------------------- */

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static bool enabled(const char *logger, by_log_level level)
{
	by_log_site site = { logger, level, 0, false };

	return by_log_enabled(&site);
}

START_TEST(the_longest_prefix_of_a_logger_counts)
{
	open_log("warning, db=debug ,db.pool=error,http.client=off");
	ck_assert(!enabled("app", BY_LOG_INFO));
	ck_assert(enabled("app", BY_LOG_WARNING));
	ck_assert(enabled("db", BY_LOG_DEBUG));
	ck_assert(enabled("db.query", BY_LOG_DEBUG));
	ck_assert(!enabled("dbx", BY_LOG_DEBUG));
	ck_assert(!enabled("db.pool", BY_LOG_WARNING));
	ck_assert(enabled("db.pool.idle", BY_LOG_ERROR));
	ck_assert(!enabled("http.client", BY_LOG_ERROR));
	ck_assert(enabled("http", BY_LOG_ERROR));
	close_log();
}
END_TEST

START_TEST(a_disabled_level_evaluates_nothing_and_a_change_is_seen)
{
	open_log("info");
	for (int i = 0; i < 3; i++) {
		by_debug(NULL, "hidden", BY_F("n", evaluate()));
		ck_assert_int_eq(evaluated, 0);
	}
	for (int i = 0; i < 2; i++) {
		by_debug(NULL, "shown", BY_F("n", evaluate()));
		ck_assert_int_eq(evaluated, i);
		ck_ok(by_log_configure(arena, "off,test=debug", file));
	}
	by_err(NULL, "shown");
	ck_assert_uint_eq(read_lines(), 2);
	close_log();
}
END_TEST

START_TEST(levels_that_do_not_parse_are_refused_and_change_nothing)
{
	static const char *const wrong[] = { "loud", "info,db=", "=debug", "info debug", "INFO", "db=debug=info" };

	open_log("error");
	for (size_t i = 0; i < BY_COUNT(wrong); i++)
		ck_fails(by_log_configure(arena, wrong[i], file), CONFIGURATION);
	ck_assert(!enabled("app", BY_LOG_WARNING));
	ck_ok(by_log_configure(arena, "", file));
	ck_assert(enabled("app", BY_LOG_INFO));
	ck_assert(!enabled("app", BY_LOG_DEBUG));
	close_log();
}
END_TEST

/* ---- when and how it is written ----------------------------------------- */

START_TEST(lines_wait_until_there_are_enough_or_one_is_urgent)
{
	static const char line[] = "{\"message\":\"one of many, each of which is about as long as this\"}\n";

	open_log("info");
	by_info(NULL, "waits");
	ck_assert_uint_eq(read_lines(), 0);
	by_warn(NULL, "urgent");
	ck_assert_uint_eq(read_lines(), 2);
	size_t written = 0, count = 0;
	for (; written == 0 && count < 1000; count++) {
		by_log_line(line, strlen(line));
		written = read_lines() - 2;
	}
	ck_assert_uint_ge(written * strlen(line), 32 * 1024);
	ck_assert_uint_eq(written, count);
	close_log();
}
END_TEST

START_TEST(a_full_pipe_loses_whole_lines_counts_them_and_goes_on)
{
	int ends[2];
	static char taken[1024 * 1024];
	size_t len = 0;
	ssize_t got;

	open_log("info");
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	ck_ok(by_log_configure(arena, "info", ends[1]));
	for (int i = 0; i < 5000; i++)
		by_info(NULL, "a line for a reader who does not read", BY_F("n", i));
	uint64_t lost = by__log_lost();
	ck_assert_uint_gt(lost, 1000);
	for (int turn = 0; turn < 100; turn++) {
		while ((got = read(ends[0], taken + len, sizeof(taken) - len)) > 0)
			len += (size_t)got;
		by_log_flush();
	}
	by_info(NULL, "after");
	by_log_flush();
	while ((got = read(ends[0], taken + len, sizeof(taken) - len)) > 0)
		len += (size_t)got;
	size_t count = split(taken, len);
	ck_assert_uint_eq(count, 5000 - lost + 1);
	for (size_t i = 0; i < count; i++)
		parsed(lines[i]);
	ck_assert_str_eq(member(parsed(lines[count - 1]), "message"), "after");
	ck_assert_uint_eq(by__log_lost(), lost);
	close_log();
}
END_TEST

START_TEST(a_reader_who_takes_nothing_is_not_waited_for)
{
	int ends[2][2];

	open_log("info");
	ck_assert_int_eq(pipe(ends[0]), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[1]), 0);
	for (int i = 0; i < 2; i++) {
		uint64_t lost = by__log_lost();

		/* Blocking ends, as standard error is one: without the writes' own care this would wait for ever. */
		ck_ok(by_log_configure(arena, "info", ends[i][1]));
		for (int line = 0; line < 10000; line++)
			by_info(NULL, "a line for a reader who does not read", BY_F("n", line));
		ck_assert_uint_gt(by__log_lost(), lost);
	}
	close_log();
}
END_TEST

START_TEST(a_full_disk_loses_no_more_than_does_not_fit)
{
	open_log("info");
	int full = open("/dev/full", O_WRONLY);
	ck_assert_int_ge(full, 0);
	ck_ok(by_log_configure(arena, "info", full));
	by_err(NULL, "kept until there is room");
	ck_assert_uint_eq(by__log_lost(), 0);
	ck_ok(by_log_configure(arena, "info", file));
	json_object *line = only_line();
	ck_assert_str_eq(member(line, "message"), "kept until there is room");
	close_log();
}
END_TEST

START_TEST(a_forked_process_starts_with_an_empty_buffer)
{
	int status;

	open_log("info");
	by_info(NULL, "the parent's");
	pid_t child = fork();
	if (child == 0) {
		by_info(NULL, "the child's");
		by_log_flush();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_uint_eq(read_lines(), 1);
	ck_assert_str_eq(member(parsed(lines[0]), "message"), "the child's");
	by_log_flush();
	ck_assert_uint_eq(read_lines(), 2);
	close_log();
}
END_TEST

static void on_fault(int signal)
{
	(void)signal;
	by__log_rescue();
	_exit(3);
}

START_TEST(a_crash_handler_rescues_what_waits)
{
	int status;

	open_log("info");
	pid_t child = fork();
	if (child == 0) {
		signal(SIGSEGV, on_fault);
		by_info(NULL, "one");
		by_info(NULL, "two");
		raise(SIGSEGV);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	ck_assert_uint_eq(read_lines(), 2);
	ck_assert_str_eq(member(parsed(lines[1]), "message"), "two");
	close_log();
}
END_TEST

/* Several processes and one pipe: what is longer than PIPE_BUF together still stays apart line by line. */
START_TEST(processes_that_share_a_pipe_keep_their_lines_apart)
{
	enum { PROCESSES = 4, EACH = 1000 };
	static char taken[1024 * 1024];
	int ends[2];
	size_t len = 0;
	ssize_t got;

	open_log("info");
	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(by_log_configure(arena, "info", ends[1]));
	for (int p = 0; p < PROCESSES; p++) {
		if (fork() == 0) {
			for (int i = 0; i < EACH; i++)
				by_info(NULL, "a line among those of others", BY_F("process", p), BY_F("n", i));
			by_log_flush();
			_exit(0);
		}
	}
	close(ends[1]);
	while ((got = read(ends[0], taken + len, sizeof(taken) - len)) > 0)
		len += (size_t)got;
	while (wait(NULL) > 0)
		;
	size_t count = split(taken, len);
	ck_assert_uint_eq(count, PROCESSES * EACH);
	for (size_t i = 0; i < count; i++)
		parsed(lines[i]);
	close_log();
}
END_TEST

/* ---- in coroutines and threads ------------------------------------------ */

static by_error *log_in_thread(by_ctx *ctx, void *argument)
{
	(void)ctx;
	by_info(NULL, "from a thread", BY_F("of", (const char *)argument));
	return BY_OK;
}

static by_error *log_at_depth(by_ctx *ctx, char *id)
{
	ctx->request_id = id;
	for (int i = 0; i < 5; i++) {
		by_info(NULL, "from a coroutine", BY_F("of", id));
		BY_TRY(by_yield(ctx));
	}
	return by_offload(ctx, log_in_thread, id);
}
BY_TASK(log_at_depth, char);

static by_error *log_from_many(by_ctx *ctx, void *argument)
{
	by_task *tasks[1000];

	(void)argument;
	for (int i = 0; i < 1000; i++)
		tasks[i] = BY_SPAWN(ctx, log_at_depth, by_format(ctx->arena, "id-%d", i));
	for (int i = 0; i < 1000; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	return BY_OK;
}

START_TEST(each_line_of_a_thousand_coroutines_and_their_threads_has_its_own_id)
{
	open_log("info");
	by_arena *own = by_arena_new(0);
	ck_ok(by__runtime_block_on(own, log_from_many, NULL));
	size_t count = read_lines();
	ck_assert_uint_eq(count, 6000);
	for (size_t i = 0; i < count; i++) {
		json_object *line = parsed(lines[i]);
		ck_assert_str_eq(member(line, "request_id"), member(line, "of"));
	}
	by_arena_free(&own);
	close_log();
}
END_TEST

UNIT("log", a_line_has_its_members_in_order, values_keep_their_kind, line_breaks_forge_no_line,
    fields_are_inherited_and_the_newest_of_a_name_counts, an_error_is_logged_with_all_that_is_known,
    faults_are_logged_without_values, a_line_of_any_length_is_whole, the_longest_prefix_of_a_logger_counts,
    a_disabled_level_evaluates_nothing_and_a_change_is_seen, levels_that_do_not_parse_are_refused_and_change_nothing,
    lines_wait_until_there_are_enough_or_one_is_urgent, a_full_pipe_loses_whole_lines_counts_them_and_goes_on,
    a_reader_who_takes_nothing_is_not_waited_for,
    a_full_disk_loses_no_more_than_does_not_fit, a_forked_process_starts_with_an_empty_buffer,
    a_crash_handler_rescues_what_waits, processes_that_share_a_pipe_keep_their_lines_apart,
    each_line_of_a_thousand_coroutines_and_their_threads_has_its_own_id);
