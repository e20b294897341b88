/*
 * What the processes of one application share, in one mapped struct: a slot
 * per worker with its metric cells, and a row per pool. The supervisor makes
 * it before it forks; each worker writes only its own slot, so nothing here
 * needs a lock. The supervisor reads fixed-size fields and parses nothing.
 *
 * The region is a file in RUNTIME_DIR, so that `status` can read it, a new
 * generation of the supervisor takes it over, and workers that a web server
 * started by itself meet in it.
 */
#ifndef BY_CORE_SHARED_H
#define BY_CORE_SHARED_H

#include <stdatomic.h>
#include <sys/types.h>

#include <banyan/base.h>
#include <banyan/error.h>
#include <banyan/time.h>

enum {
	BY__SHARED_MAGIC = 0x62796e32, /* "byn2" */
	BY__SHARED_SLOTS = 256,        /* workers of all pools and generations */
	BY__SHARED_POOLS = 16,
	BY__SHARED_POISONS = 16,
	BY__SHARED_LINE = 64,          /* bytes of a cache line */
	BY__SHARED_NAME = 32,
	BY__SHARED_ADDRESS = 112,
	BY__SHARED_ROUTE = 96,
	BY__SHARED_ID = 40
};

typedef enum by__worker_state {
	BY__WORKER_FREE,
	BY__WORKER_STARTING,
	BY__WORKER_PREPARED, /* could serve, and waits to be told */
	BY__WORKER_READY,
	BY__WORKER_DRAINING,
	BY__WORKER_GONE,
	BY__WORKER_STATES
} by__worker_state;

/* The name as /status, /metrics and logs say it: "ready". */
const char *by__worker_state_name(uint32_t state);

/* Why a worker asks for a successor. */
typedef enum by__worker_leave {
	BY__LEAVE_NOT,
	BY__LEAVE_REQUESTS, /* it has served WORKER_MAX_REQUESTS */
	BY__LEAVE_MEMORY,   /* it is larger than WORKER_MAX_MEMORY */
	BY__LEAVE_IDLE      /* it had nothing to do for IDLE_TIMEOUT: no successor is needed */
} by__worker_leave;

/*
 * One worker. Its own process writes it, except pid, generation and pool:
 * those are the supervisor's. On cache lines of its own, so that workers do
 * not slow each other.
 */
typedef struct by__slot {
	_Alignas(BY__SHARED_LINE) _Atomic int32_t pid;
	_Atomic uint32_t generation;
	_Atomic uint32_t pool;         /* index into by__shared.pool */
	_Atomic uint32_t state;        /* by__worker_state */
	_Atomic uint32_t active;       /* requests running */
	_Atomic uint32_t streams;      /* of those, streams of events, which REQUESTS_MAX does not limit */
	_Atomic uint32_t queued;       /* requests that wait to run */
	_Atomic uint32_t connections;
	_Atomic uint32_t leave;        /* by__worker_leave */
	_Atomic uint64_t started;      /* wall clock, microseconds */
	_Atomic uint64_t requests;
	_Atomic uint64_t heartbeat;    /* by_clock of the loop's last turn; 0: it has no loop yet, or no more */
	_Atomic uint64_t rss;          /* bytes */
	_Atomic uint64_t busy;         /* by_clock of when a request last began or ended */
	/* The request that began last, for crash reports and status; text, always NUL-terminated. */
	char             method[8];
	char             route[BY__SHARED_ROUTE];
	char             request_id[BY__SHARED_ID];
} by__slot;

/* One pool; the supervisor writes it. */
typedef struct by__pool_row {
	char             name[BY__SHARED_NAME];
	char             listen[BY__SHARED_ADDRESS];
	char             scaling[12];  /* static, dynamic, on_demand */
	_Atomic uint32_t workers_max;
	_Atomic uint32_t requests_max; /* that run at a time in each worker */
	_Atomic uint64_t started;      /* workers so far */
	_Atomic uint64_t crashed;      /* of those */
	_Atomic uint64_t replaced;     /* of those, at their own request */
	_Atomic uint32_t backoff_ms;   /* until the next start, while they end as soon as they start */
} by__pool_row;

/* A route that has crashed its workers again and again, and is answered 503 for a while. */
typedef struct by__poison {
	_Atomic uint64_t route; /* by__poison_key; 0: none */
	_Atomic uint64_t until; /* by_clock */
	char             name[BY__SHARED_NAME + BY__SHARED_ROUTE]; /* method and route, for people */
} by__poison;

/* What became of the last reload or upgrade that was asked for. */
typedef enum by__reload_state {
	BY__RELOAD_NONE,
	BY__RELOAD_RUNNING,
	BY__RELOAD_DONE,
	BY__RELOAD_REFUSED /* the generation before goes on */
} by__reload_state;

typedef struct by__shared {
	uint32_t         magic;
	uint32_t         slots;        /* in use: room for the workers of the configuration */
	uint32_t         cells;        /* metric cells per slot */
	uint32_t         pools;
	uint64_t         layout;       /* of all this and of what each cell means: equal in processes that can share it */
	_Atomic int32_t  supervisor;   /* pid; 0: the workers were started by a web server */
	_Atomic uint32_t generation;   /* the newest */
	_Atomic uint32_t draining;     /* /ready says so */
	_Atomic uint32_t ready;        /* the first worker was: /startup says so from then on */
	_Atomic uint32_t poisons;      /* entries in use; so that nobody looks for none */
	_Atomic uint32_t used;         /* slots from here on never were */
	_Atomic uint64_t started;      /* wall clock, microseconds */
	_Atomic uint64_t loaded;       /* when the settings were last read */
	_Atomic uint32_t reloads;      /* asked for so far; rises when reload_state is RUNNING already */
	_Atomic uint32_t reload_state; /* by__reload_state */
	char             reload_reason[256]; /* of the last refusal, for people */
	char             application[BY__SHARED_NAME];
	char             version[BY__SHARED_NAME];
	by__poison       poison[BY__SHARED_POISONS];
	by__pool_row     pool[BY__SHARED_POOLS];
	by__slot         slot[BY__SHARED_SLOTS];
	/*
	 * From the next cache line: one row of _Atomic uint64_t cells per slot,
	 * and one for the process that made the region; each row begins on a
	 * cache line. What a cell means, the metric registry knows: it is the same
	 * in all processes of the same layout.
	 */
} by__shared;

/*
 * Maps a new region for `slots` workers (at most 255) with as many cells as
 * by_metric_series has reserved, and makes it this process's; inherited over
 * fork. Until it is called metrics go to a private region of one slot, so that
 * commands and tests need no set-up; what they counted so far is taken over.
 * `path` names the file, which replaces an older one of that name (its
 * directory must exist); NULL: memory only. CONFIGURATION when the number of
 * slots is out of bounds, UNAVAILABLE when the file cannot be made.
 */
BY_MUST_CHECK by_error *by__shared_create(by_arena *arena, uint32_t slots, const char *path);
/*
 * Takes over the region of the file, made by an earlier process with the same
 * layout; one of fewer than `slots` slots gets more of them. False: there is
 * none that fits, and nothing has changed.
 */
BY_MUST_CHECK bool by__shared_adopt(const char *path, uint32_t slots);
/*
 * For a worker that no supervisor looks after: takes over the region of the
 * file, or makes it, and takes a slot that no living process holds (it holds
 * it until it ends, by a lock on the file). UNAVAILABLE when all are taken.
 */
BY_MUST_CHECK by_error *by__shared_join(by_arena *arena, uint32_t slots, const char *path, uint32_t *slot);
/*
 * For looking at it only: the region of a file, whatever its cells mean, mapped
 * for reading. NULL when there is none, or of another version of this struct.
 */
const by__shared *by__shared_look(const char *path);

by__shared *by__shared_get(void);
/*
 * Makes this process the writer of a worker's slot. Its counters go on from
 * where the slot's last worker left them, its gauges start at zero. Until it
 * is called, a process writes slot 0 of its private region, or, in the region
 * it made, the slot and row behind those of the workers: the supervisor's own.
 */
void by__shared_use(uint32_t slot);
by__slot *by__shared_slot(void);
/* Whether the application stops, or, where nobody supervises, this process does. */
bool by__shared_draining(void);
/* Requests that run and are limited; the two numbers it is told from are not read at one moment. */
static inline uint32_t by__slot_load(const by__slot *slot)
{
	uint32_t active = atomic_load_explicit(&slot->active, memory_order_relaxed);
	uint32_t streams = atomic_load_explicit(&slot->streams, memory_order_relaxed);

	return active > streams ? active - streams : 0;
}
/* The pool of this process's slot. */
by__pool_row *by__shared_pool(void);
/* The cells of a slot. */
_Atomic uint64_t *by__shared_cells(uint32_t slot);
/* Rows of cells: the workers', and the supervisor's own. */
uint32_t by__shared_rows(void);
/* The next row that was ever written: the workers' in use, and the last. From row 0 on, until by__shared_rows. */
uint32_t by__shared_row_after(uint32_t row);
/* The cells that this process writes. */
_Atomic uint64_t *by__shared_own(void);

/* What a route is known by among the poisoned; never 0. */
uint64_t by__poison_key(const char *method, const char *route);
/* Seconds that requests of the route are still to be refused; 0: serve them. A load when nothing is poisoned. */
uint32_t by__poisoned(uint64_t key);
/* Refuses requests of the route from now on for that long. The supervisor's. */
void by__poison_add(const char *method, const char *route, by_duration span);

#endif
