/* Deadlines: any order of arming and disarming, reached in order, none early, none forgotten. */
#include <string.h>

#include <banyan/time.h>

#include "core/deadline.h"
#include "unit/unit.h"

enum { COUNT = 2000 };

typedef struct item {
	by__deadline deadline;
	bool         reached, disarmed;
} item;

static uv_loop_t loop;
static item items[COUNT];
static uint64_t latest;
static int reached;

static void on_reached(by__deadline *deadline)
{
	item *self = (item *)(void *)deadline;

	ck_assert(!self->reached && !self->disarmed);
	ck_assert_uint_eq(deadline->place, 0);
	ck_assert_uint_ge(by_clock(), deadline->at);
	ck_assert_uint_ge(deadline->at, latest);
	latest = deadline->at;
	self->reached = true;
	reached++;
}

static void open_loop(void)
{
	ck_assert_int_eq(uv_loop_init(&loop), 0);
	by__deadlines_open(&loop);
}

static void close_loop(void)
{
	by__deadlines_close();
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&loop), 0);
}

START_TEST(all_that_stay_armed_are_reached_in_order)
{
	uint64_t start = by_clock(), seed = 12345;
	int disarmed = 0;

	open_loop();
	for (int i = 0; i < COUNT; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		items[i].deadline.reached = on_reached;
		by__deadline_arm(&items[i].deadline, start + (seed >> 33) % 50000000);
	}
	for (int i = 0; i < COUNT; i += 3) {
		if (i % 2) {
			by__deadline_arm(&items[i].deadline, start + (uint64_t)i * 20000);
		} else {
			by__deadline_disarm(&items[i].deadline);
			by__deadline_disarm(&items[i].deadline);
			items[i].disarmed = true;
			disarmed++;
		}
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(reached, COUNT - disarmed);
	close_loop();
}
END_TEST

START_TEST(equal_ones_are_reached_in_the_order_of_arming)
{
	static item *order[COUNT];
	uint64_t at = by_clock() + 1000000;

	open_loop();
	for (int i = 0; i < COUNT; i++) {
		order[i] = &items[(i * 7) % COUNT];
		order[i]->deadline.reached = on_reached;
		by__deadline_arm(&order[i]->deadline, at);
	}
	for (int i = 1; i < COUNT; i++)
		ck_assert_uint_lt(order[i - 1]->deadline.order, order[i]->deadline.order);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(reached, COUNT);
	close_loop();
}
END_TEST

static void disarm_next(by__deadline *deadline)
{
	(void)deadline;
	reached++;
	by__deadline_disarm(&items[1].deadline);
	items[2].deadline.reached = on_reached;
	by__deadline_arm(&items[2].deadline, by_clock());
}

START_TEST(one_that_is_reached_may_disarm_and_arm_others)
{
	open_loop();
	items[0].deadline.reached = disarm_next;
	items[1].deadline.reached = on_reached;
	uint64_t at = by_clock();
	by__deadline_arm(&items[0].deadline, at);
	by__deadline_arm(&items[1].deadline, at);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(reached, 2);
	ck_assert(!items[1].reached && items[2].reached);
	close_loop();
}
END_TEST

static void arm_again(by__deadline *deadline)
{
	if (++reached < 100)
		by__deadline_arm(deadline, 1);
}

START_TEST(one_that_arms_itself_in_the_past_lets_the_loop_go_on)
{
	int turns = 0;

	open_loop();
	items[0].deadline.reached = arm_again;
	by__deadline_arm(&items[0].deadline, 1);
	while (uv_run(&loop, UV_RUN_NOWAIT))
		turns++;
	ck_assert_int_eq(reached, 100);
	ck_assert_int_ge(turns, 99);
	close_loop();
}
END_TEST

START_TEST(a_loop_without_deadlines_ends)
{
	open_loop();
	items[0].deadline.reached = on_reached;
	by__deadline_arm(&items[0].deadline, by_clock() + UINT64_C(3600000000000));
	by__deadline_disarm(&items[0].deadline);
	by__deadlines_settle();
	ck_assert_int_eq(uv_run(&loop, UV_RUN_DEFAULT), 0);
	close_loop();
}
END_TEST

UNIT("deadline", all_that_stay_armed_are_reached_in_order, equal_ones_are_reached_in_the_order_of_arming,
    one_that_is_reached_may_disarm_and_arm_others, one_that_arms_itself_in_the_past_lets_the_loop_go_on,
    a_loop_without_deadlines_ends);
