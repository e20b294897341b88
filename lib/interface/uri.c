/* Decodes parts of request targets, and refuses what no honest client sends. */
#include <string.h>

#include "core/text.h"
#include "core/utf8.h"
#include "interface/uri.h"

/* What a part holds: bytes to decode, bytes above ASCII, bytes that may not be. */
typedef struct part_traits {
	bool encoded, wide, bad;
} part_traits;

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

static part_traits traits_of(by_text text, bool plus)
{
	part_traits traits = { false, false, false };

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		traits.encoded |= c == '%' || (plus && c == '+');
		traits.wide |= c >= 0x80;
		traits.bad |= is_control(c);
	}
	return traits;
}

/* Queries carry text of any kind, so tabs and line ends are allowed there, escaped. */
static bool decode_into(by_text text, bool plus, char *out, size_t *len)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = text.len - i > 2 ? by__hex_value(text.ptr[i + 1]) : -1;
			int low = high >= 0 ? by__hex_value(text.ptr[i + 2]) : -1;

			if (low < 0)
				return false;
			c = (char)(high << 4 | low);
			if (c == '\0' || (is_control((unsigned char)c) && !(plus && memchr("\t\r\n", c, 3))))
				return false;
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		out[count++] = c;
	}
	*len = count;
	return true;
}

bool by__uri_decode(by_arena *arena, by_text text, bool plus, by_text *decoded)
{
	part_traits traits = traits_of(text, plus);

	if (traits.bad)
		return false;
	*decoded = text;
	if (traits.encoded) {
		char *out = by_alloc_raw(arena, text.len + 1);

		if (!decode_into(text, plus, out, &decoded->len))
			return false;
		decoded->ptr = out;
	}
	return (!traits.encoded && !traits.wide) || by__utf8_valid(*decoded);
}
