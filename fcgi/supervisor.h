/* The supervisor: a pool of workers on one listening socket, kept whole. */
#ifndef BY_FCGI_SUPERVISOR_H
#define BY_FCGI_SUPERVISOR_H

#include "fcgi/application.h"

/*
 * Listens, forks the workers and replaces those that end, until SIGTERM or
 * SIGINT; then lets them finish. Returns the exit code: 0 when all requests
 * were finished, else 1; 69 or 78 when it cannot start.
 */
int by__supervisor_run(by__application *application);

#endif
