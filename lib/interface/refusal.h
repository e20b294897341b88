/*
 * Requests that are not served because of the state of the service, and not of
 * what they ask for: each is a 503 with Retry-After, counted by its reason. And
 * how long requests had to wait before they ran, which is one of the reasons.
 */
#ifndef BY_INTERFACE_REFUSAL_H
#define BY_INTERFACE_REFUSAL_H

#include <banyan/ctx.h>

typedef enum by__refusal {
	BY__REFUSE_NOT,
	BY__REFUSE_QUEUE_FULL,    /* as many wait as may */
	BY__REFUSE_QUEUE_TIMEOUT, /* it has waited for too long */
	BY__REFUSE_POISONED,      /* its route has crashed workers again and again */
	BY__REFUSE_STOPPING,      /* the worker ends */
	BY__REFUSALS
} by__refusal;

/* Reserves the metrics; before workers are forked. */
void by__refusals_reserve(void);

/* Counts the refusal, and makes the error that answers it. `retry_after` in seconds; 0: the reason's own. */
by_error *by__refuse(by_ctx *ctx, by__refusal why, uint32_t retry_after);

/* Puts a wait, in nanoseconds, into the histogram. */
void by__waited_observe(uint64_t waited);

/*
 * How long ago a web server says that it received the request: seconds with a
 * fraction, milliseconds or microseconds since 1970, perhaps behind "t=", as
 * nginx ($msec), Apache (%t) and lighttpd can write it. Nanoseconds until
 * `now`, a wall clock; 0 when it is not such a time, lies ahead, or ten minutes
 * back or more.
 */
uint64_t by__waited_since(by_text start, by_time now);

#endif
