/* What clients send and see of experiments. */
#ifndef LAB_SCHEMAS_EXPERIMENT_H
#define LAB_SCHEMAS_EXPERIMENT_H

#include <banyan/model.h>

#define EXPERIMENT_STATUS(X) \
	X(experiment_status, planned) \
	X(experiment_status, recording) \
	X(experiment_status, recorded) \
	X(experiment_status, published)
BY_ENUM(experiment_status, EXPERIMENT_STATUS);

typedef struct experiment_create {
	const char    *name;
	const char    *accession;
	const char    *description;
	const char    *specimen;
	const char    *instrument;
	double        *objective_magnification;
	double        *numerical_aperture;
	double        *pixel_size_um;
	double        *exposure_ms;
	double         fps;
	int64_t        frame_count;
	by_list_string tags;
	by_time       *started_at;
	by_time       *finished_at;
} experiment_create;
BY_DECLARE_MODEL(experiment_create);

typedef struct experiment_update {
	const char       *name;
	const char       *accession;
	const char       *description;
	const char       *specimen;
	const char       *instrument;
	double           *objective_magnification;
	double           *numerical_aperture;
	double           *pixel_size_um;
	double           *exposure_ms;
	double            fps;
	int64_t           frame_count;
	by_list_string    tags;
	experiment_status status;
	by_time          *started_at;
	by_time          *finished_at;
} experiment_update;
BY_DECLARE_MODEL(experiment_update);

typedef struct experiment_view {
	by_ulid           id;
	const char       *name;
	const char       *accession;
	const char       *description;
	const char       *specimen;
	const char       *instrument;
	double           *objective_magnification;
	double           *numerical_aperture;
	double           *pixel_size_um;
	double           *exposure_ms;
	double            fps;
	int64_t           frame_count;
	by_list_string    tags;
	experiment_status status;
	by_time          *started_at;
	by_time          *finished_at;
	by_time          *published_at;
	const char       *published_by;
	by_time           created_at;
	by_time           updated_at;
	int64_t           version;
} experiment_view;
BY_DECLARE_MODEL(experiment_view);

/* Which experiment an operation is about. */
typedef struct experiment_key {
	by_ulid id;
} experiment_key;
BY_DECLARE_MODEL(experiment_key);

/* What an experiment's datasets come to. */
typedef struct experiment_summary {
	by_ulid id;
	int64_t dataset_count;
	int64_t total_bytes;
	int64_t total_frames;
} experiment_summary;
BY_DECLARE_MODEL(experiment_summary);

/* v2 answers in an envelope. */
typedef struct experiment_data {
	experiment_view data;
} experiment_data;
BY_DECLARE_MODEL(experiment_data);

#endif
