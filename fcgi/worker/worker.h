/* A worker: one process, one loop, requests from one listening socket. */
#ifndef BY_FCGI_WORKER_WORKER_H
#define BY_FCGI_WORKER_WORKER_H

#include <signal.h>
#include <sys/types.h>

#include "fcgi/application.h"
#include "fcgi/channel.h"
#include "fcgi/listener.h"

/*
 * What the supervisor tells a worker, by signals; the first three can be blocked
 * over the fork, by__worker_run hears them when it is ready to. A worker that a web server
 * started alone takes SIGUSR1 as SIGTERM, as web servers mean it.
 */
enum {
	BY__TELL_STOP = SIGTERM,   /* the application stops: nobody will take over */
	BY__TELL_TURN = SIGUSR2,   /* to one that is prepared: serve; to one that serves: leave, others take over */
	BY__TELL_REOPEN = SIGUSR1, /* LOG_FILE was moved away */
	BY__TELL_REPORT = SIGPROF, /* log what runs at this moment, with its stack */
	BY__TELL_GIVE_UP = SIGXCPU /* the loop is stalled: answer 504 to all that is unanswered, and end */
};

/* The exit code of a worker that was told to give up. */
enum { BY__EXIT_STALLED = 75 };

typedef struct by__worker_options {
	by__application *application; /* compiled */
	by__listener     listener;
	by__channel      channel;
	uint32_t         slot;        /* in the shared region; its pool is set */
	pid_t            supervisor;  /* 0: started by a web server, alone */
	bool             wait;        /* prepare, and serve when told to */
	bool             builtin_only; /* the status process: the framework's own endpoints and no other */
} by__worker_options;

/*
 * Serves until SIGTERM, SIGINT or SIGQUIT, or until it is told to leave, then
 * finishes what runs. Returns the exit code: 0 when all requests were finished
 * in time, else 1; 69 or 78 when it could not start. Its slot says where it
 * stands, and why it would like to be told to leave.
 */
int by__worker_run(const by__worker_options *options);

#endif
