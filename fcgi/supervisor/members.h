/* Worker processes: started, told, watched, buried. */
#ifndef BY_FCGI_SUPERVISOR_MEMBERS_H
#define BY_FCGI_SUPERVISOR_MEMBERS_H

#include "fcgi/supervisor/state.h"

/* Starts one in a free slot. `wait`: it prepares, and serves when it is told to. NULL: it could not be, and the log says why. */
by__member *by__member_start(by__supervisor *supervisor, by__pool *pool, bool wait);
/* An entry for a process that an earlier generation started; NULL when there are too many. */
by__member *by__member_take(by__supervisor *supervisor);

/*
 * In a forked child: takes the user, the environment and the application's
 * settings that workers of the pool have. False, and standard error says why:
 * it may not.
 */
BY_MUST_CHECK bool by__member_become(by__supervisor *supervisor, by__pool *pool);

/* One that waits: to serve. */
void by__member_serve(by__supervisor *supervisor, by__member *member);
/* One that serves: to let others take over. One that waits: to end. */
void by__member_leave(by__supervisor *supervisor, by__member *member);
/* To stop: nobody takes over. */
void by__member_stop(by__supervisor *supervisor, by__member *member);

/* Collects those that have ended, and the orphans that fall to process 1. */
void by__members_reap(by__supervisor *supervisor);
/* Reports stalled loops, ends those that are stalled for too long or do not end. */
void by__members_watch(by__supervisor *supervisor);
uint32_t by__members_alive(const by__supervisor *supervisor);
void by__members_signal(const by__supervisor *supervisor, int number);
/* What is in stdio's or the log's buffers would be written by parent and child. */
pid_t by__fork_clean(void);

#endif
