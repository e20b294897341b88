/*
 * The context of one piece of work: a request, a command, a child task.
 *
 * It is passed explicitly to everything that may wait, and is also current for
 * its coroutine, so that a log line at any depth carries its ids.
 */
#ifndef BANYAN_CTX_H
#define BANYAN_CTX_H

#include <banyan/arena.h>
#include <banyan/base.h>
#include <banyan/error.h>
#include <banyan/time.h>
#include <banyan/value.h>

BY_BEGIN

/* W3C Trace Context, level 1. */
typedef struct by_trace {
	uint8_t trace_id[16];
	uint8_t span_id[8];   /* ours */
	uint8_t parent_id[8]; /* the caller's; zero for a new trace */
	uint8_t flags;
	const char *state;    /* tracestate to pass on, or NULL */
} by_trace;

/* Who calls: the verified claims of the token. */
typedef struct by_principal {
	const char        *subject;
	const char        *issuer;
	const char        *tenant;
	const char *const *roles;
	size_t             role_count;
} by_principal;

typedef struct by_log_field {
	const char *name;
	by_value    value;
	const struct by_log_field *next;
} by_log_field;

typedef struct by_ctx { /* read-only, but through the functions below */
	by_arena           *arena;
	struct by_ctx      *parent;    /* of a child task */
	const char         *request_id;
	by_trace            trace;
	const by_principal *principal; /* NULL: anonymous */
	const char         *operation; /* name, once routed */
	const char         *route;     /* template, once routed */
	const by_log_field *log_fields;
	struct by_transaction *transaction; /* the one that repository calls take part in */
	struct by_task     *task;      /* the coroutine it is current for; private */
	struct by_providers *providers; /* of the worker: database, tokens */
	struct by_request  *request;   /* NULL outside a request */
	struct by_ctx_value *values;   /* private */

	/* What other threads may look at, and what is a context's own. A child is given a copy of all above. */
	uint64_t            deadline;  /* on by_clock; 0: none */
	bool                cancelled;
	struct by_ctx       *children; /* private: whom a cancellation reaches */
	struct by_ctx       *sibling;  /* private */
	struct by_task      *waiters;  /* private: parked under this context */
	struct by_ctx_spare *spares;   /* private: arenas for offloaded functions */
} by_ctx;

/* A context of its own in the arena: a command, a test, a worker's start. */
BY_API by_ctx *by_ctx_new(by_arena *arena);
/* A child that inherits everything, in the same arena. */
BY_API by_ctx *by_ctx_child(by_ctx *parent);
/*
 * A child for one turn of a loop that goes on for long, with memory that the
 * next turn takes back: `turn = by_ctx_turn(ctx, turn)`, NULL at first. What
 * was made in the turn before is gone then; the last goes with the parent. Who
 * is spawned in a turn must be joined in it.
 */
BY_API by_ctx *by_ctx_turn(by_ctx *parent, by_ctx *last);
/* The context of the running coroutine, or NULL outside one. */
BY_API by_ctx *by_ctx_current(void);
/* Shortens the deadline to `span` from now; never lengthens it. */
BY_API void by_ctx_limit(by_ctx *ctx, by_duration span);
/* CANCELLED or DEADLINE_EXCEEDED once that is so, else BY_OK. Loops ask it. */
BY_API BY_MUST_CHECK by_error *by_ctx_check(by_ctx *ctx);
/* Whether the principal has the role. */
BY_API bool by_ctx_has_role(const by_ctx *ctx, const char *role);

/* A new error in the context's arena: by_fail(ctx, NOT_FOUND, "There is no experiment %s.", id). */
#define by_fail(ctx, KIND, ...) by_error_make((ctx)->arena, BY_ERROR_KIND(KIND), BY_HERE, __VA_ARGS__)

/*
 * Typed values in the context: BY_CTX_KEY(plan, tenant_plan) makes
 * plan_put(ctx, const tenant_plan *) and plan_get(ctx), which is NULL when
 * unset; a child sees its parents' values.
 */
BY_API void by_ctx_put(by_ctx *ctx, const void *key, const void *value);
BY_API const void *by_ctx_get(const by_ctx *ctx, const void *key);
#define BY_CTX_KEY(NAME, T) \
	static const char NAME##_key; \
	static inline void NAME##_put(by_ctx *ctx, const T *value) { by_ctx_put(ctx, &NAME##_key, value); } \
	static inline const T *NAME##_get(const by_ctx *ctx) { return (const T *)by_ctx_get(ctx, &NAME##_key); } \
	typedef int NAME##_key_end

BY_END

#endif
