/*
 * Server-sent events (WHATWG HTML, section 9.2): an answer that goes on, one
 * event after the other, which EventSource reads in every browser.
 *
 *	static by_error *watch(by_ctx *ctx, const watch_in *in)
 *	{
 *		BY_TRY(by_events_begin(ctx, NULL));
 *		for (;;) {
 *			BY_TRY(by_events_send(ctx, &(by_event){ .name = "tick", .data = "now" }));
 *			BY_TRY(by_events_sleep(ctx, BY_SECONDS(1)));
 *		}
 *	}
 *	BY_OPERATION_IN(watch, watch_in);
 *
 * A stream ends well when its operation returns, when .timeout_ms of its row
 * has passed, and when the worker stops or reloads: the functions below then
 * return DEADLINE_EXCEEDED or STOPPING, the operation passes that on, and the
 * client is told by a last `retry:` line when to come again. It comes with the
 * id of the last event it got. Where that happens in the middle of an event that
 * a slow client has not taken, the stream is broken off instead. To end a stream for good, answer that request
 * with 204.
 *
 * For the request's own coroutine. What is made for one event stays until the
 * stream ends: by_ctx_turn is for loops that make much.
 */
#ifndef BANYAN_EVENTS_H
#define BANYAN_EVENTS_H

#include <banyan/ctx.h>
#include <banyan/model.h>
#include <banyan/task.h>

BY_BEGIN

typedef struct by_event {
	const char     *id;     /* what the client names when it comes again; NULL: none. One line */
	const char     *name;   /* which listeners hear it; NULL: those of "message". One line */
	const char     *data;   /* of any number of lines; NULL: no data, and browsers then tell nobody */
	const by_model *model;  /* with `object`, in place of data: the object as JSON */
	const void     *object;
	by_duration     retry;  /* how long the client waits before it comes again from now on; 0: not said */
} by_event;

typedef struct by_events_options {
	by_duration heartbeat; /* how long a stream may be silent before a comment is sent; 0: 15 s */
	by_duration retry;     /* how soon a client comes again at the earliest after a proper end, and twice that at the latest; 0: 1 s */
} by_events_options;

/*
 * Begins the answer: 200, text/event-stream, not to be stored, not to be held
 * back by the web server. The headers leave at once. NULL options: zero. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_events_begin(by_ctx *ctx, const by_events_options *options);
/*
 * Sends one event, at once. Parks while the client is slow. CANCELLED when it
 * has gone, INTERNAL when id or name hold a line end.
 */
BY_API BY_MUST_CHECK by_error *by_events_send(by_ctx *ctx, const by_event *event);
/*
 * As by_sleep, with heartbeats, which keep proxies from closing the silent
 * connection and find out that a client has gone. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_events_sleep(by_ctx *ctx, by_duration span);
/* As by_wait_for, with heartbeats. Parks. */
BY_API BY_MUST_CHECK by_error *by_events_wait(by_ctx *ctx, by_wait *wait);
/* The id of the last event that this client got on an earlier connection; ptr NULL when it is new. */
BY_API by_text by_events_last_id(const by_ctx *ctx);

BY_END

#endif
