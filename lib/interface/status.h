/*
 * What the shared region says of an application: its pools and workers, what
 * they do, and which routes are refused. For /status and the command `status`.
 */
#ifndef BY_INTERFACE_STATUS_H
#define BY_INTERFACE_STATUS_H

#include <banyan/model.h>

#include "core/shared.h"

typedef struct by__status_pool {
	const char *name;
	const char *listen;
	const char *scaling;
	int64_t     workers_max;
	int64_t     requests_max;
	int64_t     started;
	int64_t     crashed;
	int64_t     replaced;
	int64_t     backoff_ms;
	int64_t     running;
	int64_t     active;
	int64_t     queued;
	int64_t     requests;
} by__status_pool;
BY_DECLARE_MODEL(by__status_pool);

typedef struct by__status_worker {
	int64_t     pid;
	const char *pool;
	int64_t     generation;
	const char *state;
	int64_t     active;
	int64_t     queued;
	int64_t     connections;
	int64_t     requests;
	int64_t     resident_bytes;
	double      uptime_seconds;
	int64_t    *heartbeat_age_ms;
	const char *method;
	const char *route;
} by__status_worker;
BY_DECLARE_MODEL(by__status_worker);

typedef struct by__status_poisoned {
	const char *route;
	int64_t     seconds_left;
} by__status_poisoned;
BY_DECLARE_MODEL(by__status_poisoned);

typedef struct by__status_reload {
	int64_t     count;
	const char *state;
	const char *reason;
} by__status_reload;
BY_DECLARE_MODEL(by__status_reload);

typedef struct by__status {
	const char                        *application;
	const char                        *version;
	int64_t                            supervisor;
	int64_t                            generation;
	double                             uptime_seconds;
	by_time                           *loaded;
	bool                               draining;
	by__status_reload                 *reload;
	BY_LIST(by__status_pool)           pools;
	BY_LIST(by__status_worker)         workers;
	BY_LIST(by__status_poisoned)       poisoned;
} by__status;
BY_DECLARE_MODEL(by__status);

/*
 * Reads a region while others write it: each number is sound, all of them need
 * not belong to one instant. Texts are copied into the arena as valid UTF-8
 * without control characters, whatever a dying worker left of them.
 */
void by__status_read(by_arena *arena, const by__shared *region, by__status *status);

/* "none", "running", "done" or "refused". */
const char *by__reload_state_name(uint32_t state);

#endif
