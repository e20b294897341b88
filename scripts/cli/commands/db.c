/* db: migrations by hand, and sample data. */
#include <stdio.h>
#include <string.h>

#include <banyan/buf.h>
#include <banyan/migration.h>

#include "core/number.h"
#include "scripts/cli/cli.h"

typedef struct work {
	const by_app *app;
	int64_t       number;  /* upgrade: up to this one, 0 all; downgrade: how many */
	size_t        count;   /* done, or pending */
	by_buf        out;
} work;

static by_error *upgrade(by_ctx *ctx, void *argument)
{
	work *w = argument;

	return by_migrate_up(ctx, ctx->providers->database, w->app->migrations, (uint32_t)w->number, &w->count);
}

static by_error *downgrade(by_ctx *ctx, void *argument)
{
	work *w = argument;

	return by_migrate_down(ctx, ctx->providers->database, w->app->migrations, (uint32_t)w->number, &w->count);
}

static by_error *history(by_ctx *ctx, void *argument)
{
	work *w = argument;

	return by_migrate_history(ctx, ctx->providers->database, w->app->migrations, &w->out);
}

static by_error *check(by_ctx *ctx, void *argument)
{
	work *w = argument;

	return by_migrate_check(ctx, ctx->providers->database, w->app->migrations, &w->count);
}

static by_error *seed(by_ctx *ctx, void *argument)
{
	work *w = argument;

	return w->app->seed(ctx);
}

static int tell_upgrade(const by__cli *cli, const work *w)
{
	if (w->count == 0)
		printf("%s: the database is up to date\n", cli->app->name);
	else
		printf("%s: %zu migration%s applied\n", cli->app->name, w->count, w->count == 1 ? "" : "s");
	return 0;
}

static int tell_downgrade(const by__cli *cli, const work *w)
{
	printf("%s: %zu migration%s undone\n", cli->app->name, w->count, w->count == 1 ? "" : "s");
	return 0;
}

static int tell_history(const by__cli *cli, const work *w)
{
	return by__cli_print(cli, &w->out);
}

static int tell_check(const by__cli *cli, const work *w)
{
	if (w->count == 0)
		printf("%s: no migration is pending\n", cli->app->name);
	else
		printf("%s: %zu migration%s pending\n", cli->app->name, w->count, w->count == 1 ? " is" : "s are");
	return w->count == 0 ? 0 : 1;
}

static int tell_seed(const by__cli *cli, const work *w)
{
	(void)w;
	printf("%s: sample data added\n", cli->app->name);
	return 0;
}

typedef struct verb {
	const char *name;
	bool        numbered; /* takes a number */
	int64_t     number;   /* when none is given */
	bool        migrates; /* needs migrations; else the seed function */
	by_error *(*run)(by_ctx *ctx, void *argument);
	int       (*tell)(const by__cli *cli, const work *w);
} verb;

static const verb verbs[] = {
	{ "upgrade", true, 0, true, upgrade, tell_upgrade },
	{ "downgrade", true, 1, true, downgrade, tell_downgrade },
	{ "history", false, 0, true, history, tell_history },
	{ "check", false, 0, true, check, tell_check },
	{ "seed", false, 0, false, seed, tell_seed },
};

static const verb *verb_of(const char *name)
{
	for (size_t i = 0; name && i < BY_COUNT(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* 0, or the exit code after saying what does not go. */
static int may_run(const by__cli *cli, const verb *v, const by__application *application)
{
	if (v->migrates && (!cli->app->migrations || cli->app->migrations->count == 0)) {
		by__cli_say(cli, "this application has no migrations");
		return BY__EXIT_USAGE;
	}
	if (!v->migrates && !cli->app->seed) {
		by__cli_say(cli, "this application has no sample data");
		return BY__EXIT_USAGE;
	}
	if (!v->migrates && application->settings.app_env == by__app_env_prod) {
		by__cli_say(cli, "sample data is not added when APP_ENV is prod");
		return BY__EXIT_CONFIGURATION;
	}
	return 0;
}

int by__command_db(by__cli *cli)
{
	const char *word = by__cli_word(cli);
	const verb *v = verb_of(word);
	const char *number = v && v->numbered ? by__cli_word(cli) : NULL;
	by__application *application;
	work w = { .app = cli->app };
	int code;

	if (!v)
		return word ? by__cli_usage(cli, "db cannot %s", word) : by__cli_usage(cli, "db needs a verb");
	w.number = v->number;
	if (number && (!by__int_parse((by_text){ number, strlen(number) }, &w.number) || w.number < 1 || w.number > INT32_MAX))
		return by__cli_usage(cli, "%s is not a number from 1", number);
	if ((code = by__cli_end(cli)) != 0 || (code = by__cli_application(cli, true, &application)) != 0
	    || (code = may_run(cli, v, application)) != 0)
		return code;
	by_buf_init(&w.out, cli->arena, 4096);
	code = by__cli_run(cli, application, v->run, &w);
	return code == 0 ? v->tell(cli, &w) : code;
}
