/*
 * How the workers of a pool hand connections to each other: a second queue
 * beside the listening socket. One that leaves, or has too much to do, puts in
 * what it has not begun; any other of the pool takes it out. The supervisor
 * makes it before it forks and keeps both ends, so that nothing in it is lost
 * when a worker dies.
 */
#ifndef BY_FCGI_CHANNEL_H
#define BY_FCGI_CHANNEL_H

#include <banyan/error.h>

typedef struct by__channel {
	int take; /* -1: there is none */
	int give;
} by__channel;

#define BY__NO_CHANNEL { -1, -1 }

/* UNAVAILABLE when there are no descriptors left. */
BY_MUST_CHECK by_error *by__channel_open(by_arena *arena, by__channel *channel);
void by__channel_close(by__channel *channel);

/* Puts a descriptor in; it stays the caller's to close. False: the channel is full for the moment, or there is none. */
BY_MUST_CHECK bool by__channel_give(const by__channel *channel, int fd);
/* Takes one out, non-blocking and closed on exec: the caller's. -1: nothing waits (or another worker was quicker). */
int by__channel_take(const by__channel *channel);

#endif
