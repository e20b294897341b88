/*
 * The chain: the policies of an operation, compiled at start-up into one array
 * of interceptors. Each runs around all that follow it. A new policy is a file
 * of its own and a row in chain.c; nothing else changes.
 */
#ifndef BY_INTERFACE_CHAIN_H
#define BY_INTERFACE_CHAIN_H

#include <banyan/buf.h>

#include "interface/endpoint.h"
#include "interface/request.h"
#include "interface/server.h"

typedef struct by__chain by__chain;

/* One request on its way through the chain. */
typedef struct by__call {
	by_ctx             *ctx;
	by_request         *request;
	const by__endpoint *endpoint;
	void               *in;  /* of the operation's input model; NULL before decode, and without one */
	void               *out; /* of its output model; NULL without one */
	const by__chain    *chain;
	unsigned char      *states; /* private */
	unsigned            at;     /* private */
} by__call;

/* What start-up knows when it decides whether an interceptor belongs into an endpoint's chain. */
typedef struct by__setup {
	by_arena                *arena;
	const by__endpoint      *endpoint;
	const by__server_options *options;
	by_buf                  *mistakes; /* lines "file:line: what; remedy" */
} by__setup;

typedef struct by__interceptor {
	const char *name;
	size_t      config_size;
	size_t      state_size;
	/* Fills the configuration (zeroed) from the endpoint's row; false: not for this endpoint. */
	bool      (*configure)(const by__setup *setup, void *config);
	/* Runs what follows with by__next, as often as it likes; `state` is zeroed for each request. */
	by_error *(*around)(by__call *call, const void *config, void *state);
} by__interceptor;

/* For interceptors without configuration or state. */
typedef struct by__nothing { char unused; } by__nothing;

#define BY__SIZE_OF(T) _Generic((T *)0, by__nothing *: 0, default: sizeof(T))

/*
 * Defines by__NAME from
 *	static bool NAME_configure(const by__setup *, Config *);
 *	static by_error *NAME_around(by__call *, const Config *, State *);
 */
#define BY__INTERCEPTOR(NAME, Config, State) \
	static bool NAME##_configure_any(const by__setup *setup, void *config) \
	{ \
		Config *typed = config; \
		return NAME##_configure(setup, typed); \
	} \
	static by_error *NAME##_around_any(by__call *call, const void *config, void *state) \
	{ \
		const Config *typed_config = config; \
		State        *typed_state = state; \
		return NAME##_around(call, typed_config, typed_state); \
	} \
	const by__interceptor by__##NAME = { #NAME, BY__SIZE_OF(Config), BY__SIZE_OF(State), NAME##_configure_any, \
		NAME##_around_any }

extern const by__interceptor by__observe, by__problem, by__deadline, by__body, by__access, by__decode, by__encode,
    by__transaction, by__operate;

/* Compiles the endpoint's chain from the interceptors that want to be in it. */
const by__chain *by__chain_new(const by__setup *setup);
/* The same from a list of one's own: tests. */
const by__chain *by__chain_of(const by__setup *setup, const by__interceptor *const *order, size_t count);
/* Runs the whole chain for a call whose ctx, request and endpoint are set. Parks. */
BY_MUST_CHECK by_error *by__chain_run(const by__chain *chain, by__call *call);
/* Runs what follows. Parks. */
BY_MUST_CHECK by_error *by__next(by__call *call);

size_t by__chain_length(const by__chain *chain);
const char *by__chain_name(const by__chain *chain, size_t index);

#endif
