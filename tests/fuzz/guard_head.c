/* The guard's verdict on the beginning of a request, and the answers to management records. */
#include "fcgi/worker/guard.h"
#include "fcgi/protocol.h"
#include "fuzz/fuzz.h"

enum { PREFIXES = 128 };

static bool same(const by__head *a, const by__head *b)
{
	return a->verdict == b->verdict && a->length == b->length && a->id == b->id && a->management == b->management
	    && a->keep == b->keep;
}

/* What was wrong or whole does not become anything else by what follows. */
static void check_prefixes(const uint8_t *data, size_t size, const by__head *whole)
{
	size_t step = size / PREFIXES + 1;

	for (size_t len = 0; len < size; len += step) {
		by__head part = by__guard_head(data, len);

		FUZZ_HOLDS(part.verdict == BY__GUARD_MORE || same(&part, whole));
	}
}

static void check_answer(const uint8_t *data, const by__head *head)
{
	uint8_t answer[BY__MANAGEMENT_ANSWER];
	size_t len = by__guard_management(data, head->length, 1024, answer);

	FUZZ_HOLDS(len >= BY__FCGI_HEADER && len <= sizeof(answer));
	FUZZ_HOLDS(answer[0] == BY__FCGI_VERSION && answer[2] == 0 && answer[3] == 0);
	FUZZ_HOLDS(answer[1] == BY__FCGI_GET_VALUES_RESULT || answer[1] == BY__FCGI_UNKNOWN_TYPE);
	FUZZ_HOLDS((size_t)(answer[4] << 8 | answer[5]) + answer[6] + BY__FCGI_HEADER == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by__head head;

	/* No more is ever looked at. */
	if (size > BY__HEAD_BYTES)
		size = BY__HEAD_BYTES;
	head = by__guard_head(data, size);
	FUZZ_HOLDS((head.verdict == BY__GUARD_REFUSE) == (head.reason != NULL));
	check_prefixes(data, size, &head);
	if (head.verdict == BY__GUARD_COMPLETE || head.verdict == BY__GUARD_MANAGEMENT) {
		FUZZ_HOLDS(head.length >= BY__FCGI_HEADER && head.length <= size);
		by__head alone = by__guard_head(data, head.length);

		FUZZ_HOLDS(same(&alone, &head));
	}
	if (head.verdict == BY__GUARD_COMPLETE)
		FUZZ_HOLDS(head.id != 0);
	if (head.verdict == BY__GUARD_MANAGEMENT)
		check_answer(data, &head);
	return 0;
}
