/* The schemas of datasets: what is accepted, and what is shown. */
#include "routes/schemas/dataset.h"

BY_ENUM_NAMES(dataset_kind, DATASET_KIND);
BY_ENUM_NAMES(dataset_format, DATASET_FORMAT);

/* The rows that create and update share; only the struct differs. */
#define FILE_FIELDS(S) \
	BY_FIELD(S, name, .min_length = 1, .max_length = 200, .doc = "File name, or name of the set", \
	    .example = "\"hela-h2b-gfp_w1.ome.tif\""), \
	BY_FIELD_ENUM(S, kind, dataset_kind, .default_value = "raw", .doc = "What it holds", .example = "\"raw\""), \
	BY_FIELD_ENUM(S, format, dataset_format, .doc = "How it is written", .example = "\"ome_tiff\""), \
	BY_FIELD(S, size_bytes, .minimum = BY_NUM(0), .doc = "Size in bytes", .example = "3221225472"), \
	BY_FIELD(S, sha256, .optional = true, .pattern = "^[0-9a-f]{64}$", \
	    .doc = "SHA-256 of the file, in hexadecimal; no two datasets share one"), \
	BY_FIELD_ITEMS(S, channels, BY_ITEMS(string, .min_length = 1, .max_length = 40, .example = "\"GFP\""), \
	    .optional = true, .max_items = 32, .unique_items = true, .doc = "Fluorescence channels, in order", \
	    .example = "[\"GFP\",\"mCherry\"]"), \
	BY_FIELD(S, frame_count, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(100000000), \
	    .doc = "Frames it holds", .example = "1440")

static const by_field dataset_create_fields[] = {
	BY_FIELD(dataset_create, experiment_id, .doc = "The experiment it came out of",
	    .example = "\"01KA1V3C5T8M2Q9RZX4B7N6YEH\""),
	FILE_FIELDS(dataset_create),
};
BY_MODEL(dataset_create, dataset_create_fields, .doc = "A new dataset");

static const by_field dataset_update_fields[] = {
	FILE_FIELDS(dataset_update),
};
BY_MODEL(dataset_update, dataset_update_fields, .doc = "A dataset's new state");

static const by_field dataset_view_fields[] = {
	BY_FIELD(dataset_view, id, .doc = "Identifier", .example = "\"01KA1V4ZJ0D7W3H8S5C2F9KXTB\""),
	BY_FIELD(dataset_view, experiment_id, .doc = "The experiment it came out of",
	    .example = "\"01KA1V3C5T8M2Q9RZX4B7N6YEH\""),
	BY_FIELD(dataset_view, name, .doc = "File name, or name of the set", .example = "\"hela-h2b-gfp_w1.ome.tif\""),
	BY_FIELD_ENUM(dataset_view, kind, dataset_kind, .doc = "What it holds", .example = "\"raw\""),
	BY_FIELD_ENUM(dataset_view, format, dataset_format, .doc = "How it is written", .example = "\"ome_tiff\""),
	BY_FIELD(dataset_view, size_bytes, .doc = "Size in bytes", .example = "3221225472"),
	BY_FIELD(dataset_view, sha256, .optional = true, .doc = "SHA-256 of the file, in hexadecimal",
	    .example = "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\""),
	BY_FIELD(dataset_view, channels, .doc = "Fluorescence channels, in order", .example = "[\"GFP\",\"mCherry\"]"),
	BY_FIELD(dataset_view, frame_count, .doc = "Frames it holds", .example = "1440"),
	BY_FIELD(dataset_view, created_at, .doc = "When it was entered", .example = "\"2026-03-14T11:02:40.5Z\""),
	BY_FIELD(dataset_view, updated_at, .doc = "When it was last changed", .example = "\"2026-03-14T11:02:40.5Z\""),
	BY_FIELD(dataset_view, version, .etag = true, .minimum = BY_NUM(1),
	    .doc = "Rises with every change; the entity tag", .example = "1"),
};
BY_MODEL(dataset_view, dataset_view_fields, .doc = "A file, or a set of files, that came out of an experiment");
