/*
 * libfcgi, kept from blocking, closing and accepting on its own. It reads and
 * writes the wire; when it may do so is decided here and in connection.c.
 */
#ifndef BY_FCGI_WORKER_LIBRARY_H
#define BY_FCGI_WORKER_LIBRARY_H

#include <fcgiapp.h>

#include <banyan/error.h>

#include "fcgi/worker/guard.h"

enum {
	BY__FCGX_BUFFER = 8192 /* libfcgi's own for input and for output: the most that one call reads or writes */
};

/*
 * Readies libfcgi. Its stream buffers are private, and how much of the next
 * records it already holds must be known to tell whether a call would block;
 * so their layout is tried out on a socket pair. UNAVAILABLE when this
 * libfcgi's differs.
 */
BY_MUST_CHECK by_error *by__fcgx_open(by_arena *arena);

/*
 * Reads the head of a request that by__guard_head called complete, from a
 * connected descriptor. False when libfcgi does not agree that it is one; it
 * has closed the descriptor then.
 */
BY_MUST_CHECK bool by__fcgx_accept(FCGX_Request *request, int fd);

/* The bytes of the body that can be taken without reading. */
size_t by__fcgx_waiting(const FCGX_Request *request);

/* Walks what libfcgi holds and has not delivered: the state in which `body` stands before the bytes still in the socket. */
void by__fcgx_walk(const FCGX_Request *request, by__body *body);

/* Takes what is delivered; when nothing is, reads first, which the caller knows not to block. 0: the end, or an error. */
size_t by__fcgx_read(FCGX_Request *request, char *data, size_t capacity);

/* How many bytes of output fit without a write. */
static inline size_t by__fcgx_room(const FCGX_Request *request)
{
	return (size_t)(request->out->stop - request->out->wrNext);
}

/* Writes the end of the answer and what is buffered before it; false when the connection is broken. */
BY_MUST_CHECK bool by__fcgx_end(FCGX_Request *request);

/* Gives all of the request's memory back; the descriptor is left alone. */
void by__fcgx_free(FCGX_Request *request);

#endif
