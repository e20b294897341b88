/* The lab's own settings: LAB_… in the environment, [lab] in the file. */
#ifndef LAB_CORE_SETTINGS_H
#define LAB_CORE_SETTINGS_H

#include <banyan/model.h>

typedef struct lab_settings {
	bool    publish_needs_accession;
	int64_t publish_least_frames;
} lab_settings;
BY_DECLARE_MODEL(lab_settings);

/* Filled before anything starts, and not changed afterwards. */
extern lab_settings lab_settings_now;

#endif
