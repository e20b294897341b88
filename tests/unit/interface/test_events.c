/* Server-sent events: how they are written, that silence beats, and how streams end. */
#include <string.h>

#include <banyan/events.h>

#include "core/runtime.h"
#include "interface/request.h"
#include "support/exchange.h"
#include "unit/unit.h"

typedef struct thing { const char *text; } thing;
BY_DECLARE_MODEL(thing);
static const by_field thing_fields[] = { BY_FIELD(thing, text) };
BY_MODEL(thing, thing_fields);

typedef by_error *run(by_ctx *ctx);
static run *current; /* what the one operation does in this test */

static by_error *stream_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)operation;
	(void)in;
	(void)out;
	return current(ctx);
}
static const by_operation stream_op = { "stream", NULL, NULL, stream_call, BY_HERE_INIT };

static const by_route rows[] = {
	BY_ROUTE(GET, "/stream", stream, .access = BY_PUBLIC, .produces = "text/event-stream", .timeout_ms = 60000),
	BY_ROUTE(GET, "/short", stream, .name = "short", .access = BY_PUBLIC, .timeout_ms = 50),
};
static BY_ROUTES(streams, "Streams", rows);
static const by_routes *const groups[] = { &streams };
static const by_version       versions[] = { { "v1", "/api", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena *arena;

static test_answer get_slowly(const char *method, const char *path, run *what, size_t takes)
{
	static const char *const variables[] = { "HTTP_LAST_EVENT_ID=41", NULL };

	arena = by_arena_new(0);
	current = what;
	BY_REQUIRE(by_model_compile(arena, &thing_model) == BY_OK);
	/* In memory of its own: the gateway's copy of the answer is not the stream's. */
	by_arena   *memory = by_arena_new(0);
	test_answer answer = test_serve(arena, test_server(arena, &app), &(test_request){ .method = method, .target = path,
	    .variables = variables, .arena = memory, .takes = takes });

	by_arena_free(&memory);
	return answer;
}

static test_answer get(const char *method, const char *path, run *what)
{
	return get_slowly(method, path, what, 0);
}

/* The body up to its end, which is the last `retry:` line, at 1 to 2 seconds. */
static void check_ended(const test_answer *answer, const char *before)
{
	size_t len = strlen(before);
	int    retry = 0;

	ck_assert_msg(strncmp(answer->body, before, len) == 0, "%s", answer->body);
	ck_assert_msg(sscanf(answer->body + len, "retry: %d\n\n", &retry) == 1 && retry >= 1000 && retry <= 2000, "%s",
	    answer->body);
	ck_assert_str_eq(answer->body + len, by_format(arena, "retry: %d\n\n", retry));
	ck_assert_int_eq(answer->status, 200);
	ck_assert(answer->reusable && !answer->broken_off);
}

static by_error *send_all_sorts(by_ctx *ctx)
{
	const thing object = { "a\nb" };

	BY_TRY(by_events_begin(ctx, NULL));
	BY_TRY(by_events_send(ctx, &(by_event){ .data = "plain" }));
	BY_TRY(by_events_send(ctx, &(by_event){ .id = "7", .name = "changed", .data = "one\ntwo\r\nthree\rfour\n" }));
	BY_TRY(by_events_send(ctx, &(by_event){ .data = "" }));
	BY_TRY(by_events_send(ctx, &(by_event){ .retry = BY_SECONDS(2) }));
	return by_events_send(ctx, &(by_event){ .model = &thing_model, .object = &object });
}

START_TEST(events_are_written_field_by_field_and_line_by_line)
{
	test_answer answer = get("GET", "/api/stream", send_all_sorts);

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "data: plain\n\n" "id: 7\nevent: changed\ndata: one\ndata: two\ndata: three\ndata: four\ndata: \n\n"
	    "data: \n\n" "retry: 2000\n\n" "data: {\"text\":\"a\\nb\"}\n\n");
	ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "text/event-stream");
	ck_assert_str_eq(test_header(arena, &answer, "Cache-Control"), "no-store");
	ck_assert_str_eq(test_header(arena, &answer, "X-Accel-Buffering"), "no");
	ck_assert(answer.reusable);
	by_arena_free(&arena);
}
END_TEST

static by_error *send_split_id(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, NULL));
	ck_fails(by_events_send(ctx, &(by_event){ .name = "a\rb" }), INTERNAL);
	return by_events_send(ctx, &(by_event){ .id = "1\ndata: forged" });
}

START_TEST(a_line_end_in_an_id_breaks_the_stream_off)
{
	test_answer answer = get("GET", "/api/stream", send_split_id);

	ck_assert(answer.broken_off);
	ck_assert_ptr_null(strstr(answer.body, "forged"));
	by_arena_free(&arena);
}
END_TEST

static by_error *tell_last_id(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, NULL));
	return by_events_send(ctx, &(by_event){ .data = by_copy_text(ctx->arena, by_events_last_id(ctx)) });
}

START_TEST(a_client_that_comes_again_says_where_it_was)
{
	ck_assert_str_eq(get("GET", "/api/stream", tell_last_id).body, "data: 41\n\n");
	by_arena_free(&arena);
}
END_TEST

static by_error *sleep_silently(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, &(by_events_options){ .heartbeat = BY_MILLISECONDS(20) }));
	BY_TRY(by_events_sleep(ctx, BY_MILLISECONDS(110)));
	return by_events_send(ctx, &(by_event){ .data = "x" });
}

START_TEST(a_silent_stream_beats)
{
	test_answer answer = get("GET", "/api/stream", sleep_silently);
	const char *at = answer.body;
	int         beats = 0;

	for (; strncmp(at, ":\n\n", 3) == 0; at += 3)
		beats++;
	ck_assert_str_eq(at, "data: x\n\n");
	ck_assert_int_ge(beats, 1);
	ck_assert_int_le(beats, 5);
	by_arena_free(&arena);
}
END_TEST

static by_error *go_on_for_ever(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, NULL));
	BY_TRY(by_events_send(ctx, &(by_event){ .data = "x" }));
	for (;;)
		BY_TRY(by_events_sleep(ctx, BY_SECONDS(1)));
}

START_TEST(a_stream_whose_time_is_over_ends_well)
{
	test_answer answer = get("GET", "/api/short", go_on_for_ever);

	check_ended(&answer, "data: x\n\n");
	by_arena_free(&arena);
}
END_TEST

static by_error *send_much(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, NULL));
	BY_TRY(by_events_send(ctx, &(by_event){ .data = "x" }));
	return by_events_send(ctx, &(by_event){ .id = "8", .data = by_format(ctx->arena, "%02000d", 0) });
}

START_TEST(a_stream_whose_time_is_over_within_an_event_is_broken_off)
{
	test_answer answer = get_slowly("GET", "/api/short", send_much, 1500);

	ck_assert_int_eq(answer.status, 200);
	ck_assert(answer.broken_off && !answer.reusable);
	ck_assert_msg(strncmp(answer.body, "data: x\n\nid: 8\ndata: 000", 23) == 0, "%s", answer.body);
	ck_assert_ptr_null(strstr(answer.body, "retry"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_head_of_a_stream_ends_at_once)
{
	test_answer answer = get("HEAD", "/api/stream", go_on_for_ever);

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "");
	ck_assert_str_eq(test_header(arena, &answer, "Content-Type"), "text/event-stream");
	by_arena_free(&arena);
}
END_TEST

/* A child that tells its request's exchange to end while the stream waits. */
static by_error *end_soon(by_ctx *ctx, void *argument)
{
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(10)));
	by__exchange_end_stream(argument);
	return BY_OK;
}

static by_error *told_while_asleep(by_ctx *ctx)
{
	(void)by_spawn(ctx, end_soon, by__request(ctx)->exchange);
	return go_on_for_ever(ctx);
}

static by_error *told_while_waiting(by_ctx *ctx)
{
	by_wait never;

	(void)by_spawn(ctx, end_soon, by__request(ctx)->exchange);
	by_wait_init(&never);
	BY_TRY(by_events_begin(ctx, NULL));
	by_error *error = by_events_wait(ctx, &never);

	ck_fails(error, STOPPING);
	ck_fails(by_events_send(ctx, &(by_event){ .data = "too late" }), STOPPING);
	return error;
}

static by_error *told_before(by_ctx *ctx)
{
	by__exchange_end_stream(by__request(ctx)->exchange);
	return go_on_for_ever(ctx);
}

START_TEST(a_stream_that_is_told_to_end_does_so_at_once)
{
	test_answer answer = get("GET", "/api/stream", told_while_asleep);

	check_ended(&answer, "data: x\n\n");
	by_arena_free(&arena);
	answer = get("GET", "/api/stream", told_while_waiting);
	check_ended(&answer, "");
	by_arena_free(&arena);
	answer = get("GET", "/api/stream", told_before);
	check_ended(&answer, "");
	by_arena_free(&arena);
}
END_TEST

static by_error *told_but_no_stream(by_ctx *ctx)
{
	by__exchange_end_stream(by__request(ctx)->exchange);
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1)));
	return by_respond_write(ctx, "whole", 5);
}

START_TEST(a_request_that_is_no_stream_takes_no_notice)
{
	test_answer answer = get("GET", "/api/stream", told_but_no_stream);

	ck_assert_int_eq(answer.status, 200);
	ck_assert_str_eq(answer.body, "whole");
	by_arena_free(&arena);
}
END_TEST

static by_error *wake_soon(by_ctx *ctx, void *argument)
{
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(30)));
	by_wake(argument);
	return BY_OK;
}

static by_error *wait_for_news(by_ctx *ctx)
{
	by_wait news;

	by_wait_init(&news);
	(void)by_spawn(ctx, wake_soon, &news);
	BY_TRY(by_events_begin(ctx, &(by_events_options){ .heartbeat = BY_MILLISECONDS(10) }));
	BY_TRY(by_events_wait(ctx, &news));
	return by_events_send(ctx, &(by_event){ .data = "news" });
}

START_TEST(a_stream_waits_for_news_while_it_beats)
{
	test_answer answer = get("GET", "/api/stream", wait_for_news);

	ck_assert_str_eq(answer.body + strspn(answer.body, ":\n"), "data: news\n\n");
	ck_assert_int_eq(answer.body[0], ':');
	by_arena_free(&arena);
}
END_TEST

static by_error *fail_in_between(by_ctx *ctx)
{
	BY_TRY(by_events_begin(ctx, NULL));
	BY_TRY(by_events_send(ctx, &(by_event){ .data = "x" }));
	return by_fail(ctx, UNAVAILABLE, "The database is away.");
}

START_TEST(a_stream_that_fails_is_broken_off)
{
	test_answer answer = get("GET", "/api/stream", fail_in_between);

	ck_assert_str_eq(answer.body, "data: x\n\n");
	ck_assert(answer.broken_off && !answer.reusable);
	by_arena_free(&arena);
}
END_TEST

/* The memory of a turn is taken back by the next: a long stream stays small. */
static by_error *turn_often(by_ctx *ctx)
{
	size_t before = 0;

	BY_TRY(by_events_begin(ctx, NULL));
	by_ctx *turn = NULL;

	for (int i = 0; i < 1000; i++) {
		turn = by_ctx_turn(ctx, turn);
		ck_assert_ptr_eq(turn->request, ctx->request);
		memset(by_alloc(turn->arena, 1000), 1, 1000);
		BY_TRY(by_events_send(turn, &(by_event){ .data = by_format(turn->arena, "%d", i) }));
		if (i == 0)
			before = by_arena_used(ctx->arena).bytes;
	}
	ck_assert_uint_eq(by_arena_used(ctx->arena).bytes, before);
	ck_assert_uint_lt(by_arena_used(turn->arena).held, 16384);
	return BY_OK;
}

START_TEST(what_a_turn_makes_is_gone_with_the_next)
{
	ck_assert_int_eq(get("GET", "/api/stream", turn_often).status, 200);
	by_arena_free(&arena);
}
END_TEST

UNIT("events", events_are_written_field_by_field_and_line_by_line, a_line_end_in_an_id_breaks_the_stream_off,
    a_client_that_comes_again_says_where_it_was, a_silent_stream_beats, a_stream_whose_time_is_over_ends_well,
    a_stream_whose_time_is_over_within_an_event_is_broken_off,
    a_head_of_a_stream_ends_at_once, a_stream_that_is_told_to_end_does_so_at_once,
    a_request_that_is_no_stream_takes_no_notice, a_stream_waits_for_news_while_it_beats, a_stream_that_fails_is_broken_off,
    what_a_turn_makes_is_gone_with_the_next);
