/*
 * What a worker does when its loop does not turn any more and the supervisor
 * says so by signals: tells where it stands, and in the end gives up.
 */
#ifndef BY_FCGI_WORKER_STALL_H
#define BY_FCGI_WORKER_STALL_H

#include "core/shared.h"
#include "fcgi/worker/gate.h"

/*
 * From now on BY__TELL_REPORT logs one JSON line with the request that runs,
 * how long the loop has been away, and the stack; BY__TELL_GIVE_UP logs the
 * same, answers what is unanswered with 504, and ends the process with
 * BY__EXIT_STALLED. After by__crash_install, on whose stack they run.
 */
void by__stall_install(by__slot *slot, int log_fd);
/* Whose requests are answered then; NULL: there are none. */
void by__stall_gate(by__gate *gate);

#endif
