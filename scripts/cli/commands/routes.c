/* routes: every route with its policies, and file and line of its row. */
#include <banyan/buf.h>

#include "scripts/cli/cli.h"

/* Whether the application has such a version; says so when not. */
static bool has_version(const by__cli *cli, const char *name)
{
	const char *names[32];
	size_t count = 0;

	for (size_t i = 0; i < cli->app->version_count; i++) {
		if (strcmp(cli->app->versions[i].name, name) == 0)
			return true;
		if (count < BY_COUNT(names))
			names[count++] = cli->app->versions[i].name;
	}
	const char *nearest = by__cli_nearest(name, names, count);

	by__cli_say(cli, "there is no version %s of the API%s%s%s", name, nearest ? "; did you mean " : "",
	    nearest ? nearest : "", nearest ? "?" : "");
	return false;
}

static int print(by__cli *cli, void (*document)(const by__server *server, const char *version, bool json, by_buf *out),
    bool json)
{
	by__application *application;
	const char *version;
	by_buf out;
	int code;

	if (!by__cli_value(cli, "--version", &version))
		return by__cli_usage(cli, "--version needs a name");
	if ((code = by__cli_end(cli)) != 0)
		return code;
	if (version && !has_version(cli, version))
		return BY__EXIT_USAGE;
	if ((code = by__cli_application(cli, true, &application)) != 0)
		return code;
	by_buf_init(&out, cli->arena, 16 * 1024);
	document(application->server, version, json, &out);
	return by__cli_print(cli, &out);
}

int by__command_routes(by__cli *cli)
{
	bool json = by__cli_flag(cli, "--json");

	return print(cli, by__server_routes, json);
}

static void openapi(const by__server *server, const char *version, bool json, by_buf *out)
{
	(void)json;
	by__server_openapi(server, version, out);
	BY_PUT(out, "\n");
}

int by__command_openapi(by__cli *cli)
{
	return print(cli, openapi, true);
}
