/*
 * A connection's life: parked, a head that grows, a request that runs, parked
 * again or closed. Everything here runs on the loop's own stack.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>

#include "core/runtime.h"
#include "fcgi/worker/connection.h"

enum {
	ARENA = 16 * 1024,      /* holds a small request whole, so that it allocates nothing */
	CONNECTIONS_TOLD = 1024, /* what GET_VALUES is told: more can be parked, but a web server wants a number */
	MANAGEMENT_AT_ONCE = 8
};

static by__connection *checked(void *pointer)
{
	return BY_CHECKED(pointer, by__connection, BY__CONNECTION_MAGIC);
}

/* ---- watching the descriptor --------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
	by__connection *c = checked(poll->data);

	if (status < 0) {
		/* libuv has stopped watching: the kernel reports an error on the socket. */
		c->polled = 0;
		by__connection_gone(c);
		return;
	}
	if ((events & UV_WRITABLE) && c->wants_write)
		by_wake(&c->wait);
	if (events & UV_READABLE)
		by__connection_readable(c);
}

static int events_wanted(const by__connection *c)
{
	int events = c->watched || c->exchange.gone ? 0 : UV_READABLE;

	switch (c->phase) {
	case BY__CONNECTION_WAITING:
		return events;
	case BY__CONNECTION_RUNNING:
		return c->wants_write ? events | UV_WRITABLE : events;
	default:
		return 0;
	}
}

void by__connection_poll(by__connection *c)
{
	int events = events_wanted(c);

	if (events == c->polled)
		return;
	if (!c->poll_open) {
		BY_INVARIANT(uv_poll_init(by__loop(), &c->poll, c->fd) == 0);
		c->poll.data = c;
		c->poll_open = true;
	}
	c->polled = events;
	if (events)
		BY_INVARIANT(uv_poll_start(&c->poll, events, on_poll) == 0);
	else
		BY_INVARIANT(uv_poll_stop(&c->poll) == 0);
}

void by__connection_watch(by__connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c };

	if (c->watched)
		return;
	BY_INVARIANT(epoll_ctl(c->gate->edge_fd, EPOLL_CTL_ADD, c->fd, &event) == 0);
	c->watched = true;
	by__connection_poll(c);
}

static void unwatch(by__connection *c)
{
	if (!c->watched)
		return;
	BY_INVARIANT(epoll_ctl(c->gate->edge_fd, EPOLL_CTL_DEL, c->fd, NULL) == 0);
	c->watched = false;
}

void by__connection_limit(by__connection *c, by_duration span)
{
	bool was = c->deadline != 0;

	c->deadline = span.us > 0 ? by_clock() + (uint64_t)span.us * 1000 : 0;
	if (was == (c->deadline != 0))
		return;
	if (was) {
		by__link_remove(&c->timed);
		return;
	}
	by__link_add(&c->gate->timed, &c->timed);
	by__gate_timed(c->gate);
}

ssize_t by__connection_peek(const by__connection *c, size_t len)
{
	for (;;) {
		ssize_t n = recv(c->fd, c->gate->peek, len, MSG_PEEK | MSG_DONTWAIT);

		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		/* An error is an end too: nothing will come any more. */
		return errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
	}
}

/* ---- the end of a connection ----------------------------------------------- */

static void release(by__connection *c)
{
	by__gate *gate = c->gate;

	c->phase = BY__CONNECTION_FREE;
	by__link_remove(&c->all);
	by__link_add(&gate->free, &c->all);
	gate->count--;
	by__gate_left(gate);
}

static void on_poll_closed(uv_handle_t *handle)
{
	by__connection *c = checked(handle->data);

	c->poll_open = false;
	release(c);
}

static void close_descriptor(by__connection *c)
{
	if (c->phase == BY__CONNECTION_QUEUED)
		by__admission_withdraw(c);
	by__connection_limit(c, (by_duration){ 0 });
	c->phase = BY__CONNECTION_CLOSING;
	c->polled = 0;
	/* The kernel forgets the epoll's entry with the descriptor. */
	c->watched = false;
	if (c->poll_open)
		uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (!c->poll_open)
		release(c);
}

void by__connection_close(by__connection *c)
{
	if (c->phase == BY__CONNECTION_CLOSING)
		return;
	/* Closed with bytes unread, the kernel would reset the connection, and the other end might lose our last answer. */
	if ((c->watched || c->unread) && c->fd >= 0)
		(void)!recv(c->fd, c->gate->peek, BY__HEAD_BYTES, MSG_DONTWAIT);
	close_descriptor(c);
}

void by__connection_forget(by__connection *c)
{
	/* Another process has the connection too, so that the epoll would not forget it by itself. */
	unwatch(c);
	close_descriptor(c);
}

void by__connection_gone(by__connection *c)
{
	if (c->phase == BY__CONNECTION_WAITING || c->phase == BY__CONNECTION_QUEUED) {
		by__connection_close(c);
		return;
	}
	if (c->phase != BY__CONNECTION_RUNNING || c->exchange.gone)
		return;
	c->exchange.gone = true;
	by__ctx_cancel(c->ctx);
	/* The wait for the end of the answer hears no cancellation. */
	if (c->wants_read || c->wants_write)
		by_wake(&c->wait);
	by__connection_poll(c);
}

static void refuse(by__connection *c, const char *reason)
{
	char peer[BY__PEER_TEXT];

	c->unread = true;
	by__peer_print(c->fd, peer);
	by_warn(NULL, "connection refused", BY_F("reason", reason), BY_F("peer", (const char *)peer));
	by__connection_close(c);
}

/* ---- a request ---------------------------------------------------------------- */

static by_arena *arena_take(by__gate *gate)
{
	return gate->arena_count > 0 ? gate->arenas[--gate->arena_count] : by_arena_new(ARENA);
}

static void arena_give(by__gate *gate, by_arena **arena)
{
	if (gate->arena_count < BY_COUNT(gate->arenas)) {
		by_arena_reset(*arena);
		gate->arenas[gate->arena_count++] = *arena;
		*arena = NULL;
	} else {
		by_arena_free(arena);
	}
}

static void count_running(by__gate *gate, int change, uint64_t now)
{
	by__slot *slot = gate->options.slot;

	gate->running += (unsigned)change;
	atomic_store_explicit(&slot->active, gate->running, memory_order_relaxed);
	atomic_store_explicit(&slot->busy, now, memory_order_relaxed);
	/* Nobody else writes the slot, so this needs no locked instruction. */
	if (change > 0)
		atomic_store_explicit(&slot->requests, atomic_load_explicit(&slot->requests, memory_order_relaxed) + 1,
		    memory_order_relaxed);
}

/* Another request may come on it: here, or with another worker when this one leaves. */
static void use_again(by__connection *c)
{
	by__gate *gate = c->gate;

	c->phase = BY__CONNECTION_WAITING;
	c->received = 0;
	unwatch(c);
	if (!gate->leaving || !by__handover(c))
		by__connection_poll(c);
}

/* Called on the loop's stack when the coroutine has ended. */
static void finished(void *argument)
{
	by__connection *c = checked(argument);
	by__gate *gate = c->gate;

	by__fcgx_free(&c->request);
	c->ctx = NULL;
	arena_give(gate, &c->arena);
	by__link_remove(&c->turn);
	by__admission_ends(c);
	count_running(gate, -1, by_clock());
	by__connection_limit(c, (by_duration){ 0 });
	if (!c->keep || c->exchange.gone || gate->draining)
		by__connection_close(c);
	else
		use_again(c);
	by__admit_queued(gate);
	by__gate_wake(gate);
}

void by__connection_begin(by__connection *c, uint64_t now, by__refusal refusal)
{
	by__gate *gate = c->gate;

	by__connection_limit(c, (by_duration){ 0 });
	if (!by__fcgx_accept(&c->request, c->fd)) {
		/* libfcgi has closed it already. */
		c->fd = -1;
		by__connection_close(c);
		return;
	}
	c->phase = BY__CONNECTION_RUNNING;
	c->fresh = false;
	c->wants_read = c->wants_write = c->late = c->silent = c->cancelled = c->answered = c->told = c->streaming = false;
	c->credit = gate->credit;
	c->exchange = (by__exchange){ .driver = &by__fastcgi_exchange, .env = c->request.envp, .received = c->received,
		.begun = now, .refusal = c->refuse ? BY__REFUSE_STOPPING : refusal, .told_to_end = gate->draining || gate->leaving };
	c->arena = arena_take(gate);
	c->ctx = by_ctx_new(c->arena);
	c->ctx->providers = gate->options.providers;
	by__link_add(&gate->active, &c->turn);
	count_running(gate, 1, now);
	if (!by__task_start(c->ctx, by__connection_serve, finished, c)) {
		by__connection_reject(c);
		finished(c);
		return;
	}
	/* It may have ended by now; one that is parked is watched for the web server going away. */
	if (c->phase == BY__CONNECTION_RUNNING)
		by__connection_poll(c);
}

/* ---- the head of a request --------------------------------------------------- */

/* Answers a management record that stands first. False: the connection is closed. */
static bool manage(by__connection *c, const by__head *head)
{
	uint8_t answer[BY__MANAGEMENT_ANSWER];
	size_t len = by__guard_management(c->gate->peek, head->length, CONNECTIONS_TOLD, answer);

	if (recv(c->fd, c->gate->peek, head->length, MSG_DONTWAIT) == (ssize_t)head->length
	    && send(c->fd, answer, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	by__connection_close(c);
	return false;
}

static by__head peek_head(const by__connection *c, ssize_t *n)
{
	by__head head;

	*n = by__connection_peek(c, BY__FCGX_BUFFER);
	head = by__guard_head(c->gate->peek, *n > 0 ? (size_t)*n : 0);
	if (head.verdict == BY__GUARD_MORE && *n == BY__FCGX_BUFFER) {
		*n = by__connection_peek(c, BY__HEAD_BYTES);
		head = by__guard_head(c->gate->peek, *n > 0 ? (size_t)*n : 0);
	}
	return head;
}

/* Part of a head, or silence on a new connection: it has until the deadline to become whole. */
static void await_head(by__connection *c, bool partial)
{
	if (!c->deadline && (partial || c->fresh))
		by__connection_limit(c, c->gate->options.head_timeout);
	if (partial)
		by__connection_watch(c);
	else
		by__connection_poll(c);
}

/* When the head became whole; often that is when its first byte was seen. */
static uint64_t clock_head(by__connection *c)
{
	uint64_t now = by_clock();

	if (!c->received)
		c->received = now;
	return now;
}

static void look_for_head(by__connection *c)
{
	ssize_t n;

	for (int managed = 0; managed < MANAGEMENT_AT_ONCE; managed++) {
		by__head head = peek_head(c, &n);

		if (n == 0) {
			by__connection_close(c);
			return;
		}
		switch (head.verdict) {
		case BY__GUARD_COMPLETE:
			by__admit(c, &head, clock_head(c));
			return;
		case BY__GUARD_REFUSE:
			refuse(c, head.reason);
			return;
		case BY__GUARD_MORE:
			if (n > 0)
				(void)clock_head(c);
			await_head(c, n > 0);
			return;
		case BY__GUARD_MANAGEMENT:
			if (!manage(c, &head))
				return;
		}
	}
	/* Others have their turn; what is left is reported again. */
	unwatch(c);
	await_head(c, false);
}

/* ---- while a request runs ------------------------------------------------------ */

/* Something came in that the request has not asked for: more of its body, or its end. */
static void look_beside(by__connection *c)
{
	ssize_t n = by__connection_peek(c, BY__HEAD_BYTES);
	by__body body;

	if (n < 0)
		return;
	by__fcgx_walk(&c->request, &body);
	if (n > 0)
		by__guard_body(&body, c->gate->peek, (size_t)n);
	if (n == 0 || body.aborted || body.refused || (body.early && !body.ended)) {
		by__connection_gone(c);
		return;
	}
	if (body.early)
		c->keep = false;
	by__connection_watch(c);
}

void by__connection_readable(by__connection *c)
{
	switch (c->phase) {
	case BY__CONNECTION_WAITING:
		look_for_head(c);
		break;
	case BY__CONNECTION_RUNNING:
		if (c->wants_read)
			by_wake(&c->wait);
		else
			look_beside(c);
		break;
	default:
		break;
	}
}

void by__connection_hangup(by__connection *c)
{
	if (c->phase == BY__CONNECTION_WAITING)
		look_for_head(c);
	/* A head that is still not whole will never be; one that waits has nobody left to answer. */
	by__connection_gone(c);
}

void by__connection_late(by__connection *c)
{
	by__connection_limit(c, (by_duration){ 0 });
	if (c->phase == BY__CONNECTION_WAITING) {
		refuse(c, "no whole request in time");
	} else if (c->phase == BY__CONNECTION_RUNNING && (c->wants_read || c->wants_write)) {
		c->late = true;
		by_wake(&c->wait);
	}
}

void by__connection_drain(by__connection *c)
{
	if (c->phase != BY__CONNECTION_WAITING || c->deadline)
		return;
	/* A request may have come in since the loop last looked. */
	if (by__connection_peek(c, 1) == 1)
		look_for_head(c);
	else
		by__connection_close(c);
}

/* ---- the beginning --------------------------------------------------------------- */

static by__connection *connection_new(by__gate *gate)
{
	by__connection *c;

	if (gate->free.next != &gate->free) {
		c = BY__LINKED(gate->free.next, all);
		by__link_remove(&c->all);
	} else {
		by_arena *memory = gate->memory;

		c = BY_NEW(memory, by__connection);
		c->magic = BY__CONNECTION_MAGIC;
		c->gate = gate;
		by__link_init(&c->all);
		by__link_init(&c->timed);
		by__link_init(&c->turn);
		c->made = gate->made;
		/* Whole before it is seen. */
		atomic_signal_fence(memory_order_release);
		gate->made = c;
	}
	by__link_add(&gate->all, &c->all);
	gate->count++;
	return c;
}

void by__connection_start(by__gate *gate, int fd, by__origin origin)
{
	by__connection *c = connection_new(gate);

	c->fd = fd;
	c->phase = BY__CONNECTION_WAITING;
	c->polled = 0;
	c->deadline = 0;
	c->received = 0;
	c->fresh = origin != BY__TAKEN;
	c->refuse = origin == BY__REFUSED;
	c->watched = c->unread = c->exchange.gone = false;
	look_for_head(c);
}
