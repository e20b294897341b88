/* One recorded run of a microscope, as it is stored. */
#ifndef LAB_MODELS_EXPERIMENT_H
#define LAB_MODELS_EXPERIMENT_H

#include <banyan/entity.h>

#define STORED_EXPERIMENT_STATUS(X) \
	X(stored_experiment_status, planned) \
	X(stored_experiment_status, recording) \
	X(stored_experiment_status, recorded) \
	X(stored_experiment_status, published)
BY_ENUM(stored_experiment_status, STORED_EXPERIMENT_STATUS);

typedef struct experiment {
	by_entity       base;
	const char     *name;
	const char     *accession;
	const char     *description;
	const char     *specimen;
	const char     *instrument;
	double         *objective_magnification;
	double         *numerical_aperture;
	double         *pixel_size_um;
	double         *exposure_ms;
	double          fps;
	int64_t         frame_count;
	by_list_string  tags;
	stored_experiment_status status;
	by_time        *started_at;
	by_time        *finished_at;
	by_time        *published_at;
	const char     *published_by;
} experiment;
BY_DECLARE_MODEL(experiment);

#endif
