/* doctor: whether settings and tables are sound, and what the database says. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <banyan/database.h>
#include <banyan/migration.h>
#include <banyan/provider.h>
#include <banyan/task.h>

#include "scripts/cli/doctor/doctor.h"

/* Each line of an error's detail is a fault of its own. */
static void found_error(by__findings *f, const char *check, const char *mend, const by_error *error)
{
	char *rest = NULL, *text = by_copy(f->arena, error->detail ? error->detail : error->kind->title);

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		by__found(f, by__grade_fail, check, mend, "%s", line);
}

/* ---- the database -------------------------------------------------------------------- */

typedef struct asked {
	by_row_sink sink;
	const char *version;
	double      seconds; /* since 1970, by its clock */
} asked;

static by_error *take_row(by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count)
{
	asked *row = (asked *)sink;

	if (count == 2 && cells[0].tag == BY_VALUE_TEXT)
		row->version = by_copy_text(ctx->arena, cells[0].text);
	if (count == 2 && cells[1].tag == BY_VALUE_DOUBLE)
		row->seconds = cells[1].real;
	return BY_OK;
}

static by_error *ask(by_ctx *ctx, asked *row)
{
	static const struct { const char *dialect, *sql; } rows[] = {
		{ "postgresql", "SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8" },
		{ "sqlite", "SELECT sqlite_version(), (julianday('now') - 2440587.5) * 86400.0" },
	};
	const char *dialect = ctx->providers->database->driver->dialect;

	for (size_t i = 0; i < BY_COUNT(rows); i++)
		if (strcmp(rows[i].dialect, dialect) == 0)
			return by_database_query(ctx, by_statement_of("doctor", rows[i].sql), NULL, 0, &row->sink, NULL);
	return BY_OK;
}

static void compare_clocks(by__findings *f, const asked *row)
{
	double apart = fabs(row->seconds - (double)by_time_now().us / 1e6);

	if (row->seconds == 0)
		return;
	if (apart < 2)
		by__found(f, by__grade_ok, "database_clock", NULL, "the database's clock agrees with this machine's");
	else
		by__found(f, by__grade_warn, "database_clock", "timedatectl set-ntp true   (on both machines)",
		    "the database's clock and this machine's are %.0f s apart", apart);
}

static void check_migrations(by_ctx *ctx, by__findings *f, const by_app *app)
{
	size_t pending = 0;

	if (!app->migrations || app->migrations->count == 0)
		return;
	const by_error *error = by_migrate_check(ctx, ctx->providers->database, app->migrations, &pending);

	if (error)
		found_error(f, "migrations", by_format(f->arena, "%s db history", app->name), error);
	else if (pending > 0)
		by__found(f, by__grade_fail, "migrations", by_format(f->arena, "%s db upgrade", app->name),
		    "%zu migration%s pending", pending, pending == 1 ? " is" : "s are");
	else
		by__found(f, by__grade_ok, "migrations", NULL, "no migration is pending");
}

typedef struct look {
	by__findings *findings;
	const by_app *app;
} look;

static by_error *look_at_database(by_ctx *ctx, void *argument)
{
	const look *l = argument;
	by__findings *f = l->findings;
	asked row = { .sink = { take_row } };
	const by_error *error;
	uint64_t start;

	/* The first round trip connects; the second is what requests will see. */
	by_ctx_limit(ctx, BY_SECONDS(10));
	error = by_database_ping(ctx, ctx->providers->database);
	start = by_clock();
	if (!error)
		error = ask(ctx, &row);
	if (error) {
		by__found(f, by__grade_fail, "database", "DATABASE_URL, and whether the database runs",
		    "the database cannot be reached%s%s", error->internal ? ": " : "", error->internal ? error->internal : "");
		return BY_OK;
	}
	double ms = (double)(by_clock() - start) / 1e6;

	by__found(f, ms < 20 ? by__grade_ok : by__grade_warn, "database", ms < 20 ? NULL : "a database nearer to this machine",
	    "%s %s answers in %.1f ms", ctx->providers->database->driver->dialect, row.version ? row.version : "", ms);
	compare_clocks(f, &row);
	check_migrations(ctx, f, l->app);
	return BY_OK;
}

/* Opening one that is not there would make it, perhaps as another user's file than the application's. */
static bool has_database(by__findings *f, const by_app *app, const char *url)
{
	const char *path = url + strcspn(url, ":") + 1;
	const char *file = by_copy_text(f->arena, (by_text){ path, strcspn(path, "?") });

	if (strncmp(url, "sqlite:", 7) != 0 || *path == ':' || access(file, F_OK) == 0)
		return true;
	by__found(f, by__grade_fail, "database", by_format(f->arena, "%s db upgrade   (as the application's user)", app->name),
	    "the database %s is not there yet", file);
	return false;
}

/* ---- settings and tables ------------------------------------------------------------------ */

/* In dev the first start makes one, which is not the doctor's business. */
static bool has_made_no_key(by__findings *f, const by__app_settings *s)
{
	const char *key = s->jwt.key.value;

	return s->app_env == by__app_env_dev && (!key || !*key)
	    && access(by_format(f->arena, "%s/dev-jwt.key", s->data_dir), F_OK) != 0;
}

static void check_key(by__findings *f, const by__application *application)
{
	by__jwt_key key;

	if (has_made_no_key(f, &application->settings)) {
		by__found(f, by__grade_ok, "jwt_key", NULL, "a key for development is made at the first start");
		return;
	}
	const by_error *error = by__settings_key(f->arena, &application->settings, &key);

	if (error)
		found_error(f, "jwt_key", NULL, error);
	else if (!key.key)
		by__found(f, by__grade_warn, "jwt_key", "JWT_ALGORITHM=HS256 and JWT_KEY_FILE=/etc/...   (mode 0600)",
		    "no key is configured: every token is refused");
	else
		by__found(f, by__grade_ok, "jwt_key", NULL, "tokens are verified with %s",
		    by__algorithm_enum.values[key.algorithm]);
}

bool by__doctor_application(by__cli *cli, by__findings *f, by__application **application)
{
	const by_error *error = by__application_new(cli->arena, cli->app, &cli->from, application);
	look l = { f, cli->app };

	if (error) {
		found_error(f, "settings", by_format(f->arena, "%s config sample", cli->app->name), error);
		return false;
	}
	by__found(f, by__grade_ok, "settings", NULL, "the settings are sound");
	if ((error = by__application_compile(*application)) != BY_OK)
		found_error(f, "routes", NULL, error);
	check_key(f, *application);
	if (has_database(f, cli->app, (*application)->settings.database_url)
	    && by__cli_run(cli, *application, look_at_database, &l) != 0)
		by__found(f, by__grade_fail, "database", "DATABASE_URL", "the database cannot be opened");
	return true;
}
