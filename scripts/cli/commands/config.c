/* config: whether the settings are sound, what they are and where they come from, and a sample of them all. */
#include <stdio.h>
#include <string.h>

#include <banyan/buf.h>

#include "core/settings_leaf.h"
#include "scripts/cli/cli.h"

static int read_pools(by__cli *cli, const by__application *application, by__pool_settings **pools, size_t *count)
{
	by_error *error = by__settings_pools(cli->arena, cli->app, &cli->from, &application->settings, application->origins,
	    pools, count);

	return error ? by__application_failed(cli->app, error) : 0;
}

static int check(by__cli *cli)
{
	by__application *application;
	by__pool_settings *pools;
	size_t count;
	int code = by__cli_end(cli);

	if (code == 0)
		code = by__cli_application(cli, false, &application);
	if (code == 0)
		code = read_pools(cli, application, &pools, &count);
	if (code == 0)
		printf("%s: the settings are sound\n", cli->app->name);
	return code;
}

/* The settings of one pool, or those that hold for all when `pool` is NULL. */
static int find_origins(by__cli *cli, const by__application *application, const char *pool, const by_settings **origins)
{
	by__pool_settings *pools;
	size_t count;

	*origins = application->origins;
	if (!pool)
		return 0;
	int code = read_pools(cli, application, &pools, &count);

	for (size_t i = 0; code == 0 && i < count; i++)
		if (strcmp(pools[i].name, pool) == 0) {
			*origins = pools[i].origins;
			return 0;
		}
	return code ? code : by__cli_usage(cli, "there is no pool %s", pool);
}

static int show(by__cli *cli)
{
	bool sources = by__cli_flag(cli, "--sources");
	const char *pool;
	const by_settings *origins = NULL;
	by__application *application;
	by_buf out;

	if (!by__cli_value(cli, "--pool", &pool))
		return by__cli_usage(cli, "--pool needs a name");
	int code = by__cli_end(cli);

	if (code == 0)
		code = by__cli_application(cli, false, &application);
	if (code == 0)
		code = find_origins(cli, application, pool, &origins);
	if (code != 0)
		return code;
	by_buf_init(&out, cli->arena, 4096);
	by_settings_print(origins, sources, &out);
	return by__cli_print(cli, &out);
}

/* ---- a sample ----------------------------------------------------------------------- */

/* A vertical bar would end the cell, and < begin a tag. */
static void put_cell(by_buf *out, const char *text)
{
	by_put_char(out, ' ');
	for (; *text; text++) {
		if (*text == '|' || *text == '<')
			by_put_char(out, '\\');
		by_put_char(out, *text == '\n' ? ' ' : *text);
	}
	BY_PUT(out, " |");
}

static void put_row(by_buf *out, const by__setting *setting)
{
	const by_field *field = setting->field;
	const char *value = field->default_value ? field->default_value : "";

	by_put_format(out, "| `%s` |", setting->variable);
	put_cell(out, by__setting_expects(out->arena, field));
	put_cell(out, *value ? by_format(out->arena, "`%s`", value) : "");
	put_cell(out, field->doc ? field->doc : "");
	by_put_char(out, '\n');
}

/* The page docs/settings.md, of the framework's settings; applications add theirs behind them. */
static void put_markdown(by_buf *out, const by_settings_part *parts, size_t count)
{
	by__setting_list list = { .arena = out->arena };

	BY_PUT(out, "# Settings\n\nEach is a variable of the environment, a line `NAME=value` of `.env`, a file in `SECRETS_DIR`, or a "
	    "key of the configuration file:\n`DATABASE_POOL_MAX` is `pool_max` in its section `[database]`. `NAME_FILE` names a file "
	    "that holds the value of `NAME`.\nThe program prints this page: `config sample --markdown`, and as a commented file: "
	    "`config sample`.\n\n| name | value | default | what it does |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		by__settings_list_part(&list, &parts[i]);
	for (size_t i = 0; i < list.count; i++)
		put_row(out, &list.items[i]);
}

/* Needs no sound settings: it is where one starts. */
static int sample(by__cli *cli)
{
	bool markdown = by__cli_flag(cli, "--markdown");
	by__app_settings settings;
	const by_settings_part parts[] = { { &by__app_settings_model, &settings }, cli->app->settings };
	by_buf out;
	int code = by__cli_end(cli);

	if (code != 0)
		return code;
	by_buf_init(&out, cli->arena, 4096);
	size_t count = cli->app->settings.model ? 2 : 1;

	if (markdown)
		put_markdown(&out, parts, count);
	else
		by_settings_sample(parts, count, &out);
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
