/* Preconditions and trace headers: one per line, If-Match, If-None-Match, traceparent, tracestate. */
#include "fuzz/fuzz.h"
#include "interface/etag.h"
#include "interface/trace.h"

static void check_tags(by_arena *arena, by_text match, by_text none_match)
{
	int64_t version = 0;

	if (by__etag_if_match(match, &version) == BY__IF_MATCH_VERSION) {
		FUZZ_HOLDS(version > 0);
		FUZZ_HOLDS(by__etag_none_match(match, by_format(arena, "\"%lld\"", (long long)version)));
	}
	bool strong = by__etag_none_match(none_match, "\"7\"");

	FUZZ_HOLDS(strong == by__etag_none_match(none_match, "W/\"7\""));
}

static void check_trace(by_arena *arena, by_text parent, by_text state)
{
	by_trace trace, again;
	char     print[BY__TRACEPARENT], id[BY__TRACE_ID], id_again[BY__TRACE_ID];

	by__trace_begin(arena, parent, state, &trace);
	by__trace_print(&trace, print);
	by__trace_id_print(&trace, id);
	by__trace_begin(arena, (by_text){ print, sizeof(print) }, (by_text){ "", 0 }, &again);
	by__trace_id_print(&again, id_again);
	FUZZ_HOLDS(memcmp(id, id_again, sizeof(id)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_text   rest = fuzz_text(data, size);
	by_text   match = fuzz_line(&rest);
	by_text   none_match = fuzz_line(&rest);
	by_text   parent = fuzz_line(&rest);
	by_arena *arena = by_arena_new(0);

	check_tags(arena, match, none_match);
	check_trace(arena, parent, rest);
	by_arena_free(&arena);
	return 0;
}
