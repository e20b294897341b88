/* The socket that the web server connects to. */
#ifndef BY_FCGI_LISTENER_H
#define BY_FCGI_LISTENER_H

#include <banyan/error.h>

typedef struct by__listener {
	int         fd;
	bool        tcp;
	bool        passed; /* made by somebody else: not removed at the end */
	const char *path;   /* of a unix socket; NULL: TCP, or passed */
} by__listener;

/*
 * Listens at "unix:path" or "host:port". A unix socket is made with mode 0660
 * and given to `owner` ("user", "user:group", ":group"; NULL: left alone); one
 * that a dead process left behind is replaced, one that answers is not.
 * UNAVAILABLE says what is in the way.
 */
BY_MUST_CHECK by_error *by__listener_open(by_arena *arena, const char *address, const char *owner,
    by__listener *listener);

/* Makes one of a descriptor that was passed to this process. */
BY_MUST_CHECK by_error *by__listener_adopt(by_arena *arena, int fd, by__listener *listener);

/* Closes it and removes the path that it made. */
void by__listener_close(by__listener *listener);

#endif
