/*
 * One connection from the web server, and the request that runs on it. What
 * gate.c, connection.c and exchange.c share; nobody else includes it.
 *
 * A connection that waits for a request costs this struct and its descriptor:
 * no thread, no coroutine, no arena. It watches its descriptor through libuv
 * while the kernel holds nothing for it; when bytes must be left there (half a
 * head, a body that is not read yet), the gate's edge-triggered epoll watches
 * instead, because a level-triggered one would report them for ever.
 */
#ifndef BY_FCGI_CONNECTION_H
#define BY_FCGI_CONNECTION_H

#include <sys/types.h>

#include <banyan/assert.h>
#include <banyan/task.h>

#include "fcgi/gate.h"
#include "fcgi/library.h"

enum { BY__CONNECTION_MAGIC = 0x66636769 }; /* "fcgi" */

typedef struct by__link {
	struct by__link *previous, *next;
} by__link;

typedef enum by__connection_phase {
	BY__CONNECTION_FREE,
	BY__CONNECTION_WAITING, /* for a request, or the rest of its head */
	BY__CONNECTION_RUNNING,
	BY__CONNECTION_CLOSING
} by__connection_phase;

typedef struct by__connection {
	uint32_t                magic;
	by__connection_phase    phase;
	by__gate               *gate;
	by__link                all;      /* in gate->all, or gate->free */
	by__link                timed;    /* in gate->timed while deadline is set */
	int                     fd;
	bool                    poll_open;
	bool                    watched;  /* by the gate's epoll */
	bool                    unread;   /* refused with bytes left in the kernel */
	bool                    fresh;    /* has carried no request yet */
	bool                    refuse;   /* every request is answered 503 */
	int                     polled;   /* uv_poll events now asked for */
	uv_poll_t               poll;
	uint64_t                deadline; /* on by_clock, of the phase or the wait; 0: none */

	/* The request that runs. */
	FCGX_Request            request;
	by__exchange            exchange;
	by_arena               *arena;
	by_ctx                 *ctx;
	by_wait                 wait;
	bool                    keep;     /* usable again after the answer */
	bool                    wants_read, wants_write;
	bool                    late;     /* the deadline of a wait has passed */
	bool                    silent;   /* the body stopped coming: its rest is not waited for */
	bool                    cancelled; /* by the end of the worker's time to stop */
	bool                    answered; /* a byte of the answer was written */
	size_t                  credit;   /* bytes that can be written without asking whether the socket takes them */
} by__connection;

struct by__gate {
	by_arena        *memory;       /* the worker's */
	by__gate_options options;
	uv_poll_t        listener;
	int              listener_fd;  /* -1: closed */
	bool             paused;       /* no descriptors left: accepts again at the next tick */
	uv_poll_t        edges;
	int              edge_fd;
	uv_timer_t       tick;
	bool             ticking;
	bool             draining;
	bool             tcp;
	size_t           credit;       /* of a connection whose peer has taken everything */
	by__link         all, free, timed;
	unsigned         count, running;
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

static inline void by__link_remove(by__link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	by__link_init(link);
}

#define BY__LINKED(pointer, member) \
	((by__connection *)(void *)((char *)(pointer) - offsetof(by__connection, member)))

/* ---- connection.c ---- */

/* Takes over an accepted descriptor, and serves what already waits in it. */
void by__connection_start(by__gate *gate, int fd, bool refuse);
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

/* ---- exchange.c ---- */

extern const by__exchange_driver by__fastcgi_exchange;
/* Serves the request in its coroutine, to the end of its answer and of its body. */
void by__connection_serve(by_ctx *ctx, void *argument);
/* Answers 503 without a coroutine, and gives the connection up. */
void by__connection_reject(by__connection *connection);

/* ---- gate.c ---- */

void by__gate_timed(by__gate *gate);
void by__gate_left(by__gate *gate);

#endif
