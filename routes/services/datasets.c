/* The rules of datasets. */
#include "routes/services/datasets.h"

#include "routes/crud/datasets.h"
#include "routes/crud/experiments.h"

/* A foreign key cannot see that an experiment is marked as deleted. */
static by_error *needs_experiment(by_ctx *ctx, dataset *row)
{
	experiment parent;
	bool       found = false;
	BY_TRY(experiments_find_maybe(ctx, row->experiment_id, &parent, &found));
	if (found)
		return BY_OK;
	by_faults *faults = by_faults_new(ctx->arena);
	by_fault_add(faults, BY_FAULT_BODY, "#/experiment_id", "reference", "names no experiment");
	return by_faults_error(faults);
}
BY_SERVICE_HOOK(needs_experiment, dataset);

BY_SERVICE(datasets_service, dataset, .create = &dataset_create_model, .update = &dataset_update_model,
    .view = &dataset_view_model, .before_create = needs_experiment_hook);
