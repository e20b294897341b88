/*
 * What the processes of one application share, in one mapped struct: a slot
 * per worker and its metric cells. The supervisor makes it before it forks;
 * each worker writes only its own slot, so nothing here needs a lock. The
 * supervisor reads fixed-size fields and parses nothing.
 */
#ifndef BY_CORE_SHARED_H
#define BY_CORE_SHARED_H

#include <stdatomic.h>
#include <sys/types.h>

#include <banyan/base.h>
#include <banyan/error.h>

enum {
	BY__SHARED_MAGIC = 0x62796e31, /* "byn1" */
	BY__SHARED_SLOTS = 128,        /* the supervisor's own included */
	BY__SHARED_LINE = 64,          /* bytes of a cache line */
	BY__SHARED_ROUTE = 96,
	BY__SHARED_ID = 40
};

typedef enum by__worker_state {
	BY__WORKER_FREE,
	BY__WORKER_STARTING,
	BY__WORKER_READY,
	BY__WORKER_DRAINING,
	BY__WORKER_GONE
} by__worker_state;

/*
 * One worker. Its own process writes it, except pid and generation: those are
 * the supervisor's. On cache lines of its own, so that workers do not slow
 * each other.
 */
typedef struct by__slot {
	_Alignas(BY__SHARED_LINE) _Atomic int32_t pid;
	_Atomic uint32_t generation;
	_Atomic uint32_t state;        /* by__worker_state */
	_Atomic uint32_t active;       /* requests running */
	_Atomic uint32_t connections;
	_Atomic uint64_t started;      /* wall clock, microseconds */
	_Atomic uint64_t requests;
	_Atomic uint64_t heartbeat;    /* by_clock of the loop's last turn */
	_Atomic uint64_t rss;          /* bytes */
	/* The request that runs now, for crash and stall reports; text, always NUL-terminated. */
	char             method[8];
	char             route[BY__SHARED_ROUTE];
	char             request_id[BY__SHARED_ID];
} by__slot;

typedef struct by__shared {
	uint32_t         magic;
	uint32_t         slots;        /* in use: workers of the configuration */
	uint32_t         cells;        /* metric cells per slot */
	uint32_t         reserved;
	_Atomic int32_t  supervisor;
	_Atomic uint32_t draining;     /* /ready says so */
	_Atomic uint64_t started;      /* wall clock, microseconds */
	by__slot         slot[BY__SHARED_SLOTS];
	/*
	 * From the next cache line: one row of _Atomic uint64_t cells per worker,
	 * and one for the process that made the region; each row begins on a
	 * cache line. What a cell means, the metric registry knows: it is the same
	 * in all processes, since it was complete before they were forked.
	 */
} by__shared;

/*
 * Maps a new anonymous region for `slots` workers (at most 127) with as many
 * cells as by_metric_series has reserved, and makes it this process's;
 * inherited over fork. Until it is called metrics go to a private region of one
 * slot, so that commands and tests need no set-up; what they counted so far is
 * taken over. CONFIGURATION when the number of slots is out of bounds.
 */
BY_MUST_CHECK by_error *by__shared_create(by_arena *arena, uint32_t slots);
by__shared *by__shared_get(void);
/*
 * Makes this process the writer of a worker's slot. Its counters go on from
 * where the slot's last worker left them, its gauges start at zero. Until it
 * is called, a process writes slot 0 of its private region, or, in the region
 * it made, the slot and row behind those of the workers: the supervisor's own.
 */
void by__shared_use(uint32_t slot);
by__slot *by__shared_slot(void);
/* The cells of a slot. */
_Atomic uint64_t *by__shared_cells(uint32_t slot);
/* Rows of cells: the workers', and the supervisor's own. */
uint32_t by__shared_rows(void);
/* The cells that this process writes. */
_Atomic uint64_t *by__shared_own(void);

#endif
