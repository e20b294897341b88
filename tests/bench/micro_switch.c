/*
 * What coroutines cost: a switch there and back, a turn through the scheduler,
 * a child's whole life, an offloaded call, and resident memory per parked one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <banyan/task.h>

#include "core/coroutine.h"
#include "core/runtime.h"

enum { SWITCHES = 20000000, TURNS = 5000000, LIVES = 1000000, CALLS = 50000, PARKED = 10000 };

static void report(const char *what, uint64_t since, int count)
{
	printf("%-44s %10.1f ns\n", what, (double)(by_clock() - since) / count);
}

static void park_for_ever(void *argument)
{
	while (!*(volatile bool *)argument)
		by__coroutine_park();
}

static void measure_switch(void)
{
	bool stop = false;
	by__coroutine *co = by__coroutine_new(park_for_ever, &stop);
	uint64_t start = by_clock();

	for (int i = 0; i < SWITCHES; i++)
		by__coroutine_resume(co);
	report("switch, there and back", start, SWITCHES);
	stop = true;
	by__coroutine_resume(co);
	by__coroutine_free(&co);
}

static by_error *nothing(by_ctx *ctx, void *argument)
{
	(void)ctx;
	(void)argument;
	return BY_OK;
}

/* A coroutine whose turn it is at once: the ready queue, the loop, no event. */
static by_error *measure_turn(by_ctx *ctx)
{
	uint64_t start = by_clock();

	for (int i = 0; i < TURNS; i++)
		BY_TRY(by_yield(ctx));
	report("yield, the only one ready", start, TURNS);
	return BY_OK;
}

static by_error *live_and_die(by_ctx *ctx, void *argument)
{
	(void)argument;
	for (int i = 0; i < 100; i++)
		BY_TRY(by_join(ctx, by_spawn(ctx, nothing, NULL)));
	return BY_OK;
}

static by_error *measure_offload(by_ctx *ctx)
{
	uint64_t start = by_clock();

	for (int i = 0; i < CALLS; i++)
		BY_TRY(by_offload(ctx, nothing, NULL));
	report("offload of nothing", start, CALLS);
	return BY_OK;
}

static by_error *run(by_ctx *ctx, void *argument)
{
	(void)argument;
	BY_TRY(measure_turn(ctx));
	return measure_offload(ctx);
}

static uint64_t resident(void)
{
	char text[128] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		exit(1);
	close(fd);
	return strtoull(strchr(text, ' '), NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void sleep_for_long(by_ctx *ctx, void *argument)
{
	(void)argument;
	BY_IGNORE(by_sleep(ctx, BY_SECONDS(3600)), "it is cancelled");
}

static void measure_memory(by_arena *arena)
{
	by_ctx *ctx = by_ctx_new(arena);
	uint64_t before = resident();

	for (int i = 0; i < PARKED; i++)
		if (!by__task_start(by_ctx_child(ctx), sleep_for_long, NULL, NULL))
			exit(1);
	printf("%-44s %10llu bytes\n", "resident per coroutine parked in by_sleep",
	    (unsigned long long)((resident() - before) / PARKED));
	by__ctx_cancel(ctx);
	by__runtime_run();
}

int main(void)
{
	by_arena *arena = by_arena_new(0);
	by_error *error = by__runtime_open(arena, NULL);

	if (error != BY_OK)
		return 1;
	measure_switch();
	error = by__runtime_block_on(arena, run, NULL);
	uint64_t start = by_clock();
	for (int i = 0; i < LIVES / 100 && error == BY_OK; i++) {
		by_arena *own = by_arena_new(0);
		error = by__runtime_block_on(own, live_and_die, NULL);
		by_arena_free(&own);
	}
	report("spawn and join of a child", start, LIVES);
	measure_memory(arena);
	by__runtime_close();
	by_arena_free(&arena);
	return error == BY_OK ? 0 : 1;
}
