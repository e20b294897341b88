/* What contexts, tasks, offloaded work and the loop need of each other. Internal to lib/core. */
#ifndef BY_CORE_SCHEDULER_H
#define BY_CORE_SCHEDULER_H

#include <uv.h>

#include <banyan/ctx.h>
#include <banyan/task.h>

/* Makes the context this thread's current one; returns the one before. */
by_ctx *by__ctx_enter(by_ctx *ctx);
/* by_ctx_child, but in storage of the caller and with an arena of its own. */
void by__ctx_child_init(by_ctx *ctx, by_ctx *parent, by_arena *arena);
/* Takes a context whose work has ended, with all below it, out of its parent's reach. */
void by__ctx_forget(const by_ctx *ctx);
/* Walks a context and all below it: the one after `at`, NULL after the last. */
by_ctx *by__ctx_next(const by_ctx *root, by_ctx *at);

/* CANCELLED and DEADLINE_EXCEEDED, each said the same way everywhere. */
by_error *by__ctx_cancelled_error(by_ctx *ctx, by_place place);
by_error *by__ctx_deadline_error(by_ctx *ctx, by_place place);

/* The context's deadline was brought forward: those parked under it wait no longer than that. */
void by__tasks_limit(const by_ctx *ctx);
/*
 * by_wait_for with a time of its own, and no error made of it: false at `until` (0: never), at the context's deadline
 * and when it is cancelled. Parks.
 */
bool by__wait_until(by_ctx *ctx, by_wait *wait, uint64_t until);
/* Whether a coroutine runs on this thread. */
bool by__task_is_running(void);

void by__tasks_open(uv_loop_t *loop);
/* No coroutine may be left. */
void by__tasks_close(void);
/* Coroutines started and not ended. */
uint32_t by__tasks_alive(void);

/* `threads` 0: as many as UV_THREADPOOL_SIZE says, else four. */
void by__offload_open(uv_loop_t *loop, unsigned threads);
void by__offload_close(void);
uint32_t by__offloads(void);

#endif
