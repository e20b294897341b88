/* The last words of a worker that crashes. */
#ifndef BY_FCGI_WORKER_CRASH_H
#define BY_FCGI_WORKER_CRASH_H

#include "core/shared.h"

/*
 * From now on a fatal signal of this process logs one JSON line (signal,
 * method, route, request id, stack), copies the three into the slot for the
 * supervisor, and then kills the process as it would have without.
 */
void by__crash_install(by__slot *slot, int log_fd);

#endif
