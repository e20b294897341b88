/*
 * The one place that knows libfcgi's habits: it accepts when a connection has
 * failed, closes with a wait of up to two seconds, installs signal handlers,
 * and hides how much it has read ahead.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <banyan/assert.h>

#include "fcgi/worker/library.h"
#include "fcgi/protocol.h"

/* The beginning of what FCGX_Stream's `data` points to, the same in every release from 2.2 to 2.4.7. */
typedef struct stream_state {
	unsigned char *buffer;
	int            size;
	unsigned char *memory;
	unsigned char *stop; /* reader: behind the last byte that was read from the socket */
	int            type;
	int            at_record_end;
	int            skip;
	int            content; /* reader: bytes of the current record not yet delivered */
	int            padding;
} stream_state;

static const stream_state *state_of(const FCGX_Stream *stream)
{
	return (const stream_state *)stream->data;
}

/* A request of whose body 5 of 6 bytes are there; one more and 3 of padding are still to come. */
static const uint8_t trial[] = {
	1, BY__FCGI_BEGIN, 0, 1, 0, 8, 0, 0, 0, BY__FCGI_RESPONDER, BY__FCGI_KEEP, 0, 0, 0, 0, 0,
	1, BY__FCGI_PARAMS, 0, 1, 0, 4, 0, 0, 1, 1, 'A', 'b',
	1, BY__FCGI_PARAMS, 0, 1, 0, 0, 0, 0,
	1, BY__FCGI_STDIN, 0, 1, 0, 6, 3, 0, 'b', 'a', 'n', 'y', 'a',
};

static bool trial_holds(FCGX_Request *request)
{
	enum { DELIVERED = 2, BODY = 5, RECORD = 6, PADDING = 3 };
	char text[DELIVERED];
	const stream_state *state = state_of(request->in);
	size_t ahead = BY__FCGI_HEADER + BODY;

	if (state->stop - request->in->rdNext != (ptrdiff_t)ahead || state->content != 0 || state->padding != 0)
		return false;
	if (state->size < BY__FCGX_BUFFER - 8 || state->size > BY__FCGX_BUFFER
	    || (size_t)(state->stop - state->buffer) != sizeof(trial))
		return false;
	if (by__fcgx_read(request, text, sizeof(text)) != DELIVERED || memcmp(text, "ba", DELIVERED) != 0)
		return false;
	return state->stop - request->in->rdNext == BODY - DELIVERED && state->content == RECORD - BODY
	    && state->padding == PADDING && by__fcgx_waiting(request) == BODY - DELIVERED;
}

static bool trial_run(void)
{
	int pair[2];
	bool holds = false;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	if (write(pair[0], trial, sizeof(trial)) == (ssize_t)sizeof(trial)) {
		FCGX_Request request;

		if (!by__fcgx_accept(&request, pair[1])) {
			close(pair[0]);
			return false;
		}
		holds = trial_holds(&request);
		by__fcgx_free(&request);
	}
	close(pair[0]);
	close(pair[1]);
	return holds;
}

by_error *by__fcgx_open(by_arena *arena)
{
	/* Should libfcgi ever close or accept after all, it shall not wait. */
	(void)setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1);
	(void)setenv("LIBFCGI_IS_AF_UNIX_KEEPER_POLL_TIMEOUT", "0", 1);
	int code = FCGX_Init();

	if (code != 0)
		return by_error_internal(arena, by_error_new(arena, UNAVAILABLE, "libfcgi cannot be used."),
		    "FCGX_Init returned %d", code);
	if (!trial_run())
		return by_error_new(arena, UNAVAILABLE,
		    "This libfcgi keeps its buffers in another way than releases 2.2 to 2.4.7 do; it cannot be used safely.");
	return BY_OK;
}

bool by__fcgx_accept(FCGX_Request *request, int fd)
{
	/* No listening socket: when the head is refused, its own accept fails at once. */
	FCGX_InitRequest(request, -1, 0);
	request->ipcFd = fd;
	request->keepConnection = 1;
	return FCGX_Accept_r(request) == 0;
}

size_t by__fcgx_waiting(const FCGX_Request *request)
{
	return (size_t)(request->in->stop - request->in->rdNext);
}

void by__fcgx_walk(const FCGX_Request *request, by__body *body)
{
	const FCGX_Stream *in = request->in;
	const stream_state *state = state_of(in);

	*body = (by__body){ .id = (uint16_t)request->requestId, .content = (uint32_t)state->content,
		.padding = (uint32_t)state->padding, .ended = in->isClosed };
	/* `content` no longer counts what is delivered and waits to be taken. */
	body->bytes = by__fcgx_waiting(request);
	by__guard_body(body, in->stop, (size_t)(state->stop - in->stop));
}

size_t by__fcgx_read(FCGX_Request *request, char *data, size_t capacity)
{
	FCGX_Stream *in = request->in;
	size_t got = 0;

	if (by__fcgx_waiting(request) == 0)
		got = (size_t)FCGX_GetStr(data, 1, in);
	size_t waiting = by__fcgx_waiting(request);
	size_t more = waiting < capacity - got ? waiting : capacity - got;

	if (more > 0)
		got += (size_t)FCGX_GetStr(data + got, (int)more, in);
	return got;
}

bool by__fcgx_end(FCGX_Request *request)
{
	bool sound = FCGX_FClose(request->err) == 0;

	return FCGX_FClose(request->out) == 0 && sound;
}

void by__fcgx_free(FCGX_Request *request)
{
	request->ipcFd = -1;
	FCGX_Free(request, 0);
}
