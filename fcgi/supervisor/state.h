/*
 * What the supervisor's files share: its pools, and the processes that it has
 * forked. Nobody else includes it. All of it is the supervisor's own memory;
 * what crosses the fork is in core/shared.h, what crosses an exec in
 * inheritance.h.
 */
#ifndef BY_FCGI_SUPERVISOR_STATE_H
#define BY_FCGI_SUPERVISOR_STATE_H

#include <signal.h>
#include <sys/types.h>

#include "core/shared.h"
#include "fcgi/application.h"
#include "fcgi/channel.h"
#include "fcgi/listener.h"

enum {
	BY__MEMBERS = 2 * BY__SHARED_SLOTS, /* of this region, and of the one before a change of its layout */
	BY__NO_SLOT = UINT32_MAX
};

#define BY__MILLISECOND UINT64_C(1000000) /* of by_clock */
#define BY__SECOND (1000 * BY__MILLISECOND)

/* What a worker was told last. */
typedef enum by__stage {
	BY__STAGE_WAITING, /* to prepare, and then to wait */
	BY__STAGE_SERVING,
	BY__STAGE_LEAVING  /* to let others take over, or to stop */
} by__stage;

/* A worker process as the supervisor knows it. */
typedef struct by__member {
	pid_t     pid;        /* 0: this entry is free */
	uint32_t  slot;       /* BY__NO_SLOT: in a region that is not ours any more */
	uint32_t  pool;       /* index of its pool; BY__NO_SLOT: of one that the settings no longer have */
	uint32_t  generation;
	by__stage stage;
	uint64_t  forked;     /* by_clock */
	uint64_t  kill_at;    /* 0: not yet told to end */
	uint64_t  silent;     /* the heartbeat that was reported as too old */
	pid_t     successor;  /* that prepares to take its place, and waits for it to leave; 0: none */
	uint64_t  left;       /* when it was told to leave to a successor */
	bool      given_up;   /* it was told to answer 504 and end */
	bool      worn;       /* it is to be replaced, whatever it says itself */
} by__member;

/* The user that workers become. */
typedef struct by__identity {
	bool        set;
	uid_t       uid;
	gid_t       gid;
	gid_t       groups[64];
	int         group_count;
} by__identity;

typedef struct by__pool {
	const char      *name;
	uint32_t         index;       /* here and in the shared region */
	by__application *application; /* with the pool's own settings, compiled */
	const void      *own;         /* the application's settings as this pool has them; NULL: it has none */
	by__listener     listener;    /* fd -1: it could not be made yet */
	by__channel      channel;
	by__identity     identity;
	bool             builtin;     /* the status process */
	uint64_t         due;         /* when the next worker may be started */
	uint64_t         backoff;     /* since the last ones ended as soon as they had started; 0: they did not */
	uint64_t         grown;       /* when a dynamic pool last got another worker */
} by__pool;

/* A program of ours in a child, whose last words are kept. */
typedef struct by__trial {
	pid_t    pid;      /* 0: none runs */
	int      output;   /* our end of its standard error */
	uint64_t until;
	bool     upgrade;  /* of the program at its path, not of this one with new settings */
	char     text[2048];
	size_t   len;
} by__trial;

/* A listening socket at an address that the settings no longer have. */
typedef struct by__orphan {
	char         name[BY__SHARED_NAME]; /* of the pool that had it */
	const char  *address;
	by__listener listener;
} by__orphan;

typedef struct by__supervisor {
	by__application         *application; /* with the settings for all pools */
	const by__settings_from *from;
	by_arena                *arena;
	by__shared              *shared;
	const char              *region;     /* its file */
	int                      lock;       /* of RUNTIME_DIR: one supervisor of this name at a time */
	by__pool                *pools;      /* the last one is that of the status process, unless that is off */
	uint32_t                 pool_count;
	by__member               members[BY__MEMBERS];
	uint32_t                 generation; /* of the settings and the program; each reload makes the next */
	bool                     turning;    /* workers of this generation wait for one another; older ones serve */
	uint64_t                 turn_by;    /* when the change of generations counts as failed */
	bool                     announced;  /* enough workers were ready once */
	bool                     status_told; /* the status process was told to stop, after all others had */
	bool                     stopping, killed;
	bool                     unclean;    /* a worker did not finish */
	int                      code;       /* of a start that cannot succeed */
	uint64_t                 close_at, kill_at;
	by__trial                trial;
	by__orphan               orphans[BY__SHARED_POOLS]; /* of older generations, until the new one serves */
	uint32_t                 orphan_count;
	uint64_t                 watchdog, watchdog_due;
	sigset_t                 waiting;    /* the mask while it waits: our signals come through */
} by__supervisor;

static inline const by__app_settings *by__pool_settings_of(const by__pool *pool)
{
	return &pool->application->settings;
}

static inline by__slot *by__member_slot(const by__supervisor *s, const by__member *member)
{
	return member->slot == BY__NO_SLOT ? NULL : &s->shared->slot[member->slot];
}

/* BY__WORKER_GONE for one whose slot we cannot see. */
static inline uint32_t by__member_state(const by__supervisor *s, const by__member *member)
{
	const by__slot *slot = by__member_slot(s, member);

	return slot ? atomic_load(&slot->state) : BY__WORKER_GONE;
}

#define BY__EACH_MEMBER(s, m) \
	for (by__member *m = (s)->members; m < (s)->members + BY__MEMBERS; m++) \
		if (m->pid > 0)

#endif
