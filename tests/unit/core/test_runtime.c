/* The runtime's beat, and its opening and closing. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <banyan/log.h>
#include <banyan/metric.h>

#include "core/runtime.h"
#include "core/shared.h"
#include "unit/unit.h"

static by_error *sleep_over_two_beats(by_ctx *ctx, void *argument)
{
	uint64_t before = atomic_load(&by__shared_slot()->heartbeat);

	(void)argument;
	by_info(ctx, "written by the beat");
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(450)));
	ck_assert_uint_gt(atomic_load(&by__shared_slot()->heartbeat), before);
	ck_assert_uint_gt(atomic_load(&by__shared_slot()->rss), 1 << 20);
	return BY_OK;
}

START_TEST(the_beat_tells_the_supervisor_and_writes_the_log)
{
	by_arena *arena = by_arena_new(0);
	char line[512];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_ok(by_log_configure(arena, "info", ends[1]));
	ck_ok(by__runtime_open(arena, NULL));
	ck_ok(by__runtime_block_on(arena, sleep_over_two_beats, NULL));
	ck_assert_int_gt(read(ends[0], line, sizeof(line)), 0);
	by__runtime_close();
	by_arena_free(&arena);
}
END_TEST

static by_error *hog_the_loop(by_ctx *ctx, void *argument)
{
	struct timespec span = { 0, 400000000 };

	(void)argument;
	nanosleep(&span, NULL);
	return by_sleep(ctx, BY_MILLISECONDS(5));
}

START_TEST(a_loop_that_was_held_up_shows_in_its_lag)
{
	by_arena *arena = by_arena_new(0);
	by_buf text;

	ck_ok(by__runtime_block_on(arena, hog_the_loop, NULL));
	by_buf_init(&text, arena, 0);
	by_metrics_print(&text);
	ck_assert_ptr_nonnull(strstr(by_buf_string(&text), "banyan_loop_lag_seconds_bucket{le=\"0.1\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(by_buf_string(&text), "banyan_loop_lag_seconds_bucket{le=\"0.5\"} 1\n"));
	by_arena_free(&arena);
}
END_TEST

static void on_signal(uv_timer_t *timer)
{
	by__runtime_stop();
	uv_close((uv_handle_t *)timer, NULL);
}

START_TEST(a_loop_runs_until_it_is_stopped_and_can_be_opened_again)
{
	by_arena *arena = by_arena_new(0);

	for (int i = 0; i < 3; i++) {
		uv_timer_t timer;
		ck_ok(by__runtime_open(arena, NULL));
		uv_timer_init(by__loop(), &timer);
		uv_timer_start(&timer, on_signal, 5, 0);
		by__runtime_run();
		by__runtime_close();
		ck_assert_ptr_null(by__loop());
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_loop_with_nothing_to_wait_for_ends)
{
	by_arena *arena = by_arena_new(0);

	ck_ok(by__runtime_open(arena, NULL));
	by__runtime_run();
	by__runtime_close();
	by_arena_free(&arena);
}
END_TEST

UNIT("runtime", the_beat_tells_the_supervisor_and_writes_the_log, a_loop_that_was_held_up_shows_in_its_lag,
    a_loop_runs_until_it_is_stopped_and_can_be_opened_again, a_loop_with_nothing_to_wait_for_ends);
