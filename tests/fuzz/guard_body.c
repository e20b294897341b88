/* The walk over a body's records: wherever it is interrupted, it comes to the same state. */
#include "fcgi/worker/guard.h"
#include "fcgi/protocol.h"
#include "fuzz/fuzz.h"

static bool same(const by__body *a, const by__body *b)
{
	return a->id == b->id && a->content == b->content && a->padding == b->padding && a->have == b->have
	    && memcmp(a->header, b->header, a->have) == 0 && a->bytes == b->bytes && a->ended == b->ended
	    && a->aborted == b->aborted && a->early == b->early && a->refused == b->refused;
}

/* Pieces of `most` bytes, the last one shorter. */
static by__body in_pieces(const uint8_t *data, size_t size, size_t most)
{
	by__body body = { .id = 1 };

	while (size > 0) {
		size_t now = size < most ? size : most;

		by__guard_body(&body, data, now);
		data += now;
		size -= now;
	}
	return body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by__body whole = { .id = 1 };

	by__guard_body(&whole, data, size);
	FUZZ_HOLDS(whole.bytes <= size && whole.have < BY__FCGI_HEADER);
	FUZZ_HOLDS(!whole.ended || size >= BY__FCGI_HEADER);
	for (size_t most = 1; most <= 9; most++) {
		by__body body = in_pieces(data, size, most);

		FUZZ_HOLDS(same(&body, &whole));
	}
	return 0;
}
