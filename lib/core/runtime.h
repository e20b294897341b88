/*
 * The runtime of one worker: libuv's loop, and the coroutines on it. One per
 * process, opened after fork. Internal: fcgi/ and providers use it; handlers
 * see banyan/task.h only.
 */
#ifndef BY_CORE_RUNTIME_H
#define BY_CORE_RUNTIME_H

#include <uv.h>

#include <banyan/ctx.h>
#include <banyan/task.h>

typedef struct by__runtime_options {
	size_t   stack_size;   /* of a coroutine, guard page aside; 0: 256 KiB of address space */
	unsigned stacks_kept;  /* unused stacks kept; 0: 64 */
	unsigned threads;      /* of the offload pool; 0: 4 */
} by__runtime_options;

BY_MUST_CHECK by_error *by__runtime_open(by_arena *arena, const by__runtime_options *options);
/* Runs the loop until by__runtime_stop, or until nothing is left to wait for. */
void by__runtime_run(void);
void by__runtime_stop(void);
/* No coroutine may be left. */
void by__runtime_close(void);

/* The worker's loop; NULL before open. */
uv_loop_t *by__loop(void);

/*
 * Starts a coroutine with `ctx` as its context and runs it until its first
 * park, from the loop or from another coroutine. When `run` has returned, its
 * children are cancelled and joined, and then `done` (may be NULL) is called on
 * the loop's own stack, where the context's arena may be reset. False: there is
 * no memory for a stack, and nothing has run.
 */
BY_MUST_CHECK bool by__task_start(by_ctx *ctx, void (*run)(by_ctx *ctx, void *argument),
    void (*done)(void *argument), void *argument);

/* Cancels the context's work and its children: waits return CANCELLED. From the loop or any coroutine. */
void by__ctx_cancel(by_ctx *ctx);

/*
 * Runs `look`, which does not wait, on the stack of the context's task while
 * that is parked, and leaves it parked as it was; from the loop. False: it is
 * not parked.
 */
bool by__task_look(const by_ctx *ctx, void (*look)(void *argument), void *argument);

/* Runs a function in a coroutine on a loop of its own until it returns: commands, tests, CGI. */
BY_MUST_CHECK by_error *by__runtime_block_on(by_arena *arena, by_error *(*run)(by_ctx *ctx, void *argument),
    void *argument);

typedef struct by__runtime_usage {
	uint32_t coroutines; /* alive */
	uint32_t stacks;     /* mapped, alive and kept */
	uint64_t switches;
	uint32_t offloads;   /* queued or running */
} by__runtime_usage;
by__runtime_usage by__runtime_used(void);

/* Whether the address lies in the guard below the running coroutine's stack: it overflowed. Safe in signal handlers. */
bool by__coroutine_is_guard(const void *address);

#endif
