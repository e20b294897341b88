/* A file, or a set of files, that came out of an experiment, as it is stored. */
#ifndef LAB_MODELS_DATASET_H
#define LAB_MODELS_DATASET_H

#include <banyan/entity.h>

#define STORED_DATASET_KIND(X) \
	X(stored_dataset_kind, raw) \
	X(stored_dataset_kind, deconvolved) \
	X(stored_dataset_kind, segmentation) \
	X(stored_dataset_kind, tracks) \
	X(stored_dataset_kind, measurements)
BY_ENUM(stored_dataset_kind, STORED_DATASET_KIND);

#define STORED_DATASET_FORMAT(X) \
	X(stored_dataset_format, ome_tiff) \
	X(stored_dataset_format, ome_zarr) \
	X(stored_dataset_format, nd2) \
	X(stored_dataset_format, czi) \
	X(stored_dataset_format, hdf5) \
	X(stored_dataset_format, csv)
BY_ENUM(stored_dataset_format, STORED_DATASET_FORMAT);

typedef struct dataset {
	by_entity       base;
	by_ulid         experiment_id;
	const char     *name;
	stored_dataset_kind   kind;
	stored_dataset_format format;
	int64_t         size_bytes;
	const char     *sha256;
	by_list_string  channels;
	int64_t         frame_count;
} dataset;
BY_DECLARE_MODEL(dataset);

#endif
