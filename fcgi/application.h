/*
 * An application made ready to run: its settings read, its tables compiled,
 * its providers opened. What the command line, the workers and CGI share.
 */
#ifndef BY_FCGI_APPLICATION_H
#define BY_FCGI_APPLICATION_H

#include <banyan/app.h>
#include <banyan/provider.h>

#include "fcgi/settings.h"
#include "interface/server.h"

/* Exit codes, as sysexits(3) numbers them. */
enum { BY__EXIT_USAGE = 64, BY__EXIT_UNAVAILABLE = 69, BY__EXIT_CONFIGURATION = 78 };

typedef struct by__application { /* read-only outside application.c */
	const by_app    *app;
	by_arena        *arena;    /* as long as the process */
	by__app_settings settings;
	by_settings     *origins;
	by__server      *server;   /* NULL until compiled */
} by__application;

/* Reads and checks the settings, and sends the log to standard error as they say. CONFIGURATION. */
BY_MUST_CHECK by_error *by__application_new(by_arena *arena, const by_app *app, const by__settings_from *from,
    by__application **application);

/* The same application as one pool has it; compiled by itself. */
by__application *by__application_of_pool(const by__application *all, const by__pool_settings *pool);

/* Compiles the application's tables; before workers are forked. CONFIGURATION. */
BY_MUST_CHECK by_error *by__application_compile(by__application *application);

/*
 * Opens the database, the store and the verifier of tokens on this process's
 * loop. A database that cannot be reached is no error here.
 */
BY_MUST_CHECK by_error *by__application_open(by__application *application, by_arena *arena, by_providers *providers);
void by__application_close(by_providers *providers);

/* One line on standard error per line of the error, and its exit code. */
int by__application_failed(const by_app *app, by_error *error);

#endif
