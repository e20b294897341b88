/* Writes server-sent events, beats while there are none, and ends streams well. */
#include <string.h>

#include <banyan/assert.h>
#include <banyan/buf.h>
#include <banyan/events.h>
#include <banyan/id.h>
#include <banyan/json.h>

#include "core/scheduler.h"
#include "interface/request.h"

#define HEARTBEAT BY_SECONDS(15)
#define RETRY BY_SECONDS(1)

#define WRITE(ctx, literal) by_respond_write((ctx), "" literal, sizeof(literal) - 1)

void by__exchange_end_stream(by__exchange *exchange)
{
	exchange->told_to_end = true;
	if (exchange->stream != NULL)
		by_wake(exchange->stream);
}

static by__events *events_of(const by_ctx *ctx)
{
	return &by__request(ctx)->events;
}

static by_duration given(by_duration span, by_duration otherwise)
{
	return span.us > 0 ? span : otherwise;
}

by_error *by_events_begin(by_ctx *ctx, const by_events_options *options)
{
	static const by_events_options zero;
	by__events                    *events = events_of(ctx);

	if (options == NULL)
		options = &zero;
	BY_REQUIRE(!events->open);
	by_respond_header(ctx, "Content-Type", "text/event-stream");
	by_respond_header(ctx, "Cache-Control", "no-store");
	BY_TRY(by_respond_flush(ctx));
	by__exchange *exchange = by__request(ctx)->exchange;

	if (exchange->driver->stream)
		exchange->driver->stream(exchange);
	*events = (by__events){ .open = true, .heartbeat = given(options->heartbeat, HEARTBEAT),
		.retry = given(options->retry, RETRY), .sent = by_clock() };
	return BY_OK;
}

/* The answer to a HEAD has no events, and a worker that stops sends no more. */
static by_error *check_goes_on(by_ctx *ctx)
{
	const by_request *request = by__request(ctx);

	BY_REQUIRE(request->events.open);
	if (request->exchange->told_to_end || request->method == BY_HEAD)
		return by_fail(ctx, STOPPING, "The stream ends here; it goes on when the client comes again.");
	return by_ctx_check(ctx);
}

static by_error *flush(by_ctx *ctx)
{
	BY_TRY(by_respond_flush(ctx));
	events_of(ctx)->sent = by_clock();
	return BY_OK;
}

static by_error *put_line(by_ctx *ctx, const char *field, const char *text, size_t len)
{
	BY_TRY(by_respond_write(ctx, field, strlen(field)));
	BY_TRY(by_respond_write(ctx, text, len));
	return WRITE(ctx, "\n");
}

/* NULL: nothing. A line end would begin a field of its own. */
static by_error *put_word(by_ctx *ctx, const char *field, const char *word)
{
	if (word == NULL)
		return BY_OK;
	if (strpbrk(word, "\r\n") != NULL)
		return by_error_internal(ctx->arena, by_fail(ctx, INTERNAL, NULL), "the %.*s of an event holds a line end",
		    (int)strcspn(field, ":"), field);
	return put_line(ctx, field, word, strlen(word));
}

/* A line of data for each that the text has; CR, LF and CRLF all end one. */
static by_error *put_data(by_ctx *ctx, const char *text)
{
	for (;;) {
		size_t len = strcspn(text, "\r\n");

		BY_TRY(put_line(ctx, "data: ", text, len));
		text += len;
		if (*text == '\0')
			return BY_OK;
		text += text[0] == '\r' && text[1] == '\n' ? 2 : 1;
	}
}

static by_error *put_json(by_ctx *ctx, const by_model *model, const void *object)
{
	by_buf json;

	by_buf_init(&json, ctx->arena, 1024);
	by_json_write(&json, model, object, NULL);
	BY_TRY(by_buf_finish(&json));
	return put_line(ctx, "data: ", json.data, json.len);
}

static by_error *put_retry(by_ctx *ctx, by_duration span)
{
	char   text[48];
	by_buf line = { .data = text, .cap = sizeof(text) };

	BY_PUT(&line, "retry: ");
	by_put_int(&line, span.us / 1000);
	by_put_char(&line, '\n');
	return by_respond_write(ctx, line.data, line.len);
}

by_error *by_events_send(by_ctx *ctx, const by_event *event)
{
	BY_TRY(check_goes_on(ctx));
	events_of(ctx)->within = true;
	BY_TRY(put_word(ctx, "id: ", event->id));
	BY_TRY(put_word(ctx, "event: ", event->name));
	if (event->retry.us > 0)
		BY_TRY(put_retry(ctx, event->retry));
	if (event->model != NULL)
		BY_TRY(put_json(ctx, event->model, event->object));
	else if (event->data != NULL)
		BY_TRY(put_data(ctx, event->data));
	BY_TRY(WRITE(ctx, "\n"));
	events_of(ctx)->within = false;
	return flush(ctx);
}

/* A comment, which clients pass over. */
static by_error *beat(by_ctx *ctx)
{
	events_of(ctx)->within = true;
	BY_TRY(WRITE(ctx, ":\n\n"));
	events_of(ctx)->within = false;
	return flush(ctx);
}

/* Until the wait is woken or, unless 0, the time is `until`. */
static by_error *wait_beating(by_ctx *ctx, by_wait *wait, uint64_t until)
{
	by__exchange *exchange = by__request(ctx)->exchange;
	by__events   *events = events_of(ctx);

	for (;;) {
		BY_TRY(check_goes_on(ctx));
		uint64_t next = events->sent + (uint64_t)events->heartbeat.us * 1000;

		if (until != 0 && by_clock() >= until)
			return BY_OK;
		if (by_clock() >= next) {
			BY_TRY(beat(ctx));
			continue;
		}
		exchange->stream = wait;
		bool woken = by__wait_until(ctx, wait, until != 0 && until < next ? until : next);

		exchange->stream = NULL;
		if (woken && !exchange->told_to_end)
			return BY_OK;
	}
}

by_error *by_events_sleep(by_ctx *ctx, by_duration span)
{
	by_wait nobody;

	by_wait_init(&nobody);
	if (span.us <= 0) {
		BY_TRY(check_goes_on(ctx));
		return by_yield(ctx);
	}
	return wait_beating(ctx, &nobody, by_clock() + (uint64_t)span.us * 1000);
}

by_error *by_events_wait(by_ctx *ctx, by_wait *wait)
{
	return wait_beating(ctx, wait, 0);
}

by_text by_events_last_id(const by_ctx *ctx)
{
	return by_request_header(ctx, "Last-Event-ID");
}

/* All streams of a worker end at the same time: their clients are asked to come again at different ones. */
static by_duration spread(by_duration span)
{
	uint16_t random;

	by_random(&random, sizeof(random));
	return (by_duration){ span.us + span.us / UINT16_MAX * random };
}

bool by__events_end(by_ctx *ctx, const by_error *error)
{
	const by__events *events = events_of(ctx);

	/* What stops within an event is broken off: the line would end up in its data, and the client take it for whole. */
	if (!events->open || events->within || !(by_error_is(error, STOPPING) || by_error_is(error, DEADLINE_EXCEEDED)))
		return false;
	by__response_grant_time(ctx);
	return put_retry(ctx, spread(events->retry)) == BY_OK && WRITE(ctx, "\n") == BY_OK;
}
