/* Tasks: sleeping, waiting, children, cancellation and deadlines, on a real loop. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <banyan/task.h>

#include "core/runtime.h"
#include "unit/unit.h"

/* Runs the body in a coroutine of its own loop. */
#define IN_COROUTINE(name) \
	static by_error *name##_body(by_ctx *ctx); \
	static by_error *name##_run(by_ctx *ctx, void *argument) \
	{ \
		(void)argument; \
		return name##_body(ctx); \
	} \
	START_TEST(name) \
	{ \
		by_arena *arena = by_arena_new(0); \
		ck_ok(by__runtime_block_on(arena, name##_run, NULL)); \
		by_arena_free(&arena); \
	} \
	END_TEST \
	static by_error *name##_body(by_ctx *ctx)

static double elapsed_ms(uint64_t since)
{
	return (double)(by_clock() - since) / 1e6;
}

/* ---- many at once ------------------------------------------------------- */

#if defined(BY_TSAN) /* has room for some thousand fibers */
enum { MANY = 2000 };
#else
enum { MANY = 10000 };
#endif

typedef struct sleeper {
	by_duration span;
	int        *finished;
	int         place; /* in the order of finishing */
} sleeper;

static by_error *sleep_once(by_ctx *ctx, sleeper *self)
{
	BY_TRY(by_sleep(ctx, self->span));
	self->place = (*self->finished)++;
	return BY_OK;
}
BY_TASK(sleep_once, sleeper);

IN_COROUTINE(ten_thousand_coroutines_sleep_at_once)
{
	by_task **tasks = BY_NEW_ARRAY(ctx->arena, by_task *, MANY);
	sleeper *sleepers = BY_NEW_ARRAY(ctx->arena, sleeper, MANY);
	int finished = 0;

	for (int i = 0; i < MANY; i++) {
		sleepers[i] = (sleeper){ BY_MILLISECONDS(300), &finished, -1 };
		tasks[i] = BY_SPAWN(ctx, sleep_once, &sleepers[i]);
	}
	ck_ok(by_sleep(ctx, BY_MILLISECONDS(1)));
	ck_assert_uint_eq(by__runtime_used().coroutines, MANY + 1);
	ck_assert_int_eq(finished, 0);
	for (int i = 0; i < MANY; i++)
		ck_ok(by_join(ctx, tasks[i]));
	ck_assert_int_eq(finished, MANY);
	ck_assert_uint_eq(by__runtime_used().coroutines, 1);
	return BY_OK;
}

IN_COROUTINE(those_with_the_earlier_deadline_wake_first)
{
	static const int spans[] = { 120, 20, 80, 40, 100, 60, 20 };
	static const int places[] = { 6, 0, 4, 2, 5, 3, 1 };
	by_task *tasks[BY_COUNT(spans)];
	sleeper sleepers[BY_COUNT(spans)];
	int finished = 0;
	uint64_t start = by_clock();

	for (size_t i = 0; i < BY_COUNT(spans); i++) {
		sleepers[i] = (sleeper){ BY_MILLISECONDS(spans[i]), &finished, -1 };
		tasks[i] = BY_SPAWN(ctx, sleep_once, &sleepers[i]);
	}
	for (size_t i = 0; i < BY_COUNT(spans); i++)
		ck_ok(by_join(ctx, tasks[i]));
	for (size_t i = 0; i < BY_COUNT(spans); i++)
		ck_assert_int_eq(sleepers[i].place, places[i]);
	ck_assert(elapsed_ms(start) >= 120);
	return BY_OK;
}

/* ---- turns -------------------------------------------------------------- */

typedef struct writer {
	char *text;
	char  letter;
} writer;

static by_error *write_thrice(by_ctx *ctx, writer *self)
{
	for (int i = 0; i < 3; i++) {
		strncat(self->text, &self->letter, 1);
		BY_TRY(by_yield(ctx));
	}
	return BY_OK;
}
BY_TASK(write_thrice, writer);

IN_COROUTINE(yielding_tasks_take_turns_in_order)
{
	char text[16] = "";
	writer a = { text, 'a' }, b = { text, 'b' }, c = { text, 'c' };
	by_task *tasks[] = { BY_SPAWN(ctx, write_thrice, &a), BY_SPAWN(ctx, write_thrice, &b),
		BY_SPAWN(ctx, write_thrice, &c) };

	ck_assert_str_eq(text, "");
	for (size_t i = 0; i < BY_COUNT(tasks); i++)
		ck_ok(by_join(ctx, tasks[i]));
	ck_assert_str_eq(text, "abcabcabc");
	return BY_OK;
}

static by_error *yield_until(by_ctx *ctx, bool *stop)
{
	while (!*stop)
		BY_TRY(by_yield(ctx));
	return BY_OK;
}
BY_TASK(yield_until, bool);

IN_COROUTINE(a_task_that_only_yields_does_not_keep_timers_waiting)
{
	bool stop = false;
	uint64_t start = by_clock();
	by_task *busy = BY_SPAWN(ctx, yield_until, &stop);

	ck_ok(by_sleep(ctx, BY_MILLISECONDS(20)));
	ck_assert(elapsed_ms(start) < 500);
	stop = true;
	return by_join(ctx, busy);
}

/* ---- wait and wake ------------------------------------------------------ */

static by_error *wake_it(by_ctx *ctx, by_wait *wait)
{
	(void)ctx;
	by_wake(wait);
	return BY_OK;
}
BY_TASK(wake_it, by_wait);

IN_COROUTINE(a_wake_ends_a_wait)
{
	by_wait wait;

	by_wait_init(&wait);
	by_task *waker = BY_SPAWN(ctx, wake_it, &wait);
	ck_ok(by_wait_for(ctx, &wait));
	return by_join(ctx, waker);
}

IN_COROUTINE(a_wake_before_the_wait_ends_it_at_once)
{
	by_wait wait;

	by_wait_init(&wait);
	by_wake(&wait);
	uint64_t switches = by__runtime_used().switches;
	ck_ok(by_wait_for(ctx, &wait));
	ck_assert_uint_eq(by__runtime_used().switches, switches);
	by_ctx_limit(ctx, BY_MILLISECONDS(5));
	ck_fails(by_wait_for(ctx, &wait), DEADLINE_EXCEEDED);
	return BY_OK;
}

IN_COROUTINE(a_wait_ends_at_the_deadline)
{
	by_wait wait;
	by_ctx *limited = by_ctx_child(ctx);
	uint64_t start = by_clock();

	by_wait_init(&wait);
	by_ctx_limit(limited, BY_MILLISECONDS(20));
	ck_fails(by_wait_for(limited, &wait), DEADLINE_EXCEEDED);
	ck_assert(elapsed_ms(start) >= 20);
	ck_fails(by_ctx_check(limited), DEADLINE_EXCEEDED);
	ck_fails(by_sleep(limited, BY_SECONDS(5)), DEADLINE_EXCEEDED);
	ck_assert(elapsed_ms(start) < 1000);
	ck_ok(by_ctx_check(ctx));
	by_wake(&wait);
	return by_wait_for(ctx, &wait);
}

IN_COROUTINE(what_came_just_after_the_deadline_is_not_lost)
{
	by_wait wait;
	by_ctx *limited = by_ctx_child(ctx);

	by_wait_init(&wait);
	by_ctx_limit(limited, (by_duration){ 0 });
	by_task *waker = BY_SPAWN(ctx, wake_it, &wait);
	ck_ok(by_wait_for(limited, &wait));
	return by_join(ctx, waker);
}

static by_error *wait_always(by_ctx *ctx, by_wait *wait)
{
	by_wait_always(ctx, wait);
	return by_ctx_check(ctx);
}
BY_TASK(wait_always, by_wait);

IN_COROUTINE(wait_always_is_ended_by_a_wake_only)
{
	by_wait wait;
	by_wait_init(&wait);
	by_task *task = BY_SPAWN(ctx, wait_always, &wait);

	ck_ok(by_yield(ctx));
	by_cancel(task);
	ck_ok(by_sleep(ctx, BY_MILLISECONDS(5)));
	ck_assert_uint_eq(by__runtime_used().coroutines, 2);
	by_wake(&wait);
	ck_fails(by_join(ctx, task), CANCELLED);
	return BY_OK;
}

/* ---- cancellation ------------------------------------------------------- */

static by_error *sleep_long(by_ctx *ctx, int *cancelled)
{
	by_error *error = by_sleep(ctx, BY_SECONDS(30));

	if (by_error_is(error, CANCELLED))
		++*cancelled;
	return error;
}
BY_TASK(sleep_long, int);

static by_error *nest(by_ctx *ctx, int *cancelled)
{
	by_task *inner = BY_SPAWN(ctx, sleep_long, cancelled);
	by_error *error = by_join(ctx, inner);

	if (by_error_is(error, CANCELLED))
		++*cancelled;
	return error;
}
BY_TASK(nest, int);

IN_COROUTINE(cancelling_reaches_all_below)
{
	int cancelled = 0;
	uint64_t start = by_clock();
	by_task *task = BY_SPAWN(ctx, nest, &cancelled);

	ck_ok(by_sleep(ctx, BY_MILLISECONDS(5)));
	by_cancel(task);
	ck_fails(by_join(ctx, task), CANCELLED);
	ck_assert_int_eq(cancelled, 2);
	ck_assert(elapsed_ms(start) < 1000);
	return by_ctx_check(ctx);
}

IN_COROUTINE(a_child_of_a_cancelled_context_is_cancelled)
{
	by_ctx *dead = by_ctx_child(ctx);
	int cancelled = 0;

	by__ctx_cancel(dead);
	by_task *task = BY_SPAWN(dead, sleep_long, &cancelled);
	ck_fails(by_join(ctx, task), CANCELLED);
	ck_assert_int_eq(cancelled, 1);
	ck_fails(by_yield(dead), CANCELLED);
	ck_fails(by_sleep(dead, BY_MILLISECONDS(1)), CANCELLED);
	return BY_OK;
}

IN_COROUTINE(a_deadline_brought_forward_reaches_children_that_are_parked)
{
	by_ctx *outer = by_ctx_child(ctx);
	int cancelled = 0;
	uint64_t start = by_clock();
	by_task *task = BY_SPAWN(outer, sleep_long, &cancelled);

	ck_ok(by_sleep(ctx, BY_MILLISECONDS(2)));
	by_ctx_limit(outer, BY_MILLISECONDS(20));
	ck_fails(by_join(ctx, task), DEADLINE_EXCEEDED);
	ck_assert(elapsed_ms(start) < 1000);
	ck_assert_int_eq(cancelled, 0);
	return BY_OK;
}

/* ---- children ----------------------------------------------------------- */

static by_error *find_conflict(by_ctx *ctx, int *count)
{
	++*count;
	return by_fail(ctx, CONFLICT, "It is there already.");
}
BY_TASK(find_conflict, int);

IN_COROUTINE(join_yields_the_childs_error_each_time)
{
	int count = 0;
	by_task *task = BY_SPAWN(ctx, find_conflict, &count);
	by_error *error = by_join(ctx, task);

	ck_fails(error, CONFLICT);
	ck_assert_int_eq(error->trace_count, 2);
	ck_fails(by_join(ctx, task), CONFLICT);
	ck_assert_int_eq(count, 1);
	return BY_OK;
}

IN_COROUTINE(a_join_that_ends_early_leaves_the_child_running)
{
	by_ctx *limited = by_ctx_child(ctx);
	int finished = 0;
	sleeper child = { BY_MILLISECONDS(40), &finished, -1 };
	by_task *task = BY_SPAWN(ctx, sleep_once, &child);

	by_ctx_limit(limited, BY_MILLISECONDS(5));
	ck_fails(by_join(limited, task), DEADLINE_EXCEEDED);
	ck_ok(by_join(ctx, task));
	ck_assert_int_eq(finished, 1);
	return BY_OK;
}

typedef struct outlived {
	int  cancelled;
	bool done;
} outlived;

static void leave_children(by_ctx *ctx, void *argument)
{
	outlived *self = argument;

	for (int i = 0; i < 10; i++)
		BY_SPAWN(ctx, sleep_long, &self->cancelled);
	BY_SPAWN(ctx, nest, &self->cancelled);
	BY_IGNORE(by_sleep(ctx, BY_MILLISECONDS(5)), "nothing is decided by it");
}

static void left_children(void *argument)
{
	outlived *self = argument;

	ck_assert_int_eq(self->cancelled, 12);
	ck_assert_uint_eq(by__runtime_used().coroutines, 0);
	self->done = true;
}

START_TEST(no_child_outlives_its_parents_function)
{
	by_arena *arena = by_arena_new(0);
	outlived self = { 0, false };

	ck_ok(by__runtime_open(arena, NULL));
	ck_assert(by__task_start(by_ctx_new(arena), leave_children, left_children, &self));
	ck_assert(!self.done);
	by__runtime_run();
	ck_assert(self.done);
	by__runtime_close();
	by_arena_free(&arena);
}
END_TEST

/* ---- contexts ----------------------------------------------------------- */

enum { INTERLEAVED = 1000 };

static by_error *keep_own_id(by_ctx *ctx, char *id)
{
	ctx->request_id = id;
	for (int i = 0; i < 20; i++) {
		if (i % 3 == 0)
			BY_TRY(by_sleep(ctx, (by_duration){ 100 + i * 37 }));
		else
			BY_TRY(by_yield(ctx));
		ck_assert_ptr_eq(by_ctx_current(), ctx);
		ck_assert_ptr_eq(by_ctx_current()->request_id, id);
	}
	return BY_OK;
}
BY_TASK(keep_own_id, char);

IN_COROUTINE(a_thousand_interleaved_contexts_never_mix)
{
	by_task *tasks[INTERLEAVED];

	for (int i = 0; i < INTERLEAVED; i++)
		tasks[i] = BY_SPAWN(ctx, keep_own_id, by_format(ctx->arena, "id-%d", i));
	for (int i = 0; i < INTERLEAVED; i++)
		ck_ok(by_join(ctx, tasks[i]));
	ck_assert_ptr_eq(by_ctx_current(), ctx);
	return BY_OK;
}

/* ---- starting ----------------------------------------------------------- */

typedef struct started {
	char  text[8];
	by_arena *arena;
} started;

static void inner_run(by_ctx *ctx, void *argument)
{
	started *self = argument;

	ck_assert_ptr_eq(by_ctx_current(), ctx);
	strcat(self->text, "b");
}

static void inner_done(void *argument)
{
	started *self = argument;

	strcat(self->text, "d");
	ck_assert_ptr_null(by_ctx_current());
	by_arena_reset(self->arena);
}

static by_error *start_another(by_ctx *ctx, void *argument)
{
	started self = { "a", by_arena_new(0) };

	(void)argument;
	ck_assert(by__task_start(by_ctx_new(self.arena), inner_run, inner_done, &self));
	ck_assert_ptr_eq(by_ctx_current(), ctx);
	strcat(self.text, "c");
	ck_ok(by_yield(ctx));
	ck_assert_str_eq(self.text, "abcd");
	by_arena_free(&self.arena);
	return BY_OK;
}

START_TEST(a_task_started_by_another_runs_at_once_and_is_done_on_the_loop)
{
	by_arena *arena = by_arena_new(0);

	ck_ok(by__runtime_block_on(arena, start_another, NULL));
	by_arena_free(&arena);
}
END_TEST

static by_error *wait_for_nobody(by_ctx *ctx, void *argument)
{
	by_wait wait;

	(void)argument;
	by_wait_init(&wait);
	return by_wait_for(ctx, &wait);
}

START_TEST(block_on_tells_a_wait_that_nothing_will_end)
{
	by_arena *arena = by_arena_new(0);

	ck_fails(by__runtime_block_on(arena, wait_for_nobody, NULL), INTERNAL);
	ck_ok(by__runtime_block_on(arena, start_another, NULL));
	ck_assert_ptr_null(by__loop());
	by_arena_free(&arena);
}
END_TEST

static by_error *again(by_ctx *ctx, void *argument)
{
	++*(int *)argument;
	return by_sleep(ctx, BY_MILLISECONDS(1));
}

START_TEST(stacks_are_pooled_between_tasks)
{
	by_arena *arena = by_arena_new(0);
	by__runtime_options options = { .stack_size = 64 * 1024, .stacks_kept = 4 };
	int count = 0;

	ck_ok(by__runtime_open(arena, &options));
	for (int i = 0; i < 100; i++)
		ck_ok(by__runtime_block_on(arena, again, &count));
	ck_assert_int_eq(count, 100);
	ck_assert_uint_eq(by__runtime_used().stacks, 1);
	by__runtime_close();
	ck_assert_uint_eq(by__runtime_used().stacks, 0);
	options.stack_size = 100;
	ck_fails(by__runtime_open(arena, &options), CONFIGURATION);
	by_arena_free(&arena);
}
END_TEST

#if defined(BY_ASAN) || defined(BY_TSAN) /* their shadow needs more address space than any limit leaves */
#define NO_MEMORY_TESTS
#else
#define NO_MEMORY_TESTS , a_task_that_gets_no_stack_fails_and_the_others_go_on

enum { MORE = 200 };

static by_error *want_more_stacks_than_there_are(by_ctx *ctx, void *argument)
{
	by_task *tasks[MORE];
	sleeper sleepers[MORE];
	int finished = 0, failed = 0;

	(void)argument;
	for (int i = 0; i < MORE; i++) {
		sleepers[i] = (sleeper){ BY_MILLISECONDS(100), &finished, -1 };
		tasks[i] = BY_SPAWN(ctx, sleep_once, &sleepers[i]);
	}
	for (int i = 0; i < MORE; i++) {
		by_error *error = by_join(ctx, tasks[i]);
		failed += error != BY_OK;
		if (error != BY_OK)
			ck_fails(error, OVERLOADED);
	}
	ck_assert_int_gt(failed, 50);
	ck_assert_int_gt(finished, 10);
	ck_assert_int_eq(failed + finished, MORE);
	return BY_OK;
}

START_TEST(a_task_that_gets_no_stack_fails_and_the_others_go_on)
{
	by_arena *arena = by_arena_new(0);
	by__runtime_options options = { .stack_size = 16 << 20 };
	struct rlimit limit = { 1 << 30, 1 << 30 };

	ck_ok(by__runtime_open(arena, &options));
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_ok(by__runtime_block_on(arena, want_more_stacks_than_there_are, NULL));
	by__runtime_close();
	by_arena_free(&arena);
}
END_TEST

#endif

typedef struct looked {
	unsigned times;
	by_ctx  *ctx;
} looked;

static void count_look(void *argument)
{
	looked *seen = argument;

	seen->times++;
	seen->ctx = by_ctx_current();
}

typedef struct watched {
	by_ctx  *ctx;
	by_wait  wait;
	uint64_t slept;
	bool     woken, ended;
	looked   seen;
} watched;

static void sleep_then_wait(by_ctx *ctx, void *argument)
{
	watched *self = argument;
	uint64_t start = by_clock();

	ck_ok(by_sleep(ctx, BY_MILLISECONDS(100)));
	self->slept = by_clock() - start;
	by_wait_init(&self->wait);
	ck_ok(by_wait_for(ctx, &self->wait));
	self->woken = true;
}

static void watched_ended(void *argument)
{
	((watched *)argument)->ended = true;
	by__runtime_stop();
}

static void look_and_wake(uv_timer_t *timer)
{
	watched *self = timer->data;

	ck_assert(by__task_look(self->ctx, count_look, &self->seen));
	ck_assert_ptr_eq(self->seen.ctx, self->ctx);
	ck_assert_ptr_null(by_ctx_current());
	if (self->slept)
		by_wake(&self->wait);
}

START_TEST(a_parked_task_is_looked_at_and_sleeps_on_as_long_as_it_would_have)
{
	by_arena *arena = by_arena_new(0);
	watched self = { 0 };
	uv_timer_t timer;

	ck_ok(by__runtime_open(arena, NULL));
	self.ctx = by_ctx_new(arena);
	ck_assert(!by__task_look(self.ctx, count_look, &self.seen));
	ck_assert(by__task_start(self.ctx, sleep_then_wait, watched_ended, &self));
	timer.data = &self;
	uv_timer_init(by__loop(), &timer);
	uv_timer_start(&timer, look_and_wake, 5, 5);
	by__runtime_run();
	uv_close((uv_handle_t *)&timer, NULL);
	ck_assert(self.woken && self.ended);
	ck_assert_uint_ge(self.slept, UINT64_C(100000000));
	ck_assert_uint_ge(self.seen.times, 2);
	by__runtime_close();
	by_arena_free(&arena);
}
END_TEST

UNIT("task", a_parked_task_is_looked_at_and_sleeps_on_as_long_as_it_would_have,
    ten_thousand_coroutines_sleep_at_once, those_with_the_earlier_deadline_wake_first,
    yielding_tasks_take_turns_in_order, a_task_that_only_yields_does_not_keep_timers_waiting, a_wake_ends_a_wait,
    a_wake_before_the_wait_ends_it_at_once, a_wait_ends_at_the_deadline, what_came_just_after_the_deadline_is_not_lost,
    wait_always_is_ended_by_a_wake_only, cancelling_reaches_all_below, a_child_of_a_cancelled_context_is_cancelled,
    a_deadline_brought_forward_reaches_children_that_are_parked, join_yields_the_childs_error_each_time,
    a_join_that_ends_early_leaves_the_child_running, no_child_outlives_its_parents_function,
    a_thousand_interleaved_contexts_never_mix, a_task_started_by_another_runs_at_once_and_is_done_on_the_loop,
    block_on_tells_a_wait_that_nothing_will_end, stacks_are_pooled_between_tasks NO_MEMORY_TESTS);
