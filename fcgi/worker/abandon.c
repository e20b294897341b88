/*
 * The last answers of a worker whose loop is stalled, written by a signal
 * handler: whatever has come in whole and was not begun to be answered gets a
 * 504. It takes no lock, allocates nothing, and changes nothing that the
 * interrupted loop has in its hands.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "fcgi/worker/connection.h"
#include "fcgi/worker/line.h"
#include "fcgi/protocol.h"
#include "interface/request.h"

enum { PATH_SHOWN = 1024, END_BODY = 8, DRAINS = 16 };

static by__line answer;

static by_text without_query(by_text target)
{
	const char *query = target.ptr ? memchr(target.ptr, '?', target.len) : NULL;
	size_t len = query ? (size_t)(query - target.ptr) : target.len;

	return (by_text){ target.ptr, len < PATH_SHOWN ? len : PATH_SHOWN };
}

static void write_answer(by_text path, const char *request_id)
{
	answer.len = 0;
	by__line_put(&answer,
	    "Status: 504 Gateway Timeout\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\n"
	    "\r\n"
	    "{\"type\":\"/problems/deadline-exceeded\",\"title\":\"Deadline Exceeded\",\"status\":504,"
	    "\"detail\":\"The service was stalled and gave this request up.\"");
	by__line_member_text(&answer, "instance", without_query(path));
	by__line_member(&answer, "request_id", request_id);
	by__line_put(&answer, "}");
}

static void record(uint8_t header[BY__FCGI_HEADER], uint8_t type, uint16_t id, size_t content)
{
	memset(header, 0, BY__FCGI_HEADER);
	header[0] = BY__FCGI_VERSION;
	header[1] = type;
	header[2] = (uint8_t)(id >> 8);
	header[3] = (uint8_t)id;
	header[4] = (uint8_t)(content >> 8);
	header[5] = (uint8_t)content;
}

/* One STDOUT record, its end, and END_REQUEST. */
static bool send_answer(int fd, uint16_t id)
{
	uint8_t first[BY__FCGI_HEADER], last[2 * BY__FCGI_HEADER + END_BODY] = { 0 };
	struct iovec parts[] = { { first, sizeof(first) }, { answer.text, answer.len }, { last, sizeof(last) } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = BY_COUNT(parts) };

	record(first, BY__FCGI_STDOUT, id, answer.len);
	record(last, BY__FCGI_STDOUT, id, 0);
	record(last + BY__FCGI_HEADER, BY__FCGI_END, id, END_BODY);
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)(sizeof(first) + answer.len + sizeof(last));
}

/* What the process leaves unread at its end would have the kernel reset the connection, and the answer might be lost. */
static void take_unread(const by__connection *c)
{
	for (int i = 0; i < DRAINS && recv(c->fd, c->gate->peek, BY__HEAD_BYTES, MSG_DONTWAIT) > 0; i++)
		;
}

static bool abandon_running(const by__connection *c)
{
	const by_ctx *ctx = c->ctx;
	by_text path = { NULL, 0 };

	if (c->answered || c->exchange.gone || !ctx)
		return false;
	if (ctx->request)
		path = ctx->request->path;
	write_answer(path, ctx->request_id);
	return send_answer(c->fd, (uint16_t)c->request.requestId);
}

static bool abandon_unread(const by__connection *c)
{
	ssize_t n = by__connection_peek(c, BY__HEAD_BYTES);
	by__head head = by__guard_head(c->gate->peek, n > 0 ? (size_t)n : 0);
	by_text target = { "", 0 };

	if (n <= 0 || head.verdict != BY__GUARD_COMPLETE)
		return false;
	(void)by__guard_variable(c->gate->peek, head.length, "REQUEST_URI", &target);
	write_answer(target, NULL);
	return send_answer(c->fd, head.id);
}

static bool abandon(const by__connection *c)
{
	bool answered = false;

	if (c->fd < 0)
		return false;
	if (c->phase == BY__CONNECTION_RUNNING)
		answered = abandon_running(c);
	else if (c->phase == BY__CONNECTION_WAITING || c->phase == BY__CONNECTION_QUEUED)
		answered = abandon_unread(c);
	if (answered)
		take_unread(c);
	return answered;
}

unsigned by__gate_abandon(by__gate *gate)
{
	unsigned answered = 0;

	for (const by__connection *c = gate->made; c; c = c->made)
		answered += abandon(c);
	return answered;
}
