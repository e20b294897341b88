/* Before the first worker: is the database there, and is its schema ours? */
#include <banyan/database.h>
#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "fcgi/prepare.h"

enum { BACKOFF_FIRST_MS = 100, BACKOFF_MOST_MS = 5000 };

/* Tries again, ever more slowly, until it answers or the time is over. */
static by_error *await_database(by_ctx *ctx, const by__app_settings *s)
{
	uint64_t until = by_clock() + (uint64_t)s->database.start_timeout.us * 1000;
	int64_t pause = BACKOFF_FIRST_MS;

	for (;;) {
		by_error *error = by_database_ping(ctx, ctx->providers->database);

		if (!error || by_clock() >= until || !by_error_is(error, UNAVAILABLE))
			return error;
		by_log_error(ctx, BY_LOG_WARNING, "the database cannot be reached; trying again", error);
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(pause)));
		pause = pause * 2 < BACKOFF_MOST_MS ? pause * 2 : BACKOFF_MOST_MS;
	}
}

static by_error *migrate(by_ctx *ctx, const by__application *application)
{
	const by_migrations *migrations = application->app->migrations;
	by_database *database = ctx->providers->database;
	size_t count = 0;

	if (!migrations || migrations->count == 0)
		return BY_OK;
	if (application->settings.migrate_on_start) {
		BY_TRY(by_migrate_up(ctx, database, migrations, 0, &count));
		if (count > 0)
			by_info(ctx, "migrations applied", BY_F("count", count));
		return BY_OK;
	}
	BY_TRY(by_migrate_check(ctx, database, migrations, &count));
	if (count == 0)
		return BY_OK;
	return by_fail(ctx, CONFIGURATION, "%zu migration%s pending: run `%s db upgrade`, or set MIGRATE_ON_START=true.", count,
	    count == 1 ? " is" : "s are", application->app->name);
}

static by_error *look(by_ctx *ctx, const by__application *application, bool strict)
{
	const by__app_settings *s = &application->settings;
	const char *url = by_url_masked(ctx->arena, s->database_url);
	by_error *error = await_database(ctx, s);

	if (!error)
		error = migrate(ctx, application);
	if (!by_error_is(error, UNAVAILABLE))
		return error;
	if (s->database.start_timeout.us > 0 || strict)
		return by_error_because(by_fail(ctx, UNAVAILABLE, "The database %s cannot be reached.", url), error);
	by_log_error(ctx, BY_LOG_WARNING, "starting without the database; requests that need it are answered 503", error);
	return BY_OK;
}

typedef struct preparation {
	by__application *application;
	bool             trial;
} preparation;

static by_error *prepare(by_ctx *ctx, void *argument)
{
	const preparation *p = argument;
	by__application *application = p->application;
	by_providers providers;

	BY_TRY(by__application_open(application, ctx->arena, &providers));
	ctx->providers = &providers;
	by_error *error = look(ctx, application, p->trial);

	if (!error && p->trial && application->app->start)
		error = application->app->start(ctx);
	by__application_close(&providers);
	return error;
}

int by__prepare(by__application *application, bool trial)
{
	preparation p = { application, trial };
	by_arena *arena = by_arena_new(0);
	by_error *error = by__runtime_block_on(arena, prepare, &p);
	int code = error ? by__application_failed(application->app, error) : 0;

	by_arena_free(&arena);
	return code;
}
