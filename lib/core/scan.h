/*
 * Looking at many bytes of a JSON string at once: whether none of them is a
 * control character, a quote, a backslash, DEL or part of a character outside
 * ASCII. Internal.
 */
#ifndef BY_CORE_SCAN_H
#define BY_CORE_SCAN_H

#include <string.h>

#include <banyan/base.h>

static inline bool by__eight_plain(const void *at)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t       word;

	memcpy(&word, at, sizeof(word));
	uint64_t quote = word ^ (ones * '"');
	uint64_t slash = word ^ (ones * '\\');
	uint64_t del = word ^ (ones * 127);
	uint64_t hit = (word - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones) | word;

	return (hit & (ones * 0x80)) == 0;
}

typedef signed char by__sixteen __attribute__((vector_size(16)));
typedef uint64_t    by__two_words __attribute__((vector_size(16)));

/* As signed numbers the bytes outside ASCII are below space too. */
static inline bool by__sixteen_plain(const void *at)
{
	by__sixteen bytes;

	memcpy(&bytes, at, sizeof(bytes));
	by__two_words hit = (by__two_words)((bytes < ' ') | (bytes == '"') | (bytes == '\\') | (bytes == 127));

	return (hit[0] | hit[1]) == 0;
}

/* How many bytes from here are plain, counted in steps; the byte behind them may be plain too. */
static inline size_t by__plain_steps(const void *start, size_t left)
{
	const char *at = start;
	size_t      run = 0;

	while (left - run >= 16 && by__sixteen_plain(at + run))
		run += 16;
	if (left - run >= 8 && by__eight_plain(at + run))
		run += 8;
	/* The last eight bytes overlap those already looked at. */
	if (left >= 8 && left - run < 8 && by__eight_plain(at + left - 8))
		return left;
	return run;
}

#endif
