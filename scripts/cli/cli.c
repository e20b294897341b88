/* What all commands use: options taken out of the words, errors in one line, the application made ready. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/log.h>

#include "core/runtime.h"
#include "scripts/cli/cli.h"

enum { NAME_MAX_LENGTH = 32 };

/* ---- words ---------------------------------------------------------------------- */

static void take_out(const char **at, size_t count)
{
	do
		at[0] = at[count];
	while (*at++);
}

bool by__cli_flag(by__cli *cli, const char *option)
{
	for (const char **at = cli->words; *at; at++) {
		if (strcmp(*at, option) != 0)
			continue;
		take_out(at, 1);
		return true;
	}
	return false;
}

bool by__cli_value(by__cli *cli, const char *option, const char **value)
{
	size_t len = strlen(option);

	*value = NULL;
	for (const char **at = cli->words; *at; at++) {
		if (strncmp(*at, option, len) != 0 || ((*at)[len] != '=' && (*at)[len] != 0))
			continue;
		*value = (*at)[len] == '=' ? *at + len + 1 : at[1];
		if (!*value)
			return false;
		take_out(at, (*at)[len] == '=' ? 1 : 2);
		return true;
	}
	return true;
}

const char *by__cli_word(by__cli *cli)
{
	const char *word = cli->words[0];

	if (!word || (word[0] == '-' && word[1]))
		return NULL;
	take_out(cli->words, 1);
	return word;
}

int by__cli_end(const by__cli *cli)
{
	return cli->words[0] ? by__cli_usage(cli, "%s is not understood", cli->words[0]) : 0;
}

/* ---- saying --------------------------------------------------------------------- */

static const by__command *command_of(const by__cli *cli)
{
	for (const by__command *command = by__commands; command->name; command++)
		if (cli->command && strcmp(command->name, cli->command) == 0)
			return command;
	return NULL;
}

int by__cli_usage(const by__cli *cli, const char *format, ...)
{
	const by__command *command = command_of(cli);
	va_list args;

	fprintf(stderr, "%s: ", cli->app->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	if (command)
		fprintf(stderr, "; usage: %s %s%s%s\n", cli->app->name, command->name, *command->words ? " " : "", command->words);
	else
		fprintf(stderr, "; %s help lists the commands\n", cli->app->name);
	return BY__EXIT_USAGE;
}

void by__cli_say(const by__cli *cli, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", cli->app->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int by__cli_print(const by__cli *cli, const by_buf *text)
{
	if (text->error)
		return by__application_failed(cli->app, text->error);
	if (fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0)
		return 0;
	by__cli_say(cli, "cannot write: %s", strerror(errno));
	return 1;
}

/* ---- the nearest name -------------------------------------------------------------- */

static size_t least(size_t a, size_t b, size_t c)
{
	size_t d = a < b ? a : b;

	return d < c ? d : c;
}

/* Levenshtein's distance, over one row of the table. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LENGTH + 1];
	size_t width = strlen(b);

	if (width > NAME_MAX_LENGTH || strlen(a) > NAME_MAX_LENGTH)
		return SIZE_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t above = row[j];

			row[j] = least(above + 1, row[j - 1] + 1, corner + (*a != b[j - 1]));
			corner = above;
		}
	}
	return row[width];
}

const char *by__cli_nearest(const char *word, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, names[i]);

		if (d < best && d < strlen(names[i])) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

/* ---- the application ------------------------------------------------------------------ */

int by__cli_application(by__cli *cli, bool compile, by__application **application)
{
	by_error *error = by__application_new(cli->arena, cli->app, &cli->from, application);

	if (!error && compile)
		error = by__application_compile(*application);
	return error ? by__application_failed(cli->app, error) : 0;
}

typedef struct job {
	by__application *application;
	by_error      *(*run)(by_ctx *ctx, void *argument);
	void            *argument;
} job;

static by_error *run_job(by_ctx *ctx, void *argument)
{
	const job *j = argument;
	by_providers providers;

	BY_TRY(by__application_open(j->application, ctx->arena, &providers));
	ctx->providers = &providers;
	by_error *error = j->run(ctx, j->argument);

	by__application_close(&providers);
	return error;
}

int by__cli_run(by__cli *cli, by__application *application, by_error *(*run)(by_ctx *ctx, void *argument), void *argument)
{
	job j = { .application = application, .run = run, .argument = argument };
	by_error *error = by__runtime_block_on(cli->arena, run_job, &j);

	by_log_flush();
	return error ? by__application_failed(cli->app, error) : 0;
}
