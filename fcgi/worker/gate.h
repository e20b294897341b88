/*
 * All connections of one worker: it takes them from the listener and from the
 * other workers of its pool, parks the idle ones in the loop, keeps every
 * phase's deadline, lets so many requests run at a time and so many wait, and
 * closes or hands on the connections when the worker ends.
 */
#ifndef BY_FCGI_WORKER_GATE_H
#define BY_FCGI_WORKER_GATE_H

#include <uv.h>

#include <banyan/ctx.h>
#include <banyan/provider.h>

#include "core/shared.h"
#include "fcgi/channel.h"
#include "fcgi/peer.h"
#include "interface/exchange.h"

typedef struct by__gate by__gate;

typedef struct by__gate_options {
	int          listener;   /* becomes the gate's */
	bool         shared;     /* other workers accept from it too */
	by__channel  channel;    /* stays the caller's */
	/* Serves one request; false: the connection is not to be used again. Parks. */
	bool       (*serve)(void *server, by_ctx *ctx, by__exchange *exchange);
	/* Whether a request with this target runs at once, however many do. */
	bool       (*urgent)(void *server, by_text target);
	void        *server;
	by_providers *providers;
	uint32_t     requests_max; /* that run at a time */
	uint32_t     queue_max;    /* that wait; further ones are refused */
	by_duration  queue_timeout;
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
 * Others take over: accepts no more, and hands every connection that carries
 * no running request to them, with what is unread; each other one after its
 * answer. `closed` as below. Without a channel the same as by__gate_drain.
 */
void by__gate_leave(by__gate *gate);

/*
 * Nobody takes over: accepts no more, closes idle connections and each other one after its
 * answer; `closed` is called when none is left, perhaps within the call. What
 * waits in the listener's queue is answered 503 when `refuse` is set, and is
 * left to other workers when not.
 */
void by__gate_drain(by__gate *gate, bool refuse);

/* Cancels every request that still runs: unless it has begun to answer, its answer is a 503. Returns how many. */
unsigned by__gate_cancel(by__gate *gate);

/* Of each running request, the oldest first: its context, and when it began (by_clock). While `each` returns true. */
void by__gate_running(by__gate *gate, bool (*each)(void *owner, by_ctx *ctx, uint64_t begun, bool *told), void *owner);

/*
 * In a signal handler, just before the process ends: answers 504 to every
 * request that has come in whole and has not begun to answer, wherever the
 * loop stands. Returns how many.
 */
unsigned by__gate_abandon(by__gate *gate);

/* Takes the gate off the loop. No request may be running. */
void by__gate_close(by__gate *gate);

unsigned by__gate_count(const by__gate *gate);

#endif
