/* A binary heap of deadlines, and the one timer that follows its top. */
#include <stdlib.h>

#include <banyan/assert.h>
#include <banyan/time.h>

#include "core/deadline.h"

static struct {
	uv_timer_t     timer;
	by__deadline **heap; /* from 1 */
	size_t         count, capacity;
	uint64_t       orders;
	uint64_t       set_to; /* the loop's milliseconds; 0: stopped */
} deadlines;

static bool earlier(const by__deadline *a, const by__deadline *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void put(size_t place, by__deadline *deadline)
{
	deadlines.heap[place] = deadline;
	deadline->place = place;
}

static void rise(size_t place, by__deadline *deadline)
{
	while (place > 1 && earlier(deadline, deadlines.heap[place / 2])) {
		put(place, deadlines.heap[place / 2]);
		place /= 2;
	}
	put(place, deadline);
}

static void sink(size_t place, by__deadline *deadline)
{
	for (;;) {
		size_t child = place * 2;

		if (child < deadlines.count && earlier(deadlines.heap[child + 1], deadlines.heap[child]))
			child++;
		if (child > deadlines.count || !earlier(deadlines.heap[child], deadline))
			break;
		put(place, deadlines.heap[child]);
		place = child;
	}
	put(place, deadline);
}

static void grow(void)
{
	size_t capacity = deadlines.capacity ? deadlines.capacity * 2 : 256;
	by__deadline **heap = realloc(deadlines.heap, (capacity + 1) * sizeof(by__deadline *));

	if (!heap)
		by_abort("out of memory", "deadlines", __FILE__, __LINE__);
	deadlines.heap = heap;
	deadlines.capacity = capacity;
}

void by__deadline_disarm(by__deadline *deadline)
{
	size_t place = deadline->place;

	if (place == 0)
		return;
	BY_INVARIANT(place <= deadlines.count && deadlines.heap[place] == deadline);
	by__deadline *last = deadlines.heap[deadlines.count--];
	deadline->place = 0;
	if (last == deadline)
		return;
	if (place > 1 && earlier(last, deadlines.heap[place / 2]))
		rise(place, last);
	else
		sink(place, last);
}

void by__deadline_arm(by__deadline *deadline, uint64_t at)
{
	by__deadline_disarm(deadline);
	if (deadlines.count == deadlines.capacity)
		grow();
	deadline->at = at;
	deadline->order = deadlines.orders++;
	rise(++deadlines.count, deadline);
	/* A loop with no other business ends unless its timer runs. */
	if (deadlines.set_to == 0)
		by__deadlines_settle();
}

static void on_timer(uv_timer_t *timer);

/* In `least` milliseconds, or when the first is due. */
static void set_timer(uint64_t least)
{
	/* Rounded up, so that it is never early: the loop's clock is by_clock's, in milliseconds. */
	uint64_t at = deadlines.heap[1]->at;
	uint64_t due = at / 1000000 + (at % 1000000 != 0);
	uint64_t now = uv_now(deadlines.timer.loop);

	if (due == deadlines.set_to)
		return;
	uv_timer_start(&deadlines.timer, on_timer, due > now + least ? due - now : least, 0);
	deadlines.set_to = due;
}

static void on_timer(uv_timer_t *timer)
{
	uint64_t now = by_clock(), orders = deadlines.orders;

	(void)timer;
	/* What these arm waits for the next turn, however early it is; libuv would run a timer of no delay in this one. */
	while (deadlines.count > 0 && deadlines.heap[1]->at <= now && deadlines.heap[1]->order < orders) {
		by__deadline *deadline = deadlines.heap[1];
		by__deadline_disarm(deadline);
		deadline->reached(deadline);
	}
	deadlines.set_to = 0;
	if (deadlines.count > 0)
		set_timer(1);
}

void by__deadlines_settle(void)
{
	if (deadlines.count > 0) {
		set_timer(0);
	} else if (deadlines.set_to) {
		uv_timer_stop(&deadlines.timer);
		deadlines.set_to = 0;
	}
}

void by__deadlines_open(uv_loop_t *loop)
{
	uv_timer_init(loop, &deadlines.timer);
	deadlines.set_to = 0;
}

void by__deadlines_close(void)
{
	BY_REQUIRE(deadlines.count == 0);
	uv_close((uv_handle_t *)&deadlines.timer, NULL);
	free(deadlines.heap);
	deadlines.heap = NULL;
	deadlines.capacity = 0;
}
