/* The innermost link: calls the operation with its input and a zeroed output. */
#include <string.h>

#include "interface/chain.h"

static bool operate_configure(const by__setup *setup, by__nothing *config)
{
	(void)setup;
	(void)config;
	return true;
}

static by_error *operate_around(by__call *call, const by__nothing *config, by__nothing *state)
{
	const by_operation *operation = call->endpoint->operation;

	(void)config;
	(void)state;
	by__response_mark(call->ctx);
	if (call->out != NULL)
		memset(call->out, 0, operation->out->size); /* a policy may run this more than once */
	return operation->call(operation, call->ctx, call->in, call->out);
}

BY__INTERCEPTOR(operate, by__nothing, by__nothing);
