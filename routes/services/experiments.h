/* What can be done with experiments, and the rules of the laboratory. */
#ifndef LAB_SERVICES_EXPERIMENTS_H
#define LAB_SERVICES_EXPERIMENTS_H

#include <banyan/service.h>

#include "routes/schemas/experiment.h"

BY_DECLARE_SERVICE(experiments_service);

/*
 * Publishes a recorded experiment in the name of `by`: sets the time and
 * freezes its status. CONFLICT when it has too few frames, no accession number
 * where one is needed, or is published already. Parks.
 */
BY_MUST_CHECK by_error *experiment_publish(by_ctx *ctx, by_ulid id, const char *by, experiment_view *view);

/* One as clients see it. NOT_FOUND. Parks. */
BY_MUST_CHECK by_error *experiment_show(by_ctx *ctx, by_ulid id, experiment_view *view);

/* What its datasets come to. NOT_FOUND without the experiment. Parks. */
BY_MUST_CHECK by_error *experiment_summarise(by_ctx *ctx, by_ulid id, experiment_summary *summary);

#endif
