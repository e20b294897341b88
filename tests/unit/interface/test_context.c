/* What a request's context carries into its children and offloaded functions, and that its end reaches them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json.h>

#define BY_LOG_NAME "test.context"
#include <banyan/log.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef by_error *run(by_ctx *ctx);
static run *current;

static by_error *nest_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)operation;
	(void)in;
	(void)out;
	return current(ctx);
}
static const by_operation nest_op = { "nest", NULL, NULL, nest_call, BY_HERE_INIT };

static const by_route rows[] = { BY_ROUTE(POST, "/nest", nest, .access = BY_PUBLIC, .timeout_ms = 30000) };
static BY_ROUTES(nests, "Nests", rows);
static const by_routes *const groups[] = { &nests };
static const by_version       versions[] = { { "v1", "/api", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena *arena;

/* The request's own memory is freed before this returns: whatever still uses it then is seen by AddressSanitizer. */
static test_answer serve(run *what)
{
	static const char *const variables[] = {
		"HTTP_X_REQUEST_ID=r-1", "HTTP_TRACEPARENT=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", NULL
	};
	by_arena   *own = by_arena_new(0);
	by__server *server = test_server(arena, &app);

	current = what;
	test_answer answer = test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/nest",
	    .variables = variables, .arena = own });

	by_arena_free(&own);
	return answer;
}

/* ---- what is carried ---------------------------------------------------------- */

static const by_principal ada = { .subject = "ada", .issuer = "lab", .tenant = "cells" };

BY_CTX_KEY(note, char);

/* Everything that the request's own context had. */
static void check_carried(const by_ctx *ctx, const by_ctx *from)
{
	ck_assert_ptr_eq(by_ctx_current(), ctx);
	ck_assert_ptr_eq(ctx->request, from->request);
	ck_assert_ptr_eq(ctx->principal, &ada);
	ck_assert_str_eq(ctx->request_id, "r-1");
	ck_assert_str_eq(ctx->route, "/api/nest");
	ck_assert_mem_eq(&ctx->trace, &from->trace, sizeof(ctx->trace));
	ck_assert_str_eq(note_get(ctx), "carried");
	ck_assert_uint_ne(ctx->deadline, 0);
	ck_assert_uint_le(ctx->deadline, from->deadline);
	by_info(NULL, "at some depth");
}

static by_error *on_thread(by_ctx *ctx, by_ctx *from)
{
	check_carried(ctx, from);
	return BY_OK;
}
BY_TASK(on_thread, by_ctx);

static by_error *grandchild(by_ctx *ctx, by_ctx *from)
{
	check_carried(ctx, from);
	by_ctx_limit(ctx, BY_SECONDS(1));
	BY_TRY(by_offload(ctx, on_thread_task, ctx));
	check_carried(ctx, from);
	return BY_OK;
}
BY_TASK(grandchild, by_ctx);

static by_error *child(by_ctx *ctx, by_ctx *from)
{
	check_carried(ctx, from);
	BY_TRY(by_join(ctx, BY_SPAWN(ctx, grandchild, ctx)));
	BY_TRY(by_yield(ctx));
	check_carried(ctx, from);
	return BY_OK;
}
BY_TASK(child, by_ctx);

static by_error *nest(by_ctx *ctx)
{
	ctx->principal = &ada;
	note_put(ctx, "carried");
	by_ctx_limit(ctx, BY_SECONDS(20));
	by_task *tasks[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = BY_SPAWN(ctx, child, ctx);
	BY_TRY(by_offload(ctx, on_thread_task, ctx));
	for (int i = 0; i < 3; i++)
		BY_TRY(by_join(ctx, tasks[i]));
	check_carried(ctx, ctx);
	return BY_OK;
}

static const char *member(json_object *line, const char *name)
{
	json_object *value;

	return json_object_object_get_ex(line, name, &value) ? json_object_get_string(value) : "(absent)";
}

/* How many lines there are; each has the ids of the one request. */
static int check_lines(char *text)
{
	int count = 0;

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		json_object *object = json_tokener_parse(line);

		ck_assert_ptr_nonnull(object);
		if (strcmp(member(object, "logger"), "test.context") == 0) {
			count++;
			ck_assert_str_eq(member(object, "request_id"), "r-1");
			ck_assert_str_eq(member(object, "user_id"), "ada");
			ck_assert_str_eq(member(object, "tenant_id"), "cells");
			ck_assert_str_eq(member(object, "trace_id"), "0af7651916cd43dd8448eb211c80319c");
		}
		json_object_put(object);
	}
	return count;
}

START_TEST(all_of_a_context_reaches_every_depth_and_every_line)
{
	char  name[] = "test_context.XXXXXX";
	int   file = mkstemp(name);
	char *text = calloc(1, 65536);

	unlink(name);
	arena = by_arena_new(0);
	ck_ok(by_log_configure(arena, "info", file));
	test_answer answer = serve(nest);

	ck_assert_msg(answer.status == 204, "%s", answer.body);
	by_log_flush();
	ck_assert_int_gt(pread(file, text, 65535, 0), 0);
	/* Two in each child and grandchild, one in each offloaded function, one at the end. */
	ck_assert_int_eq(check_lines(text), 3 * (2 + 2 + 1) + 1 + 1);
	free(text);
	close(file);
	by_arena_free(&arena);
}
END_TEST

/* ---- what ends with it -------------------------------------------------------- */

static atomic_int started, ended;

/* Touches the memory of its request until that is over. */
static by_error *work_until_told(by_ctx *ctx, char *memory)
{
	by_error *error;

	atomic_fetch_add(&started, 1);
	while ((error = by_ctx_check(ctx)) == BY_OK) {
		memory[0]++;
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
	memory[0]++;
	atomic_fetch_add(&ended, 1);
	return error;
}
BY_TASK(work_until_told, char);

static by_error *wait_until_told(by_ctx *ctx, char *memory)
{
	atomic_fetch_add(&started, 1);
	by_error *error = by_sleep(ctx, BY_SECONDS(600));

	memory[0]++;
	atomic_fetch_add(&ended, 1);
	return error;
}
BY_TASK(wait_until_told, char);

static by_error *offload_in_child(by_ctx *ctx, char *memory)
{
	return by_offload(ctx, work_until_told_task, memory);
}
BY_TASK(offload_in_child, char);

static by_error *all_started(by_ctx *ctx)
{
	while (atomic_load(&started) < 3)
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1)));
	return BY_OK;
}

static void spawn_all(by_ctx *ctx)
{
	char *memory = by_alloc(ctx->arena, 64);

	atomic_store(&started, 0);
	atomic_store(&ended, 0);
	(void)BY_SPAWN(ctx, wait_until_told, memory);
	(void)BY_SPAWN(ctx, offload_in_child, memory + 16);
	(void)BY_SPAWN(ctx, offload_in_child, memory + 32);
}

static by_error *leave_children(by_ctx *ctx)
{
	spawn_all(ctx);
	return all_started(ctx);
}

START_TEST(children_and_their_work_have_ended_before_the_requests_memory_is_freed)
{
	arena = by_arena_new(0);
	ck_assert_int_eq(serve(leave_children).status, 204);
	ck_assert_int_eq(atomic_load(&ended), 3);
	by_arena_free(&arena);
}
END_TEST

static by_error *be_cancelled(by_ctx *ctx)
{
	spawn_all(ctx);
	BY_TRY(all_started(ctx));
	by__ctx_cancel(ctx);
	return by_sleep(ctx, BY_SECONDS(600));
}

START_TEST(cancelling_a_request_reaches_its_children_and_their_offloaded_work)
{
	arena = by_arena_new(0);
	/* The client is still there, so that it is told. */
	ck_assert_int_eq(serve(be_cancelled).status, 500);
	ck_assert_int_eq(atomic_load(&ended), 3);
	by_arena_free(&arena);
}
END_TEST

static by_error *be_late(by_ctx *ctx)
{
	spawn_all(ctx);
	BY_TRY(all_started(ctx));
	by_ctx_limit(ctx, BY_MILLISECONDS(5));
	return by_sleep(ctx, BY_SECONDS(600));
}

START_TEST(a_deadline_reaches_children_and_their_offloaded_work)
{
	arena = by_arena_new(0);
	ck_assert_int_eq(serve(be_late).status, 504);
	ck_assert_int_eq(atomic_load(&ended), 3);
	by_arena_free(&arena);
}
END_TEST

static by_error *turn_and_leave(by_ctx *ctx)
{
	by_ctx *turn = NULL;

	for (int i = 0; i < 3; i++) {
		turn = by_ctx_turn(ctx, turn);
		ck_assert_ptr_eq(turn->parent, ctx);
		BY_TRY(by_offload(turn, on_thread_task, ctx));
		char *memory = by_alloc(turn->arena, 8);

		memory[0] = 1;
	}
	by__ctx_cancel(ctx);
	ck_fails(by_ctx_check(turn), CANCELLED);
	return BY_OK;
}

static by_error *take_turns(by_ctx *ctx)
{
	ctx->principal = &ada;
	note_put(ctx, "carried");
	return turn_and_leave(ctx);
}

START_TEST(a_turn_inherits_and_is_cancelled_like_any_child)
{
	arena = by_arena_new(0);
	ck_assert_int_eq(serve(take_turns).status, 204);
	by_arena_free(&arena);
}
END_TEST

UNIT("context", all_of_a_context_reaches_every_depth_and_every_line,
    children_and_their_work_have_ended_before_the_requests_memory_is_freed,
    cancelling_a_request_reaches_its_children_and_their_offloaded_work,
    a_deadline_reaches_children_and_their_offloaded_work, a_turn_inherits_and_is_cancelled_like_any_child);
