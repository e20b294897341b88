/*
 * All connections of one worker: it accepts them, parks the idle ones in the
 * loop, keeps every phase's deadline, and closes them when the worker stops.
 */
#ifndef BY_FCGI_GATE_H
#define BY_FCGI_GATE_H

#include <uv.h>

#include <banyan/ctx.h>
#include <banyan/provider.h>

#include "core/shared.h"
#include "fcgi/peer.h"
#include "interface/exchange.h"

typedef struct by__gate by__gate;

typedef struct by__gate_options {
	int          listener;   /* becomes the gate's */
	bool         shared;     /* other workers accept from it too */
	/* Serves one request; false: the connection is not to be used again. Parks. */
	bool       (*serve)(void *server, by_ctx *ctx, by__exchange *exchange);
	void        *server;
	by_providers *providers;
	by__slot    *slot;
	const by__peers *allowed; /* NULL: everyone who can connect */
	by_duration  head_timeout;
	by_duration  body_timeout;
	by_duration  write_timeout;
	void       (*closed)(void *owner); /* a gate that drains has no connection left */
	void        *owner;
} by__gate_options;

/* On the worker's loop. */
BY_MUST_CHECK by_error *by__gate_open(by_arena *arena, const by__gate_options *options, by__gate **gate);

/*
 * Accepts no more, closes idle connections and each other one after its
 * answer; `closed` is called when none is left, perhaps within the call. What
 * waits in the listener's queue is answered 503 when `refuse` is set, and is
 * left to other workers when not.
 */
void by__gate_drain(by__gate *gate, bool refuse);

/* Cancels every request that still runs: unless it has begun to answer, its answer is a 503. Returns how many. */
unsigned by__gate_cancel(by__gate *gate);

/* Takes the gate off the loop. No request may be running. */
void by__gate_close(by__gate *gate);

unsigned by__gate_count(const by__gate *gate);

#endif
