/* An application for tests of the wire: it waits, counts bodies, streams, and crashes, each on request. */
#include <unistd.h>

#include <banyan/app.h>
#include <banyan/http.h>
#include <banyan/task.h>
#include <banyan/time.h>

typedef struct pause_in {
	int64_t ms;
} pause_in;

typedef struct size_in {
	int64_t bytes;
} size_in;

typedef struct counted {
	int64_t bytes;
} counted;

typedef struct answered {
	int64_t pid;
} answered;

BY_DECLARE_MODEL(answered);
BY_DECLARE_MODEL(pause_in);
BY_DECLARE_MODEL(size_in);
BY_DECLARE_MODEL(counted);

static const by_field pause_fields[] = { BY_FIELD(pause_in, ms, .minimum = BY_NUM(0), .maximum = BY_NUM(600000), .default_value = "0") };
BY_MODEL(pause_in, pause_fields);
static const by_field size_fields[] = { BY_FIELD(size_in, bytes, .minimum = BY_NUM(0)) };
BY_MODEL(size_in, size_fields);
static const by_field counted_fields[] = { BY_FIELD(counted, bytes) };
BY_MODEL(counted, counted_fields);

static const by_field answered_fields[] = { BY_FIELD(answered, pid) };
BY_MODEL(answered, answered_fields);

static by_error *nap(by_ctx *ctx, const pause_in *in, counted *out)
{
	/* Not as the last call, of which a stack would show nothing. */
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(in->ms)));
	out->bytes = 0;
	return BY_OK;
}
BY_OPERATION(nap, pause_in, counted);

/* Which worker answers, so that a client knows whose connections are whose. */
static by_error *who(by_ctx *ctx, const pause_in *in, answered *out)
{
	out->pid = getpid();
	return in->ms > 0 ? by_sleep(ctx, BY_MILLISECONDS(in->ms)) : BY_OK;
}
BY_OPERATION(who, pause_in, answered);

/* Keeps the loop from turning. */
static by_error *spin(by_ctx *ctx, const pause_in *in, counted *out)
{
	uint64_t until = by_clock() + (uint64_t)in->ms * 1000000;

	(void)ctx;
	out->bytes = 0;
	while (by_clock() < until)
		;
	return BY_OK;
}
BY_OPERATION(spin, pause_in, counted);

static by_error *count_body(by_ctx *ctx, counted *out)
{
	char piece[3000];
	size_t got;

	out->bytes = 0;
	do {
		BY_TRY(by_request_read(ctx, piece, sizeof(piece), &got));
		out->bytes += (int64_t)got;
	} while (got > 0);
	return BY_OK;
}
BY_OPERATION_OUT(count_body, counted);

static by_error *count_late(by_ctx *ctx, counted *out)
{
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(300)));
	return count_body(ctx, out);
}
BY_OPERATION_OUT(count_late, counted);

static by_error *ignore_body(by_ctx *ctx, counted *out)
{
	(void)ctx;
	out->bytes = -1;
	return BY_OK;
}
BY_OPERATION_OUT(ignore_body, counted);

static by_error *flood(by_ctx *ctx, const size_in *in)
{
	static const char piece[10007];

	for (int64_t left = in->bytes; left > 0; left -= (int64_t)sizeof(piece))
		BY_TRY(by_respond_write(ctx, piece, left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece)));
	return BY_OK;
}
BY_OPERATION_IN(flood, size_in);

static by_error *break_off(by_ctx *ctx, const size_in *in)
{
	BY_TRY(flood(ctx, in));
	return by_fail(ctx, INTERNAL, "The rest cannot be made.");
}
BY_OPERATION_IN(break_off, size_in);

static by_error *crash(by_ctx *ctx, counted *out)
{
	/* Not NULL, which sanitizers would tell before the fault. */
	volatile int *volatile nowhere = (volatile int *)(uintptr_t)4096;

	(void)ctx;
	out->bytes = *nowhere;
	return BY_OK;
}
BY_OPERATION_OUT(crash, counted);

/* Deeper than any coroutine's stack. */
static int64_t deep(volatile const char *above, int64_t left)
{
	volatile char here[1024];

	here[0] = *above;
	return left == 0 ? here[0] : deep(here, left - 1) + here[0];
}

static by_error *overflow(by_ctx *ctx, counted *out)
{
	(void)ctx;
	out->bytes = deep("", 1000000);
	return BY_OK;
}
BY_OPERATION_OUT(overflow, counted);

static const by_route rows[] = {
	BY_ROUTE(GET, "/nap", nap, .summary = "Wait", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/who", who, .summary = "Tell the worker", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/spin", spin, .summary = "Compute", .access = BY_PUBLIC),
	BY_ROUTE(POST, "/count", count_body, .summary = "Count", .access = BY_PUBLIC, .max_body = 1 << 30),
	BY_ROUTE(POST, "/late", count_late, .summary = "Wait, then count", .access = BY_PUBLIC, .max_body = 1 << 30),
	BY_ROUTE(POST, "/ignore", ignore_body, .summary = "Answer without reading", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/flood", flood, .summary = "Stream zeros", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/break-off", break_off, .summary = "Stream zeros, then fail", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/crash", crash, .summary = "Fault", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/overflow", overflow, .summary = "Exhaust the stack", .access = BY_PUBLIC),
};
BY_ROUTES(peer_v1, "Wire", rows);

typedef struct peer_settings {
	by_secret code;
} peer_settings;
BY_DECLARE_MODEL(peer_settings);

static const by_field peer_settings_fields[] = {
	BY_FIELD(peer_settings, code, .optional = true, .doc = "A secret of the application's own"),
};
BY_MODEL(peer_settings, peer_settings_fields, .prefix = "PEER", .doc = "The peer");

static peer_settings settings;

static const by_routes *const v1[] = { &peer_v1 };
static const by_version versions[] = { { .name = "v1", .prefix = "/api/v1", .groups = v1, .count = BY_COUNT(v1) } };

static const by_app peer = {
	.name = "peer",
	.title = "Peer",
	.version = "1.0.0",
	.versions = versions,
	.version_count = BY_COUNT(versions),
	.settings = { &peer_settings_model, &settings },
};

int main(int argc, char **argv)
{
	return by_main(argc, argv, &peer);
}
