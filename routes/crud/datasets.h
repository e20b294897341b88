/* The repository of datasets, and what is asked about those of one experiment. */
#ifndef LAB_CRUD_DATASETS_H
#define LAB_CRUD_DATASETS_H

#include <banyan/store.h>

#include "routes/models/dataset.h"

BY_REPOSITORY(datasets, dataset);

/* How many datasets an experiment has. Parks. */
BY_MUST_CHECK by_error *datasets_count_of(by_ctx *ctx, by_ulid experiment_id, int64_t *count);

typedef struct dataset_totals {
	int64_t count;
	int64_t bytes;
	int64_t frames;
} dataset_totals;

/* Their number, size and frames, in one statement. Parks. */
BY_MUST_CHECK by_error *datasets_totals(by_ctx *ctx, by_ulid experiment_id, dataset_totals *totals);

#endif
