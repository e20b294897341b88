/*
 * Reading a request's body and writing its answer through libfcgi, in the
 * request's coroutine, without a call that could block: before each read the
 * records that wait are walked, before each write the socket is asked.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/runtime.h"
#include "fcgi/worker/connection.h"
#include "fcgi/protocol.h"

/* How long the rest of a body that nobody wants is taken, so that the web server gets to read the answer. */
#define LINGER BY_SECONDS(10)
/* How long the rest of such a body may be silent before the answer ends without it. */
#define PATIENCE BY_MILLISECONDS(250)

static by__connection *of(by__exchange *exchange)
{
	return BY_CHECKED(BY__LINKED(exchange, exchange), by__connection, BY__CONNECTION_MAGIC);
}

static by_error *gone(by_ctx *ctx)
{
	return by_fail(ctx, CANCELLED, "The client has gone.");
}

/*
 * Parks until the descriptor is ready or `span` has passed (c->late). The end
 * of an answer is seen through even when the context is over.
 */
static by_error *await(by__connection *c, by_ctx *ctx, bool *wants, by_duration span, bool always)
{
	by_error *error = BY_OK;

	*wants = true;
	c->late = false;
	by_wait_init(&c->wait);
	by__connection_limit(c, span);
	by__connection_poll(c);
	if (always)
		by_wait_always(ctx, &c->wait);
	else
		error = by_wait_for(ctx, &c->wait);
	*wants = false;
	by__connection_limit(c, (by_duration){ 0 });
	return error;
}

/* ---- the body ------------------------------------------------------------------ */

typedef enum body_state { BODY_WAITING, BODY_READY, BODY_OVER, BODY_WRONG } body_state;

/* Whether libfcgi can be asked for more. */
static body_state body_look(by__connection *c)
{
	by__body body;

	if (c->request.in->isClosed)
		return FCGX_GetError(c->request.in) ? BODY_WRONG : BODY_OVER;
	by__fcgx_walk(&c->request, &body);
	if (!by__body_ready(&body) && !body.aborted && !body.refused) {
		/* Within a record one byte is enough; a header must be there whole. */
		ssize_t n = by__connection_peek(c, body.content > 0 ? 1 : BY__FCGX_BUFFER);

		if (n == 0)
			return BODY_WRONG;
		if (n < 0)
			return BODY_WAITING;
		by__guard_body(&body, c->gate->peek, (size_t)n);
		if (!by__body_ready(&body))
			by__connection_watch(c);
	}
	if (body.aborted || body.refused || (body.early && !body.ended))
		return BODY_WRONG;
	return by__body_ready(&body) ? BODY_READY : BODY_WAITING;
}

static by_error *body_read(by__connection *c, by_ctx *ctx, char *data, size_t capacity, size_t *got,
    by_duration silence, bool always)
{
	for (;;) {
		if (c->exchange.gone)
			return gone(ctx);
		switch (body_look(c)) {
		case BODY_OVER:
			*got = 0;
			return BY_OK;
		case BODY_WRONG:
			by__connection_gone(c);
			return gone(ctx);
		case BODY_READY:
			*got = by__fcgx_read(&c->request, data, capacity);
			if (*got > 0 || !FCGX_GetError(c->request.in))
				return BY_OK;
			by__connection_gone(c);
			return gone(ctx);
		case BODY_WAITING:
			BY_TRY(await(c, ctx, &c->wants_read, silence, always));
		}
		if (c->late) {
			c->silent = true;
			return by_fail(ctx, REQUEST_TIMEOUT, "The body did not arrive in time.");
		}
	}
}

static by_error *exchange_read(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got)
{
	by__connection *c = of(exchange);
	by_duration silence = exchange->body_timeout.us > 0 ? exchange->body_timeout : c->gate->options.body_timeout;

	return body_read(c, ctx, data, capacity, got, silence, false);
}

/* ---- the answer ------------------------------------------------------------------ */

/* Parks until the socket takes `len` bytes: a full buffer of libfcgi's and what it adds at the end. */
static by_error *await_room(by__connection *c, by_ctx *ctx, size_t len, bool always)
{
	while (c->credit < len) {
		struct pollfd ask = { .fd = c->fd, .events = POLLOUT };

		if (!c->exchange.gone && poll(&ask, 1, 0) == 1) {
			if (!(ask.revents & (POLLERR | POLLHUP))) {
				c->credit = c->gate->credit;
				break;
			}
			by__connection_gone(c);
		}
		if (c->exchange.gone)
			return gone(ctx);
		BY_TRY(await(c, ctx, &c->wants_write, c->gate->options.write_timeout, always));
		by__connection_poll(c);
		if (c->late) {
			by__connection_gone(c);
			return gone(ctx);
		}
	}
	c->credit -= len;
	return BY_OK;
}

static by_error *put(by__connection *c, by_ctx *ctx, const char *data, size_t len)
{
	int taken = FCGX_PutStr(data, (int)len, c->request.out);

	if (taken == (int)len)
		return BY_OK;
	by__connection_gone(c);
	return gone(ctx);
}

static by_error *exchange_write(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len)
{
	by__connection *c = of(exchange);

	if (c->exchange.gone)
		return gone(ctx);
	c->answered = c->answered || len > 0;
	while (len > 0) {
		size_t room = by__fcgx_room(&c->request);

		if (room == 0) {
			BY_TRY(await_room(c, ctx, BY__FCGX_BUFFER, false));
			room = BY__FCGX_BUFFER / 2;
		}
		size_t now = len < room ? len : room;

		BY_TRY(put(c, ctx, data, now));
		data += now;
		len -= now;
	}
	return BY_OK;
}

static by_error *exchange_flush(by__exchange *exchange, by_ctx *ctx)
{
	by__connection *c = of(exchange);

	if (c->exchange.gone)
		return gone(ctx);
	BY_TRY(await_room(c, ctx, BY__FCGX_BUFFER, false));
	if (FCGX_FFlush(c->request.out) == 0)
		return BY_OK;
	by__connection_gone(c);
	return gone(ctx);
}

static void exchange_stream(by__exchange *exchange)
{
	by__admission_frees(of(exchange));
}

const by__exchange_driver by__fastcgi_exchange = { exchange_read, exchange_write, exchange_flush, exchange_stream };

/* ---- the end ------------------------------------------------------------------------ */

/* The answer where none can be made: without memory for a coroutine, or when a cancelled request was left without one. */
static void answer_unavailable(by__connection *c)
{
	static const char answer[] =
	    "Status: 503 Service Unavailable\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\n"
	    "Retry-After: 1\r\n"
	    "\r\n"
	    "{\"type\":\"/problems/unavailable\",\"title\":\"Service Unavailable\",\"status\":503,"
	    "\"detail\":\"The service is not available for the moment.\"}";

	c->answered = true;
	BY_IGNORE(put(c, c->ctx, answer, sizeof(answer) - 1), "a web server that has gone needs no answer");
}

/* What has been written so far leaves, whatever the context says. */
static by_error *flush_always(by__connection *c, by_ctx *ctx)
{
	BY_TRY(await_room(c, ctx, BY__FCGX_BUFFER, true));
	if (FCGX_FFlush(c->request.out) == 0)
		return BY_OK;
	by__connection_gone(c);
	return gone(ctx);
}

/* Takes what is left of the body. False: not all of it came, or something stands behind it. */
static bool take_rest(by__connection *c, by_ctx *ctx, by_duration silence)
{
	uint64_t until = by_clock() + (uint64_t)LINGER.us * 1000;
	char rest[1024];
	size_t got = 1;
	by__body body;

	for (;;) {
		by__fcgx_walk(&c->request, &body);
		if (body.ended || c->exchange.gone || body.early || body.aborted || body.refused)
			break;
		if (c->silent || by_clock() > until || body_read(c, ctx, rest, sizeof(rest), &got, silence, true) != BY_OK)
			return false;
	}
	/* Padding or a record behind the end: it would stand before the next request. */
	return !FCGX_GetError(c->request.in) && body.ended && body.padding == 0 && body.have == 0 && !body.early
	    && !body.aborted && !body.refused;
}

static bool body_ended(const by__connection *c)
{
	by__body body;

	by__fcgx_walk(&c->request, &body);
	return body.ended;
}

/*
 * The end of the answer is sent when the body has been taken: behind it the
 * web server may write its next request on this connection at once, and
 * closing it then would lose that one. A web server that sends the body only
 * after the answer gets its answer's end first, and then no further request.
 */
static void finish(by__connection *c, by_ctx *ctx)
{
	bool early;

	if (c->cancelled && !c->answered && !c->exchange.gone)
		answer_unavailable(c);
	early = !body_ended(c);
	if (early && !c->exchange.gone)
		BY_IGNORE(flush_always(c, ctx), "a connection that has gone says so below");
	c->keep = !c->exchange.gone && take_rest(c, ctx, PATIENCE) && c->keep;
	if (c->exchange.gone || await_room(c, ctx, BY__FCGX_BUFFER, true) != BY_OK || !by__fcgx_end(&c->request)) {
		c->keep = false;
		return;
	}
	if (early && !c->keep) {
		c->silent = false;
		(void)take_rest(c, ctx, c->gate->options.body_timeout);
	}
}

/*
 * Has the web server tell its client that the answer is not whole. Without
 * END_REQUEST alone nginx takes an answer of no declared length for complete;
 * a record of no version it cannot.
 */
static void break_off(by__connection *c)
{
	static const char nonsense[BY__FCGI_HEADER];

	(void)!send(c->fd, nonsense, sizeof(nonsense), MSG_DONTWAIT | MSG_NOSIGNAL);
	by__connection_gone(c);
}

void by__connection_serve(by_ctx *ctx, void *argument)
{
	by__connection *c = BY_CHECKED(argument, by__connection, BY__CONNECTION_MAGIC);
	by__gate *gate = c->gate;

	if (!gate->options.serve(gate->options.server, ctx, &c->exchange))
		c->keep = false;
	if (c->exchange.broken_off && !c->exchange.gone)
		break_off(c);
	finish(c, ctx);
}

void by__connection_reject(by__connection *c)
{
	answer_unavailable(c);
	/* Nothing was written to this connection since the web server took all of the last answer. */
	BY_IGNORE(by__fcgx_end(&c->request) ? BY_OK : gone(c->ctx), "the connection is closed either way");
	c->keep = false;
}
