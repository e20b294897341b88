/* config: whether the settings are sound, what they are and where they come from, and a sample of them all. */
#include <stdio.h>
#include <string.h>

#include <banyan/buf.h>

#include "scripts/cli/cli.h"

static int check(by__cli *cli)
{
	by__application *application;
	int code = by__cli_end(cli);

	if (code == 0)
		code = by__cli_application(cli, false, &application);
	if (code == 0)
		printf("%s: the settings are sound\n", cli->app->name);
	return code;
}

static int show(by__cli *cli)
{
	bool sources = by__cli_flag(cli, "--sources");
	by__application *application;
	by_buf out;
	int code = by__cli_end(cli);

	if (code == 0)
		code = by__cli_application(cli, false, &application);
	if (code != 0)
		return code;
	by_buf_init(&out, cli->arena, 4096);
	by_settings_print(application->origins, sources, &out);
	return by__cli_print(cli, &out);
}

/* Needs no sound settings: it is where one starts. */
static int sample(by__cli *cli)
{
	by__app_settings settings;
	const by_settings_part parts[] = { { &by__app_settings_model, &settings }, cli->app->settings };
	by_buf out;
	int code = by__cli_end(cli);

	if (code != 0)
		return code;
	by_buf_init(&out, cli->arena, 4096);
	by_settings_sample(parts, cli->app->settings.model ? 2 : 1, &out);
	return by__cli_print(cli, &out);
}

int by__command_config(by__cli *cli)
{
	const char *word = by__cli_word(cli);

	if (word && strcmp(word, "check") == 0)
		return check(cli);
	if (word && strcmp(word, "show") == 0)
		return show(cli);
	if (word && strcmp(word, "sample") == 0)
		return sample(cli);
	return word ? by__cli_usage(cli, "config cannot %s", word) : by__cli_usage(cli, "config needs a verb");
}
