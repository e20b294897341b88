/* W3C Trace Context: what is continued, and what starts a new trace. */
#include <string.h>

#include "interface/trace.h"
#include "unit/unit.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static by_arena *arena;

static by_trace begin(const char *parent, const char *state)
{
	by_trace trace;

	if (arena == NULL)
		arena = by_arena_new(0);
	by__trace_begin(arena, (by_text){ parent, parent ? strlen(parent) : 0 }, (by_text){ state, state ? strlen(state) : 0 },
	    &trace);
	return trace;
}

static bool continued(const by_trace *trace)
{
	char id[BY__TRACE_ID];

	by__trace_id_print(trace, id);
	return memcmp(id, "4bf92f3577b34da6a3ce929d0e0e4736", sizeof(id)) == 0;
}

START_TEST(a_callers_trace_is_continued_with_a_span_of_ours)
{
	by_trace trace = begin(PARENT, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
	char     text[BY__TRACEPARENT];

	ck_assert(continued(&trace));
	ck_assert_int_eq(trace.parent_id[1], 0xf0);
	ck_assert_int_eq(trace.flags, 1);
	ck_assert_str_eq(trace.state, "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
	by__trace_print(&trace, text);
	ck_assert_int_eq(memcmp(text, PARENT, 36), 0);
	ck_assert_int_ne(memcmp(text + 36, &PARENT[36], 16), 0);
	ck_assert_int_eq(memcmp(text + 52, "-01", 3), 0);
}
END_TEST

START_TEST(a_malformed_parent_starts_a_new_trace_and_drops_the_state)
{
	static const char *const bad[] = {
		"", "00", PARENT "-", PARENT "0", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		by_trace trace = begin(bad[i], "a=1");

		ck_assert_msg(!continued(&trace), "%s was taken", bad[i]);
		ck_assert_ptr_null(trace.state);
		ck_assert_int_eq(trace.parent_id[0] | trace.parent_id[7], 0);
		ck_assert_int_eq(trace.flags, 0);
	}
}
END_TEST

START_TEST(a_later_version_may_say_more)
{
	by_trace trace = begin("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes", NULL);

	ck_assert(continued(&trace));
}
END_TEST

START_TEST(without_a_parent_each_trace_is_new)
{
	by_trace one = begin(NULL, "a=1");
	by_trace two = begin(NULL, NULL);

	ck_assert_int_ne(memcmp(one.trace_id, two.trace_id, 16), 0);
	ck_assert_int_ne(memcmp(one.span_id, two.span_id, 8), 0);
	ck_assert_ptr_null(one.state);
}
END_TEST

START_TEST(a_malformed_state_alone_is_dropped)
{
	static const char *const bad[] = { "", "a", "a=", "=1", "A=1", "a=1=2", "a b=1", "a=\x01", ",", " , " };
	char                     longest[600];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		by_trace trace = begin(PARENT, bad[i]);

		ck_assert_msg(trace.state == NULL, "\"%s\" was taken", bad[i]);
		ck_assert(continued(&trace));
	}
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "a=", 2);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_ptr_null(begin(PARENT, longest).state);
	ck_assert_ptr_nonnull(begin(PARENT, "a=1, b@c=2 ,,d/e=x y").state);
}
END_TEST

UNIT("trace", a_callers_trace_is_continued_with_a_span_of_ours,
    a_malformed_parent_starts_a_new_trace_and_drops_the_state, a_later_version_may_say_more,
    without_a_parent_each_trace_is_new, a_malformed_state_alone_is_dropped);
