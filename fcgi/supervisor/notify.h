/* What a service manager is told (sd_notify(3)), spoken natively. Without NOTIFY_SOCKET nothing is said. */
#ifndef BY_FCGI_SUPERVISOR_NOTIFY_H
#define BY_FCGI_SUPERVISOR_NOTIFY_H

#include <banyan/base.h>

/* Sends lines such as "READY=1\nSTATUS=…". Does not block; what the manager does not take is lost. */
void by__notify(const char *lines);
/* RELOADING=1 with the time that systemd 253 and later want beside it (sd_notify(3), MONOTONIC_USEC). */
void by__notify_reloading(void);
/* How often the manager wants to hear WATCHDOG=1, nanoseconds; 0: it does not. A sign goes out twice as often. */
uint64_t by__notify_watchdog(void);
/* In a worker: the variables are the supervisor's alone. */
void by__notify_forget(void);

#endif
