/*
 * Arenas bump a pointer through blocks from the heap. Free memory is poisoned
 * under AddressSanitizer; configured with --enable-arena-debug each allocation
 * is a block of its own, so that an overrun inside an arena is seen too.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <banyan/arena.h>
#include <banyan/assert.h>

#ifdef BY_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
	MAGIC = 0x6172656e,   /* "aren" */
	ALIGNMENT = 16,
	DEFAULT_BLOCK = 4096,
	/* Larger allocations get a block of their own and do not end the current one. */
	LARGE_SHARE = 4
};

typedef struct block {
	struct block *next;
	size_t        size; /* of data */
	_Alignas(ALIGNMENT) char data[];
} block;

typedef struct deferred {
	struct deferred *next;
	void           (*destroy)(void *object);
	void            *object;
} deferred;

struct by_arena {
	uint32_t  magic;
	size_t    block_size;
	char     *at;
	char     *end;
	block    *blocks;     /* newest first; the first one made is last and is kept over resets */
	deferred *deferred;
	size_t    allocations;
	size_t    bytes;
};

static size_t round_up(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static block *block_new(by_arena *arena, size_t size)
{
	if (size > PTRDIFF_MAX - sizeof(block))
		return NULL;
	block *made = malloc(sizeof(block) + size);

	if (made == NULL)
		return NULL;
	made->size = size;
	made->next = arena->blocks;
	arena->blocks = made;
	return made;
}

static void use_block(by_arena *arena, block *into)
{
	arena->at = into->data;
	arena->end = into->data + into->size;
	ASAN_POISON_MEMORY_REGION(into->data, into->size);
}

by_arena *by_arena_new(size_t block_size)
{
	by_arena *arena = calloc(1, sizeof(*arena));

	if (arena == NULL)
		by_abort("memory exhausted", "a new arena", __FILE__, __LINE__);
	arena->magic = MAGIC;
	arena->block_size = round_up(block_size ? block_size : DEFAULT_BLOCK);
	return arena;
}

static void run_deferred(by_arena *arena)
{
	while (arena->deferred != NULL) {
		deferred *now = arena->deferred;

		arena->deferred = now->next;
		now->destroy(now->object);
	}
}

/* Frees all blocks but the oldest, or all. */
static void free_blocks(by_arena *arena, bool keep_oldest)
{
	while (arena->blocks != NULL) {
		block *newest = arena->blocks;

		if (keep_oldest && newest->next == NULL && newest->size == arena->block_size)
			return;
		arena->blocks = newest->next;
		ASAN_UNPOISON_MEMORY_REGION(newest->data, newest->size);
		free(newest);
	}
}

void by_arena_reset(by_arena *arena)
{
	BY_REQUIRE(arena->magic == MAGIC);
	run_deferred(arena);
#ifdef BY_ARENA_DEBUG
	free_blocks(arena, false);
#else
	free_blocks(arena, true);
#endif
	arena->at = arena->end = NULL;
	if (arena->blocks != NULL)
		use_block(arena, arena->blocks);
	arena->allocations = arena->bytes = 0;
}

void by_arena_free(by_arena **arena)
{
	by_arena *freed = *arena;

	if (freed == NULL)
		return;
	BY_REQUIRE(freed->magic == MAGIC);
	run_deferred(freed);
	free_blocks(freed, false);
	freed->magic = 0;
	free(freed);
	*arena = NULL;
}

by_arena_usage by_arena_used(const by_arena *arena)
{
	by_arena_usage usage = { .allocations = arena->allocations, .bytes = arena->bytes };

	for (const block *each = arena->blocks; each != NULL; each = each->next) {
		usage.blocks++;
		usage.held += each->size;
	}
	return usage;
}

#ifdef BY_ARENA_DEBUG
static void *take(by_arena *arena, size_t size)
{
	block *own = block_new(arena, size ? size : 1);

	return own ? own->data : NULL;
}
#else
/* A block for this allocation alone, put behind the current one. */
static void *take_large(by_arena *arena, size_t size)
{
	block *current = arena->blocks;
	block *own = block_new(arena, size);

	if (own == NULL)
		return NULL;
	if (current != NULL) {
		arena->blocks = current;
		own->next = current->next;
		current->next = own;
	}
	return own->data;
}

static void *take(by_arena *arena, size_t size)
{
	size_t rounded = round_up(size ? size : 1);

	if (rounded < size)
		return NULL;
	if (BY_UNLIKELY(rounded > (size_t)(arena->end - arena->at))) {
		block *next;

		if (rounded > arena->block_size / LARGE_SHARE && arena->blocks != NULL)
			return take_large(arena, rounded);
		next = block_new(arena, rounded > arena->block_size ? rounded : arena->block_size);
		if (next == NULL)
			return NULL;
		use_block(arena, next);
	}
	void *taken = arena->at;

	arena->at += rounded;
	ASAN_UNPOISON_MEMORY_REGION(taken, size);
	return taken;
}
#endif

void *by_try_alloc(by_arena *arena, size_t size)
{
	BY_REQUIRE(arena->magic == MAGIC);
	void *taken = take(arena, size);

	if (taken == NULL)
		return NULL;
	arena->allocations++;
	arena->bytes += size;
	return memset(taken, 0, size);
}

void *by_alloc_raw(by_arena *arena, size_t size)
{
	BY_REQUIRE(arena->magic == MAGIC);
	void *taken = take(arena, size);

	if (taken == NULL)
		by_abort("memory exhausted", "an allocation from an arena", __FILE__, __LINE__);
	arena->allocations++;
	arena->bytes += size;
	return taken;
}

void *by_alloc(by_arena *arena, size_t size)
{
	return memset(by_alloc_raw(arena, size), 0, size);
}

void *by_alloc_array(by_arena *arena, size_t size, size_t count)
{
	size_t product;

	if (__builtin_mul_overflow(size, count, &product))
		by_abort("memory exhausted", "an array larger than memory", __FILE__, __LINE__);
	return by_alloc(arena, product);
}

char *by_copy_text(by_arena *arena, by_text text)
{
	char *copy = by_alloc_raw(arena, text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return copy;
}

char *by_copy(by_arena *arena, const char *string)
{
	return by_copy_text(arena, (by_text){ string, strlen(string) });
}

char *by_format(by_arena *arena, const char *format, ...)
{
	char    first[256];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(first, sizeof(first), format, args);
	va_end(args);
	BY_REQUIRE(len >= 0);
	if ((size_t)len < sizeof(first))
		return by_copy_text(arena, (by_text){ first, (size_t)len });

	char *whole = by_alloc_raw(arena, (size_t)len + 1);

	va_start(args, format);
	vsnprintf(whole, (size_t)len + 1, format, args);
	va_end(args);
	return whole;
}

void by_arena_defer(by_arena *arena, void (*destroy)(void *object), void *object)
{
	deferred *row = by_alloc_raw(arena, sizeof(*row));

	row->next = arena->deferred;
	row->destroy = destroy;
	row->object = object;
	arena->deferred = row;
}
