/* multipart/form-data: the parser on its own, cut at every byte, and forms read part by part off a request. */
#include <stdio.h>
#include <string.h>

#include <banyan/buf.h>
#include <banyan/multipart.h>

#include "interface/multipart_parser.h"
#include "support/exchange.h"
#include "unit/unit.h"

/* ---- the parser ------------------------------------------------------------------ */

static by_arena *arena;

/* Feeds some bytes and writes down what comes of them; pieces of data that follow each other are one. */
static void feed(by__multipart_parser *parser, const char *at, const char *end, by_buf *out)
{
	for (;;) {
		switch (by__multipart_next(parser, &at, end)) {
		case BY__MULTIPART_MORE:
			return;
		case BY__MULTIPART_PART:
			by_put_format(out, "[%s|%s|%s]", parser->name, parser->filename ? parser->filename : "-", parser->content_type);
			break;
		case BY__MULTIPART_DATA:
			ck_assert_uint_gt(parser->data.len, 0);
			by_put_text(out, parser->data);
			break;
		case BY__MULTIPART_PART_END:
			by_put_string(out, "<");
			break;
		case BY__MULTIPART_END:
			if (out->len == 0 || out->data[out->len - 1] != '.')
				by_put_string(out, ".");
			if (at == end)
				return;
			break;
		case BY__MULTIPART_BROKEN:
			by_put_format(out, "! %s @%d", parser->why, (int)parser->at);
			return;
		}
	}
}

enum { ROOM = 512 };

static const char *parsed_in(const char *boundary, by_text body, size_t first, size_t second)
{
	by__multipart_parser parser;
	char                 headers[ROOM];
	by_buf               out;
	const char          *end = body.ptr + body.len;

	by_buf_init(&out, arena, 256);
	ck_assert(by__multipart_init(&parser, (by_text){ boundary, strlen(boundary) }, headers, sizeof(headers)));
	feed(&parser, body.ptr, body.ptr + first, &out);
	if (parser.why == NULL)
		feed(&parser, body.ptr + first, body.ptr + second, &out);
	if (parser.why == NULL)
		feed(&parser, body.ptr + second, end, &out);
	return by_buf_string(&out);
}

static const char *parsed(const char *body)
{
	return parsed_in("b", (by_text){ body, strlen(body) }, 0, 0);
}

#define PART(header, body) "--b\r\n" header "\r\n\r\n" body "\r\n"
#define NAMED(name, body) PART("Content-Disposition: form-data; name=" name, body)
#define END_ "--b--\r\n"

START_TEST(parts_have_names_files_and_types)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(parsed(NAMED("\"a\"", "1") NAMED("two", "") END_), "[a|-|text/plain]1<[two|-|text/plain]<.");
	ck_assert_str_eq(parsed(PART("content-type: image/png \r\nCONTENT-DISPOSITION:form-data ; name=\"f\"; filename=\"x.png\"",
	    "\x89PNG\r\n\r\n--") END_), "[f|x.png|image/png]\x89PNG\r\n\r\n--<.");
	/* No part at all, text around the form, white space behind a boundary, a part without the empty line of a body. */
	ck_assert_str_eq(parsed(END_), ".");
	ck_assert_str_eq(parsed("read me\r\n" NAMED("\"a\"", "1") "--b-- \t\r\nepilogue\r\n--b\r\n"), "[a|-|text/plain]1<.");
	ck_assert_str_eq(parsed("--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--"), "[a|-|text/plain]<.");
	ck_assert_str_eq(parsed("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--"), "[a|-|text/plain]<.");
	by_arena_free(&arena);
}
END_TEST

START_TEST(names_are_decoded_as_browsers_write_them)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(parsed(NAMED("\"a%22b%0D%0Ac%41%\"", "") END_), "[a\"b\r\nc%41%|-|text/plain]<.");
	ck_assert_str_eq(parsed(NAMED("\"a\\\"b\\\\c\\d\"", "") END_), "[a\"b\\c\\d|-|text/plain]<.");
	ck_assert_str_eq(parsed(NAMED("\"gr\xc3\xb6\xc3\x9f" "e\"; filename=\"\"", "") END_), "[gr\xc3\xb6\xc3\x9f" "e||text/plain]<.");
	/* An extended parameter must not be sent, and is passed over. */
	ck_assert_str_eq(parsed(NAMED("\"a;b=c\"; filename*=UTF-8''x", "") END_), "[a;b=c|-|text/plain]<.");
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_only_looks_like_a_boundary_is_data)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(parsed(NAMED("a", "\r\n-\r\n--\r\n-b--b\r\r\n--a") END_),
	    "[a|-|text/plain]\r\n-\r\n--\r\n-b--b\r\r\n--a<.");
	ck_assert_str_eq(parsed(NAMED("a", "\r\r\n") END_), "[a|-|text/plain]\r\r\n<.");
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_is_malformed_is_refused_with_its_reason)
{
	static const struct { const char *body, *why; } rows[] = {
		{ "--bc\r\n", "a boundary is not alone on its line" },
		{ "--b-x", "a boundary is not alone on its line" },
		{ "--b\rx", "a boundary is not alone on its line" },
		{ PART("Content-Type: text/plain", "") END_, "a part has no name" },
		{ PART("Content-Disposition: form-data", "") END_, "a part has no name" },
		{ PART("Content-Disposition: attachment; name=a", "") END_, "a part's Content-Disposition is not form-data" },
		{ PART("Content-Disposition: form-data name=a", "") END_, "a part's Content-Disposition is not form-data" },
		{ NAMED("\"a", "") END_, "a parameter of a part's Content-Disposition is malformed" },
		{ NAMED("\"a\"b", "") END_, "a parameter of a part's Content-Disposition is malformed" },
		{ NAMED("", "") END_, "a parameter of a part's Content-Disposition is malformed" },
		{ NAMED("a b", "") END_, "a parameter of a part's Content-Disposition is malformed" },
		{ NAMED("a; ; x=y", "") END_, "a parameter of a part's Content-Disposition is malformed" },
		{ NAMED("a; name=b", "") END_, "a part has two names" },
		{ NAMED("a\r\nContent-Disposition: form-data; name=b", "") END_, "a part has two Content-Dispositions" },
		{ NAMED("\"\xff\"", "") END_, "the name of a part is not UTF-8" },
		{ NAMED("a\r\n folded", "") END_, "a header of a part is malformed" },
		{ NAMED("a\r\nNo colon", "") END_, "a header of a part is malformed" },
		{ NAMED("a\nX: y", "") END_, "a header of a part holds a control character" },
		{ NAMED("a\rX: y", "") END_, "a header of a part holds a control character" },
		{ NAMED("a\x01", "") END_, "a header of a part holds a control character" },
		{ NAMED("a\r\nContent-Transfer-Encoding: base64", "") END_, "a part has a Content-Transfer-Encoding" },
	};

	arena = by_arena_new(0);
	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		const char *got = parsed(rows[i].body);

		ck_assert_msg(strncmp(got, "! ", 2) == 0 && strncmp(got + 2, rows[i].why, strlen(rows[i].why)) == 0, "%zu: %s", i, got);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(headers_longer_than_their_room_are_refused)
{
	char *body = malloc(2000);

	arena = by_arena_new(0);
	snprintf(body, 2000, "--b\r\nX: %0*d\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--", ROOM - 60, 0);
	ck_assert_str_eq(parsed(body), "[a|-|text/plain]<.");
	snprintf(body, 2000, "--b\r\nX: %0*d\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--", ROOM, 0);
	ck_assert_str_eq(parsed(body), by_format(arena, "! the headers of a part are too long @%d", ROOM + 6));
	free(body);
	by_arena_free(&arena);
}
END_TEST

START_TEST(wherever_the_bytes_are_cut_the_events_are_the_same)
{
	static const char *const bodies[] = {
		"preamble\r\n--\r\n" NAMED("\"a%22\"", "1\r\n--\r\n") PART("Content-Type: a/b\r\nContent-Disposition: form-data; name=f; "
		    "filename=\"x\\\"y\"", "\r\r\n--\r\n--c") "--b\t \r\nContent-Disposition: form-data; name=c\r\n\r\n--b--epilogue",
		NAMED("a", "1") "--b\r\nContent-Disposition: form-data; x\r\n\r\n",
		NAMED("a", "1") "--bb",
	};
	static const char long_one[] = "\r\n----WebKitFormBoundaryABC\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n----WebKit"
	    "\r\n----WebKitFormBoundaryABC--";

	for (size_t i = 0; i <= BY_COUNT(bodies); i++) {
		bool        last = i == BY_COUNT(bodies);
		const char *boundary = last ? "--WebKitFormBoundaryABC" : "b";
		const char *text = last ? long_one : bodies[i];
		by_text     body = { text, strlen(text) };

		arena = by_arena_new(0);
		const char *want = parsed_in(boundary, body, 0, 0);

		for (size_t first = 0; first <= body.len; first++)
			for (size_t second = first; second <= body.len; second++)
				ck_assert_str_eq(parsed_in(boundary, body, first, second), want);
		by_arena_free(&arena);
	}
}
END_TEST

START_TEST(boundaries_are_1_to_70_characters_of_their_set)
{
	static const char       seventy[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	static const char *const bad[] = { "", "a ", "a\"", "a\r", "\xc3\xb6", "a;b" };
	by__multipart_parser    parser;
	char                    headers[8];

	ck_assert(by__multipart_init(&parser, (by_text){ seventy, 70 }, headers, sizeof(headers)));
	ck_assert(!by__multipart_init(&parser, (by_text){ "01234567890123456789012345678901234567890123456789012345678901234567890",
	    71 }, headers, sizeof(headers)));
	ck_assert(by__multipart_init(&parser, BY_TEXT("a 'b()+_,-./:=?c"), headers, sizeof(headers)));
	for (size_t i = 0; i < BY_COUNT(bad); i++)
		ck_assert(!by__multipart_init(&parser, (by_text){ bad[i], strlen(bad[i]) }, headers, sizeof(headers)));
}
END_TEST

/* ---- off a request ----------------------------------------------------------------- */

typedef struct listing { const char *text; } listing;
BY_DECLARE_MODEL(listing);
static const by_field listing_fields[] = { BY_FIELD(listing, text) };
BY_MODEL(listing, listing_fields);

/* Lists the parts; reads the bytes of those called "file", and leaves the others unread. */
static by_error *list(by_ctx *ctx, listing *out)
{
	by_multipart  *form;
	const by_part *part;
	by_buf         text;

	by_buf_init(&text, ctx->arena, 256);
	BY_TRY(by_multipart_open(ctx, &(by_multipart_limits){ .parts = 3, .headers = 200 }, &form));
	for (;;) {
		const char *value = "";

		BY_TRY(by_multipart_next(form, &part));
		if (part == NULL)
			break;
		if (strcmp(part->name, "file") == 0)
			BY_TRY(by_multipart_text(form, 10, &value));
		by_put_format(&text, "%s=%s;", part->name, value);
	}
	BY_TRY(by_multipart_next(form, &part));
	ck_assert_ptr_null(part);
	out->text = by_buf_string(&text);
	return BY_OK;
}
BY_OPERATION_OUT(list, listing);

static const by_route rows[] = { BY_ROUTE(POST, "/list", list, .access = BY_PUBLIC, .max_body = 2000) };
static BY_ROUTES(lists, "Lists", rows);
static const by_routes *const groups[] = { &lists };
static const by_version       versions[] = { { "v1", "/api/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static test_answer send_form(const char *content_type, const char *body, size_t piece)
{
	by__server *server = test_server(arena, &app);

	return test_serve(arena, server, &(test_request){ .method = "POST", .target = "/api/v1/list", .content_type = content_type,
	    .body = body, .piece = piece });
}

START_TEST(a_form_is_read_part_by_part)
{
	static const char body[] = NAMED("a", "passed over") NAMED("file", "0123456789") NAMED("\"z\"", "") END_ "epilogue";

	arena = by_arena_new(0);
	for (size_t piece = 0; piece < 20; piece++) {
		test_answer answer = send_form("multipart/form-data; charset=utf-8; boundary=\"b\"", body, piece);

		ck_assert_msg(answer.status == 200, "%s", answer.body);
		ck_assert_str_eq(answer.body, "{\"text\":\"a=;file=0123456789;z=;\"}");
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(each_fault_of_a_form_has_its_own_problem)
{
	static const struct { const char *type, *body; int status; const char *detail; } cases[] = {
		{ "application/json", "{}", 415, "The body must be multipart/form-data." },
		{ "multipart/form-data", END_, 400, "Content-Type must name a boundary" },
		{ "multipart/form-data; boundary=\"", END_, 400, "Content-Type must name a boundary" },
		{ "multipart/form-data; boundary=b", "", 400, "The form ends before its closing boundary." },
		{ "multipart/form-data; boundary=b", NAMED("a", "1") "--b-", 400, "The form ends before its closing boundary." },
		{ "multipart/form-data; boundary=b", "--bb" , 400, "a boundary is not alone on its line, before byte 4" },
		{ "multipart/form-data; boundary=b", NAMED("a", "") NAMED("b", "") NAMED("c", "") NAMED("d", "") END_, 400,
		    "The form has too many parts." },
		{ "multipart/form-data; boundary=b", NAMED("file", "0123456789x") END_, 413, "may hold at most 10 bytes" },
		{ "multipart/form-data; boundary=b", NAMED("file", "\xff") END_, 400, "is not UTF-8" },
	};

	arena = by_arena_new(0);
	for (size_t i = 0; i < BY_COUNT(cases); i++) {
		test_answer answer = send_form(cases[i].type, cases[i].body, 0);

		ck_assert_msg(answer.status == cases[i].status && strstr(answer.body, cases[i].detail), "%zu: %d %s", i, answer.status,
		    answer.body);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(long_headers_and_long_forms_are_over_their_limits)
{
	char *body = malloc(4000);

	arena = by_arena_new(0);
	snprintf(body, 4000, "--b\r\nX: %0200d\r\n", 0);
	test_answer answer = send_form("multipart/form-data; boundary=b", body, 0);

	ck_assert_int_eq(answer.status, 400);
	ck_assert_ptr_nonnull(strstr(answer.body, "The headers of a part may hold at most 200 bytes."));
	snprintf(body, 4000, "%s%02000d", NAMED("a", "") END_, 0);
	ck_assert_int_eq(send_form("multipart/form-data; boundary=b", body, 0).status, 413);
	free(body);
	by_arena_free(&arena);
}
END_TEST

UNIT("multipart", parts_have_names_files_and_types, names_are_decoded_as_browsers_write_them,
    what_only_looks_like_a_boundary_is_data, what_is_malformed_is_refused_with_its_reason,
    headers_longer_than_their_room_are_refused, wherever_the_bytes_are_cut_the_events_are_the_same,
    boundaries_are_1_to_70_characters_of_their_set, a_form_is_read_part_by_part, each_fault_of_a_form_has_its_own_problem,
    long_headers_and_long_forms_are_over_their_limits);
