/* The socket that the web server connects to. */
#ifndef BY_FCGI_LISTENER_H
#define BY_FCGI_LISTENER_H

#include <sys/types.h>

#include <banyan/error.h>

typedef struct by__listener {
	int         fd;
	bool        tcp;
	bool        passed; /* made by somebody else: not removed at the end */
	const char *path;   /* of a unix socket; NULL: TCP, or passed */
} by__listener;

typedef struct by__listener_options {
	const char *address; /* "unix:path" or "host:port" */
	const char *owner;   /* of a unix socket: "user", "user:group", ":group"; NULL: left alone */
	mode_t      mode;    /* of a unix socket */
	int         backlog;
} by__listener_options;

/*
 * Listens. A unix socket that a dead process left behind is replaced, one that
 * answers is not. UNAVAILABLE says what is in the way.
 */
BY_MUST_CHECK by_error *by__listener_open(by_arena *arena, const by__listener_options *options, by__listener *listener);

/* Makes one of a descriptor that was passed to this process. */
BY_MUST_CHECK by_error *by__listener_adopt(by_arena *arena, int fd, by__listener *listener);

/* Closes it and removes the path that it made. */
void by__listener_close(by__listener *listener);

#endif
