/* What is done once before the workers start: waiting for the database, migrating it. */
#ifndef BY_FCGI_PREPARE_H
#define BY_FCGI_PREPARE_H

#include "fcgi/application.h"

/*
 * Tries the database, as long as DATABASE_START_TIMEOUT says, and applies
 * pending migrations, or refuses to start with them. Runs a loop of its own, so
 * the supervisor calls it in a child process. `trial`: of a new generation,
 * which may not do without the database; the application's own start is tried,
 * too. Returns 0, or the exit code that `serve` is to end with.
 */
int by__prepare(by__application *application, bool trial);

#endif
