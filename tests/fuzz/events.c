/*
 * Server-sent events: a line is the id, a line the name, the rest the data.
 * What is written and then read by the rules of the specification (WHATWG HTML,
 * "interpreting an event stream") is that one event and no other; an id or a
 * name that could begin a field breaks the stream off before it is written.
 */
#include <unistd.h>

#include <banyan/app.h>
#include <banyan/buf.h>
#include <banyan/events.h>
#include <banyan/log.h>

#include "core/runtime.h"
#include "fuzz/fuzz.h"
#include "support/exchange.h"

static by_event sent; /* by the row, one request at a time */

static by_error *stream_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)operation;
	(void)in;
	(void)out;
	BY_TRY(by_events_begin(ctx, NULL));
	return by_events_send(ctx, &sent);
}
static const by_operation stream_op = { "stream", NULL, NULL, stream_call, BY_HERE_INIT };

static const by_route rows[] = {
	BY_ROUTE(GET, "/stream", stream, .access = BY_PUBLIC, .produces = "text/event-stream", .timeout_ms = 60000),
};
static BY_ROUTES(streams, "Streams", rows);
static const by_routes *const groups[] = { &streams };
static const by_version       versions[] = { { "v1", "/api", groups, 1 } };
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

typedef struct read_event {
	unsigned events;
	by_text  id;
	by_text  name;
	by_buf   data;
} read_event;

/* One line up to LF, CR or CR LF, taken off the text. */
static by_text take_line(by_text *text)
{
	size_t  len = 0;
	by_text line;

	while (len < text->len && text->ptr[len] != '\n' && text->ptr[len] != '\r')
		len++;
	line = (by_text){ text->ptr, len };
	size_t end = len + 1 < text->len && text->ptr[len] == '\r' && text->ptr[len + 1] == '\n' ? 2 : len < text->len;

	text->ptr += len + end;
	text->len -= len + end;
	return line;
}

static bool is_field(by_text line, const char *name, by_text *value)
{
	size_t len = strlen(name);

	if (line.len < len + 2 || memcmp(line.ptr, name, len) != 0 || memcmp(line.ptr + len, ": ", 2) != 0)
		return false;
	*value = (by_text){ line.ptr + len + 2, line.len - len - 2 };
	return true;
}

static void read_stream(by_text stream, read_event *found)
{
	while (stream.len > 0) {
		by_text line = take_line(&stream);
		by_text value;

		if (line.len == 0)
			found->events++;
		else if (is_field(line, "data", &value)) {
			by_put_text(&found->data, value);
			by_put_char(&found->data, '\n');
		} else if (!is_field(line, "id", &found->id) && !is_field(line, "event", &found->name))
			FUZZ_HOLDS(!"a line that is no field");
	}
}

static bool equals(by_text got, const char *wanted)
{
	return got.len == strlen(wanted) && memcmp(got.ptr, wanted, got.len) == 0;
}

/* The data with one sort of line end, and one at its end, as a reader gathers it. */
static const char *lines_of(by_arena *arena, const char *data)
{
	by_buf out;

	by_buf_init(&out, arena, strlen(data) + 2);
	for (const char *at = data; *at != '\0'; at++) {
		by_put_char(&out, *at == '\r' ? '\n' : *at);
		at += at[0] == '\r' && at[1] == '\n';
	}
	by_put_char(&out, '\n');
	return by_buf_string(&out);
}

static void check_read(by_arena *arena, const test_answer *answer)
{
	read_event found = { .events = 0, .id = { "", 0 }, .name = { "", 0 } };

	by_buf_init(&found.data, arena, answer->body_len + 1);
	read_stream((by_text){ answer->body, answer->body_len }, &found);
	FUZZ_HOLDS(found.events == 1);
	FUZZ_HOLDS(equals(found.id, sent.id) && equals(found.name, sent.name));
	FUZZ_HOLDS(equals((by_text){ found.data.data, found.data.len }, lines_of(arena, sent.data)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_arena   *arena = by_arena_new(0);
	by_text     rest = fuzz_text(data, size);
	test_answer answer;

	sent = (by_event){ .id = by_copy_text(arena, fuzz_line(&rest)), .name = by_copy_text(arena, fuzz_line(&rest)),
		.data = by_copy_text(arena, rest) };
	answer = test_serve(arena, the_server(), &(test_request){ .target = "/api/stream" });
	if (strpbrk(sent.id, "\r\n") || strpbrk(sent.name, "\r\n"))
		FUZZ_HOLDS(answer.broken_off);
	else
		check_read(arena, &answer);
	by_arena_free(&arena);
	return 0;
}
