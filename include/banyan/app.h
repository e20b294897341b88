/*
 * The application: what main() hands to Banyan.
 *
 *	int main(int argc, char **argv) { return by_main(argc, argv, &lab); }
 */
#ifndef BANYAN_APP_H
#define BANYAN_APP_H

#include <banyan/ctx.h>
#include <banyan/migration.h>
#include <banyan/route.h>
#include <banyan/settings.h>

BY_BEGIN

typedef struct by_app {
	const char *name;    /* of the binary and the log: "lab" */
	const char *title;   /* of the documentation */
	const char *version;
	const char *description;
	const char *contact_url;
	const char *license;
	const by_version *versions;
	size_t            version_count;
	by_settings_part  settings; /* the application's own; may be zero */
	const by_migrations *migrations;
	by_error       *(*start)(by_ctx *ctx); /* in each worker, once its providers are up; may be NULL */
	by_error       *(*seed)(by_ctx *ctx);  /* `db seed`: sample data; may be NULL */
} by_app;

/*
 * Runs the application as it was launched: command line, supervisor, FastCGI
 * worker, or CGI. Returns the exit code: 0; 64 usage, 69 unavailable, 78
 * configuration, else 1.
 */
BY_API int by_main(int argc, char **argv, const by_app *app);

BY_END

#endif
