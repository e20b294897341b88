/*
 * Herds a worker's connections: takes them, hears the edge-triggered events
 * of those with bytes left in the kernel, and ends what exceeds its deadline.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>

#include "core/runtime.h"
#include "fcgi/worker/connection.h"

enum {
	TICK_MS = 50,
	ACCEPTS_SHARED = 2, /* a turn, so that workers that are less busy get their share */
	ACCEPTS_ALONE = 16,
	TCP_SEND_BUFFER = 256 * 1024
};

#define TOLD_EVERY UINT64_C(1000000000)

/* ---- deadlines ------------------------------------------------------------------- */

static void take_again(by__gate *gate);

static void tick(uv_timer_t *timer)
{
	by__gate *gate = timer->data;
	uint64_t now = by_clock();

	if (gate->resting)
		take_again(gate);
	if (gate->leaving)
		by__handover_all(gate);
	/* Ending one may end others: the list is gone through from its start until none is late. */
	for (by__link *at = gate->timed.next, *next; at != &gate->timed; at = next) {
		by__connection *c = BY__LINKED(at, timed);

		next = at->next;
		if (c->deadline <= now) {
			by__connection_late(c);
			next = gate->timed.next;
		}
	}
	if (by__link_empty(&gate->timed) && !gate->resting && !gate->leaving) {
		gate->ticking = false;
		uv_timer_stop(&gate->tick);
	}
}

void by__gate_timed(by__gate *gate)
{
	if (gate->ticking)
		return;
	gate->ticking = true;
	uv_update_time(by__loop());
	BY_INVARIANT(uv_timer_start(&gate->tick, tick, TICK_MS, TICK_MS) == 0);
}

/* ---- accepting ------------------------------------------------------------------- */

/* The next tick looks again. */
static void rest(by__gate *gate)
{
	if (gate->listener_fd >= 0)
		uv_poll_stop(&gate->listener);
	if (gate->channel_open)
		uv_poll_stop(&gate->channel);
	gate->resting = true;
	by__gate_timed(gate);
}

static void rest_because(by__gate *gate, int code)
{
	uint64_t now = by_clock();

	/* It is tried again at each tick; once a second is enough to tell of it. */
	if (now - gate->told > TOLD_EVERY) {
		gate->told = now;
		by_err(NULL, "cannot accept connections; trying again", BY_F("reason", (const char *)strerror(code)));
	}
	rest(gate);
}

static void take(by__gate *gate, int fd, by__origin origin)
{
	if (!by__peer_allowed(gate->options.allowed, fd)) {
		char peer[BY__PEER_TEXT];

		by__peer_print(fd, peer);
		by_warn(NULL, "connection refused", BY_F("reason", "the peer is not in LISTEN_ALLOW"),
		    BY_F("peer", (const char *)peer));
		close(fd);
		return;
	}
	if (gate->tcp)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	by__connection_start(gate, fd, origin);
}

/* False: nothing more to accept now. */
static bool accept_one(by__gate *gate, by__origin origin)
{
	int fd = accept4(gate->listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		take(gate, fd, origin);
		return true;
	}
	if (errno == EINTR || errno == ECONNABORTED)
		return true;
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		rest_because(gate, errno);
	return false;
}

static void count_connections(const by__gate *gate)
{
	atomic_store_explicit(&gate->options.slot->connections, gate->count, memory_order_relaxed);
}

/* It has enough to do, and another worker has not: what comes is left to that one. */
static bool rests_for_others(by__gate *gate)
{
	if (BY_UNLIKELY(by__admission_is_elsewhere(gate)))
		rest(gate);
	return gate->resting;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	by__gate *gate = poll->data;
	int most = gate->options.shared ? ACCEPTS_SHARED : ACCEPTS_ALONE;

	(void)status;
	(void)events;
	while (most-- > 0 && !rests_for_others(gate) && accept_one(gate, BY__ACCEPTED))
		;
	count_connections(gate);
}

/* Its giver has looked who the peer is. */
static bool take_one(by__gate *gate)
{
	int fd = by__channel_take(&gate->options.channel);

	if (fd >= 0)
		by__connection_start(gate, fd, BY__TAKEN);
	return fd >= 0;
}

static void on_channel(uv_poll_t *poll, int status, int events)
{
	by__gate *gate = poll->data;
	int most = ACCEPTS_SHARED;

	(void)status;
	(void)events;
	while (most-- > 0 && !rests_for_others(gate) && take_one(gate))
		;
	count_connections(gate);
}

static void listen_on(by__gate *gate)
{
	if (gate->listener_fd >= 0)
		BY_INVARIANT(uv_poll_start(&gate->listener, UV_READABLE, on_listener) == 0);
	if (gate->channel_open)
		BY_INVARIANT(uv_poll_start(&gate->channel, UV_READABLE, on_channel) == 0);
}

static void take_again(by__gate *gate)
{
	if (by__admission_is_elsewhere(gate))
		return;
	gate->resting = false;
	listen_on(gate);
}

void by__gate_wake(by__gate *gate)
{
	if (BY_UNLIKELY(gate->resting) && gate->running < gate->options.requests_max)
		take_again(gate);
}

/* ---- connections with bytes left in the kernel -------------------------------------- */

static void on_edges(uv_poll_t *poll, int status, int events)
{
	by__gate *gate = poll->data;
	struct epoll_event found[64];
	int count = epoll_wait(gate->edge_fd, found, (int)BY_COUNT(found), 0);

	(void)status;
	(void)events;
	for (int i = 0; i < count; i++) {
		by__connection *c = found[i].data.ptr;

		/* One that an earlier event of this batch has closed, or whose object is used again, is no longer watched. */
		if (!c->watched)
			continue;
		if (found[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			by__connection_hangup(c);
		else
			by__connection_readable(c);
	}
}

/* ---- open and drain -------------------------------------------------------------------- */

/* How much a socket with nothing unread takes at once: a quarter of its buffer, whose bookkeeping counts in it too. */
static size_t credit_of(int listener, bool tcp)
{
	int size = TCP_SEND_BUFFER;
	socklen_t len = sizeof(size);

	/* Accepted TCP connections inherit it; unix ones get the system's default, which this one has too. */
	if (tcp)
		(void)setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (getsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0 || size < 0)
		return 0;
	return (size_t)size / 4;
}

static bool is_tcp(int listener)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);

	return getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain != AF_UNIX;
}

static by_error *failed(by_arena *arena, const char *what, int code)
{
	return by_error_internal(arena, by_error_new(arena, IO, "The worker cannot take connections."), "%s: %s", what,
	    uv_strerror(code));
}

by_error *by__gate_open(by_arena *arena, const by__gate_options *options, by__gate **out)
{
	by__gate *gate = BY_NEW(arena, by__gate);
	int code;

	gate->memory = arena;
	gate->options = *options;
	gate->listener_fd = options->listener;
	gate->tcp = is_tcp(options->listener);
	gate->credit = credit_of(options->listener, gate->tcp);
	gate->peek = by_alloc(arena, BY__HEAD_BYTES);
	by__link_init(&gate->all);
	by__link_init(&gate->free);
	by__link_init(&gate->timed);
	by__link_init(&gate->queue);
	by__link_init(&gate->active);
	gate->edge_fd = epoll_create1(EPOLL_CLOEXEC);
	if (gate->edge_fd < 0)
		return failed(arena, "epoll_create1", uv_translate_sys_error(errno));
	if ((code = uv_timer_init(by__loop(), &gate->tick)) != 0
	    || (code = uv_poll_init(by__loop(), &gate->edges, gate->edge_fd)) != 0
	    || (code = uv_poll_init(by__loop(), &gate->listener, gate->listener_fd)) != 0)
		return failed(arena, "uv_poll_init", code);
	gate->channel_open = options->channel.take >= 0;
	if (gate->channel_open && (code = uv_poll_init(by__loop(), &gate->channel, options->channel.take)) != 0)
		return failed(arena, "uv_poll_init", code);
	gate->channel.data = gate;
	gate->tick.data = gate->edges.data = gate->listener.data = gate;
	if ((code = uv_poll_start(&gate->edges, UV_READABLE, on_edges)) != 0)
		return failed(arena, "uv_poll_start", code);
	listen_on(gate);
	*out = gate;
	return BY_OK;
}

static void stop_listening(by__gate *gate, bool refuse)
{
	gate->resting = false;
	if (gate->channel_open)
		uv_close((uv_handle_t *)&gate->channel, NULL);
	gate->channel_open = false;
	if (gate->listener_fd < 0)
		return;
	while (refuse && accept_one(gate, BY__REFUSED))
		;
	gate->resting = false;
	uv_close((uv_handle_t *)&gate->listener, NULL);
	close(gate->listener_fd);
	gate->listener_fd = -1;
}

/* Streams have no end of their own. */
static void tell_streams(by__gate *gate)
{
	for (by__link *at = gate->active.next, *next; at != &gate->active; at = next) {
		next = at->next;
		by__exchange_end_stream(&BY__LINKED(at, turn)->exchange);
	}
}

void by__gate_left(by__gate *gate)
{
	void (*closed)(void *owner) = gate->options.closed;

	count_connections(gate);
	if ((!gate->draining && !gate->leaving) || gate->count > 0 || !closed)
		return;
	gate->options.closed = NULL;
	closed(gate->options.owner);
}

void by__gate_drain(by__gate *gate, bool refuse)
{
	if (gate->draining)
		return;
	stop_listening(gate, refuse);
	gate->draining = true;
	gate->leaving = false;
	tell_streams(gate);
	for (by__link *at = gate->all.next, *next; at != &gate->all; at = next) {
		next = at->next;
		by__connection_drain(BY__LINKED(at, all));
	}
	if (gate->count == 0)
		by__gate_left(gate);
}

void by__gate_leave(by__gate *gate)
{
	if (gate->options.channel.give < 0) {
		by__gate_drain(gate, false);
		return;
	}
	if (gate->draining || gate->leaving)
		return;
	stop_listening(gate, false);
	gate->leaving = true;
	tell_streams(gate);
	by__handover_all(gate);
	by__gate_timed(gate);
	if (gate->count == 0)
		by__gate_left(gate);
}

void by__gate_running(by__gate *gate, bool (*each)(void *owner, by_ctx *ctx, uint64_t begun, bool *told), void *owner)
{
	for (by__link *at = gate->active.next, *next; at != &gate->active; at = next) {
		by__connection *c = BY__LINKED(at, turn);

		next = at->next;
		if (!each(owner, c->ctx, c->exchange.begun, &c->told))
			return;
	}
}

unsigned by__gate_cancel(by__gate *gate)
{
	unsigned cancelled = 0;

	/* None of those that wait begins in the place of one that ends. */
	gate->admitting = true;
	for (by__link *at = gate->all.next, *next; at != &gate->all; at = next) {
		by__connection *c = BY__LINKED(at, all);

		next = at->next;
		if (c->phase == BY__CONNECTION_WAITING) {
			by__connection_close(c);
		} else if (c->phase == BY__CONNECTION_RUNNING && !c->cancelled) {
			c->cancelled = true;
			c->exchange.refusal = BY__REFUSE_STOPPING;
			cancelled++;
			by__ctx_cancel(c->ctx);
		} else if (c->phase == BY__CONNECTION_QUEUED) {
			cancelled++;
			by__admission_withdraw(c);
			by__connection_begin(c, by_clock(), BY__REFUSE_STOPPING);
		}
	}
	return cancelled;
}

unsigned by__gate_count(const by__gate *gate)
{
	return gate->count;
}

void by__gate_close(by__gate *gate)
{
	by__gate_drain(gate, false);
	by__deadline_disarm(&gate->go_on);
	uv_close((uv_handle_t *)&gate->edges, NULL);
	uv_close((uv_handle_t *)&gate->tick, NULL);
	close(gate->edge_fd);
	while (gate->arena_count > 0)
		by_arena_free(&gate->arenas[--gate->arena_count]);
}
