/* Experiments, version 1: pages by number, resources bare. */
#include <inttypes.h>
#include <stdlib.h>

#include <banyan/events.h>

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

/* The version that the client saw last, on an earlier connection. */
static int64_t version_seen(by_ctx *ctx)
{
	const by_text id = by_events_last_id(ctx);
	return id.ptr ? strtoll(by_copy_text(ctx->arena, id), NULL, 10) : 0;
}

static by_error *send_experiment(by_ctx *ctx, const experiment_view *view)
{
	return by_events_send(ctx, &(by_event){ .id = by_format(ctx->arena, "%" PRId64, view->version), .name = "experiment",
	    .model = &experiment_view_model, .object = view });
}

/* The experiment as it is, and again after each change, until it is deleted. */
static by_error *watch_experiment(by_ctx *ctx, const experiment_key *in)
{
	experiment_view view;
	int64_t         seen = version_seen(ctx);
	BY_TRY(experiment_show(ctx, in->id, &view));
	BY_TRY(by_events_begin(ctx, NULL));
	for (by_ctx *turn = NULL;;) {
		turn = by_ctx_turn(ctx, turn);
		by_error *error = experiment_show(turn, in->id, &view);
		if (by_error_is(error, NOT_FOUND))
			return by_events_send(turn, &(by_event){ .name = "deleted", .data = "" });
		BY_TRY(error);
		if (view.version != seen)
			BY_TRY(send_experiment(turn, &view));
		seen = view.version;
		BY_TRY(by_events_sleep(ctx, BY_SECONDS(1)));
	}
}
BY_OPERATION_IN(watch_experiment, experiment_key);

static const by_route rows[] = {
	BY_CRUD("/experiments", experiments_service, .access = BY_ROLE(LAB_EDITOR), .public_read = true),
	BY_ROUTE(POST, "/experiments/{id}/publish", publish_experiment, .summary = "Publish an experiment",
	    .access = BY_ROLE(LAB_EDITOR), .transaction = BY_TX_SERIALIZABLE, .timeout_ms = 2000,
	    .errors = BY_ERRORS(NOT_FOUND, CONFLICT)),
	BY_ROUTE(GET, "/experiments/{id}/summary", summarise_experiment, .summary = "Add up an experiment's datasets",
	    .access = BY_PUBLIC, .errors = BY_ERRORS(NOT_FOUND)),
	BY_ROUTE(GET, "/experiments/{id}/events", watch_experiment, .summary = "Watch an experiment change",
	    .access = BY_PUBLIC, .produces = "text/event-stream", .timeout_ms = 600000, .errors = BY_ERRORS(NOT_FOUND)),
};
BY_ROUTES(experiments_v1, "Experiments", rows);
