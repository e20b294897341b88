/* What the supervisor is asked for by signals: heard only while it waits, and counted. */
#ifndef BY_FCGI_SUPERVISOR_SIGNALS_H
#define BY_FCGI_SUPERVISOR_SIGNALS_H

#include <signal.h>

#include "fcgi/supervisor/state.h"

/* How often each was asked for; whoever has done it sets it to 0. */
typedef struct by__asked_for {
	volatile sig_atomic_t stop;    /* SIGTERM, SIGINT, SIGQUIT */
	volatile sig_atomic_t reload;  /* SIGHUP */
	volatile sig_atomic_t upgrade; /* SIGUSR2 */
	volatile sig_atomic_t reopen;  /* SIGUSR1 */
} by__asked_for;
extern by__asked_for by__asked;

/* From now on ours are blocked but while the supervisor waits, so that none comes between looking and waiting. */
void by__signals_take(by__supervisor *supervisor);
/*
 * In a forked child: signals as they were before the supervisor took them.
 * `hold`: those that a worker is told by stay blocked until it hears them.
 */
void by__signals_give_back(const by__supervisor *supervisor, bool hold);
/*
 * What was asked for and not yet done is asked again, of this process as it is
 * after an exec: the signals are blocked until it waits for them.
 */
void by__signals_pass_on(void);

#endif
