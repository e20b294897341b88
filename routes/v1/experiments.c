/* Experiments, version 1: pages by number, resources bare. */
#include "routes/dependencies/current_user.h"
#include "routes/dependencies/roles.h"
#include "routes/services/experiments.h"
#include "routes/v1/routes.h"

static by_error *publish_experiment(by_ctx *ctx, const experiment_key *in, experiment_view *out)
{
	return experiment_publish(ctx, in->id, current_user(ctx), out);
}
BY_OPERATION(publish_experiment, experiment_key, experiment_view);

static by_error *summarise_experiment(by_ctx *ctx, const experiment_key *in, experiment_summary *out)
{
	return experiment_summarise(ctx, in->id, out);
}
BY_OPERATION(summarise_experiment, experiment_key, experiment_summary);

static const by_route rows[] = {
	BY_CRUD("/experiments", experiments_service, .access = BY_ROLE(LAB_EDITOR), .public_read = true),
	BY_ROUTE(POST, "/experiments/{id}/publish", publish_experiment, .summary = "Publish an experiment",
	    .access = BY_ROLE(LAB_EDITOR), .transaction = BY_TX_SERIALIZABLE, .timeout_ms = 2000,
	    .errors = BY_ERRORS(NOT_FOUND, CONFLICT)),
	BY_ROUTE(GET, "/experiments/{id}/summary", summarise_experiment, .summary = "Add up an experiment's datasets",
	    .access = BY_PUBLIC, .errors = BY_ERRORS(NOT_FOUND)),
};
BY_ROUTES(experiments_v1, "Experiments", rows);
