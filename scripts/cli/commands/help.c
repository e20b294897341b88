/* help: the table of commands, told, or as a manual page. */
#include <stdio.h>
#include <string.h>

#include <banyan/buf.h>

#include "scripts/cli/cli.h"
#include "scripts/cli/man.h"

static int man(const by__cli *cli)
{
	by_buf out;

	by_buf_init(&out, cli->arena, 16384);
	by__cli_man(cli, &out);
	return by__cli_print(cli, &out);
}

int by__command_help(by__cli *cli)
{
	const char *name = cli->app->name;

	if (by__cli_flag(cli, "--man"))
		return man(cli);
	printf("%s%s%s\n\nusage: %s [--set NAME=value]... [--config FILE] COMMAND\n\n", name,
	    cli->app->description ? ": " : "", cli->app->description ? cli->app->description : "", name);
	for (const by__command *command = by__commands; command->name; command++)
		printf("  %s%s%s\n      %s\n", command->name, *command->words ? " " : "", command->words, command->summary);
	printf("\nStarted by a web server, it is a FastCGI worker or a CGI program instead.\n"
	    "%s config sample prints every setting with what it does.\n", name);
	return 0;
}
