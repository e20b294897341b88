/* The supervisor: pools of workers on listening sockets, kept whole, reloaded and upgraded without losing a request. */
#ifndef BY_FCGI_SUPERVISOR_SUPERVISOR_H
#define BY_FCGI_SUPERVISOR_SUPERVISOR_H

#include "fcgi/application.h"

/*
 * Listens, forks the workers and replaces those that end, until SIGTERM or
 * SIGINT; then lets them finish. SIGHUP reads the settings anew, SIGUSR2
 * changes to the program that now stands at its path, SIGUSR1 reopens
 * LOG_FILE. Returns the exit code: 0 when all requests were finished, else 1;
 * 69 or 78 when it cannot start. `from` is where the settings come from.
 *
 * Started by an earlier generation of itself, it goes on with its sockets and
 * workers, or only tries whether it could, as that one's environment says.
 */
int by__supervisor_run(by__application *application, const by__settings_from *from);

#endif
