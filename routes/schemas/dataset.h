/* What clients send and see of datasets. */
#ifndef LAB_SCHEMAS_DATASET_H
#define LAB_SCHEMAS_DATASET_H

#include <banyan/model.h>

#define DATASET_KIND(X) \
	X(dataset_kind, raw) \
	X(dataset_kind, deconvolved) \
	X(dataset_kind, segmentation) \
	X(dataset_kind, tracks) \
	X(dataset_kind, measurements)
BY_ENUM(dataset_kind, DATASET_KIND);

#define DATASET_FORMAT(X) \
	X(dataset_format, ome_tiff) \
	X(dataset_format, ome_zarr) \
	X(dataset_format, nd2) \
	X(dataset_format, czi) \
	X(dataset_format, hdf5) \
	X(dataset_format, csv)
BY_ENUM(dataset_format, DATASET_FORMAT);

typedef struct dataset_create {
	by_ulid        experiment_id;
	const char    *name;
	dataset_kind   kind;
	dataset_format format;
	int64_t        size_bytes;
	const char    *sha256;
	by_list_string channels;
	int64_t        frame_count;
} dataset_create;
BY_DECLARE_MODEL(dataset_create);

typedef struct dataset_update {
	const char    *name;
	dataset_kind   kind;
	dataset_format format;
	int64_t        size_bytes;
	const char    *sha256;
	by_list_string channels;
	int64_t        frame_count;
} dataset_update;
BY_DECLARE_MODEL(dataset_update);

typedef struct dataset_view {
	by_ulid        id;
	by_ulid        experiment_id;
	const char    *name;
	dataset_kind   kind;
	dataset_format format;
	int64_t        size_bytes;
	const char    *sha256;
	by_list_string channels;
	int64_t        frame_count;
	by_time        created_at;
	by_time        updated_at;
	int64_t        version;
} dataset_view;
BY_DECLARE_MODEL(dataset_view);

#endif
