/* Offloading: off the loop's thread, with the context, to its end. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <banyan/log.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "unit/unit.h"

static by_arena *arena;

static void run(by_error *(*body)(by_ctx *ctx, void *argument))
{
	arena = by_arena_new(0);
	ck_ok(by__runtime_block_on(arena, body, NULL));
	by_arena_free(&arena);
}

static void pause_thread(long ms)
{
	struct timespec span = { 0, ms * 1000000 };

	nanosleep(&span, NULL);
}

typedef struct work {
	pthread_t   thread;
	by_ctx     *ctx, *current, *parent;
	const char *result;
	bool        ended;
} work;

static by_error *work_on(by_ctx *ctx, work *self)
{
	self->thread = pthread_self();
	self->ctx = ctx;
	self->current = by_ctx_current();
	self->parent = ctx->parent;
	self->result = by_format(ctx->arena, "made by %s", ctx->request_id);
	pause_thread(20);
	self->ended = true;
	return BY_OK;
}
BY_TASK(work_on, work);

static by_error *offload_once(by_ctx *ctx, void *argument)
{
	work self = { 0 };

	(void)argument;
	ctx->request_id = "r1";
	ck_ok(by_offload(ctx, work_on_task, &self));
	ck_assert(!pthread_equal(self.thread, pthread_self()));
	ck_assert_ptr_eq(self.ctx, self.current);
	ck_assert_ptr_eq(self.parent, ctx);
	ck_assert_ptr_eq(by_ctx_current(), ctx);
	ck_assert_str_eq(self.result, "made by r1");
	ck_assert_uint_eq(by__runtime_used().offloads, 0);
	return BY_OK;
}

START_TEST(work_runs_on_another_thread_with_a_child_context)
{
	run(offload_once);
}
END_TEST

static by_error *allocate(by_ctx *ctx, void *argument)
{
	by_alloc(ctx->arena, *(size_t *)argument);
	return BY_OK;
}

static by_error *offload_often(by_ctx *ctx, void *argument)
{
	size_t size = 100;

	(void)argument;
	ck_ok(by_offload(ctx, allocate, &size));
	size_t before = by_arena_used(ctx->arena).bytes;
	for (int i = 0; i < 1000; i++)
		ck_ok(by_offload(ctx, allocate, &size));
	ck_assert_uint_eq(by_arena_used(ctx->arena).bytes, before);
	ck_assert_ptr_null(ctx->children);
	ck_assert_ptr_nonnull(ctx->spares);
	return BY_OK;
}

START_TEST(a_thousand_calls_share_one_arena)
{
	run(offload_often);
}
END_TEST

static by_error *offload_work(by_ctx *ctx, work *self)
{
	return by_offload(ctx, work_on_task, self);
}
BY_TASK(offload_work, work);

static by_error *hold(by_ctx *ctx, atomic_int *released)
{
	while (!atomic_load(released))
		pause_thread(1);
	by_alloc(ctx->arena, 10000);
	return BY_OK;
}
BY_TASK(hold, atomic_int);

static by_error *offload_hold(by_ctx *ctx, atomic_int *released)
{
	return by_offload(ctx, hold_task, released);
}
BY_TASK(offload_hold, atomic_int);

static by_error *offload_beside_a_sleep(by_ctx *ctx, void *argument)
{
	by_task *tasks[8];
	atomic_int released = 0;

	(void)argument;
	for (size_t i = 0; i < BY_COUNT(tasks); i++)
		tasks[i] = BY_SPAWN(ctx, offload_hold, &released);
	ck_ok(by_sleep(ctx, BY_MILLISECONDS(5)));
	ck_assert_uint_eq(by__runtime_used().offloads, BY_COUNT(tasks));
	atomic_store(&released, 1);
	for (size_t i = 0; i < BY_COUNT(tasks); i++)
		ck_ok(by_join(ctx, tasks[i]));
	return BY_OK;
}

START_TEST(the_loop_goes_on_while_several_children_offload)
{
	run(offload_beside_a_sleep);
}
END_TEST

static by_error *cancel_meanwhile(by_ctx *ctx, void *argument)
{
	work self = { 0 };
	by_task *task = BY_SPAWN(ctx, offload_work, &self);

	(void)argument;
	ck_ok(by_sleep(ctx, BY_MILLISECONDS(2)));
	by_cancel(task);
	ck_fails(by_join(ctx, task), CANCELLED);
	ck_assert(self.ended);
	return BY_OK;
}

START_TEST(work_of_a_cancelled_task_runs_to_its_end)
{
	run(cancel_meanwhile);
}
END_TEST

static by_error *outlast_deadline(by_ctx *ctx, void *argument)
{
	work self = { 0 };

	(void)argument;
	by_ctx_limit(ctx, BY_MILLISECONDS(5));
	ck_fails(by_offload(ctx, work_on_task, &self), DEADLINE_EXCEEDED);
	ck_assert(self.ended);
	self.ended = false;
	ck_fails(by_offload(ctx, work_on_task, &self), DEADLINE_EXCEEDED);
	ck_assert(!self.ended);
	return BY_OK;
}

START_TEST(a_deadline_is_told_after_the_work_and_stops_new_work)
{
	run(outlast_deadline);
}
END_TEST

static by_error *check_until_stopped(by_ctx *ctx, void *argument)
{
	(void)argument;
	for (;;) {
		BY_TRY(by_ctx_check(ctx));
		pause_thread(1);
	}
}

static by_error *stop_a_loop(by_ctx *ctx, void *argument)
{
	(void)argument;
	by_ctx_limit(ctx, BY_MILLISECONDS(10));
	by_error *error = by_offload(ctx, check_until_stopped, NULL);
	ck_fails(error, DEADLINE_EXCEEDED);
	ck_assert_int_eq(error->trace_count, 3);
	return BY_OK;
}

START_TEST(work_that_asks_its_context_stops_early)
{
	run(stop_a_loop);
}
END_TEST

static by_error *refuse(by_ctx *ctx, void *argument)
{
	(void)argument;
	pause_thread(20);
	return by_fail(ctx, CONFLICT, "It is there already.");
}

static by_error *offload_refuse(by_ctx *ctx, void *argument)
{
	return by_offload(ctx, refuse, argument);
}

static by_error *fail_and_cancel(by_ctx *ctx, void *argument)
{
	by_task *task = by_spawn(ctx, offload_refuse, argument);

	ck_ok(by_sleep(ctx, BY_MILLISECONDS(2)));
	by_cancel(task);
	ck_fails(by_join(ctx, task), CONFLICT);
	return BY_OK;
}

START_TEST(the_works_own_error_goes_before_cancellation)
{
	run(fail_and_cancel);
}
END_TEST

static by_error *child_in_thread(by_ctx *ctx, atomic_int *started)
{
	atomic_store(started, 1);
	for (;;) {
		by_error *error = by_ctx_check(by_ctx_child(by_ctx_child(ctx)));
		if (error != BY_OK)
			return error;
	}
}
BY_TASK(child_in_thread, atomic_int);

static by_error *offload_child_in_thread(by_ctx *ctx, atomic_int *started)
{
	return by_offload(ctx, child_in_thread_task, started);
}
BY_TASK(offload_child_in_thread, atomic_int);

static by_error *cancel_children_in_thread(by_ctx *ctx, void *argument)
{
	atomic_int started = 0;
	by_task *task = BY_SPAWN(ctx, offload_child_in_thread, &started);

	(void)argument;
	while (!atomic_load(&started))
		ck_ok(by_sleep(ctx, BY_MILLISECONDS(1)));
	by_cancel(task);
	ck_fails(by_join(ctx, task), CANCELLED);
	return BY_OK;
}

START_TEST(contexts_made_by_the_work_are_cancelled_too)
{
	run(cancel_children_in_thread);
}
END_TEST

#if defined(BY_TSAN) /* knows no threads after a fork of several */
#define FORK_TESTS
#else
#define FORK_TESTS a_forked_process_has_a_pool_of_its_own,

START_TEST(a_forked_process_has_a_pool_of_its_own)
{
	int status;

	run(offload_once);
	pid_t child = fork();
	if (child == 0) {
		run(offload_once);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

#endif

static by_error *sleep_on_thread(by_ctx *ctx, void *argument)
{
	(void)argument;
	return by_sleep(ctx, BY_MILLISECONDS(1));
}

static by_error *offload_a_sleep(by_ctx *ctx, void *argument)
{
	(void)argument;
	return by_offload(ctx, sleep_on_thread, NULL);
}

START_TEST(waiting_in_offloaded_work_is_caught)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		close(STDERR_FILENO);
		run(offload_a_sleep);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

UNIT("offload", work_runs_on_another_thread_with_a_child_context, a_thousand_calls_share_one_arena,
    the_loop_goes_on_while_several_children_offload,
    work_of_a_cancelled_task_runs_to_its_end, a_deadline_is_told_after_the_work_and_stops_new_work,
    work_that_asks_its_context_stops_early, the_works_own_error_goes_before_cancellation,
    contexts_made_by_the_work_are_cancelled_too, FORK_TESTS
    waiting_in_offloaded_work_is_caught);
