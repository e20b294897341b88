/* health: asks the running application over its own socket, as a web server would; for probes and scripts. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "scripts/cli/cli.h"
#include "scripts/cli/fastcgi_client.h"

static bool is_question(const char *word)
{
	static const char *const words[] = { "live", "ready", "startup" };

	for (size_t i = 0; i < BY_COUNT(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

const char *by__cli_status_address(by_arena *arena, const by_app *app, const by__app_settings *settings)
{
	if (!settings->status_listen || !*settings->status_listen)
		return by_format(arena, "unix:%s/%s-status.sock", settings->runtime_dir, app->name);
	return strcmp(settings->status_listen, "off") == 0 ? NULL : settings->status_listen;
}

/* The process for such questions answers whatever the pools have to do. Where there is none, a pool is asked. */
static int connect_to(const by__cli *cli, const by__app_settings *settings)
{
	const char *status = by__cli_status_address(cli->arena, cli->app, settings);
	int fd = status ? by__fastcgi_connect(cli->arena, status) : -1;

	if (fd < 0 && (fd = by__fastcgi_connect(cli->arena, settings->listen)) < 0)
		by__cli_say(cli, "nothing listens at %s: %s", settings->listen, strerror(errno));
	return fd;
}

int by__command_health(by__cli *cli)
{
	const char *word = by__cli_word(cli);
	by__application *application;
	int fd, code = by__cli_end(cli);

	if (code != 0)
		return code;
	if (!word || !is_question(word))
		return by__cli_usage(cli, "health of what?");
	if ((code = by__cli_application(cli, false, &application)) != 0)
		return code;
	const by__app_settings *s = &application->settings;

	if ((fd = connect_to(cli, s)) < 0)
		return 1;
	int status = by__fastcgi_get(cli->arena, fd, by_format(cli->arena, "%s/%s", s->base_path, word)).status;

	if (status == 0)
		by__cli_say(cli, "not %s: it does not answer", word);
	else if (status != 200)
		by__cli_say(cli, "not %s: it answers %d", word, status);
	return status == 200 ? 0 : 1;
}
