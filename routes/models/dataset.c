/* The columns of datasets. */
#include "routes/models/dataset.h"

BY_ENUM_NAMES(stored_dataset_kind, STORED_DATASET_KIND);
BY_ENUM_NAMES(stored_dataset_format, STORED_DATASET_FORMAT);

static const by_field dataset_fields[] = {
	BY_ENTITY(dataset, base),
	BY_FIELD(dataset, experiment_id, .references = "experiments(id)", .filterable = true),
	BY_FIELD(dataset, name, .filterable = true, .sortable = true),
	BY_FIELD_ENUM(dataset, kind, stored_dataset_kind, .filterable = true, .sortable = true),
	BY_FIELD_ENUM(dataset, format, stored_dataset_format, .filterable = true, .sortable = true),
	BY_FIELD(dataset, size_bytes, .filterable = true, .sortable = true),
	BY_FIELD(dataset, sha256, .optional = true, .unique = true, .filterable = true),
	BY_FIELD(dataset, channels),
	BY_FIELD(dataset, frame_count, .filterable = true, .sortable = true),
};
BY_MODEL(dataset, dataset_fields, .table = "datasets", .soft_delete = true,
    .doc = "A file, or a set of files, that came out of an experiment");
