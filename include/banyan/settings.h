/*
 * Settings: a model filled from, strongest first, the command line, the
 * environment, .env.<APP_ENV>, .env, the secrets directory, the configuration
 * file, and the fields' defaults; validated whole before anything starts.
 *
 * A nested model takes its prefix from its field: database.pool.max reads
 * DATABASE_POOL_MAX, the file's section [database.pool] and key max, or the
 * secrets directory's file DATABASE_POOL_MAX. NAME_FILE names a file that
 * holds the value of any setting.
 */
#ifndef BANYAN_SETTINGS_H
#define BANYAN_SETTINGS_H

#include <banyan/buf.h>
#include <banyan/model.h>

BY_BEGIN

typedef struct by_settings_sources { /* where to look; zero members are not looked at */
	const char *const *arguments;    /* "NAME=value" from the command line, NULL at the end */
	const char *const *environment;  /* as environ */
	const char        *directory;    /* of .env and .env.<APP_ENV> */
	const char        *secrets;      /* directory, one file per setting */
	const char        *file;         /* INI-like: [section], key = value, # comments; "" means none */
	/*
	 * The same settings for parts of an application. With scopes "pool", what
	 * [pool.web] in the file or POOL_WEB_NAME elsewhere says holds for the
	 * scope "web" alone, there before anything that is said for all.
	 */
	const char        *scopes;       /* a word of small letters; NULL: there are none */
	const char        *scope;        /* whose settings to load: small letters and digits; NULL: those for all */
} by_settings_sources;

/* One settings model and where it goes. */
typedef struct by_settings_part {
	const by_model *model;
	void           *object;
} by_settings_part;

typedef struct by_settings by_settings; /* the origins, for `config show` */

/*
 * Fills all parts. CONFIGURATION lists every fault at once, a line each, by
 * name, expected type and bounds, source and line; an unknown key of the file,
 * or of the environment under a known prefix, is a fault that suggests the
 * nearest name. Values of secrets are never part of it.
 */
BY_API BY_MUST_CHECK by_error *by_settings_load(by_arena *arena, const by_settings_sources *sources,
    const by_settings_part *parts, size_t count, by_settings **settings);

/* CONFIGURATION with a line for each entry whose scope is not among the names. */
BY_API BY_MUST_CHECK by_error *by_settings_scopes_check(by_arena *arena, const by_settings *settings,
    const char *const *names, size_t count);
/* Where the value is from, when that is the scope's own word; NULL when it holds for all, or is no setting. */
BY_API const char *by_settings_scoped(const by_settings *settings, const char *variable);
/* Each setting with its value (secrets and passwords in URLs as ***), and its source when asked. */
BY_API void by_settings_print(const by_settings *settings, bool with_sources, by_buf *out);
/* A commented sample file with every setting, from the models. */
BY_API void by_settings_sample(const by_settings_part *parts, size_t count, by_buf *out);
/* The URL with its password as ***, in the arena. */
BY_API const char *by_url_masked(by_arena *arena, const char *url);

BY_END

#endif
