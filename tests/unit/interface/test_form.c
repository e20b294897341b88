/* Forms as bodies: the same input, the same faults as the JSON they stand for. */
#include <string.h>

#include <banyan/task.h>

#include "support/exchange.h"
#include "unit/unit.h"

typedef struct note {
	const char    *title;
	int64_t        count;
	double        *ratio;
	bool           urgent;
	by_time       *due;
	by_list_string tags;
	by_list_int64  numbers;
	by_json        extra;
	by_bytes       file;
} note;
BY_DECLARE_MODEL(note);
static const by_field note_fields[] = {
	BY_FIELD(note, title, .min_length = 1, .max_length = 20),
	BY_FIELD(note, count, .minimum = BY_NUM(1), .default_value = "1"),
	BY_FIELD(note, ratio),
	BY_FIELD(note, urgent, .default_value = "false"),
	BY_FIELD(note, due),
	BY_FIELD(note, tags, .optional = true),
	BY_FIELD(note, numbers, .optional = true, .max_items = 3),
	BY_FIELD(note, extra, .optional = true),
	BY_FIELD(note, file, .optional = true),
};
BY_MODEL(note, note_fields);

static by_error *echo(by_ctx *ctx, const note *in, note *out)
{
	(void)ctx;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(echo, note, note);

static const by_route rows[] = {
	BY_ROUTE(POST, "/forms", echo, .access = BY_PUBLIC, .accepts = BY_FORMS),
	BY_ROUTE(POST, "/urlencoded", echo, .name = "echo_urlencoded", .access = BY_PUBLIC, .accepts = BY_FORM_URLENCODED),
	BY_ROUTE(POST, "/json", echo, .name = "echo_json", .access = BY_PUBLIC),
};
static BY_ROUTES(notes, "Notes", rows);
static const by_routes *const groups[] = { &notes };
static const by_version       versions[] = { { "v1", "/api", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena   *arena;
static by__server *server;

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=b"

static test_answer post(const char *path, const char *type, const char *body)
{
	if (arena == NULL) {
		arena = by_arena_new(0);
		server = test_server(arena, &app);
	}
	return test_serve(arena, server, &(test_request){ .method = "POST", .target = path, .content_type = type, .body = body });
}

/* The form's answer is that of the JSON. */
static void same(const char *type, const char *form, const char *json)
{
	test_answer got = post("/api/forms", type, form);
	test_answer want = post("/api/forms", "application/json", json);
	const char *faults = strstr(got.body, "\"errors\"");

	ck_assert_msg(got.status == want.status, "%d %s, %d %s", got.status, got.body, want.status, want.body);
	if (want.status == 200)
		ck_assert_str_eq(got.body, want.body);
	else
		ck_assert_str_eq(faults, strstr(want.body, "\"errors\""));
}

#define FIELD(name, value) "--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

START_TEST(a_form_is_the_json_it_stands_for)
{
	same(URLENCODED, "title=a+%22b%22&count=7&ratio=1e3&urgent=on&due=2026-01-02T03:04:05Z&tags=x,y&tags=z&numbers=1&numbers=-2"
	    "&extra=%7B%22a%22:[1]%7D&file=AAE", "{\"title\":\"a \\\"b\\\"\",\"count\":7,\"ratio\":1e3,\"urgent\":true,"
	    "\"due\":\"2026-01-02T03:04:05Z\",\"tags\":[\"x,y\",\"z\"],\"numbers\":[1,-2],\"extra\":{\"a\":[1]},\"file\":\"AAE\"}");
	same(MULTIPART, FIELD("title", "gr\xc3\xbc\xc3\x9f\r\nGott") FIELD("tags", "") FIELD("tags", "1") FIELD("urgent", "true")
	    "--b\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\n" "\x01\xff\r\n--b--",
	    "{\"title\":\"gr\xc3\xbc\xc3\x9f\\r\\nGott\",\"tags\":[\"\",\"1\"],\"urgent\":true,\"file\":\"Af8\"}");
}
END_TEST

START_TEST(fields_left_empty_and_files_not_chosen_are_absent)
{
	same(URLENCODED, "title=a&ratio=&due=&&", "{\"title\":\"a\"}");
	same(MULTIPART, FIELD("title", "a") FIELD("ratio", "")
	    "--b\r\nContent-Disposition: form-data; name=file; filename=\"\"\r\n\r\n\r\n--b--", "{\"title\":\"a\"}");
}
END_TEST

START_TEST(a_form_without_fields_is_an_empty_object)
{
	same(URLENCODED, "", "{}");
	same(MULTIPART, "--b--", "{}");
}
END_TEST

START_TEST(the_faults_of_a_form_are_those_of_its_json)
{
	same(URLENCODED, "count=0&ratio=x&urgent=yes&due=tomorrow&colour=1&numbers=1&numbers=b",
	    "{\"count\":0,\"ratio\":\"x\",\"urgent\":\"yes\",\"due\":\"tomorrow\",\"colour\":\"1\",\"numbers\":[1,\"b\"]}");
	same(URLENCODED, "title=&count=99999999999999999999", "{\"title\":\"\",\"count\":99999999999999999999}");
	same(MULTIPART, FIELD("title", "012345678901234567890") FIELD("count", "1.5") "--b--",
	    "{\"title\":\"012345678901234567890\",\"count\":1.5}");
}
END_TEST

START_TEST(a_single_value_given_twice_is_a_fault)
{
	test_answer answer = post("/api/forms", URLENCODED, "title=a&title=b&count=0");

	ck_assert_int_eq(answer.status, 422);
	ck_assert_ptr_nonnull(strstr(answer.body, "{\"pointer\":\"#/title\",\"code\":\"duplicate\",\"detail\":\"may be given only once\"}"));
	ck_assert_ptr_nonnull(strstr(answer.body, "#/count"));
}
END_TEST

START_TEST(a_form_is_taken_only_where_the_row_says_so)
{
	ck_assert_int_eq(post("/api/json", URLENCODED, "title=a").status, 415);
	ck_assert_int_eq(post("/api/json", MULTIPART, FIELD("title", "a") "--b--").status, 415);
	ck_assert_int_eq(post("/api/urlencoded", URLENCODED "; charset=UTF-8", "title=a").status, 200);
	ck_assert_int_eq(post("/api/urlencoded", URLENCODED "; charset=latin1", "title=a").status, 415);
	test_answer answer = post("/api/urlencoded", MULTIPART, FIELD("title", "a") "--b--");

	ck_assert_int_eq(answer.status, 415);
	ck_assert_ptr_nonnull(strstr(answer.body, "The body must be application/json or application/x-www-form-urlencoded in UTF-8."));
	ck_assert_int_eq(post("/api/forms", "text/plain", "title=a").status, 415);
}
END_TEST

START_TEST(what_is_no_form_is_malformed)
{
	static const struct { const char *type, *body; } bad[] = {
		{ URLENCODED, "title=%zz" }, { URLENCODED, "title=%ff" }, { URLENCODED, "title=%00" },
		{ MULTIPART, FIELD("title", "a") }, { MULTIPART, "--b\r\n\r\n\r\n--b--" }, { MULTIPART, FIELD("title", "\xff") "--b--" },
		{ "multipart/form-data", FIELD("title", "a") "--b--" },
	};

	for (size_t i = 0; i < BY_COUNT(bad); i++) {
		test_answer answer = post("/api/forms", bad[i].type, bad[i].body);

		ck_assert_msg(answer.status == 400, "%zu: %d %s", i, answer.status, answer.body);
	}
}
END_TEST

START_TEST(a_form_holds_at_most_a_thousand_values)
{
	char *body = malloc(2004);

	for (int i = 0; i < 1001; i++)
		memcpy(body + (ptrdiff_t)2 * i, "a&", 2);
	body[2002] = '\0';
	test_answer answer = post("/api/forms", URLENCODED, body);

	ck_assert_int_eq(answer.status, 400);
	ck_assert_ptr_nonnull(strstr(answer.body, "A form may hold at most 1000 values."));
	body[2000] = '\0';
	ck_assert_int_eq(post("/api/forms", URLENCODED, body).status, 422);
	free(body);
}
END_TEST

typedef struct nested { note inner; } nested;
BY_DECLARE_MODEL(nested);
static const by_field nested_fields[] = { BY_FIELD_MODEL(nested, inner, note) };
BY_MODEL(nested, nested_fields);

static by_error *take_nested(by_ctx *ctx, const nested *in)
{
	(void)ctx;
	(void)in;
	return BY_OK;
}
BY_OPERATION_IN(take_nested, nested);

START_TEST(a_row_whose_body_no_form_can_hold_does_not_start)
{
	static const by_route         bad_rows[] = { BY_ROUTE(POST, "/nested", take_nested, .access = BY_PUBLIC, .accepts = BY_FORMS) };
	static BY_ROUTES(bad_routes, "Nested", bad_rows);
	static const by_routes *const bad_groups[] = { &bad_routes };
	static const by_version       bad_versions[] = { { "v1", "/api", bad_groups, 1 } };
	static const by_app           bad = { .name = "test", .versions = bad_versions, .version_count = 1 };
	const by__server_options      options = { .base_path = "", .environment = "test" };
	by__server                   *none;

	arena = by_arena_new(0);
	by_error *error = by__server_new(arena, &bad, &options, &none);

	ck_fails(error, CONFIGURATION);
	ck_assert_ptr_nonnull(strstr(error->detail, "/api/nested accepts forms, but in its body the field inner holds more than one value"));
}
END_TEST

START_TEST(the_document_names_every_media_type)
{
	by_buf out;

	ck_assert_int_eq(post("/api/forms", URLENCODED, "title=a").status, 200);
	by_buf_init(&out, arena, 4096);
	by__server_openapi(server, "v1", &out);
	const char *text = by_buf_string(&out);
	const char *forms = strstr(text, "\"/api/forms\"");
	const char *json = strstr(text, "\"/api/json\"");

	ck_assert_ptr_nonnull(strstr(forms, "\"" URLENCODED "\":{\"schema\":{\"$ref\":\"#/components/schemas/note\"}"));
	ck_assert_ptr_nonnull(strstr(forms, "\"multipart/form-data\":{\"schema\":{\"$ref\":\"#/components/schemas/note\"}"));
	ck_assert_ptr_null(strstr(json, URLENCODED));
}
END_TEST

UNIT("form", a_form_is_the_json_it_stands_for, fields_left_empty_and_files_not_chosen_are_absent,
    a_form_without_fields_is_an_empty_object, the_faults_of_a_form_are_those_of_its_json, a_single_value_given_twice_is_a_fault,
    a_form_is_taken_only_where_the_row_says_so, what_is_no_form_is_malformed, a_form_holds_at_most_a_thousand_values,
    a_row_whose_body_no_form_can_hold_does_not_start, the_document_names_every_media_type);
