/* The policy of .transaction: the operation's repository calls commit or roll back together. */
#include "interface/chain.h"

typedef struct transaction_config {
	by_isolation isolation;
} transaction_config;

static bool transaction_configure(const by__setup *setup, transaction_config *config)
{
	config->isolation = setup->endpoint->route ? setup->endpoint->route->transaction : BY_TX_NONE;
	return config->isolation != BY_TX_NONE;
}

static by_error *run_next(by_ctx *ctx, void *argument)
{
	by__call *call = argument;
	(void)ctx;
	return by__next(call);
}

static by_error *transaction_around(by__call *call, const transaction_config *config, by__nothing *state)
{
	(void)state;
	return by_transact(call->ctx, config->isolation, run_next, call);
}

BY__INTERCEPTOR(transaction, transaction_config, by__nothing);
