/*
 * Two gates as two workers of a pool have them, on one loop: what one hands
 * over when it leaves or has too much to do, the other serves, byte for byte.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <banyan/task.h>

#include "core/runtime.h"
#include "fcgi/worker/gate.h"
#include "fcgi/worker/library.h"
#include "fcgi/protocol.h"
#include "unit/unit.h"

typedef struct side {
	by__gate *gate;
	unsigned  served;
	bool      closed;
	bool      hold;    /* requests do not end */
	by_wait   wait;
} side;

static by_arena   *arena;
static side        first, second;
static by__channel channel = BY__NO_CHANNEL;
static char        address[64];

static bool serve(void *server, by_ctx *ctx, by__exchange *exchange)
{
	side *self = server;
	static const char answer[] = "Content-Type: text/plain\r\n\r\nx";

	self->served++;
	if (self->hold) {
		by_wait_init(&self->wait);
		by_wait_always(ctx, &self->wait);
	}
	return exchange->driver->write(exchange, ctx, answer, sizeof(answer) - 1) == BY_OK;
}

static bool is_urgent(void *server, by_text target)
{
	(void)server;
	(void)target;
	return false;
}

static void on_closed(void *owner)
{
	((side *)owner)->closed = true;
}

static int listener(int number)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s-%d", address, number);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	return fd;
}

static int connected(int number)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "%s-%d", address, number);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void open_side(side *self, int number)
{
	const by__gate_options options = {
		/* libuv watches a descriptor once in a loop; each worker has one of its own anyway. */
		.listener = listener(number), .shared = true, .channel = { .take = dup(channel.take), .give = channel.give }, .serve = serve, .urgent = is_urgent,
		.server = self, .requests_max = 1, .queue_max = 1, .queue_timeout = BY_SECONDS(60),
		.slot = &by__shared_get()->slot[number], .head_timeout = BY_SECONDS(60), .body_timeout = BY_SECONDS(60),
		.write_timeout = BY_SECONDS(60), .closed = on_closed, .owner = self,
	};

	atomic_store(&options.slot->state, BY__WORKER_READY);
	ck_ok(by__gate_open(arena, &options, &self->gate));
}

static void setup(void)
{
	arena = by_arena_new(0);
	snprintf(address, sizeof(address), "by-test-gate-%d", (int)getpid());
	ck_ok(by__shared_create(arena, 2, NULL));
	by__shared_use(0);
	ck_ok(by__fcgx_open(arena));
	ck_ok(by__runtime_open(arena, NULL));
	ck_ok(by__channel_open(arena, &channel));
	open_side(&first, 0);
	open_side(&second, 1);
}

static void teardown(void)
{
	by__gate_close(first.gate);
	by__gate_close(second.gate);
	by__runtime_close();
	by__channel_close(&channel);
	by_arena_free(&arena);
}

static const uint8_t begin[] = { 1, BY__FCGI_BEGIN, 0, 1, 0, 8, 0, 0, 0, BY__FCGI_RESPONDER, BY__FCGI_KEEP, 0, 0, 0, 0, 0 };
static const uint8_t rest[] = {
	1, BY__FCGI_PARAMS, 0, 1, 0, 4, 0, 0, 1, 1, 'A', 'b', 1, BY__FCGI_PARAMS, 0, 1, 0, 0, 0, 0,
	1, BY__FCGI_STDIN, 0, 1, 0, 0, 0, 0,
};

static void send_bytes(int fd, const void *bytes, size_t len)
{
	ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void ask(int fd)
{
	send_bytes(fd, begin, sizeof(begin));
	send_bytes(fd, rest, sizeof(rest));
}

/* The loop turns until the condition holds. */
#define TURN_UNTIL(condition) \
	do { \
		uint64_t until_ = by_clock() + UINT64_C(20000000000); \
		while (!(condition)) { \
			ck_assert_msg(by_clock() < until_, "not within time: %s", #condition); \
			(void)uv_run(by__loop(), UV_RUN_NOWAIT); \
			usleep(500); \
		} \
	} while (0)

/* The end of an answer has come. */
static bool is_answered(int fd)
{
	uint8_t bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	return n >= 16 && bytes[n - 15] == BY__FCGI_END;
}

START_TEST(what_waits_in_a_worker_that_leaves_is_served_by_another)
{
	setup();
	int idle = connected(0), partial = connected(0), fresh = connected(0);

	ask(idle);
	TURN_UNTIL(is_answered(idle));
	send_bytes(partial, begin, sizeof(begin));
	TURN_UNTIL(by__gate_count(first.gate) == 3);
	by__gate_leave(first.gate);
	TURN_UNTIL(first.closed && by__gate_count(second.gate) == 3);
	ask(idle);
	TURN_UNTIL(is_answered(idle));
	send_bytes(partial, rest, sizeof(rest));
	TURN_UNTIL(is_answered(partial));
	ask(fresh);
	TURN_UNTIL(is_answered(fresh));
	ck_assert_uint_eq(first.served, 1);
	ck_assert_uint_eq(second.served, 3);
	teardown();
}
END_TEST

START_TEST(a_request_that_runs_is_finished_and_its_connection_handed_over_then)
{
	setup();
	int busy = connected(0), queued = connected(0);

	first.hold = true;
	second.hold = true; /* so that the second waits in the first, not being given away at once */
	int other = connected(1);

	ask(other);
	TURN_UNTIL(second.served == 1);
	ask(busy);
	TURN_UNTIL(first.served == 1);
	ask(queued);
	TURN_UNTIL(atomic_load(&by__shared_get()->slot[0].queued) == 1);
	second.hold = false;
	by__gate_leave(first.gate);
	TURN_UNTIL(by__gate_count(first.gate) == 1);
	by_wake(&second.wait);
	TURN_UNTIL(is_answered(queued));
	ck_assert(!first.closed);
	by_wake(&first.wait);
	TURN_UNTIL(is_answered(busy) && first.closed);
	ask(busy);
	TURN_UNTIL(is_answered(busy));
	ck_assert_uint_eq(first.served, 1);
	ck_assert_uint_eq(second.served, 3);
	ck_assert_uint_eq(atomic_load(&by__shared_get()->slot[0].queued), 0);
	teardown();
}
END_TEST

START_TEST(a_worker_with_too_much_to_do_gives_a_kept_connections_request_to_one_with_room)
{
	setup();
	int busy = connected(0), kept = connected(0), late = connected(0);

	ask(kept);
	TURN_UNTIL(is_answered(kept));
	first.hold = true;
	ask(busy);
	TURN_UNTIL(first.served == 2);
	ask(kept);
	TURN_UNTIL(is_answered(kept));
	ck_assert_uint_eq(second.served, 1);
	ck_assert_uint_eq(atomic_load(&by__shared_get()->slot[0].queued), 0);
	by_wake(&first.wait);
	TURN_UNTIL(is_answered(busy));
	first.hold = false;
	/* What it left in its listener while it was full it takes now. */
	ask(late);
	TURN_UNTIL(is_answered(late));
	teardown();
}
END_TEST

START_TEST(with_the_channel_full_a_worker_that_leaves_goes_on_serving_and_hands_over_when_it_can)
{
	setup();
	int kept = connected(0);
	unsigned filled = 0;

	ask(kept);
	TURN_UNTIL(is_answered(kept));
	by__gate_drain(second.gate, false); /* it takes nothing out any more */
	while (by__channel_give(&channel, kept))
		filled++;
	by__gate_leave(first.gate);
	ask(kept);
	TURN_UNTIL(is_answered(kept));
	ck_assert_uint_eq(first.served, 2);
	ck_assert(!first.closed);
	for (int fd; (fd = by__channel_take(&channel)) >= 0; filled--)
		close(fd);
	ck_assert_uint_eq(filled, 0);
	TURN_UNTIL(first.closed);
	int taken = by__channel_take(&channel);

	ck_assert_int_ge(taken, 0);
	close(taken);
	teardown();
}
END_TEST

UNIT("gate", what_waits_in_a_worker_that_leaves_is_served_by_another,
    a_request_that_runs_is_finished_and_its_connection_handed_over_then,
    a_worker_with_too_much_to_do_gives_a_kept_connections_request_to_one_with_room,
    with_the_channel_full_a_worker_that_leaves_goes_on_serving_and_hands_over_when_it_can);
