/*
 * How many requests run at a time, and what becomes of the others. A request
 * that waits is a whole head in the kernel and nothing of ours: no coroutine,
 * no arena. It can still be handed to a worker that has room.
 */
#include "core/runtime.h"
#include "fcgi/worker/connection.h"

/*
 * Requests let in by one turn of the loop, so that many short ones do not keep
 * it from its events; and for how long, so that neither do some that compute:
 * behind them others would wait unseen, and be refused too late.
 */
enum { AT_ONCE = 64, TURN_MS = 10 };

static void count_queued(by__gate *gate, int change)
{
	gate->queued += (unsigned)change;
	atomic_store_explicit(&gate->options.slot->queued, gate->queued, memory_order_relaxed);
}

void by__admission_withdraw(by__connection *c)
{
	by__link_remove(&c->turn);
	by__deadline_disarm(&c->patience);
	c->phase = BY__CONNECTION_WAITING;
	count_queued(c->gate, -1);
}

static void begin_queued(by__connection *c, by__refusal refusal)
{
	by__admission_withdraw(c);
	by__connection_begin(c, by_clock(), refusal);
}

static void on_patience_over(by__deadline *deadline)
{
	by__connection *c = BY__LINKED(deadline, patience);

	begin_queued(c, BY__REFUSE_QUEUE_TIMEOUT);
}

/* How long it has waited in front of us; what the web server says of it, if it does. */
static uint64_t waited_before(const by__connection *c, const by__head *head)
{
	by_text start;

	if (!by__guard_variable(c->gate->peek, head->length, "REQUEST_START", &start))
		return 0;
	return by__waited_since(start, by_time_now());
}

static void enqueue(by__connection *c, const by__head *head, uint64_t now)
{
	by__gate *gate = c->gate;
	uint64_t limit = (uint64_t)gate->options.queue_timeout.us * 1000;
	uint64_t before = waited_before(c, head);

	by__connection_limit(c, (by_duration){ 0 });
	c->phase = BY__CONNECTION_QUEUED;
	by__link_add(&gate->queue, &c->turn);
	count_queued(gate, 1);
	c->patience.reached = on_patience_over;
	by__deadline_arm(&c->patience, before < limit ? now + limit - before : now);
	/* From here on only its end is of interest. */
	by__connection_watch(c);
}

static bool has_room(const by__gate *gate)
{
	return gate->running - gate->streams < gate->options.requests_max;
}

static bool is_full(const by__gate *gate)
{
	return !has_room(gate) || gate->queued > 0;
}

/* The loop takes its time when a turn begins. */
static bool turn_is_over(uint64_t now)
{
	return now > (uv_now(by__loop()) + TURN_MS) * 1000000;
}

static bool is_urgent(const by__connection *c, const by__head *head)
{
	by_text target;

	return by__guard_variable(c->gate->peek, head->length, "REQUEST_URI", &target)
	    && c->gate->options.urgent(c->gate->options.server, target);
}

bool by__admission_is_elsewhere(const by__gate *gate)
{
	const by__shared *shared = by__shared_get();
	const by__slot *own = gate->options.slot;
	uint32_t pool = atomic_load_explicit(&own->pool, memory_order_relaxed);
	uint32_t generation = atomic_load_explicit(&own->generation, memory_order_relaxed);

	if (!gate->options.shared || has_room(gate))
		return false;
	for (uint32_t i = 0; i < shared->slots; i++) {
		const by__slot *slot = &shared->slot[i];

		if (slot != own && atomic_load_explicit(&slot->state, memory_order_relaxed) == BY__WORKER_READY
		    && atomic_load_explicit(&slot->pool, memory_order_relaxed) == pool
		    && atomic_load_explicit(&slot->generation, memory_order_relaxed) == generation
		    && atomic_load_explicit(&slot->queued, memory_order_relaxed) == 0
		    && by__slot_load(slot) < gate->options.requests_max)
			return true;
	}
	return false;
}

static void on_go_on(by__deadline *deadline)
{
	by__admit_queued((by__gate *)(void *)((char *)deadline - offsetof(by__gate, go_on)));
}

static void go_on_soon(by__gate *gate)
{
	if (gate->go_on.place != 0)
		return;
	gate->go_on.reached = on_go_on;
	by__deadline_arm(&gate->go_on, by_clock());
}

void by__admit(by__connection *c, const by__head *head, uint64_t now)
{
	by__gate *gate = c->gate;
	bool full = is_full(gate);

	c->keep = head->keep;
	if (gate->leaving && by__handover(c))
		return;
	if (BY_LIKELY(!full && !turn_is_over(now)) || c->refuse || is_urgent(c, head)) {
		by__connection_begin(c, now, BY__REFUSE_NOT);
	} else if (by__admission_is_elsewhere(gate) && by__handover(c)) {
		return;
	} else if (gate->queued < gate->options.queue_max) {
		enqueue(c, head, now);
		if (!full)
			go_on_soon(gate);
	} else {
		by__connection_begin(c, now, full ? BY__REFUSE_QUEUE_FULL : BY__REFUSE_NOT);
	}
}

/* A request may end within its beginning, and comes here again: only the outermost call goes through the queue. */
void by__admit_queued(by__gate *gate)
{
	int most = AT_ONCE;

	if (by__link_empty(&gate->queue) || gate->admitting)
		return;
	gate->admitting = true;
	while (has_room(gate) && !by__link_empty(&gate->queue) && most > 0) {
		begin_queued(BY__LINKED(gate->queue.next, turn), BY__REFUSE_NOT);
		most = turn_is_over(by_clock()) ? 0 : most - 1;
	}
	gate->admitting = false;
	if (most == 0 && !by__link_empty(&gate->queue))
		go_on_soon(gate);
}

static void count_streams(by__gate *gate, int change)
{
	gate->streams += (unsigned)change;
	atomic_store_explicit(&gate->options.slot->streams, gate->streams, memory_order_relaxed);
}

void by__admission_frees(by__connection *c)
{
	if (c->streaming)
		return;
	c->streaming = true;
	count_streams(c->gate, 1);
	/* Not from within its coroutine. */
	if (!by__link_empty(&c->gate->queue))
		go_on_soon(c->gate);
}

void by__admission_ends(by__connection *c)
{
	if (c->streaming)
		count_streams(c->gate, -1);
	c->streaming = false;
}
