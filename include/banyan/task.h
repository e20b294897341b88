/*
 * Waiting: coroutines on the worker's loop.
 *
 * A function marked "parks" may let other requests of this worker run before
 * it returns. Between two parks code runs alone. Every wait ends at the
 * context's deadline (DEADLINE_EXCEEDED) or when it is cancelled (CANCELLED).
 */
#ifndef BANYAN_TASK_H
#define BANYAN_TASK_H

#include <banyan/ctx.h>

BY_BEGIN

typedef struct by_task by_task;

/* Waits at least that long; none and less only lets others run. Parks. */
BY_API BY_MUST_CHECK by_error *by_sleep(by_ctx *ctx, by_duration span);
#define BY_MILLISECONDS(n) ((by_duration){ (int64_t)(n) * 1000 })
#define BY_SECONDS(n) ((by_duration){ (int64_t)(n) * 1000000 })

/* Lets others run once. Parks. */
BY_API BY_MUST_CHECK by_error *by_yield(by_ctx *ctx);

/*
 * Starts a child coroutine with a child context; it runs when the caller next
 * parks. Every child is joined, or else cancelled and joined when its parent's
 * function ends: no child outlives the arena.
 * BY_SPAWN(ctx, fn, argument) checks the argument's type; see BY_TASK.
 */
BY_API by_task *by_spawn(by_ctx *ctx, by_error *(*run)(by_ctx *ctx, void *argument), void *argument);
/* Waits for a child of the running task and yields its error. When the context ends first, the child runs on. Parks. */
BY_API BY_MUST_CHECK by_error *by_join(by_ctx *ctx, by_task *task);
/* Asks the child to stop: its waits return CANCELLED. Does not park. */
BY_API void by_cancel(by_task *task);

/*
 * Makes `fn`_task, to spawn or offload, from `by_error *fn(by_ctx *, T *)`; C
 * may not call through a cast pointer. T may be const.
 */
#define BY_TASK(fn, T) \
	static by_error *fn##_task(by_ctx *ctx, void *argument) \
	{ \
		T *typed = argument; \
		return fn(ctx, typed); \
	} \
	BY_UNUSED static by_task *fn##_spawn(by_ctx *ctx, T *argument) \
	{ return by_spawn(ctx, fn##_task, (void *)(uintptr_t)argument); } \
	typedef int fn##_task_end
#define BY_SPAWN(ctx, fn, argument) fn##_spawn((ctx), (argument))

/*
 * Runs `work(argument)` on a thread of the pool while the coroutine is parked:
 * for what blocks or computes for more than about a millisecond. The function
 * gets a child context for the call, with an arena that is not the caller's but
 * lives as long; it may allocate and log, must not wait, and always runs to its end,
 * even when the context is cancelled meanwhile. Yields its error, or else what
 * by_ctx_check says afterwards. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_offload(by_ctx *ctx, by_error *(*work)(by_ctx *ctx, void *argument), void *argument);

/*
 * A place to wait for something that another part of the worker does: the
 * building block of providers. One waiter at a time. A wake that comes before
 * the wait ends it at once, and is used up by it.
 */
typedef struct by_wait { /* private */
	by_task *task;
	bool     done;
} by_wait;

BY_API void by_wait_init(by_wait *wait);
/* Parks until by_wake, the deadline or cancellation. */
BY_API BY_MUST_CHECK by_error *by_wait_for(by_ctx *ctx, by_wait *wait);
/* As by_wait_for, but neither deadline nor cancellation end it: for what must be seen through. Parks. */
BY_API void by_wait_always(by_ctx *ctx, by_wait *wait);
/* From the loop or another coroutine of the same worker; the waiter runs soon after, not within this call. */
BY_API void by_wake(by_wait *wait);

BY_END

#endif
