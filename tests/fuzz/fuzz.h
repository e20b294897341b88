/*
 * A fuzz target is one file with this function: it does something with any
 * bytes and aborts where what must hold does not. libFuzzer calls it
 * (scripts/fuzz); in every other build tests/support/replay.c calls it with the
 * files of tests/fuzz/corpus/<target>.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <string.h>

#include <banyan/arena.h>
#include <banyan/assert.h>
#include <banyan/error.h>

/* Always 0: libFuzzer's other values are not used. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define FUZZ_HOLDS(expression) BY_INVARIANT(expression)

/* What lives as long as the process; volatile, so that no compiler keeps the pointer where a leak checker does not look. */
static inline by_arena *fuzz_kept(void)
{
	static by_arena *volatile kept;

	if (!kept)
		kept = by_arena_new(0);
	return kept;
}

/* Takes the first byte, which chooses how the rest is used; 0 when there is none. */
static inline uint8_t fuzz_choice(const uint8_t **data, size_t *size)
{
	if (*size == 0)
		return 0;
	(*size)--;
	return *(*data)++;
}

static inline by_text fuzz_text(const uint8_t *data, size_t size)
{
	return (by_text){ (const char *)data, size };
}

/* The next line without its end, taken off the text. */
static inline by_text fuzz_line(by_text *text)
{
	const char *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
	size_t len = end ? (size_t)(end - text->ptr) : text->len;
	by_text line = { text->ptr, len };

	text->ptr += len + (end != NULL);
	text->len -= len + (end != NULL);
	return line;
}

#endif
