/* by_main: from how the process was launched to what it runs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fcgi/cgi.h"
#include "fcgi/launch.h"
#include "fcgi/lone.h"
#include "fcgi/program.h"
#include "fcgi/worker/worker.h"
#include "scripts/cli/cli.h"

const by__command by__commands[] = {
	{ "serve", "", "run the workers behind a web server until SIGTERM", by__command_serve },
	{ "status", "[--json] [--rate]", "tell what pools and workers do; exits 0 when it runs, 1 when not", by__command_status },
	{ "reload", "[--no-wait] [--timeout DURATION]", "let a new generation of workers, with the settings as they are now, take over",
	    by__command_reload },
	{ "upgrade", "[--no-wait] [--timeout DURATION]", "let the program as it is on disk now take over", by__command_upgrade },
	{ "stop", "[--no-wait] [--timeout DURATION]", "end it, once the running requests have ended", by__command_stop },
	{ "routes", "[--json] [--version NAME]", "print every route, its policies and where it is written",
	    by__command_routes },
	{ "openapi", "[--version NAME]", "print the OpenAPI document", by__command_openapi },
	{ "config", "check | show [--sources] [--pool NAME] | sample [--markdown]", "check the settings, show them, or print a sample file",
	    by__command_config },
	{ "db", "upgrade [NUMBER] | downgrade [STEPS] | history | check | seed",
	    "apply migrations, undo them, list them, tell whether some are pending; add sample data", by__command_db },
	{ "health", "live | ready | startup", "ask the running application; exits 0 when it is", by__command_health },
	{ "doctor", "[--url URL [--token TOKEN]] [--json]",
	    "look for what is wrong here and, with --url, on the way through the web server; exits 1 when something is",
	    by__command_doctor },
	{ "token", "[--subject NAME] [--role NAME]... [--expires DURATION]",
	    "print a bearer token, signed with the configured secret; not in prod", by__command_token },
	{ "version", "[--features]", "print the version; with --features those of the libraries too", by__command_version },
	{ "help", "[--man]", "print this; with --man as a manual page", by__command_help },
	{ NULL, NULL, NULL, NULL },
};

/* ---- a command ------------------------------------------------------------------------ */

static int unknown(const by__cli *cli, const char *word)
{
	const char *names[32];
	size_t count = 0;

	for (const by__command *command = by__commands; command->name && count < BY_COUNT(names); command++)
		names[count++] = command->name;
	const char *nearest = by__cli_nearest(word, names, count);

	if (nearest)
		by__cli_say(cli, "there is no command %s; did you mean %s?", word, nearest);
	else
		by__cli_say(cli, "there is no command %s; %s help lists them", word, cli->app->name);
	return BY__EXIT_USAGE;
}

/* "NAME=value" given with --set before the command, strongest of all sources. */
static int take_global(by__cli *cli, size_t room)
{
	const char **set = BY_NEW_ARRAY(cli->arena, const char *, room + 1);
	size_t count = 0;
	const char *value;

	while (cli->words[0] && cli->words[0][0] == '-') {
		const char *before = cli->words[0];

		if (strncmp(before, "--set", 5) == 0) {
			if (!by__cli_value(cli, "--set", &value) || !value || !strchr(value, '='))
				return by__cli_usage(cli, "--set needs NAME=value");
			set[count++] = value;
		} else if (strncmp(before, "--config", 8) == 0) {
			if (!by__cli_value(cli, "--config", &value) || !value)
				return by__cli_usage(cli, "--config needs a file");
			cli->from.file = value;
		} else {
			break;
		}
	}
	cli->from.arguments = set;
	return 0;
}

static int run_command(by__cli *cli, size_t count)
{
	int code = take_global(cli, count);
	const char *word = cli->words[0];

	if (code != 0)
		return code;
	if (!word || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return by__command_help(cli);
	if (strcmp(word, "--version") == 0)
		return by__command_version(cli);
	for (const by__command *command = by__commands; command->name; command++) {
		if (strcmp(command->name, word) != 0)
			continue;
		cli->command = word;
		cli->words++;
		return command->run(cli);
	}
	return unknown(cli, word);
}

static int command_line(by_arena *arena, const by_app *app, int argc, char **argv)
{
	by__cli cli = { .app = app, .arena = arena };

	cli.words = BY_NEW_ARRAY(arena, const char *, (size_t)argc);
	for (int i = 1; i < argc; i++)
		cli.words[i - 1] = argv[i];
	(void)signal(SIGPIPE, SIG_IGN);
	return run_command(&cli, (size_t)argc);
}

/* ---- a worker that a web server started -------------------------------------------------- */

static by_error *lone_worker(by_arena *arena, const by_app *app, int fd, by__worker_options *options)
{
	const by__settings_from nowhere = { 0 };

	BY_TRY(by__application_new(arena, app, &nowhere, &options->application));
	BY_TRY(by__application_compile(options->application));
	BY_TRY(by__listener_adopt(arena, fd, &options->listener));
	if (options->listener.tcp && options->application->settings.listen_allow.count == 0)
		return by_error_new(arena, CONFIGURATION, "LISTEN_ALLOW: must list the web servers' addresses, "
		    "because the passed socket is a TCP one");
	by__lone_join(options->application, &options->slot);
	return BY_OK;
}

static int worker(by_arena *arena, const by_app *app, int fd)
{
	by__worker_options options = { .channel = BY__NO_CHANNEL };
	by_error *error = lone_worker(arena, app, fd, &options);

	return error ? by__application_failed(app, error) : by__worker_run(&options);
}

int by_main(int argc, char **argv, const by_app *app)
{
	by_arena *arena = by_arena_new(64 * 1024);
	by__launch launch = by__launch_tell(argc);
	int code;

	by__program_note(arena, argv);
	switch (launch.kind) {
	case BY__LAUNCH_COMMAND:
		code = command_line(arena, app, argc, argv);
		break;
	case BY__LAUNCH_WORKER:
		code = worker(arena, app, launch.listener);
		break;
	case BY__LAUNCH_CGI:
		code = by__cgi_run(arena, app);
		break;
	default:
		(void)command_line(arena, app, argc, argv);
		code = BY__EXIT_USAGE;
	}
	by_arena_free(&arena);
	return code;
}
