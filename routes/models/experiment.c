/* The columns of experiments. */
#include "routes/models/experiment.h"

BY_ENUM_NAMES(stored_experiment_status, STORED_EXPERIMENT_STATUS);

static const by_field experiment_fields[] = {
	BY_ENTITY(experiment, base),
	BY_FIELD(experiment, name, .filterable = true, .sortable = true),
	BY_FIELD(experiment, accession, .optional = true, .unique = true, .filterable = true, .sortable = true),
	BY_FIELD(experiment, description, .optional = true),
	BY_FIELD(experiment, specimen, .optional = true, .filterable = true),
	BY_FIELD(experiment, instrument, .optional = true, .filterable = true, .sortable = true),
	BY_FIELD(experiment, objective_magnification, .filterable = true, .sortable = true),
	BY_FIELD(experiment, numerical_aperture),
	BY_FIELD(experiment, pixel_size_um),
	BY_FIELD(experiment, exposure_ms, .filterable = true),
	BY_FIELD(experiment, fps, .filterable = true, .sortable = true),
	BY_FIELD(experiment, frame_count, .filterable = true, .sortable = true),
	BY_FIELD(experiment, tags),
	BY_FIELD_ENUM(experiment, status, stored_experiment_status, .filterable = true, .sortable = true),
	BY_FIELD(experiment, started_at, .filterable = true, .sortable = true),
	BY_FIELD(experiment, finished_at),
	BY_FIELD(experiment, published_at, .filterable = true, .sortable = true),
	BY_FIELD(experiment, published_by, .optional = true),
};
BY_MODEL(experiment, experiment_fields, .table = "experiments", .soft_delete = true,
    .doc = "One recorded run of a microscope");
