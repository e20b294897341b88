/*
 * PCRE2 patterns: a small table from a pattern's address to its compiled form,
 * filled at start-up, and per thread the memory that a match needs.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

#include <banyan/assert.h>

#include "core/pattern.h"

enum {
	MATCH_LIMIT = 200000, /* a few milliseconds at worst */
	HEAP_LIMIT = 4096,    /* KiB, of the interpreter */
	JIT_STACK_START = 32 * 1024,
	JIT_STACK_MOST = 512 * 1024
};

typedef struct compiled {
	const char *pattern;
	pcre2_code *code;
} compiled;

static struct {
	compiled *slots; /* open addressing, a power of two, at most half full */
	size_t    room;
	size_t    count;
} table;

typedef struct scratch { /* of one thread */
	pcre2_match_data    *data;
	pcre2_match_context *context;
	pcre2_jit_stack     *stack;
} scratch;

static pthread_key_t  scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static compiled *slot_of(compiled *slots, size_t room, const char *pattern)
{
	size_t at = (size_t)((uintptr_t)pattern * 0x9e3779b97f4a7c15u >> 20);

	for (;; at++) {
		compiled *slot = &slots[at & (room - 1)];

		if (slot->pattern == pattern || slot->pattern == NULL)
			return slot;
	}
}

static void table_grow(void)
{
	size_t    room = table.room ? table.room * 2 : 64;
	compiled *slots = calloc(room, sizeof(*slots));

	BY_INVARIANT(slots != NULL);
	for (size_t i = 0; i < table.room; i++)
		if (table.slots[i].pattern != NULL)
			*slot_of(slots, room, table.slots[i].pattern) = table.slots[i];
	free(table.slots);
	table.slots = slots;
	table.room = room;
}

const char *by__pattern_compile(by_arena *arena, const char *pattern)
{
	int        code;
	PCRE2_SIZE offset;

	if (table.count * 2 >= table.room)
		table_grow();
	compiled *slot = slot_of(table.slots, table.room, pattern);

	if (slot->pattern != NULL)
		return NULL;
	pcre2_code *made = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, NULL);

	if (made == NULL) {
		PCRE2_UCHAR message[200];

		pcre2_get_error_message(code, message, sizeof(message));
		return by_format(arena, "%s at character %zu", (const char *)message, (size_t)offset);
	}
	/* Without executable pages the interpreter matches, under the same limits. */
	(void)pcre2_jit_compile(made, PCRE2_JIT_COMPLETE);
	*slot = (compiled){ pattern, made };
	table.count++;
	return NULL;
}

static void scratch_free(void *object)
{
	scratch *own = object;

	pcre2_match_data_free(own->data);
	pcre2_match_context_free(own->context);
	pcre2_jit_stack_free(own->stack);
	free(own);
}

static void scratch_key_make(void)
{
	BY_INVARIANT(pthread_key_create(&scratch_key, scratch_free) == 0);
}

static scratch *scratch_get(void)
{
	BY_INVARIANT(pthread_once(&scratch_once, scratch_key_make) == 0);
	scratch *own = pthread_getspecific(scratch_key);

	if (BY_LIKELY(own != NULL))
		return own;
	own = calloc(1, sizeof(*own));
	BY_INVARIANT(own != NULL);
	own->data = pcre2_match_data_create(1, NULL);
	own->context = pcre2_match_context_create(NULL);
	own->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MOST, NULL);
	BY_INVARIANT(own->data != NULL && own->context != NULL);
	pcre2_set_match_limit(own->context, MATCH_LIMIT);
	pcre2_set_heap_limit(own->context, HEAP_LIMIT);
	if (own->stack != NULL)
		pcre2_jit_stack_assign(own->context, NULL, own->stack);
	BY_INVARIANT(pthread_setspecific(scratch_key, own) == 0);
	return own;
}

by__pattern_result by__pattern_match(const char *pattern, by_text text)
{
	BY_REQUIRE(table.room > 0);
	const compiled *slot = slot_of(table.slots, table.room, pattern);
	scratch        *own = scratch_get();

	BY_REQUIRE(slot->code != NULL);
	int result = pcre2_match(slot->code, (PCRE2_SPTR)text.ptr, text.len, 0, PCRE2_NO_UTF_CHECK, own->data, own->context);

	if (result >= 0)
		return BY__PATTERN_MATCH;
	return result == PCRE2_ERROR_NOMATCH ? BY__PATTERN_NO_MATCH : BY__PATTERN_LIMIT;
}
