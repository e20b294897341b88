/* Sample data that looks like the work of a microscopy group. */
#ifndef LAB_SERVICES_SEED_H
#define LAB_SERVICES_SEED_H

#include <banyan/ctx.h>

/*
 * Enters 60 experiments and about 200 datasets, always the same; those that
 * are there already stay as they are. Parks.
 */
BY_MUST_CHECK by_error *seed_lab(by_ctx *ctx);

#endif
