/* The schemas of experiments: what is accepted, and what is shown. */
#include "routes/schemas/experiment.h"

BY_ENUM_NAMES(experiment_status, EXPERIMENT_STATUS);

#define TAG BY_ITEMS(string, .min_length = 1, .max_length = 40, .pattern = "^[a-z0-9][a-z0-9 -]*$", \
	.example = "\"time-lapse\"")

/* The rows that create and update share; only the struct differs. */
#define RECORDING_FIELDS(S) \
	BY_FIELD(S, name, .min_length = 1, .max_length = 200, .doc = "Display name", \
	    .example = "\"Mitosis in HeLa H2B-GFP, 2 h time lapse\""), \
	BY_FIELD(S, accession, .optional = true, .pattern = "^[A-Z]{2,5}-[0-9]{4}-[0-9]{4}$", .max_length = 15, \
	    .doc = "Accession number of the archive, such as MIC-2026-0042; no two experiments share one"), \
	BY_FIELD(S, description, .optional = true, .max_length = 4000, .doc = "What was done and why", \
	    .example = "\"Chromosome segregation under 50 nM nocodazole\""), \
	BY_FIELD(S, specimen, .optional = true, .min_length = 1, .max_length = 200, .doc = "What is under the microscope", \
	    .example = "\"HeLa Kyoto, H2B-GFP\""), \
	BY_FIELD(S, instrument, .optional = true, .min_length = 1, .max_length = 100, .doc = "The microscope", \
	    .example = "\"Nikon Ti2-E spinning disk\""), \
	BY_FIELD(S, objective_magnification, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(250), \
	    .doc = "Magnification of the objective", .example = "60"), \
	BY_FIELD(S, numerical_aperture, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(1.7), \
	    .doc = "Numerical aperture of the objective", .example = "1.4"), \
	BY_FIELD(S, pixel_size_um, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(100), \
	    .doc = "Edge of a pixel in the specimen, in micrometres", .example = "0.108"), \
	BY_FIELD(S, exposure_ms, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(60000), \
	    .doc = "Exposure of one frame, in milliseconds", .example = "80"), \
	BY_FIELD(S, fps, .exclusive_minimum = BY_NUM(0), .maximum = BY_NUM(1000), .doc = "Frames per second", \
	    .example = "0.2"), \
	BY_FIELD(S, frame_count, .minimum = BY_NUM(0), .maximum = BY_NUM(100000000), \
	    .doc = "Frames recorded so far", .example = "1440"), \
	BY_FIELD_ITEMS(S, tags, TAG, .optional = true, .max_items = 20, .unique_items = true, .doc = "Free keywords", \
	    .example = "[\"mitosis\",\"time-lapse\"]"), \
	BY_FIELD(S, started_at, .doc = "When recording began", .example = "\"2026-03-14T08:30:00Z\""), \
	BY_FIELD(S, finished_at, .doc = "When recording ended; never before it began", \
	    .example = "\"2026-03-14T10:30:00Z\"")

static void check_times(by_faults *faults, const by_time *started_at, const by_time *finished_at)
{
	if (finished_at && !started_at)
		by_fault_add(faults, BY_FAULT_BODY, "#/started_at", "required_with", "is needed when finished_at is given");
	else if (finished_at && finished_at->us < started_at->us)
		by_fault_add(faults, BY_FAULT_BODY, "#/finished_at", "not_before", "must not be before started_at");
}

static void check_create(by_faults *faults, const experiment_create *in)
{
	check_times(faults, in->started_at, in->finished_at);
}
BY_RULES(experiment_create, check_create);

static void check_update(by_faults *faults, const experiment_update *in)
{
	check_times(faults, in->started_at, in->finished_at);
}
BY_RULES(experiment_update, check_update);

static const by_field experiment_create_fields[] = {
	RECORDING_FIELDS(experiment_create),
};
BY_MODEL(experiment_create, experiment_create_fields, .rules = check_create_rules, .doc = "A new experiment");

static const by_field experiment_update_fields[] = {
	RECORDING_FIELDS(experiment_update),
	BY_FIELD_ENUM(experiment_update, status, experiment_status, .default_value = "planned",
	    .doc = "How far it has come; published is set by publishing only", .example = "\"recorded\""),
};
BY_MODEL(experiment_update, experiment_update_fields, .rules = check_update_rules, .doc = "An experiment's new state");

static const by_field experiment_view_fields[] = {
	BY_FIELD(experiment_view, id, .doc = "Identifier", .example = "\"01KA1V3C5T8M2Q9RZX4B7N6YEH\""),
	BY_FIELD(experiment_view, name, .doc = "Display name", .example = "\"Mitosis in HeLa H2B-GFP, 2 h time lapse\""),
	BY_FIELD(experiment_view, accession, .optional = true, .doc = "Accession number of the archive",
	    .example = "\"MIC-2026-0042\""),
	BY_FIELD(experiment_view, description, .optional = true, .doc = "What was done and why",
	    .example = "\"Chromosome segregation under 50 nM nocodazole\""),
	BY_FIELD(experiment_view, specimen, .optional = true, .doc = "What is under the microscope",
	    .example = "\"HeLa Kyoto, H2B-GFP\""),
	BY_FIELD(experiment_view, instrument, .optional = true, .doc = "The microscope",
	    .example = "\"Nikon Ti2-E spinning disk\""),
	BY_FIELD(experiment_view, objective_magnification, .doc = "Magnification of the objective", .example = "60"),
	BY_FIELD(experiment_view, numerical_aperture, .doc = "Numerical aperture of the objective", .example = "1.4"),
	BY_FIELD(experiment_view, pixel_size_um, .doc = "Edge of a pixel in the specimen, in micrometres",
	    .example = "0.108"),
	BY_FIELD(experiment_view, exposure_ms, .doc = "Exposure of one frame, in milliseconds", .example = "80"),
	BY_FIELD(experiment_view, fps, .doc = "Frames per second", .example = "0.2"),
	BY_FIELD(experiment_view, frame_count, .doc = "Frames recorded so far", .example = "1440"),
	BY_FIELD(experiment_view, tags, .doc = "Free keywords", .example = "[\"mitosis\",\"time-lapse\"]"),
	BY_FIELD_ENUM(experiment_view, status, experiment_status, .doc = "How far it has come",
	    .example = "\"published\""),
	BY_FIELD(experiment_view, started_at, .doc = "When recording began", .example = "\"2026-03-14T08:30:00Z\""),
	BY_FIELD(experiment_view, finished_at, .doc = "When recording ended", .example = "\"2026-03-14T10:30:00Z\""),
	BY_FIELD(experiment_view, published_at, .doc = "When it was published", .example = "\"2026-04-02T12:00:00Z\""),
	BY_FIELD(experiment_view, published_by, .optional = true, .doc = "Who published it", .example = "\"ada\""),
	BY_FIELD(experiment_view, created_at, .doc = "When it was entered", .example = "\"2026-03-13T16:05:12.25Z\""),
	BY_FIELD(experiment_view, updated_at, .doc = "When it was last changed", .example = "\"2026-04-02T12:00:00Z\""),
	BY_FIELD(experiment_view, version, .etag = true, .doc = "Rises with every change; the entity tag",
	    .minimum = BY_NUM(1), .example = "4"),
};
BY_MODEL(experiment_view, experiment_view_fields, .doc = "One recorded run of a microscope");

static const by_field experiment_key_fields[] = {
	BY_FIELD(experiment_key, id, .doc = "Identifier of the experiment"),
};
BY_MODEL(experiment_key, experiment_key_fields, .doc = "Which experiment");

static const by_field experiment_summary_fields[] = {
	BY_FIELD(experiment_summary, id, .doc = "Identifier of the experiment"),
	BY_FIELD(experiment_summary, dataset_count, .minimum = BY_NUM(0), .doc = "How many datasets it has", .example = "4"),
	BY_FIELD(experiment_summary, total_bytes, .minimum = BY_NUM(0), .doc = "Their size, in bytes",
	    .example = "12884901888"),
	BY_FIELD(experiment_summary, total_frames, .minimum = BY_NUM(0), .doc = "Their frames", .example = "5760"),
};
BY_MODEL(experiment_summary, experiment_summary_fields, .doc = "What an experiment's datasets come to");

static const by_field experiment_data_fields[] = {
	BY_FIELD_MODEL(experiment_data, data, experiment_view),
};
BY_MODEL(experiment_data, experiment_data_fields, .doc = "An answer about one experiment");
