/*
 * The runtime of one worker: the loop, what is opened and closed with it, and
 * the beat that measures it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <banyan/assert.h>
#include <banyan/log.h>

#include "core/coroutine.h"
#include "core/deadline.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/runtime.h"
#include "core/scheduler.h"
#include "core/shared.h"

#define BEAT_NAME "banyan.runtime"

enum {
	STACK_SIZE = 256 * 1024,
	STACK_LEAST = 16 * 1024,
	STACKS_KEPT = 64,
	BEAT_MS = 200,
	BEATS_PER_SIZE = 5 /* resident memory is read once a second */
};

static struct {
	uv_loop_t  loop;
	bool       open;
	uv_timer_t beat;
	uint64_t   beat_due; /* by_clock */
	unsigned   beats;
} runtime;

uv_loop_t *by__loop(void)
{
	return runtime.open ? &runtime.loop : NULL;
}

/* Resident bytes of this process: the second number of statm, in pages (proc(5)). */
static uint64_t resident(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	const char *second = strchr(text, ' ');
	return second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Five times a second: how late the loop is, what the supervisor watches, and waiting log lines. */
static void on_beat(uv_timer_t *timer)
{
	uint64_t now = by_clock();
	by__slot *slot = by__shared_slot();

	(void)timer;
	by__metrics_beat(now > runtime.beat_due ? (double)(now - runtime.beat_due) / 1e9 : 0, by__tasks_alive(),
	    by__log_lost());
	runtime.beat_due = now + BEAT_MS * UINT64_C(1000000);
	atomic_store_explicit(&slot->heartbeat, now, memory_order_relaxed);
	if (runtime.beats++ % BEATS_PER_SIZE == 0)
		atomic_store_explicit(&slot->rss, resident(), memory_order_relaxed);
	by_log_flush();
}

static void start_beat(void)
{
	uv_timer_init(&runtime.loop, &runtime.beat);
	uv_timer_start(&runtime.beat, on_beat, BEAT_MS, BEAT_MS);
	uv_unref((uv_handle_t *)&runtime.beat);
	runtime.beat_due = by_clock() + BEAT_MS * UINT64_C(1000000);
	runtime.beats = 0;
	atomic_store_explicit(&by__shared_slot()->heartbeat, by_clock(), memory_order_relaxed);
}

by_error *by__runtime_open(by_arena *arena, const by__runtime_options *options)
{
	by__runtime_options chosen = options ? *options : (by__runtime_options){ 0 };

	BY_REQUIRE(!runtime.open);
	if (chosen.stack_size == 0)
		chosen.stack_size = STACK_SIZE;
	if (chosen.stack_size < STACK_LEAST)
		return by_error_new(arena, CONFIGURATION, "A coroutine's stack needs at least %d bytes.", STACK_LEAST);
	int status = uv_loop_init(&runtime.loop);
	if (status != 0)
		return by_error_internal(arena, by_error_new(arena, IO, "The event loop could not be made."),
		    "uv_loop_init: %s", uv_strerror(status));
	by__coroutines_open(chosen.stack_size, chosen.stacks_kept ? chosen.stacks_kept : STACKS_KEPT);
	by__deadlines_open(&runtime.loop);
	by__tasks_open(&runtime.loop);
	by__offload_open(&runtime.loop, chosen.threads);
	by__metrics_standard();
	start_beat();
	runtime.open = true;
	return BY_OK;
}

void by__runtime_run(void)
{
	BY_REQUIRE(runtime.open && !by__task_is_running());
	uv_run(&runtime.loop, UV_RUN_DEFAULT);
}

void by__runtime_stop(void)
{
	BY_REQUIRE(runtime.open);
	uv_stop(&runtime.loop);
}

static void count_open(uv_handle_t *handle, void *argument)
{
	if (!uv_is_closing(handle)) {
		by_log_site site = { BEAT_NAME, BY_LOG_WARNING, 0, false };
		const by_log_arg type = BY_F("type", uv_handle_type_name(uv_handle_get_type(handle)));
		if (by_log_enabled(&site))
			by_log_write(&site, NULL, "a handle of the loop was not closed by its owner", &type, 1);
		++*(unsigned *)argument;
	}
}

void by__runtime_close(void)
{
	unsigned left = 0;

	BY_REQUIRE(runtime.open);
	by__offload_close();
	by__tasks_close();
	by__deadlines_close();
	uv_close((uv_handle_t *)&runtime.beat, NULL);
	/* Closing takes a turn of the loop; a handle that its owner forgot would keep it for ever. */
	uv_run(&runtime.loop, UV_RUN_NOWAIT);
	uv_walk(&runtime.loop, count_open, &left);
	if (left == 0) {
		uv_run(&runtime.loop, UV_RUN_DEFAULT);
		BY_INVARIANT(uv_loop_close(&runtime.loop) == 0);
	}
	by__coroutines_close();
	runtime.open = false;
	by_log_flush();
}

by__runtime_usage by__runtime_used(void)
{
	return (by__runtime_usage){
		.coroutines = by__tasks_alive(),
		.stacks = by__coroutines_mapped(),
		.switches = by__coroutines_switches(),
		.offloads = by__offloads(),
	};
}

/* ---- one function to its end -------------------------------------------- */

typedef struct block {
	by_error *(*run)(by_ctx *ctx, void *argument);
	void     *argument;
	by_error *error;
	bool      looping, ended;
} block;

static void block_run(by_ctx *ctx, void *argument)
{
	block *self = argument;

	self->error = self->run(ctx, self->argument);
}

static void block_done(void *argument)
{
	block *self = argument;

	self->ended = true;
	if (self->looping)
		by__runtime_stop();
}

static by_error *block_on(by_arena *arena, block *self)
{
	by_ctx *ctx = by_ctx_new(arena);

	if (!by__task_start(ctx, block_run, block_done, self))
		return by_error_new(arena, OVERLOADED, "There is no memory for a coroutine.");
	self->looping = true;
	if (!self->ended)
		by__runtime_run();
	if (self->ended)
		return self->error;
	/* The loop has nothing left that could wake it: a mistake of whoever should have. */
	by__ctx_cancel(ctx);
	by__runtime_run();
	if (!self->ended)
		BY_IMPOSSIBLE("a coroutine waits for what nobody will do");
	return by_error_new(arena, INTERNAL, "The function waited for something that nothing would do.");
}

by_error *by__runtime_block_on(by_arena *arena, by_error *(*run)(by_ctx *ctx, void *argument), void *argument)
{
	block self = { .run = run, .argument = argument };
	bool own = !runtime.open;

	BY_REQUIRE(!by__task_is_running());
	if (own)
		BY_TRY(by__runtime_open(arena, NULL));
	by_error *error = block_on(arena, &self);
	if (own)
		by__runtime_close();
	return error;
}
