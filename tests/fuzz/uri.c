/* Percent-encoding: what decodes is text, and escaping it whole and decoding again gives the same. */
#include <banyan/buf.h>

#include "core/utf8.h"
#include "fuzz/fuzz.h"
#include "interface/uri.h"

static by_text escaped(by_arena *arena, by_text text)
{
	by_buf out;

	by_buf_init(&out, arena, text.len * 3 + 1);
	for (size_t i = 0; i < text.len; i++)
		by_put_format(&out, "%%%02X", (unsigned char)text.ptr[i]);
	return (by_text){ out.data, out.len };
}

static void check(by_arena *arena, by_text text, bool plus)
{
	by_text decoded, again;

	if (!by__uri_decode(arena, text, plus, &decoded))
		return;
	FUZZ_HOLDS(decoded.len <= text.len && by__utf8_valid(decoded));
	FUZZ_HOLDS(decoded.len == 0 || !memchr(decoded.ptr, '\0', decoded.len));
	bool same = by__uri_decode(arena, escaped(arena, decoded), plus, &again) && again.len == decoded.len
	    && (again.len == 0 || memcmp(again.ptr, decoded.ptr, again.len) == 0);

	FUZZ_HOLDS(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_arena *arena = by_arena_new(0);

	check(arena, fuzz_text(data, size), false);
	check(arena, fuzz_text(data, size), true);
	by_arena_free(&arena);
	return 0;
}
