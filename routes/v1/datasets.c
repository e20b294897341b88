/* Datasets, version 1: on their own, and below the experiment that they came out of. */
#include "routes/dependencies/roles.h"
#include "routes/services/datasets.h"
#include "routes/v1/routes.h"

static const by_route rows[] = {
	BY_CRUD("/datasets", datasets_service, .access = BY_ROLE(LAB_EDITOR), .public_read = true),
	BY_CRUD("/experiments/{experiment_id}/datasets", datasets_service, .access = BY_ROLE(LAB_EDITOR),
	    .public_read = true, .parent = "experiment_id",
	    .without = BY_CRUD_GET | BY_CRUD_REPLACE | BY_CRUD_PATCH | BY_CRUD_DELETE),
};
BY_ROUTES(datasets_v1, "Datasets", rows);
