/* Experiments, version 2: pages by cursor, answers in an envelope. */
#include "routes/dependencies/current_user.h"
#include "routes/dependencies/roles.h"
#include "routes/services/experiments.h"
#include "routes/v2/routes.h"

static by_error *publish_experiment(by_ctx *ctx, const experiment_key *in, experiment_data *out)
{
	return experiment_publish(ctx, in->id, current_user(ctx), &out->data);
}
BY_OPERATION(publish_experiment, experiment_key, experiment_data);

static const by_route rows[] = {
	BY_CRUD("/experiments", experiments_service, .access = BY_ROLE(LAB_EDITOR), .public_read = true,
	    .paging = BY_PAGING_CURSOR, .envelope = BY_ENVELOPE_DATA),
	BY_ROUTE(POST, "/experiments/{id}/publish", publish_experiment, .summary = "Publish an experiment",
	    .access = BY_ROLE(LAB_EDITOR), .transaction = BY_TX_SERIALIZABLE, .timeout_ms = 2000,
	    .errors = BY_ERRORS(NOT_FOUND, CONFLICT)),
};
BY_ROUTES(experiments_v2, "Experiments", rows);
