/* How this process was started, told from its arguments, its descriptor 0 and its environment. */
#ifndef BY_FCGI_LAUNCH_H
#define BY_FCGI_LAUNCH_H

#include <stdbool.h>

typedef enum by__launch_kind {
	BY__LAUNCH_COMMAND, /* a subcommand was given */
	BY__LAUNCH_WORKER,  /* a listening socket was passed: lighttpd, mod_fcgid, spawn-fcgi, systemd */
	BY__LAUNCH_CGI,     /* one request in the environment */
	BY__LAUNCH_HELP     /* none of these: somebody typed the bare name */
} by__launch_kind;

typedef struct by__launch {
	by__launch_kind kind;
	int             listener; /* WORKER: its descriptor */
} by__launch;

by__launch by__launch_tell(int argc);

/* The first listening socket that systemd passed to this very process (LISTEN_PID, LISTEN_FDS), or -1. */
int by__launch_passed(void);
/*
 * The one whose FileDescriptorName= is `name` (LISTEN_FDNAMES), or -1. When
 * just one was passed, it is that of whoever asks with `only`.
 */
int by__launch_passed_as(const char *name, bool only);

/* Whether the descriptor is a listening socket. */
bool by__launch_listens(int fd);

#endif
