/* The one order of policies, and the walk through a compiled chain. */
#include <string.h>

#include <banyan/assert.h>

#include "interface/chain.h"

/*
 * From the outside in. The order of body, access and decode is the documented
 * precedence of statuses: 413, 415, 401, 403, 400, 422. The answer is encoded
 * after the transaction has been committed.
 */
static const by__interceptor *const policies[] = {
	&by__observe,     /* request id, trace, access log, metrics; sends the answer */
	&by__problem,     /* turns errors into problem documents */
	&by__deadline,
	&by__body,        /* declared length and media type */
	&by__access,
	&by__decode,      /* reads and checks the input */
	&by__encode,      /* writes the output */
	&by__transaction,
	&by__operate,     /* calls the operation itself */
};

typedef struct chain_link {
	const by__interceptor *interceptor;
	const void            *config;
	size_t                 state; /* offset in the states of a call */
} chain_link;

struct by__chain {
	size_t     states;
	size_t     count;
	chain_link links[];
};

static size_t aligned(size_t size)
{
	return (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

const by__chain *by__chain_of(const by__setup *setup, const by__interceptor *const *order, size_t count)
{
	by__chain *chain = by_alloc(setup->arena, sizeof(*chain) + count * sizeof(chain_link));

	for (size_t i = 0; i < count; i++) {
		const by__interceptor *interceptor = order[i];
		void                  *config = interceptor->config_size ? by_alloc(setup->arena, interceptor->config_size) : NULL;

		if (!interceptor->configure(setup, config))
			continue;
		chain->links[chain->count++] = (chain_link){ interceptor, config, chain->states };
		chain->states += aligned(interceptor->state_size);
	}
	return chain;
}

const by__chain *by__chain_new(const by__setup *setup)
{
	return by__chain_of(setup, policies, BY_COUNT(policies));
}

by_error *by__next(by__call *call)
{
	const by__chain *chain = call->chain;
	unsigned         at = call->at;

	BY_INVARIANT(at < chain->count);
	const chain_link *link = &chain->links[at];

	call->at = at + 1;
	by_error *error = link->interceptor->around(call, link->config, call->states + link->state);

	call->at = at;
	return error;
}

by_error *by__chain_run(const by__chain *chain, by__call *call)
{
	call->chain = chain;
	call->at = 0;
	call->states = chain->states > 0 ? by_alloc(call->ctx->arena, chain->states) : NULL;
	return by__next(call);
}

size_t by__chain_length(const by__chain *chain)
{
	return chain->count;
}

const char *by__chain_name(const by__chain *chain, size_t index)
{
	BY_REQUIRE(index < chain->count);
	return chain->links[index].interceptor->name;
}
