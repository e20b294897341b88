/*
 * Offloading: work that blocks or computes goes to libuv's thread pool, which
 * also resolves names; the coroutine is parked until it comes back.
 */
#include <stdlib.h>

#include <banyan/assert.h>
#include <banyan/task.h>

#include "core/number.h"
#include "core/scheduler.h"

static struct {
	uv_loop_t *loop;
	uint32_t   jobs; /* queued or running */
} offload;

/* On the stack of the parked coroutine. */
typedef struct job {
	uv_work_t request;
	by_ctx    ctx;
	by_error *(*work)(by_ctx *ctx, void *argument);
	void     *argument;
	by_error *error;
	by_wait   back;
} job;

static void on_thread(uv_work_t *request)
{
	job *self = request->data;
	by_ctx *before = by__ctx_enter(&self->ctx);

	self->error = self->work(&self->ctx, self->argument);
	by__ctx_enter(before);
}

static void on_loop(uv_work_t *request, int status)
{
	job *self = request->data;

	(void)status;
	offload.jobs--;
	by_wake(&self->back);
}

/*
 * An arena for offloaded functions: other children of the same parent may use
 * the parent's meanwhile. It lives as long as that one, and serves one call
 * after another, so that a thousand calls do not leave a thousand arenas.
 */
typedef struct by_ctx_spare {
	by_arena *arena;
	struct by_ctx_spare *next;
} by_ctx_spare;

static void free_spare(void *object)
{
	by_ctx_spare *spare = object;

	by_arena_free(&spare->arena);
}

/* The topmost context of an arena keeps what is spare. */
static by_ctx *keeper_of(by_ctx *ctx)
{
	while (ctx->parent && ctx->parent->arena == ctx->arena)
		ctx = ctx->parent;
	return ctx;
}

static by_ctx_spare *take_spare(by_ctx *ctx)
{
	by_ctx *keeper = keeper_of(ctx);
	by_ctx_spare *spare = keeper->spares;

	if (spare) {
		keeper->spares = spare->next;
		return spare;
	}
	spare = BY_NEW(ctx->arena, by_ctx_spare);
	spare->arena = by_arena_new(0);
	by_arena_defer(ctx->arena, free_spare, spare);
	return spare;
}

static void give_spare(by_ctx *ctx, by_ctx_spare *spare)
{
	by_ctx *keeper = keeper_of(ctx);

	spare->next = keeper->spares;
	keeper->spares = spare;
}

by_error *by_offload(by_ctx *ctx, by_error *(*work)(by_ctx *ctx, void *argument), void *argument)
{
	job self = { .work = work, .argument = argument };

	BY_REQUIRE(offload.loop != NULL);
	BY_TRY(by_ctx_check(ctx));
	by_ctx_spare *spare = take_spare(ctx);
	by__ctx_child_init(&self.ctx, ctx, spare->arena);
	self.request.data = &self;
	by_wait_init(&self.back);
	offload.jobs++;
	BY_INVARIANT(uv_queue_work(offload.loop, &self.request, on_thread, on_loop) == 0);
	by_wait_always(ctx, &self.back);
	by__ctx_forget(&self.ctx);
	give_spare(ctx, spare);
	if (self.error)
		return by_error_pass(self.error, BY_HERE);
	return by_ctx_check(ctx);
}

void by__offload_open(uv_loop_t *loop, unsigned threads)
{
	offload.loop = loop;
	offload.jobs = 0;
	if (threads) {
		/* libuv reads it once, before its first work. */
		char text[BY__INT_TEXT + 1];
		text[by__uint_print(threads, text)] = '\0';
		setenv("UV_THREADPOOL_SIZE", text, 1);
	}
}

void by__offload_close(void)
{
	BY_REQUIRE(offload.jobs == 0);
	offload.loop = NULL;
}

uint32_t by__offloads(void)
{
	return offload.jobs;
}
