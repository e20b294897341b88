/* Checking, counting and writing UTF-8. */
#include <string.h>

#include "core/utf8.h"

static bool continues(const unsigned char *at, size_t left, size_t count)
{
	if (left <= count)
		return false;
	for (size_t i = 1; i <= count; i++)
		if ((at[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t by__utf8_length(const unsigned char *at, size_t left)
{
	unsigned char c = at[0];

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return continues(at, left, 1) ? 2 : 0;
	if (c >= 0xe0 && c <= 0xef) {
		bool in_range = left > 1 && !(c == 0xe0 && at[1] < 0xa0) && !(c == 0xed && at[1] > 0x9f);

		return in_range && continues(at, left, 2) ? 3 : 0;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		bool in_range = left > 1 && !(c == 0xf0 && at[1] < 0x90) && !(c == 0xf4 && at[1] > 0x8f);

		return in_range && continues(at, left, 3) ? 4 : 0;
	}
	return 0;
}

bool by__utf8_valid(by_text text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	size_t               left = text.len;

	while (left > 0) {
		uint64_t word;

		if (left >= sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			if ((word & 0x8080808080808080u) == 0) {
				at += sizeof(word);
				left -= sizeof(word);
				continue;
			}
		}
		size_t length = by__utf8_length(at, left);

		if (length == 0)
			return false;
		at += length;
		left -= length;
	}
	return true;
}

size_t by__utf8_count(by_text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return count;
}

size_t by__utf8_put(uint32_t code_point, char *out)
{
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (char)(0xc0 | code_point >> 6);
		out[1] = (char)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		out[0] = (char)(0xe0 | code_point >> 12);
		out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code_point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code_point >> 18);
	out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code_point & 0x3f));
	return 4;
}
