/* The lab's settings and their defaults. */
#include "routes/core/settings.h"

lab_settings lab_settings_now = { .publish_least_frames = 1 };

static const by_field lab_settings_fields[] = {
	BY_FIELD(lab_settings, publish_needs_accession, .default_value = "false",
	    .doc = "Whether an experiment without an accession number may not be published"),
	BY_FIELD(lab_settings, publish_least_frames, .default_value = "1", .minimum = BY_NUM(1),
	    .doc = "How many frames an experiment must have to be published"),
};
BY_MODEL(lab_settings, lab_settings_fields, .prefix = "LAB", .doc = "The lab");
