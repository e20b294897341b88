/*
 * Tasks: which coroutine runs when. A task is parked until something makes it
 * ready; ready tasks run in order, on the loop's stack, before the loop next
 * waits for events.
 */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/log.h>
#include <banyan/task.h>

#include "core/coroutine.h"
#include "core/deadline.h"
#include "core/runtime.h"
#include "core/scheduler.h"

enum {
	MAGIC = 0x7461736b, /* "task" */
	ROUNDS = 16         /* of ready tasks that make each other ready, before events are looked at again */
};

typedef enum task_state { READY, RUNNING, PARKED, RETURNED, ENDED } task_state;

/* Why a parked task runs again. */
typedef enum task_outcome { WOKEN, TIMED_OUT, CANCELLED } task_outcome;

/* In the context's arena. */
struct by_task {
	uint32_t magic;
	task_state state;
	task_outcome outcome;
	by_ctx  *ctx;
	by__coroutine *coroutine; /* NULL: not yet run, or ended */
	by_task *ready_next;

	/* While parked: the deadline, and the place in the list of those parked under a context. */
	by__deadline deadline;
	by_ctx  *under;
	by_task *under_next, **under_link;

	/* What it runs: a child returns its error to its parent, any other tells `done`. */
	by_error *(*run_child)(by_ctx *ctx, void *argument);
	void    (*run)(by_ctx *ctx, void *argument);
	void    (*done)(void *argument);
	void     *argument;

	by_task  *parent;
	by_task  *children, *sibling; /* those not joined, newest first */
	by_error *error;
	by_wait   ended;
	bool      joined;

	void    (*look)(void *argument); /* what by__task_look has it run before it goes on waiting */
	void     *look_argument;
};

static struct {
	by_task   *head, *tail; /* ready */
	uint32_t   alive;
	uv_prepare_t prepare;
	uv_check_t   check;
	uv_idle_t    idle;
} tasks;

/* Of this thread, so that an offloaded function which waits is caught. */
static _Thread_local by_task *running_task __attribute__((tls_model("initial-exec")));

/* An active idle handle is how libuv is told not to wait for events. */
static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void push_ready(by_task *task)
{
	task->ready_next = NULL;
	if (tasks.head) {
		tasks.tail->ready_next = task;
	} else {
		tasks.head = task;
		uv_idle_start(&tasks.idle, on_idle);
	}
	tasks.tail = task;
}

static by_task *pop_ready(void)
{
	by_task *task = tasks.head;

	tasks.head = task->ready_next;
	return task;
}

static void make_ready(by_task *task, task_outcome outcome)
{
	BY_INVARIANT(task->state == PARKED);
	task->state = READY;
	task->outcome = outcome;
	by__deadline_disarm(&task->deadline);
	if (task->under) {
		*task->under_link = task->under_next;
		if (task->under_next)
			task->under_next->under_link = task->under_link;
		task->under = NULL;
	}
	push_ready(task);
}

static void on_deadline(by__deadline *deadline)
{
	make_ready((by_task *)(void *)((char *)deadline - offsetof(by_task, deadline)), TIMED_OUT);
}

static by_task *running(void)
{
	BY_REQUIRE(running_task != NULL && "only a coroutine can wait");
	return running_task;
}

bool by__task_is_running(void)
{
	return running_task != NULL;
}

/* Leaves the stack until the task is resumed to go on. */
static void suspend(by_task *task)
{
	by__coroutine_park();
	while (BY_UNLIKELY(task->look != NULL)) {
		task->look(task->look_argument);
		task->look = NULL;
		by__coroutine_park();
	}
}

/* Parks the running task: until it is made ready, `at` (0: never), or, unless `ctx` is NULL, that is cancelled. */
static task_outcome park(by_ctx *ctx, uint64_t at)
{
	by_task *task = running();

	task->state = PARKED;
	if (ctx) {
		task->under = ctx;
		task->under_next = ctx->waiters;
		task->under_link = &ctx->waiters;
		if (ctx->waiters)
			ctx->waiters->under_link = &task->under_next;
		ctx->waiters = task;
	}
	if (at) {
		task->deadline.reached = on_deadline;
		by__deadline_arm(&task->deadline, at);
	}
	suspend(task);
	return task->outcome;
}

/* ---- waiting ------------------------------------------------------------ */

void by_wait_init(by_wait *wait)
{
	*wait = (by_wait){ 0 };
}

static bool take(by_wait *wait)
{
	bool done = wait->done;

	wait->done = false;
	return done;
}

by_error *by_wait_for(by_ctx *ctx, by_wait *wait)
{
	if (take(wait))
		return BY_OK;
	if (ctx->cancelled)
		return by__ctx_cancelled_error(ctx, BY_HERE);
	BY_REQUIRE(wait->task == NULL);
	wait->task = running();
	task_outcome outcome = park(ctx, ctx->deadline);
	wait->task = NULL;
	/* What has come is not given up, even when the deadline came just before it. */
	if (take(wait))
		return BY_OK;
	return outcome == TIMED_OUT ? by__ctx_deadline_error(ctx, BY_HERE) : by__ctx_cancelled_error(ctx, BY_HERE);
}

bool by__wait_until(by_ctx *ctx, by_wait *wait, uint64_t until)
{
	if (take(wait))
		return true;
	if (ctx->cancelled)
		return false;
	BY_REQUIRE(wait->task == NULL);
	wait->task = running();
	(void)park(ctx, ctx->deadline && (until == 0 || ctx->deadline < until) ? ctx->deadline : until);
	wait->task = NULL;
	return take(wait);
}

void by_wait_always(by_ctx *ctx, by_wait *wait)
{
	(void)ctx;
	if (take(wait))
		return;
	BY_REQUIRE(wait->task == NULL);
	wait->task = running();
	park(NULL, 0);
	wait->task = NULL;
	BY_INVARIANT(take(wait));
}

void by_wake(by_wait *wait)
{
	wait->done = true;
	if (wait->task && wait->task->state == PARKED)
		make_ready(wait->task, WOKEN);
}

by_error *by_yield(by_ctx *ctx)
{
	by_task *task = running();

	BY_TRY(by_ctx_check(ctx));
	task->state = READY;
	push_ready(task);
	suspend(task);
	return BY_OK;
}

by_error *by_sleep(by_ctx *ctx, by_duration span)
{
	if (span.us <= 0)
		return by_yield(ctx);
	if (ctx->cancelled)
		return by__ctx_cancelled_error(ctx, BY_HERE);
	uint64_t until = (uint64_t)span.us > UINT64_MAX / 2000 ? UINT64_MAX : by_clock() + (uint64_t)span.us * 1000;
	task_outcome outcome = park(ctx, ctx->deadline && ctx->deadline < until ? ctx->deadline : until);
	if (outcome == CANCELLED)
		return by__ctx_cancelled_error(ctx, BY_HERE);
	if (ctx->deadline && ctx->deadline < until)
		return by__ctx_deadline_error(ctx, BY_HERE);
	return BY_OK;
}

void by__tasks_limit(const by_ctx *ctx)
{
	for (by_task *task = ctx->waiters; task; task = task->under_next)
		if (task->deadline.place == 0 || task->deadline.at > ctx->deadline) {
			task->deadline.reached = on_deadline;
			by__deadline_arm(&task->deadline, ctx->deadline);
		}
}

void by__ctx_cancel(by_ctx *ctx)
{
	for (by_ctx *at = ctx; at; at = by__ctx_next(ctx, at)) {
		__atomic_store_n(&at->cancelled, true, __ATOMIC_SEQ_CST);
		while (at->waiters)
			make_ready(at->waiters, CANCELLED);
	}
}

/* ---- life --------------------------------------------------------------- */

/* Cancels the children that were not joined, and waits for them all. */
static void reap(by_task *task)
{
	for (by_task *child = task->children; child; child = child->sibling)
		if (child->state != ENDED)
			by_cancel(child);
	for (by_task *child = task->children; child; child = child->sibling) {
		if (child->state != ENDED)
			by_wait_always(task->ctx, &child->ended);
		if (child->error && !by_error_is(child->error, CANCELLED))
			by_log_error_as("banyan.task", child->ctx, BY_LOG_WARNING,
			    "a child task failed, and its parent did not join it", child->error);
	}
}

static void task_main(void *argument)
{
	by_task *task = BY_CHECKED(argument, by_task, MAGIC);

	if (task->run_child)
		task->error = task->run_child(task->ctx, task->argument);
	else
		task->run(task->ctx, task->argument);
	if (task->children)
		reap(task);
}

/* On the loop's stack. The task's arena may be gone afterwards. */
static void end(by_task *task)
{
	void (*done)(void *argument) = task->done;
	void *argument = task->argument;

	if (task->coroutine)
		by__coroutine_free(&task->coroutine);
	tasks.alive--;
	task->state = ENDED;
	if (task->parent)
		by_wake(&task->ended);
	else if (done)
		done(argument);
}

static void resume(by_task *task)
{
	by_task *outer = running_task;
	by_ctx *outer_ctx = by__ctx_enter(task->ctx);

	running_task = task;
	task->state = RUNNING;
	bool more = by__coroutine_resume(task->coroutine);
	running_task = outer;
	by__ctx_enter(outer_ctx);
	if (more)
		return;
	task->state = RETURNED;
	if (outer)
		push_ready(task);
	else
		end(task);
}

bool by__task_look(const by_ctx *ctx, void (*look)(void *argument), void *argument)
{
	by_task *task = ctx->task;

	BY_REQUIRE(running_task == NULL);
	if (!task || !task->coroutine || (task->state != PARKED && task->state != READY))
		return false;
	by_ctx *outer = by__ctx_enter(task->ctx);

	task->look = look;
	task->look_argument = argument;
	/* Its state, its deadline and its place among the ready stay as they are: it is not asked to go on. */
	(void)by__coroutine_resume(task->coroutine);
	by__ctx_enter(outer);
	return true;
}

static void step(by_task *task)
{
	if (task->state == RETURNED) {
		end(task);
		return;
	}
	if (!task->coroutine) {
		task->coroutine = by__coroutine_new(task_main, task);
		if (!task->coroutine) {
			task->error = by_fail(task->ctx, OVERLOADED, "There is no memory for another task.");
			end(task);
			return;
		}
	}
	resume(task);
}

/* Tasks made ready by these run in the next round, so that one that yields lets all others run. */
static void run_ready(void)
{
	for (int round = 0; round < ROUNDS && tasks.head; round++) {
		const by_task *last = tasks.tail;
		bool more;
		do {
			by_task *task = pop_ready();
			more = task != last;
			step(task);
		} while (more);
	}
	if (!tasks.head)
		uv_idle_stop(&tasks.idle);
	by__deadlines_settle();
}

bool by__task_start(by_ctx *ctx, void (*run)(by_ctx *ctx, void *argument), void (*done)(void *argument), void *argument)
{
	by_task *task = BY_NEW(ctx->arena, by_task);

	*task = (by_task){ .magic = MAGIC, .ctx = ctx, .run = run, .done = done, .argument = argument };
	task->coroutine = by__coroutine_new(task_main, task);
	if (!task->coroutine)
		return false;
	ctx->task = task;
	tasks.alive++;
	resume(task);
	return true;
}

by_task *by_spawn(by_ctx *ctx, by_error *(*run)(by_ctx *ctx, void *argument), void *argument)
{
	by_task *parent = running();
	by_ctx *child = by_ctx_child(ctx);
	by_task *task = BY_NEW(ctx->arena, by_task);

	*task = (by_task){ .magic = MAGIC, .state = READY, .ctx = child, .run_child = run, .argument = argument,
		.parent = parent, .sibling = parent->children };
	child->task = task;
	parent->children = task;
	tasks.alive++;
	push_ready(task);
	return task;
}

static void forget_child(by_task *parent, by_task *child)
{
	by_task **at = &parent->children;

	while (*at != child) {
		BY_INVARIANT(*at != NULL);
		at = &(*at)->sibling;
	}
	*at = child->sibling;
	child->joined = true;
	by__ctx_forget(child->ctx);
}

by_error *by_join(by_ctx *ctx, by_task *task)
{
	by_task *child = BY_CHECKED(task, by_task, MAGIC);

	BY_REQUIRE(child->parent == running() && "a task is joined by the one that spawned it");
	if (child->joined)
		return child->error;
	if (child->state != ENDED)
		BY_TRY(by_wait_for(ctx, &child->ended));
	forget_child(child->parent, child);
	return child->error ? by_error_pass(child->error, BY_HERE) : BY_OK;
}

void by_cancel(by_task *task)
{
	by__ctx_cancel(BY_CHECKED(task, by_task, MAGIC)->ctx);
}

/* ---- on the loop -------------------------------------------------------- */

/* Just before the loop waits for events, and just after: what a timer made ready, and what an event did. */
static void on_prepare(uv_prepare_t *prepare)
{
	(void)prepare;
	run_ready();
}

static void on_check(uv_check_t *check)
{
	(void)check;
	run_ready();
}

void by__tasks_open(uv_loop_t *loop)
{
	memset(&tasks, 0, sizeof(tasks));
	uv_idle_init(loop, &tasks.idle);
	uv_prepare_init(loop, &tasks.prepare);
	uv_check_init(loop, &tasks.check);
	uv_prepare_start(&tasks.prepare, on_prepare);
	uv_check_start(&tasks.check, on_check);
	uv_unref((uv_handle_t *)&tasks.prepare);
	uv_unref((uv_handle_t *)&tasks.check);
}

void by__tasks_close(void)
{
	BY_REQUIRE(tasks.alive == 0);
	uv_close((uv_handle_t *)&tasks.idle, NULL);
	uv_close((uv_handle_t *)&tasks.prepare, NULL);
	uv_close((uv_handle_t *)&tasks.check, NULL);
}

uint32_t by__tasks_alive(void)
{
	return tasks.alive;
}
