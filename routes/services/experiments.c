/* The rules of experiments. */
#include "routes/services/experiments.h"

#include <inttypes.h>

#include <banyan/database.h>

#include "routes/core/settings.h"
#include "routes/crud/datasets.h"
#include "routes/crud/experiments.h"

/* Published is a state of its own: reached by publishing, and never left. */
static by_error *keep_published(by_ctx *ctx, const experiment *before, experiment *row)
{
	const bool was = before->status == stored_experiment_status_published;
	const bool is = row->status == stored_experiment_status_published;
	if (is && !was)
		return by_fail(ctx, CONFLICT, "The status published is reached by publishing the experiment.");
	if (was && !is)
		return by_fail(ctx, CONFLICT, "A published experiment stays published.");
	return BY_OK;
}
BY_SERVICE_CHANGE_HOOK(keep_published, experiment);

static by_error *keep_with_datasets(by_ctx *ctx, experiment *row)
{
	int64_t count = 0;
	BY_TRY(datasets_count_of(ctx, row->base.id, &count));
	if (count > 0)
		return by_fail(ctx, CONFLICT, "The experiment still has %" PRId64 " dataset%s; delete %s first.", count,
		    count == 1 ? "" : "s", count == 1 ? "it" : "them");
	return BY_OK;
}
BY_SERVICE_HOOK(keep_with_datasets, experiment);

BY_SERVICE(experiments_service, experiment, .create = &experiment_create_model, .update = &experiment_update_model,
    .view = &experiment_view_model, .before_update = keep_published_hook, .before_remove = keep_with_datasets_hook);

static by_error *may_be_published(by_ctx *ctx, const experiment *row)
{
	if (row->status == stored_experiment_status_published)
		return by_fail(ctx, CONFLICT, "The experiment is published already.");
	if (row->frame_count < lab_settings_now.publish_least_frames)
		return by_fail(ctx, CONFLICT, "An experiment needs at least %" PRId64 " frame%s to be published.",
		    lab_settings_now.publish_least_frames, lab_settings_now.publish_least_frames == 1 ? "" : "s");
	if (lab_settings_now.publish_needs_accession && !row->accession)
		return by_fail(ctx, CONFLICT, "An experiment needs an accession number to be published.");
	return BY_OK;
}

by_error *experiment_publish(by_ctx *ctx, by_ulid id, const char *by, experiment_view *view)
{
	experiment row;
	by_time    now = by_time_now();
	BY_TRY(experiments_find(ctx, id, &row));
	BY_TRY(may_be_published(ctx, &row));
	row.status = stored_experiment_status_published;
	row.published_at = &now;
	row.published_by = by;
	BY_TRY(experiments_update(ctx, &row));
	return experiment_show(ctx, id, view);
}

by_error *experiment_show(by_ctx *ctx, by_ulid id, experiment_view *view)
{
	return by_service_get(ctx, &experiments_service, by_value_ulid(id), view);
}

by_error *experiment_summarise(by_ctx *ctx, by_ulid id, experiment_summary *summary)
{
	experiment     row;
	dataset_totals totals = { 0 };
	BY_TRY(experiments_find(ctx, id, &row));
	BY_TRY(datasets_totals(ctx, id, &totals));
	*summary = (experiment_summary){ id, totals.count, totals.bytes, totals.frames };
	return BY_OK;
}
