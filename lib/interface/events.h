/* The state of a stream of events, and how it ends. */
#ifndef BY_INTERFACE_EVENTS_H
#define BY_INTERFACE_EVENTS_H

#include <banyan/ctx.h>
#include <banyan/error.h>

typedef struct by__events {
	bool        open;
	bool        within; /* an event that is not all written */
	by_duration heartbeat;
	by_duration retry;
	uint64_t    sent; /* by_clock when something last was */
} by__events;

/*
 * Ends a stream whose operation returned this error, if that is a proper end:
 * told to stop, or out of time, between two events. False: the error is still
 * to be answered. Parks.
 */
bool by__events_end(by_ctx *ctx, const by_error *error);

#endif
