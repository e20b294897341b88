/* The manual page of an application: man(7) macros around what the tables of commands and of settings say. */
#include "scripts/cli/man.h"

#include <ctype.h>
#include <string.h>

#include <banyan/buf.h>

#include "core/settings_leaf.h"

/* Text of the tables: what roff would take for an escape, a request or a hyphen is written so that it is itself. */
static void put_text(by_buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		BY_PUT(out, "\\&");
	for (; *text; text++) {
		if (*text == '\\')
			BY_PUT(out, "\\e");
		else if (*text == '-')
			BY_PUT(out, "\\-");
		else
			by_put_char(out, *text == '\n' ? ' ' : *text);
	}
}

static void put_line(by_buf *out, const char *text)
{
	put_text(out, text);
	by_put_char(out, '\n');
}

static void put_name(by_buf *out, const by__cli *cli)
{
	const char *name = cli->app->name;

	BY_PUT(out, ".TH ");
	for (const char *c = name; *c; c++)
		by_put_char(out, (char)toupper((unsigned char)*c));
	by_put_format(out, " 1 \"\" \"%s %s\"\n.SH NAME\n", name, cli->app->version ? cli->app->version : "");
	put_text(out, name);
	BY_PUT(out, " \\- ");
	put_line(out, cli->app->title ? cli->app->title : name);
	BY_PUT(out, ".SH SYNOPSIS\n.B ");
	put_text(out, name);
	BY_PUT(out, "\n[\\-\\-set NAME=value]... [\\-\\-config FILE] COMMAND\n");
}

static void put_description(by_buf *out, const by__cli *cli)
{
	BY_PUT(out, ".SH DESCRIPTION\n");
	if (cli->app->description)
		put_line(out, cli->app->description);
	BY_PUT(out, ".PP\nStarted by a web server, it is a FastCGI worker or a CGI program instead.\n");
}

static void put_commands(by_buf *out)
{
	BY_PUT(out, ".SH COMMANDS\n");
	for (const by__command *command = by__commands; command->name; command++) {
		BY_PUT(out, ".TP\n.B ");
		put_text(out, command->name);
		by_put_char(out, ' ');
		put_line(out, command->words);
		put_line(out, command->summary);
	}
}

static void put_setting(by_buf *out, const by__setting *setting)
{
	BY_PUT(out, ".TP\n.B ");
	put_line(out, setting->variable);
	if (setting->field->doc)
		put_line(out, setting->field->doc);
	BY_PUT(out, "(");
	put_text(out, by__setting_expects(out->arena, setting->field));
	if (setting->field->default_value && *setting->field->default_value) {
		BY_PUT(out, "; by default ");
		put_text(out, setting->field->default_value);
	}
	BY_PUT(out, ")\n");
}

static void put_settings(by_buf *out, const by__cli *cli)
{
	by__app_settings settings;
	const by_settings_part parts[] = { { &by__app_settings_model, &settings }, cli->app->settings };
	by__setting_list list = { .arena = out->arena };

	for (size_t i = 0; i < (cli->app->settings.model ? 2 : 1); i++)
		by__settings_list_part(&list, &parts[i]);
	BY_PUT(out, ".SH ENVIRONMENT\nThe same settings may stand in a file, as\n.B ");
	put_text(out, cli->app->name);
	BY_PUT(out, "\nconfig sample prints it. NAME_FILE names a file that holds the value of NAME.\n");
	for (size_t i = 0; i < list.count; i++)
		put_setting(out, &list.items[i]);
}

void by__cli_man(const by__cli *cli, by_buf *out)
{
	put_name(out, cli);
	put_description(out, cli);
	put_commands(out);
	put_settings(out, cli);
	BY_PUT(out, ".SH EXIT STATUS\n0; 64 when the command line is wrong, 69 when something needed is not available, "
	    "78 when the settings are wrong, else 1.\n");
}
