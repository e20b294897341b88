/* Pools: their sockets, and how many workers each is to have. */
#ifndef BY_FCGI_SUPERVISOR_POOLS_H
#define BY_FCGI_SUPERVISOR_POOLS_H

#include "fcgi/supervisor/state.h"

/* Compiles each pool's application and looks up its user. CONFIGURATION. Opens nothing. */
BY_MUST_CHECK by_error *by__pools_new(by__supervisor *supervisor);
/* Its listening socket (a passed one, or one of its own) and its channel, unless it has them. CONFIGURATION, UNAVAILABLE. */
BY_MUST_CHECK by_error *by__pool_open(by__supervisor *supervisor, by__pool *pool);
/* Slots that the pools can need at a time, with the successors of all workers. */
uint32_t by__pools_slots(const by__supervisor *supervisor);
/* Writes the pools' rows of the shared region. */
void by__pools_describe(by__supervisor *supervisor);

/* Starts and retires workers as scaling, replacement and crashes ask. */
void by__pools_settle(by__supervisor *supervisor);
/*
 * Successors of workers that were told to leave serve as soon as those have
 * stopped accepting; `all`: at once.
 */
void by__pools_let_follow(by__supervisor *supervisor, bool all);
/* Whether each pool has the workers that it starts with, in this state or a later one. */
bool by__pools_are(const by__supervisor *supervisor, by__worker_state state);
/* The end of a worker: when its pool may start the next one. */
void by__pool_ended(by__supervisor *supervisor, by__pool *pool, const by__member *member, bool clean);

#endif
