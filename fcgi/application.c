/* From tables and settings to something that can serve: the same steps for every launch. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <banyan/assert.h>
#include <banyan/log.h>

#include "fcgi/application.h"
#include "fcgi/directory.h"
#include "infrastructure/db/drivers.h"
#include "infrastructure/security/jwt.h"
#include "interface/doctor.h"

by_error *by__application_new(by_arena *arena, const by_app *app, const by__settings_from *from, by__application **out)
{
	by__application *application = BY_NEW(arena, by__application);

	BY_REQUIRE(app->name && *app->name);
	application->app = app;
	application->arena = arena;
	BY_TRY(by__settings_read(arena, app, from, &application->settings, &application->origins));
	BY_TRY(by_log_configure(arena, application->settings.log_level, STDERR_FILENO));
	/* A log or a database file that may not grow any more is a write that fails, and no end of the process. */
	(void)signal(SIGXFSZ, SIG_IGN);
	by__databases_register();
	*out = application;
	return BY_OK;
}

by__application *by__application_of_pool(const by__application *all, const by__pool_settings *pool)
{
	by_arena *arena = all->arena;
	by__application *application = BY_NEW(arena, by__application);

	*application = *all;
	application->settings = pool->settings;
	application->origins = pool->origins;
	application->server = NULL;
	return application;
}

by_error *by__application_compile(by__application *application)
{
	const by__app_settings *s = &application->settings;
	by__proxies proxies = { .standard = s->forwarded_headers == by__forwarded_forwarded };

	BY_TRY(by__networks_parse(application->arena, "TRUSTED_PROXIES", s->trusted_proxies.items, s->trusted_proxies.count,
	    &proxies.trusted));
	const by__server_options options = {
		.base_path = s->base_path,
		.body_max = s->body_max.bytes,
		.request_timeout = s->request_timeout,
		.body_timeout = s->body_timeout,
		.queue_timeout = s->queue_timeout,
		.body_rate_min = s->body_rate_min.bytes,
		.proxies = proxies,
		.access_log = s->access_log,
		.debug = s->app_env == by__app_env_dev,
		.environment = by__app_env_enum.values[s->app_env],
		.doctor = by__doctor_path(application->arena, s->runtime_dir, application->app->name),
	};

	return by__server_new(application->arena, application->app, &options, &application->server);
}

/* The directory of a database file, so that the first start needs no preparation. */
static by_error *make_room(const by__application *application)
{
	const char *url = application->settings.database_url;
	const char *path = url + strcspn(url, ":") + 1;

	if (strncmp(url, "sqlite:", 7) != 0 || *path == ':')
		return BY_OK;
	return by__directory_of(application->arena, path, BY__DATA_DIRECTORY);
}

static by_error *open_verifier(by__application *application, by_arena *arena, by_verifier **verifier)
{
	const by__jwt_settings *jwt = &application->settings.jwt;
	by__jwt_key key;

	BY_TRY(by__settings_key(arena, &application->settings, &key));
	if (!key.key)
		return BY_OK;
	const by__jwt_options options = {
		.algorithm = by__algorithm_enum.values[key.algorithm],
		.key = { key.key, strlen(key.key) },
		.issuer = jwt->issuer,
		.audience = jwt->audience,
		.leeway = jwt->leeway,
		.roles_claim = jwt->role_claim,
	};

	return by__jwt_verifier(arena, &options, verifier);
}

by_error *by__application_open(by__application *application, by_arena *arena, by_providers *providers)
{
	const by__app_settings *s = &application->settings;
	const by_database_options options = {
		.pipelines = (uint32_t)s->database.pipelines,
		.pool_min = (uint32_t)s->database.pool_min,
		.pool_max = (uint32_t)s->database.pool_max,
		.pool_timeout = s->database.pool_timeout,
		.pool_idle = s->database.pool_idle,
		.pool_lifetime = s->database.pool_lifetime,
		.connect_timeout = s->database.connect_timeout,
		.statement_timeout = s->database.statement_timeout,
		.queue_max = (uint32_t)s->database.queue_max,
	};

	*providers = (by_providers){ .store = by__sql_store() };
	BY_TRY(make_room(application));
	BY_TRY(open_verifier(application, arena, &providers->verifier));
	return by_database_open(arena, s->database_url, &options, &providers->database);
}

void by__application_close(by_providers *providers)
{
	if (providers->verifier)
		providers->verifier->driver->close(providers->verifier);
	if (providers->database)
		by_database_close(providers->database);
	*providers = (by_providers){ 0 };
}

static int exit_code(const by_error *error)
{
	if (by_error_is(error, CONFIGURATION))
		return BY__EXIT_CONFIGURATION;
	if (by_error_is(error, UNAVAILABLE))
		return BY__EXIT_UNAVAILABLE;
	return 1;
}

int by__application_failed(const by_app *app, by_error *error)
{
	const char *text = error->detail ? error->detail : error->kind->title;

	while (*text) {
		size_t len = strcspn(text, "\n");

		fprintf(stderr, "%s: %.*s", app->name, (int)len, text);
		text += len + (text[len] == '\n');
		/* The driver's own words stand behind the last line; they are for the administrator. */
		if (!*text && error->internal)
			fprintf(stderr, " (%s)", error->internal);
		fputc('\n', stderr);
	}
	for (const by_error *cause = error->cause; cause; cause = cause->cause)
		fprintf(stderr, "%s: because: %s%s%s\n", app->name, cause->detail ? cause->detail : cause->kind->title,
		    cause->internal ? ": " : "", cause->internal ? cause->internal : "");
	return exit_code(error);
}
