/* Contexts: what a piece of work carries, and how cancellation and deadlines reach what is below it. */
#include <string.h>

#include <banyan/assert.h>

#include "core/scheduler.h"

/*
 * An offloaded function reads `cancelled` and `deadline` of its context, and
 * may make children of it, while the loop cancels or limits: hence the atomic
 * accesses.
 */

typedef struct by_ctx_value {
	const void *key;
	const void *value;
	const struct by_ctx_value *next;
} by_ctx_value;

/* Initial-exec: one load, where the general model of shared libraries calls a function. */
static _Thread_local by_ctx *current __attribute__((tls_model("initial-exec")));

by_ctx *by__ctx_enter(by_ctx *ctx)
{
	by_ctx *before = current;

	current = ctx;
	return before;
}

by_ctx *by_ctx_current(void)
{
	return current;
}

by_ctx *by_ctx_new(by_arena *arena)
{
	by_ctx *ctx = BY_NEW(arena, by_ctx);

	ctx->arena = arena;
	return ctx;
}

/* `ctx` is zeroed. */
void by__ctx_child_init(by_ctx *ctx, by_ctx *parent, by_arena *arena)
{
	memcpy(ctx, parent, offsetof(by_ctx, deadline));
	ctx->arena = arena;
	ctx->parent = parent;
	ctx->deadline = __atomic_load_n(&parent->deadline, __ATOMIC_RELAXED);
	ctx->sibling = parent->children;
	__atomic_store_n(&parent->children, ctx, __ATOMIC_SEQ_CST);
	/* A cancellation that went by before the child stood in the list. */
	if (__atomic_load_n(&parent->cancelled, __ATOMIC_SEQ_CST))
		__atomic_store_n(&ctx->cancelled, true, __ATOMIC_RELAXED);
}

void by__ctx_forget(const by_ctx *ctx)
{
	by_ctx **at = &ctx->parent->children;

	while (*at != ctx) {
		BY_INVARIANT(*at != NULL);
		at = &(*at)->sibling;
	}
	*at = ctx->sibling;
}

by_ctx *by_ctx_child(by_ctx *parent)
{
	by_ctx *ctx = BY_NEW(parent->arena, by_ctx);

	by__ctx_child_init(ctx, parent, parent->arena);
	return ctx;
}

static void free_turn(void *object)
{
	by_arena *arena = object;

	by_arena_free(&arena);
}

by_ctx *by_ctx_turn(by_ctx *parent, by_ctx *last)
{
	by_ctx   *turn = last;
	by_arena *arena;

	if (turn) {
		BY_REQUIRE(turn->parent == parent && turn->waiters == NULL);
		arena = turn->arena;
		by__ctx_forget(turn);
		by_arena_reset(arena);
		*turn = (by_ctx){ 0 };
	} else {
		turn = BY_NEW(parent->arena, by_ctx);
		arena = by_arena_new(0);
		by_arena_defer(parent->arena, free_turn, arena);
	}
	by__ctx_child_init(turn, parent, arena);
	return turn;
}

by_ctx *by__ctx_next(const by_ctx *root, by_ctx *at)
{
	by_ctx *child = __atomic_load_n(&at->children, __ATOMIC_SEQ_CST);

	if (child)
		return child;
	while (at != root) {
		if (at->sibling)
			return at->sibling;
		at = at->parent;
	}
	return NULL;
}

void by_ctx_limit(by_ctx *ctx, by_duration span)
{
	uint64_t now = by_clock();
	uint64_t deadline = now;

	if (span.us > 0) {
		/* Five hundred years from now and later is as good as none, and does not overflow. */
		if ((uint64_t)span.us > UINT64_MAX / 2000)
			return;
		deadline = now + (uint64_t)span.us * 1000;
	}
	for (by_ctx *at = ctx; at; at = by__ctx_next(ctx, at)) {
		if (at->deadline && at->deadline <= deadline)
			continue;
		__atomic_store_n(&at->deadline, deadline, __ATOMIC_RELAXED);
		by__tasks_limit(at);
	}
}

by_error *by__ctx_cancelled_error(by_ctx *ctx, by_place place)
{
	return by_error_make(ctx->arena, BY_ERROR_KIND(CANCELLED), place, "The request was cancelled.");
}

by_error *by__ctx_deadline_error(by_ctx *ctx, by_place place)
{
	return by_error_make(ctx->arena, BY_ERROR_KIND(DEADLINE_EXCEEDED), place,
	    "The request was not done before its deadline.");
}

by_error *by_ctx_check(by_ctx *ctx)
{
	uint64_t deadline = __atomic_load_n(&ctx->deadline, __ATOMIC_RELAXED);

	if (__atomic_load_n(&ctx->cancelled, __ATOMIC_RELAXED))
		return by__ctx_cancelled_error(ctx, BY_HERE);
	if (deadline && by_clock() >= deadline)
		return by__ctx_deadline_error(ctx, BY_HERE);
	return BY_OK;
}

bool by_ctx_has_role(const by_ctx *ctx, const char *role)
{
	const by_principal *principal = ctx->principal;

	for (size_t i = 0; principal && i < principal->role_count; i++)
		if (strcmp(principal->roles[i], role) == 0)
			return true;
	return false;
}

/* The newest stands first, so that it hides an older one; a child's list begins where its parent's did. */
void by_ctx_put(by_ctx *ctx, const void *key, const void *value)
{
	by_ctx_value *entry = BY_NEW(ctx->arena, by_ctx_value);

	*entry = (by_ctx_value){ key, value, ctx->values };
	ctx->values = entry;
}

const void *by_ctx_get(const by_ctx *ctx, const void *key)
{
	for (const by_ctx_value *entry = ctx->values; entry; entry = entry->next)
		if (entry->key == key)
			return entry->value;
	return NULL;
}
