/* The policy of .timeout_ms: bounds every wait of the request. */
#include "interface/chain.h"

typedef struct deadline_config {
	by_duration span;
} deadline_config;

static bool deadline_configure(const by__setup *setup, deadline_config *config)
{
	uint32_t own = setup->endpoint->route ? setup->endpoint->route->timeout_ms : 0;

	config->span = own ? (by_duration){ (int64_t)own * 1000 } : setup->options->request_timeout;
	return config->span.us > 0;
}

static by_error *deadline_around(by__call *call, const deadline_config *config, by__nothing *state)
{
	(void)state;
	by_ctx_limit(call->ctx, config->span);
	return by__next(call);
}

BY__INTERCEPTOR(deadline, deadline_config, by__nothing);
