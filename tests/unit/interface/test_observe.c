/* The access line: one JSON object per request, with what it must hold and without what it must not. */
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include <banyan/http.h>
#include <banyan/log.h>
#include <banyan/task.h>

#include "support/exchange.h"
#include "unit/unit.h"

typedef struct text_in { const char *text; } text_in;
BY_DECLARE_MODEL(text_in);
static const by_field text_in_fields[] = { BY_FIELD(text_in, text) };
BY_MODEL(text_in, text_in_fields);

static by_error *echo(by_ctx *ctx, const text_in *in, text_in *out)
{
	(void)ctx;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(echo, text_in, text_in);

static const by_route rows[] = { BY_ROUTE(POST, "/echo/{text}", echo, .name = "echo_path", .access = BY_PUBLIC),
	BY_ROUTE(POST, "/echo", echo, .access = BY_PUBLIC) };
static BY_ROUTES(echoes, "Echoes", rows);
static const by_routes *const groups[] = { &echoes };
static const by_version       versions[] = { { "v1", "/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena   *arena;
static by__server *server;
static int         from_log;

static void setup(void)
{
	const by__server_options options = {
		.body_max = 4096, .request_timeout = BY_SECONDS(5), .body_timeout = BY_SECONDS(5), .access_log = true
	};
	int ends[2];

	arena = by_arena_new(0);
	ck_ok(by__server_new(arena, &app, &options, &server));
	ck_assert_int_eq(pipe(ends), 0);
	from_log = ends[0];
	ck_ok(by_log_configure(arena, "info", ends[1]));
}

/* The line that the last request left. */
static json_object *line(const char **text)
{
	char *data = by_alloc(arena, 65536);

	by_log_flush();
	ssize_t len = read(from_log, data, 65535);

	ck_assert_int_gt(len, 0);
	ck_assert_ptr_eq(strchr(data, '\n'), data + len - 1);
	*text = data;
	json_object *object = json_tokener_parse(data);

	ck_assert_msg(object != NULL, "%s", data);
	return object;
}

static const char *member(json_object *object, const char *name)
{
	json_object *value = NULL;

	ck_assert_msg(json_object_object_get_ex(object, name, &value), "%s is missing", name);
	return json_object_get_string(value);
}

START_TEST(a_request_leaves_one_line_without_its_query)
{
	static const char *const variables[] = {
		"HTTP_X_REQUEST_ID=r-1", "HTTP_TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL
	};
	const char *text;

	setup();
	test_serve(arena, server, &(test_request){ .method = "POST", .target = "/v1/echo?token=hidden", .variables = variables,
	    .body = "{\"text\":\"abc\"}" });
	json_object *object = line(&text);

	ck_assert_ptr_null(strstr(text, "hidden"));
	ck_assert_str_eq(member(object, "level"), "info");
	ck_assert_str_eq(member(object, "logger"), "access");
	ck_assert_str_eq(member(object, "method"), "POST");
	ck_assert_str_eq(member(object, "path"), "/v1/echo");
	ck_assert_str_eq(member(object, "route"), "/v1/echo");
	ck_assert_str_eq(member(object, "status"), "422");
	ck_assert_str_eq(member(object, "bytes_in"), "14");
	ck_assert_str_eq(member(object, "client"), "192.0.2.7");
	ck_assert_str_eq(member(object, "request_id"), "r-1");
	ck_assert_str_eq(member(object, "trace_id"), "4bf92f3577b34da6a3ce929d0e0e4736");
	ck_assert_ptr_null(member(object, "user_id"));
	by_time when;

	/* Three digits of a fraction, or none, when they tell all. */
	ck_assert(by_time_parse((by_text){ member(object, "timestamp"), strlen(member(object, "timestamp")) }, &when));
	ck_assert_int_le(by_time_now().us - when.us, INT64_C(60000000));
	ck_assert(strtod(member(object, "duration_ms"), NULL) < 5000);
	json_object_put(object);
}
END_TEST

START_TEST(anything_in_a_path_is_escaped)
{
	const char *text;
	char       *target;

	setup();
	target = by_alloc(arena, 7000);
	memset(target, '"', 6000);
	memcpy(target, "/\x01\\\xff", 4);
	test_serve(arena, server, &(test_request){ .target = target });
	json_object *object = line(&text);

	ck_assert_str_eq(member(object, "status"), "400");
	ck_assert_ptr_null(member(object, "route"));
	ck_assert_uint_eq(strlen(member(object, "path")), 6000 + 2); /* U+FFFD for the byte that is not UTF-8 */
	json_object_put(object);
}
END_TEST

START_TEST(a_client_that_left_is_logged_as_499)
{
	const char *text;

	setup();
	test_serve(arena, server, &(test_request){ .method = "POST", .target = "/v1/echo", .body = "{}", .gone = true });
	json_object *object = line(&text);

	ck_assert_str_eq(member(object, "status"), "499");
	ck_assert_str_eq(member(object, "bytes_out"), "0");
	json_object_put(object);
}
END_TEST

UNIT("observe", a_request_leaves_one_line_without_its_query, anything_in_a_path_is_escaped,
    a_client_that_left_is_logged_as_499);
