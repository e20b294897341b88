/*
 * One connection from the web server, and the request that runs on it. What
 * gate.c, connection.c, admission.c, handover.c, abandon.c and exchange.c share;
 * nobody else includes it.
 *
 * A connection that waits for a request costs this struct and its descriptor:
 * no thread, no coroutine, no arena. It watches its descriptor through libuv
 * while the kernel holds nothing for it; when bytes must be left there (half a
 * head, a body that is not read yet), the gate's edge-triggered epoll watches
 * instead, because a level-triggered one would report them for ever.
 */
#ifndef BY_FCGI_WORKER_CONNECTION_H
#define BY_FCGI_WORKER_CONNECTION_H

#include <sys/types.h>

#include <banyan/assert.h>
#include <banyan/task.h>

#include "core/deadline.h"
#include "fcgi/worker/gate.h"
#include "fcgi/worker/library.h"

enum { BY__CONNECTION_MAGIC = 0x66636769 }; /* "fcgi" */

typedef struct by__link {
	struct by__link *previous, *next;
} by__link;

typedef enum by__connection_phase {
	BY__CONNECTION_FREE,
	BY__CONNECTION_WAITING, /* for a request, or the rest of its head */
	BY__CONNECTION_QUEUED,  /* a whole head waits in the kernel until it may run */
	BY__CONNECTION_RUNNING,
	BY__CONNECTION_CLOSING
} by__connection_phase;

typedef struct by__connection {
	uint32_t                magic;
	by__connection_phase    phase;
	by__gate               *gate;
	struct by__connection  *made;     /* the one that was made before */
	by__link                all;      /* in gate->all, or gate->free */
	by__link                timed;    /* in gate->timed while deadline is set */
	by__link                turn;     /* in gate->queue while queued, in gate->active while running */
	by__deadline            patience; /* of one that is queued */
	int                     fd;
	bool                    poll_open;
	bool                    watched;  /* by the gate's epoll */
	bool                    unread;   /* refused with bytes left in the kernel */
	bool                    fresh;    /* has carried no request yet */
	bool                    refuse;   /* every request is answered 503 */
	uint64_t                received; /* by_clock when the first byte of the next request was seen; 0: none was */
	int                     polled;   /* uv_poll events now asked for */
	uv_poll_t               poll;
	uint64_t                deadline; /* on by_clock, of the phase or the wait; 0: none */

	/* The request that runs. */
	FCGX_Request            request;
	by__exchange            exchange;
	by_arena               *arena;
	by_ctx                 *ctx;
	by_wait                 wait;
	bool                    told;     /* that it is slow */
	bool                    keep;     /* usable again after the answer */
	bool                    wants_read, wants_write;
	bool                    late;     /* the deadline of a wait has passed */
	bool                    silent;   /* the body stopped coming: its rest is not waited for */
	bool                    cancelled; /* by the end of the worker's time to stop */
	bool                    answered; /* a byte of the answer was written */
	bool                    streaming; /* counted in gate->streams */
	size_t                  credit;   /* bytes that can be written without asking whether the socket takes them */
} by__connection;

struct by__gate {
	by_arena        *memory;       /* the worker's */
	by__gate_options options;
	uv_poll_t        listener;
	int              listener_fd;  /* -1: closed */
	uv_poll_t        channel;
	bool             channel_open;
	bool             resting;      /* takes no connections: the next tick looks whether it can again */
	uint64_t         told;         /* when it last logged that it cannot accept */
	uv_poll_t        edges;
	int              edge_fd;
	uv_timer_t       tick;
	bool             ticking;
	bool             draining;     /* no connection is kept */
	bool             leaving;      /* each connection that can be is handed over */
	bool             admitting;
	bool             tcp;
	size_t           credit;       /* of a connection whose peer has taken everything */
	by__link         all, free, timed;
	by__link         queue, active; /* the oldest first */
	by__connection  *volatile made; /* every one there ever was, by its `made`: complete at any instant, for signal handlers */
	unsigned         count, running, queued;
	unsigned         streams;      /* of those that run, the ones that are not limited */
	by__deadline     go_on;        /* with those that wait, when too many began in one turn */
	by_arena        *arenas[64];   /* of finished requests */
	size_t           arena_count;
	uint8_t         *peek;         /* BY__HEAD_BYTES */
};

static inline void by__link_init(by__link *link)
{
	link->previous = link->next = link;
}

static inline void by__link_add(by__link *list, by__link *link)
{
	link->previous = list->previous;
	link->next = list;
	list->previous->next = link;
	list->previous = link;
}

static inline bool by__link_empty(const by__link *list)
{
	return list->next == list;
}

static inline void by__link_remove(by__link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	by__link_init(link);
}

#define BY__LINKED(pointer, member) \
	((by__connection *)(void *)((char *)(pointer) - offsetof(by__connection, member)))

/* ---- connection.c ---- */

typedef enum by__origin {
	BY__ACCEPTED,
	BY__TAKEN,   /* from another worker, idle or with a request in it */
	BY__REFUSED  /* accepted to be told that nobody serves */
} by__origin;

/* Takes over a descriptor, and serves what already waits in it. */
void by__connection_start(by__gate *gate, int fd, by__origin origin);
/* Lets the request whose whole head waits in it run. */
void by__connection_begin(by__connection *connection, uint64_t now, by__refusal refusal);
/* Closes our descriptor and leaves what is in the connection to whoever has it now. */
void by__connection_forget(by__connection *connection);
/* Something came in, or the web server closed. */
void by__connection_readable(by__connection *connection);
/* The web server has closed, perhaps behind bytes that are still to be read. */
void by__connection_hangup(by__connection *connection);
/* Its deadline has passed. */
void by__connection_late(by__connection *connection);
/* The gate drains: closes it unless a request runs or is on its way. */
void by__connection_drain(by__connection *connection);
void by__connection_close(by__connection *connection);
/* The web server is not there any more: cancels what runs. */
void by__connection_gone(by__connection *connection);
/* Asks libuv or the gate's epoll for what the connection waits for. */
void by__connection_poll(by__connection *connection);
/* Bytes are left in the kernel on purpose: from here on only new ones count. */
void by__connection_watch(by__connection *connection);
/* 0: no deadline. */
void by__connection_limit(by__connection *connection, by_duration span);
/* What waits in the kernel, without taking it: 0 closed, -1 nothing yet. */
ssize_t by__connection_peek(const by__connection *connection, size_t len);

/* ---- admission.c ---- */

/* A whole head has come: lets it run, wait, or be refused, or hands it to another worker. */
void by__admit(by__connection *connection, const by__head *head, uint64_t now);
/* Lets those that wait run, as far as there is room. */
void by__admit_queued(by__gate *gate);
/* A request has become a stream: from now on it takes no place of another. */
void by__admission_frees(by__connection *connection);
/* The end of one that runs. */
void by__admission_ends(by__connection *connection);
/* Takes one out of the queue. */
void by__admission_withdraw(by__connection *connection);
/* It runs as much as it may, and another worker of the pool has room. */
bool by__admission_is_elsewhere(const by__gate *gate);

/* ---- handover.c ---- */

/* Gives a connection whose bytes are all unread to another worker. False: that cannot be now, and nothing has changed. */
BY_MUST_CHECK bool by__handover(by__connection *connection);
/* As many as can be of a gate that leaves. */
void by__handover_all(by__gate *gate);

/* ---- exchange.c ---- */

extern const by__exchange_driver by__fastcgi_exchange;
/* Serves the request in its coroutine, to the end of its answer and of its body. */
void by__connection_serve(by_ctx *ctx, void *argument);
/* Answers 503 without a coroutine, and gives the connection up. */
void by__connection_reject(by__connection *connection);

/* ---- gate.c ---- */

void by__gate_timed(by__gate *gate);
/* There is room again: takes connections, if it has rested. */
void by__gate_wake(by__gate *gate);
void by__gate_left(by__gate *gate);

#endif
