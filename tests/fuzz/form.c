/*
 * A form of either kind, sent to a row that takes it and sends it back, in
 * pieces of seven bytes. The answer is whole, is JSON, is none of our own
 * faults, and what was accepted stays the same when it is sent again as JSON.
 * The first byte chooses the kind.
 */
#include <unistd.h>

#include <banyan/app.h>
#include <banyan/log.h>

#include "core/json_reader.h"
#include "core/runtime.h"
#include "fuzz/fuzz.h"
#include "support/exchange.h"

#define FORM_MODE(X) X(form_mode, fast) X(form_mode, slow)
BY_ENUM(form_mode, FORM_MODE);
BY_ENUM_NAMES(form_mode, FORM_MODE);

typedef struct sheet {
	const char     *name;
	int32_t         count;
	double          ratio;
	bool            live;
	form_mode       mode;
	by_time        *since;
	by_json         extra;
	by_bytes        blob;
	by_list_string  tags;
	BY_LIST(int64)  numbers;
} sheet;
BY_DECLARE_MODEL(sheet);
static const by_field sheet_fields[] = {
	BY_FIELD(sheet, name, .max_length = 40),
	BY_FIELD(sheet, count, .default_value = "1", .minimum = BY_NUM(0)),
	BY_FIELD(sheet, ratio, .optional = true),
	BY_FIELD(sheet, live, .optional = true),
	BY_FIELD_ENUM(sheet, mode, form_mode, .default_value = "slow"),
	BY_FIELD(sheet, since),
	BY_FIELD(sheet, extra, .optional = true),
	BY_FIELD(sheet, blob, .optional = true),
	BY_FIELD(sheet, tags, .optional = true, .max_items = 5),
	BY_FIELD(sheet, numbers, .optional = true, .max_items = 5),
};
BY_MODEL(sheet, sheet_fields);

static by_error *echo_sheet(by_ctx *ctx, const sheet *in, sheet *out)
{
	(void)ctx;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(echo_sheet, sheet, sheet);

static const by_route rows[] = {
	BY_ROUTE(POST, "/sheets", echo_sheet, .access = BY_PUBLIC, .accepts = BY_FORMS),
};
static BY_ROUTES(sheets, "Sheets", rows);
static const by_routes *const groups[] = { &sheets };
static const by_version       versions[] = { { "v1", "/api/v1", groups, 1 } };
static const by_app           app = { .name = "fuzz", .version = "1", .versions = versions, .version_count = 1 };

static by__server *the_server(void)
{
	static by__server *server;

	if (!server) {
		BY_REQUIRE(by_log_configure(fuzz_kept(), "off", STDERR_FILENO) == BY_OK);
		BY_REQUIRE(by__runtime_open(fuzz_kept(), NULL) == BY_OK);
		server = test_server(fuzz_kept(), &app);
	}
	return server;
}

static test_answer answer_to(by_arena *arena, const char *content_type, by_text body)
{
	test_request request = { .method = "POST", .target = "/api/v1/sheets", .content_type = content_type, .piece = 7,
		.body = by_copy_text(arena, body), .body_len = body.len, .content_length = "" };
	test_answer  answer = test_serve(arena, the_server(), &request);

	FUZZ_HOLDS(answer.status >= 200 && answer.status < 500);
	FUZZ_HOLDS(!answer.broken_off);
	FUZZ_HOLDS(by__json_accept(arena, (by_text){ answer.body, answer.body_len }, NULL));
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "application/x-www-form-urlencoded", "multipart/form-data; boundary=b" };
	const char              *type = types[fuzz_choice(&data, &size) % 2];
	by_arena                *arena = by_arena_new(0);
	test_answer              answer;

	if (size == 0) {
		by_arena_free(&arena);
		return 0;
	}
	answer = answer_to(arena, type, fuzz_text(data, size));
	if (answer.status == 200) {
		test_answer again = answer_to(arena, "application/json", (by_text){ answer.body, answer.body_len });

		FUZZ_HOLDS(again.status == 200 && again.body_len == answer.body_len);
		FUZZ_HOLDS(memcmp(again.body, answer.body, answer.body_len) == 0);
	}
	by_arena_free(&arena);
	return 0;
}
