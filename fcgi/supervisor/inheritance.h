/*
 * What crosses the exec of a supervisor: its listening sockets, channels, lock
 * and workers, as text in a file without a name whose descriptor the
 * environment tells. Written and read by our own programs, perhaps of
 * different versions, so unknown lines are passed over.
 */
#ifndef BY_FCGI_SUPERVISOR_INHERITANCE_H
#define BY_FCGI_SUPERVISOR_INHERITANCE_H

#include "fcgi/supervisor/state.h"

#define BY__INHERITANCE "BANYAN_INHERITANCE" /* the variable */

/* A socket of the earlier generation. */
typedef struct by__inherited {
	char         name[BY__SHARED_NAME];       /* of its pool */
	const char  *address;                     /* as LISTEN said */
	by__listener listener;
	by__channel  channel;
} by__inherited;

typedef struct by__inheritance {
	uint32_t      generation;
	int           lock;
	bool          announced;
	by__inherited pools[2 * BY__SHARED_POOLS]; /* those of addresses that were left before among them */
	uint32_t      pool_count;
} by__inheritance;

/* Writes it and lets the descriptors survive an exec; returns the descriptor to name, or -1. */
int by__inheritance_write(const by__supervisor *supervisor);
/* The exec failed: the descriptors are closed on exec again. */
void by__inheritance_undo(const by__supervisor *supervisor, int fd);
/* Whether an earlier generation left something; then it is read, the supervisor's members with it. */
BY_MUST_CHECK bool by__inheritance_read(by__supervisor *supervisor, by__inheritance *inheritance);

#endif
