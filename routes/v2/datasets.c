/* Datasets, version 2: pages by cursor, answers in an envelope. */
#include "routes/dependencies/roles.h"
#include "routes/services/datasets.h"
#include "routes/v2/routes.h"

static const by_route rows[] = {
	BY_CRUD("/datasets", datasets_service, .access = BY_ROLE(LAB_EDITOR), .public_read = true,
	    .paging = BY_PAGING_CURSOR, .envelope = BY_ENVELOPE_DATA),
	BY_CRUD("/experiments/{experiment_id}/datasets", datasets_service, .access = BY_ROLE(LAB_EDITOR),
	    .public_read = true, .paging = BY_PAGING_CURSOR, .envelope = BY_ENVELOPE_DATA, .parent = "experiment_id",
	    .without = BY_CRUD_GET | BY_CRUD_REPLACE | BY_CRUD_PATCH | BY_CRUD_DELETE),
};
BY_ROUTES(datasets_v2, "Datasets", rows);
