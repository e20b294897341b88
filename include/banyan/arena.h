/*
 * Arenas: memory that is freed as a whole.
 *
 * A request, a connection, a worker and the application each own one. Nothing
 * that a handler allocates is freed by hand. An arena belongs to one thread at
 * a time (a parked coroutine may lend its arena to the function it offloads).
 */
#ifndef BANYAN_ARENA_H
#define BANYAN_ARENA_H

#include <banyan/base.h>

BY_BEGIN

typedef struct by_arena by_arena;

typedef struct by_arena_usage {
	size_t allocations; /* since the last reset */
	size_t bytes;       /* asked for, since the last reset */
	size_t blocks;      /* blocks now held from the heap */
	size_t held;        /* bytes now held from the heap */
} by_arena_usage;

/* A new arena whose blocks are at least `block` bytes (0: 4096). Aborts when memory is exhausted. */
BY_API by_arena *by_arena_new(size_t block);
/* Runs the destructors, newest first, gives all memory back and nulls the owner's pointer. */
BY_API void by_arena_free(by_arena **arena);
/* As free and new in one, but keeps the first block: the way from one request to the next. */
BY_API void by_arena_reset(by_arena *arena);
BY_API by_arena_usage by_arena_used(const by_arena *arena);

/*
 * Zeroed memory, aligned for any type, until the arena is reset or freed.
 * by_alloc aborts when memory is exhausted; by_try_alloc returns NULL, and is
 * for sizes that a client chooses.
 */
BY_API void *by_alloc(by_arena *arena, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));
BY_API BY_MUST_CHECK void *by_try_alloc(by_arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));
/* As by_alloc, contents undefined. */
BY_API void *by_alloc_raw(by_arena *arena, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));

#define BY_NEW(arena, type) ((type *)by_alloc((arena), sizeof(type)))
#define BY_NEW_ARRAY(arena, type, count) ((type *)by_alloc_array((arena), sizeof(type), (count)))
/* Zeroed; aborts when the product overflows. */
BY_API void *by_alloc_array(by_arena *arena, size_t size, size_t count)
    __attribute__((malloc, alloc_size(2, 3), returns_nonnull));

/* NUL-terminated copies. */
BY_API char *by_copy_text(by_arena *arena, by_text text) __attribute__((returns_nonnull));
BY_API char *by_copy(by_arena *arena, const char *string) __attribute__((returns_nonnull));
BY_API char *by_format(by_arena *arena, const char *format, ...) BY_PRINTF(2, 3) __attribute__((returns_nonnull));

/* Has `destroy(object)` run when the arena is reset or freed, newest first. */
BY_API void by_arena_defer(by_arena *arena, void (*destroy)(void *object), void *object);

BY_END

#endif
