/*
 * The command line: one table of commands, one file each in commands/. A
 * command gets its words, takes its options from them, and returns the exit
 * code: 0, 64 usage, 69 unavailable, 78 configuration, else 1.
 */
#ifndef BY_CLI_H
#define BY_CLI_H

#include <stdbool.h>

#include "fcgi/application.h"

typedef struct by__cli {
	const by_app      *app;
	by_arena          *arena;
	by__settings_from  from;   /* --set and --config, given before the command */
	const char        *command;
	const char       **words;  /* behind the command; options are taken out of them; NULL at the end */
} by__cli;

typedef struct by__command {
	const char *name;
	const char *words;   /* for usage: "[--json] [--version NAME]" */
	const char *summary;
	int       (*run)(by__cli *cli);
} by__command;

/* Every command, in the order of help; name NULL at the end. */
extern const by__command by__commands[];

/* Whether the option was given; takes it out. */
bool by__cli_flag(by__cli *cli, const char *option);
/* The value of "--option value" or "--option=value", taken out; NULL: not given. False: given without a value. */
bool by__cli_value(by__cli *cli, const char *option, const char **value);
/* The next word that is no option, taken out; NULL: none. */
const char *by__cli_word(by__cli *cli);
/* 0 when nothing is left, else 64 after saying what is not understood. */
int by__cli_end(const by__cli *cli);

/* Says "name command: text" and the command's usage on standard error; returns 64. */
int by__cli_usage(const by__cli *cli, const char *format, ...) BY_PRINTF(2, 3);
/* Says one line on standard error. */
void by__cli_say(const by__cli *cli, const char *format, ...) BY_PRINTF(2, 3);
/* Of those names the one most like the word, or NULL when none is. */
const char *by__cli_nearest(const char *word, const char *const *names, size_t count);

/* The settings, and when asked also the compiled tables. 0, or the exit code after saying why. */
int by__cli_application(by__cli *cli, bool compile, by__application **application);
/* Runs a function in a coroutine with the application's providers as its context's. 0, or the exit code after saying why. */
int by__cli_run(by__cli *cli, by__application *application, by_error *(*run)(by_ctx *ctx, void *argument), void *argument);
/* Writes all of it to standard output. 0, or 1 when that fails. */
int by__cli_print(const by__cli *cli, const by_buf *text);

/* Where the process listens that answers /live, /ready and their kin; NULL: there is none. */
const char *by__cli_status_address(by_arena *arena, const by_app *app, const by__app_settings *settings);

/* The commands themselves. */
int by__command_serve(by__cli *cli);
int by__command_status(by__cli *cli);
int by__command_reload(by__cli *cli);
int by__command_upgrade(by__cli *cli);
int by__command_stop(by__cli *cli);
int by__command_routes(by__cli *cli);
int by__command_openapi(by__cli *cli);
int by__command_config(by__cli *cli);
int by__command_db(by__cli *cli);
int by__command_health(by__cli *cli);
int by__command_doctor(by__cli *cli);
int by__command_token(by__cli *cli);
int by__command_version(by__cli *cli);
int by__command_help(by__cli *cli);

#endif
