/* Where settings come from: each source read into entries, before any model is looked at. Internal. */
#ifndef BY_CORE_SETTINGS_SOURCES_H
#define BY_CORE_SETTINGS_SOURCES_H

#include <banyan/settings.h>

typedef enum by__setting_source { /* strongest first */
	BY__SETTING_ARGUMENT,
	BY__SETTING_ENVIRONMENT,
	BY__SETTING_ENV_OF_STAGE, /* .env.<APP_ENV> */
	BY__SETTING_ENV,
	BY__SETTING_SECRETS,
	BY__SETTING_FILE,
	BY__SETTING_DEFAULT
} by__setting_source;

/* One NAME=value that a source holds. */
typedef struct by__setting_entry {
	by__setting_source source;
	const char        *name;    /* of the variable; of the file's key "pool.max" in [database]: DATABASE_POOL_MAX */
	const char        *written; /* as it was written: "database.pool.max" */
	by_text            value;
	const char        *origin;  /* ".env", the file's path: for messages */
	int                line;    /* 0: it has none */
} by__setting_entry;

typedef struct by__setting_entries {
	by_arena          *arena;
	by__setting_entry *items; /* in the order of each source */
	size_t             count;
	size_t             room;
	by_buf            *faults; /* a line each */
	const char        *stage;  /* of `.env.<stage>`, or NULL */
} by__setting_entries;

/*
 * Reads all sources but the secrets directory, which is asked by name. `stage`
 * stands for APP_ENV when no source sets it.
 */
void by__settings_collect(by__setting_entries *entries, const by_settings_sources *sources, const char *stage);
/*
 * The whole contents of a small file, without one trailing newline. Private:
 * refused when other users may read it. A fault line "name: ..." is added when
 * it cannot be had; `missing_ok`: not when there is no such file.
 */
bool by__settings_slurp(by__setting_entries *entries, const char *name, const char *path, bool private, bool missing_ok,
    by_text *contents);
/* "environment", ".env line 7". In the arena. */
const char *by__settings_place(by_arena *arena, const by__setting_entry *entry);
/* A line of the error. */
void by__settings_fault(by_buf *faults, const char *format, ...) BY_PRINTF(2, 3);
/* The entry of that name in that source, or NULL. */
const by__setting_entry *by__settings_find(const by__setting_entries *entries, by__setting_source source,
    const char *name);

#endif
