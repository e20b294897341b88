/* Small things that text from outside is taken apart with. Internal. */
#ifndef BY_CORE_TEXT_H
#define BY_CORE_TEXT_H

#include <banyan/base.h>

/* Without the white space of HTTP fields and settings, spaces and tabs, at both ends. */
static inline by_text by__trim(by_text text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* The value of a hexadecimal digit in either case, or -1. */
static inline int by__hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* FNV-1a, 64 bits: equal on every machine. Not against those who choose the bytes. */
#define BY__HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t by__hash(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = (const unsigned char *)data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
