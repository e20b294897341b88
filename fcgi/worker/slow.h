/* Requests that take longer than SLOW_REQUEST: each is logged once, with where it stands. */
#ifndef BY_FCGI_WORKER_SLOW_H
#define BY_FCGI_WORKER_SLOW_H

#include "fcgi/worker/gate.h"

/*
 * From now on one that computes without ever waiting is logged too: a timer's
 * signal looks at what runs. After by__crash_install, on whose stack it runs.
 */
void by__slow_install(by_duration limit, int log_fd);
/* Looks at those that wait; on the loop, several times within the limit. */
void by__slow_look(by__gate *gate, by_duration limit);

#endif
