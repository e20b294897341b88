/* Which endpoint a path finds, what its parameters hold, and what is no path at all. */
#include <stdio.h>
#include <string.h>

#include <banyan/time.h>

#include "interface/router.h"
#include "unit/unit.h"

static const by_operation nothing = { .name = "nothing", .place = { "rows.c", 7 } };

static const by__endpoint rows[] = {
	{ .method = BY_GET, .path = "/", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs", .operation = &nothing },
	{ .method = BY_POST, .path = "/runs", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/{id}", .operation = &nothing },
	{ .method = BY_DELETE, .path = "/runs/{id}", .operation = &nothing },
	{ .method = BY_POST, .path = "/runs/import", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/{run}/frames/{n}", .operation = &nothing },
	{ .method = BY_GET, .path = "/runs/import/log", .operation = &nothing },
	{ .method = BY_GET, .path = "/files/{path...}", .operation = &nothing },
	{ .method = BY_OPTIONS, .path = "/own", .operation = &nothing },
	{ .method = BY_PUT, .path = "/own", .operation = &nothing },
};

static by_arena   *arena;
static by__router *router;
static by__routed  routed;

static void setup(void)
{
	by_buf mistakes;

	arena = by_arena_new(0);
	by_buf_init(&mistakes, arena, 0);
	router = by__router_new(arena, &(by__endpoints){ (by__endpoint *)(uintptr_t)rows, BY_COUNT(rows) }, &mistakes);
	ck_assert_uint_eq(mistakes.len, 0);
}

static by__match find(by_method method, const char *path)
{
	return by__router_find(router, arena, method, (by_text){ path, strlen(path) }, &routed);
}

static void finds(by_method method, const char *path, const char *template)
{
	ck_assert_msg(find(method, path) == BY__MATCHED, "%s was not found", path);
	ck_assert_str_eq(routed.endpoint->path, template);
}

static void parameter(size_t index, const char *value)
{
	ck_assert_uint_lt(index, routed.count);
	ck_assert_uint_eq(routed.parameters[index].len, strlen(value));
	ck_assert_int_eq(memcmp(routed.parameters[index].ptr, value, strlen(value)), 0);
}

START_TEST(static_segments_go_before_parameters_and_parameters_before_rests)
{
	setup();
	finds(BY_GET, "/", "/");
	finds(BY_GET, "/runs", "/runs");
	finds(BY_POST, "/runs/import", "/runs/import");
	finds(BY_GET, "/runs/7", "/runs/{id}");
	parameter(0, "7");
	finds(BY_GET, "/runs/7/frames/12", "/runs/{run}/frames/{n}");
	parameter(0, "7");
	parameter(1, "12");
}
END_TEST

START_TEST(a_static_segment_that_leads_nowhere_gives_way_to_the_parameter)
{
	setup();
	finds(BY_GET, "/runs/import/frames/1", "/runs/{run}/frames/{n}");
	parameter(0, "import");
	parameter(1, "1");
	finds(BY_GET, "/runs/import/log", "/runs/import/log");
	ck_assert_uint_eq(routed.count, 0);
}
END_TEST

START_TEST(paths_match_exactly)
{
	static const char *const others[] = {
		"/runs/", "/runs//", "//runs", "/Runs", "/runs/7/", "/runs/7/frames", "/runs/7/frames/1/2", "/none", "/files"
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(others); i++)
		ck_assert_msg(find(BY_GET, others[i]) == BY__MATCH_NO_PATH, "%s matched", others[i]);
}
END_TEST

START_TEST(segments_are_split_before_they_are_decoded_once)
{
	setup();
	finds(BY_GET, "/runs/a%2Fb", "/runs/{id}");
	parameter(0, "a/b");
	finds(BY_GET, "/runs/a%252Fb", "/runs/{id}");
	parameter(0, "a%2Fb");
	finds(BY_GET, "/runs/a+b%20c", "/runs/{id}");
	parameter(0, "a+b c");
	finds(BY_GET, "/runs/%C3%A4", "/runs/{id}");
	parameter(0, "\xc3\xa4");
	finds(BY_GET, "/%72uns", "/runs");
}
END_TEST

START_TEST(a_rest_takes_what_is_left)
{
	setup();
	finds(BY_GET, "/files/a", "/files/{path...}");
	parameter(0, "a");
	finds(BY_GET, "/files/a/b%2Fc/d", "/files/{path...}");
	parameter(0, "a/b/c/d");
	finds(BY_GET, "/files/", "/files/{path...}");
	parameter(0, "");
}
END_TEST

START_TEST(what_is_not_a_path_is_refused)
{
	static const char *const bad[] = {
		"", "runs", "/runs/%", "/runs/%2", "/runs/%zz", "/runs/%00", "/runs/%0a", "/runs/\x01", "/runs/\x7f", "/runs/\xff",
		"/runs/%ff", "/runs/%c0%af", "/runs/%ed%a0%80", "/runs/..", "/runs/%2e%2e", "/runs/./7", "/files/../runs", "*",
		"/files/a%2F..%2F..%2Fb", "/files/..%2fetc", "/runs/x%2F.", "/runs/%2e%2E%2F"
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(bad); i++)
		ck_assert_msg(find(BY_GET, bad[i]) == BY__MATCH_BAD_PATH, "%s was taken", bad[i]);
}
END_TEST

START_TEST(another_method_gets_the_list_of_those_allowed)
{
	setup();
	ck_assert_int_eq(find(BY_PUT, "/runs/7"), BY__MATCH_NO_METHOD);
	ck_assert_str_eq(routed.allow, "DELETE, GET, HEAD, OPTIONS");
	ck_assert_int_eq(find(BY_GET, "/runs/import"), BY__MATCH_NO_METHOD);
	ck_assert_str_eq(routed.allow, "OPTIONS, POST");
	ck_assert_int_eq(find(BY_METHOD_NONE, "/runs"), BY__MATCH_NO_METHOD);
	ck_assert_int_eq(find(BY_OPTIONS, "/runs"), BY__MATCH_NO_METHOD);
}
END_TEST

START_TEST(head_finds_the_get_and_an_own_options_is_found)
{
	setup();
	finds(BY_HEAD, "/runs", "/runs");
	ck_assert_int_eq(routed.endpoint->method, BY_GET);
	finds(BY_OPTIONS, "/own", "/own");
	ck_assert_int_eq(find(BY_HEAD, "/own"), BY__MATCH_NO_METHOD);
	ck_assert_str_eq(routed.allow, "OPTIONS, PUT");
}
END_TEST

START_TEST(a_path_of_too_many_segments_is_not_found)
{
	by_buf path;

	setup();
	by_buf_init(&path, arena, 0);
	BY_PUT(&path, "/files");
	for (int i = 0; i < 1000; i++)
		BY_PUT(&path, "/x");
	ck_assert_int_eq(find(BY_GET, by_buf_string(&path)), BY__MATCH_NO_PATH);
}
END_TEST

START_TEST(rows_for_the_same_requests_are_refused_with_both_places)
{
	static const by_route first = { .place = { "a.c", 11 } };
	static const by_route second = { .place = { "b.c", 22 } };
	by__endpoint          twice[] = {
		{ .method = BY_GET, .path = "/x/{id}", .operation = &nothing, .route = &first },
		{ .method = BY_GET, .path = "/x/{name}", .operation = &nothing, .route = &second },
	};
	by_buf                mistakes;

	arena = by_arena_new(0);
	by_buf_init(&mistakes, arena, 0);
	by__router_new(arena, &(by__endpoints){ twice, 2 }, &mistakes);
	const char *text = by_buf_string(&mistakes);

	ck_assert_ptr_nonnull(strstr(text, "b.c:22: GET /x/{name}"));
	ck_assert_ptr_nonnull(strstr(text, "a.c:11"));
}
END_TEST

START_TEST(templates_are_checked)
{
	static const char *const bad[] = { "x", "", "/a b", "/a//b", "/{}", "/{a b}", "/{a...}/b", "/a{b}", "/%41", "/a/" };
	const char              *why;

	for (size_t i = 0; i < BY_COUNT(bad); i++) {
		ck_assert_msg(by__template_check(bad[i], &why) < 0, "%s was taken", bad[i]);
		ck_assert_ptr_nonnull(why);
	}
	ck_assert_int_eq(by__template_check("/a/{b}/c/{d...}", &why), 2);
	ck_assert_int_eq(by__template_parameter("/a/{b}/c/{d...}", "d"), 1);
	ck_assert_int_eq(by__template_parameter("/a/{b}/c/{d...}", "a"), -1);
}
END_TEST

START_TEST(a_lookup_allocates_nothing_and_takes_well_under_a_microsecond)
{
	enum { ROUNDS = 100000 };
	int matched = 0;

	setup();
	by_arena_usage before = by_arena_used(arena);
	uint64_t       start = by_clock();

	for (int i = 0; i < ROUNDS; i++)
		matched += find(BY_GET, "/runs/01HV6Z/frames/12") == BY__MATCHED;
	uint64_t each = (by_clock() - start) / ROUNDS;

	ck_assert_int_eq(matched, ROUNDS);
	ck_assert_uint_eq(by_arena_used(arena).allocations, before.allocations);
	fprintf(stderr, "# one lookup took %llu ns\n", (unsigned long long)each);
	ck_assert_uint_lt(each, 20000); /* loose: sanitizers and busy machines */
}
END_TEST

UNIT("router", static_segments_go_before_parameters_and_parameters_before_rests,
    a_static_segment_that_leads_nowhere_gives_way_to_the_parameter, paths_match_exactly,
    segments_are_split_before_they_are_decoded_once, a_rest_takes_what_is_left, what_is_not_a_path_is_refused,
    another_method_gets_the_list_of_those_allowed, head_finds_the_get_and_an_own_options_is_found,
    a_path_of_too_many_segments_is_not_found, rows_for_the_same_requests_are_refused_with_both_places,
    templates_are_checked, a_lookup_allocates_nothing_and_takes_well_under_a_microsecond);
