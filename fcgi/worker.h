/* A worker: one process, one loop, requests from one listening socket. */
#ifndef BY_FCGI_WORKER_H
#define BY_FCGI_WORKER_H

#include <sys/types.h>

#include "fcgi/application.h"
#include "fcgi/listener.h"

typedef struct by__worker_options {
	by__application *application; /* compiled */
	by__listener     listener;
	uint32_t         slot;        /* in the shared region */
	pid_t            supervisor;  /* 0: started by a web server, alone */
} by__worker_options;

/*
 * Serves until SIGTERM, SIGINT, SIGQUIT or SIGUSR1, then finishes what runs.
 * Returns the exit code: 0 when all requests were finished in time, else 1;
 * 69 or 78 when it could not start.
 */
int by__worker_run(const by__worker_options *options);

#endif
