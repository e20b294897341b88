/* The innermost link: calls the operation with its input and a zeroed output. */
#include <string.h>

#include "interface/chain.h"

typedef struct operate_state {
	bool ran;
} operate_state;

static bool operate_configure(const by__setup *setup, by__nothing *config)
{
	(void)setup;
	(void)config;
	return true;
}

/* A policy may run it more than once: then what the time before has set is dropped. */
static by_error *begin(by__call *call, operate_state *state)
{
	if (state->ran && call->request->response.started)
		return by_error_internal(call->ctx->arena, by_fail(call->ctx, INTERNAL, NULL),
		    "the operation cannot be run again, because its answer is under way");
	if (state->ran)
		by__response_reset(call->ctx);
	else
		by__response_mark(call->ctx);
	state->ran = true;
	if (call->out != NULL)
		memset(call->out, 0, call->endpoint->operation->out->size);
	return BY_OK;
}

static by_error *operate_around(by__call *call, const by__nothing *config, operate_state *state)
{
	const by_operation *operation = call->endpoint->operation;

	(void)config;
	BY_TRY(begin(call, state));
	return operation->call(operation, call->ctx, call->in, call->out);
}

BY__INTERCEPTOR(operate, by__nothing, operate_state);
