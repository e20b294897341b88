/*
 * The probe: an application that does what a test asks of it. It waits, burns
 * time, crashes, streams, and hands bodies back; it uses public headers only.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <banyan/app.h>
#include <banyan/http.h>
#include <banyan/task.h>

/* ---- echo ----------------------------------------------------------------- */

typedef struct echo_body {
	const char    *text;
	int64_t        number;
	double        *ratio;
	by_list_string words;
} echo_body;
BY_DECLARE_MODEL(echo_body);

static const by_field echo_body_fields[] = {
	BY_FIELD(echo_body, text, .max_length = 100000, .doc = "Any text", .example = "\"hello\""),
	BY_FIELD(echo_body, number, .default_value = "0", .doc = "Any number"),
	BY_FIELD(echo_body, ratio, .doc = "A number or null"),
	BY_FIELD(echo_body, words, .optional = true, .max_items = 1000, .doc = "Any words"),
};
BY_MODEL(echo_body, echo_body_fields, .doc = "What is sent and comes back");

static by_error *echo(by_ctx *ctx, const echo_body *in, echo_body *out)
{
	(void)ctx;
	*out = *in;
	return BY_OK;
}
BY_OPERATION(echo, echo_body, echo_body);

/* ---- time ----------------------------------------------------------------- */

typedef struct wait_in {
	int64_t ms;
} wait_in;
BY_DECLARE_MODEL(wait_in);

static const by_field wait_in_fields[] = {
	BY_FIELD(wait_in, ms, .minimum = BY_NUM(0), .maximum = BY_NUM(600000), .doc = "How long, in milliseconds"),
};
BY_MODEL(wait_in, wait_in_fields, .doc = "How long to take");

typedef struct waited {
	int64_t ms;
} waited;
BY_DECLARE_MODEL(waited);

static const by_field waited_fields[] = {
	BY_FIELD(waited, ms, .doc = "How long it took, in milliseconds"),
};
BY_MODEL(waited, waited_fields, .doc = "How long it took");

static int64_t since(uint64_t started)
{
	return (int64_t)((by_clock() - started) / 1000000);
}

/* Parks: the worker serves others meanwhile. */
static by_error *wait_parked(by_ctx *ctx, const wait_in *in, waited *out)
{
	const uint64_t started = by_clock();
	BY_TRY(by_sleep(ctx, BY_MILLISECONDS(in->ms)));
	out->ms = since(started);
	return BY_OK;
}
BY_OPERATION(wait_parked, wait_in, waited);

static by_error *wait_briefly(by_ctx *ctx, const wait_in *in, waited *out)
{
	return wait_parked(ctx, in, out);
}
BY_OPERATION(wait_briefly, wait_in, waited);

/* Computes without a pause: the worker is stalled meanwhile. */
static by_error *spin(by_ctx *ctx, const wait_in *in, waited *out)
{
	const uint64_t started = by_clock();
	(void)ctx;
	while (since(started) < in->ms)
		;
	out->ms = since(started);
	return BY_OK;
}
BY_OPERATION(spin, wait_in, waited);

/* A statement that keeps its connection busy: PostgreSQL sleeps, SQLite counts about 10,000 rows per millisecond. */
static by_error *query(by_ctx *ctx, const wait_in *in, waited *out)
{
	const uint64_t started = by_clock();
	by_value       argument = by_value_double((double)in->ms / 1000);
	by_error      *error = by_database_query(ctx,
	    by_statement_of("probe.sleep", "SELECT pg_sleep(CAST($1 AS double precision))"), &argument, 1, NULL, NULL);
	if (by_error_is(error, DATABASE)) { /* no such function in SQLite */
		argument = by_value_int(in->ms * 10000);
		error = by_database_query(ctx, by_statement_of("probe.count", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
		    " SELECT i + 1 FROM n WHERE i < $1) SELECT count(*) FROM n"), &argument, 1, NULL, NULL);
	}
	BY_TRY(error);
	out->ms = since(started);
	return BY_OK;
}
BY_OPERATION(query, wait_in, waited);

/* ---- faults --------------------------------------------------------------- */

static by_error *crash(by_ctx *ctx, waited *out)
{
	(void)ctx;
	(void)out;
	raise(SIGABRT);
	return BY_OK;
}
BY_OPERATION_OUT(crash, waited);

static by_error *fail(by_ctx *ctx, waited *out)
{
	(void)out;
	return by_error_internal(ctx->arena, by_fail(ctx, INTERNAL, "secret detail of the probe"), "host db.internal:%d",
	    5432);
}
BY_OPERATION_OUT(fail, waited);

typedef struct big_in {
	int64_t bytes;
} big_in;
BY_DECLARE_MODEL(big_in);

static const by_field big_in_fields[] = {
	BY_FIELD(big_in, bytes, .minimum = BY_NUM(0), .maximum = BY_NUM(10000000000), .doc = "How many bytes"),
};
BY_MODEL(big_in, big_in_fields, .doc = "How many bytes");

/* Memory that is never given back, all of it touched. */
static by_error *keep(by_ctx *ctx, const big_in *in, waited *out)
{
	static void *kept;
	void        *more = malloc((size_t)in->bytes + sizeof(kept));
	if (!more)
		return by_fail(ctx, UNAVAILABLE, "There is no more memory.");
	memset(more, 1, (size_t)in->bytes + sizeof(kept));
	memcpy(more, &kept, sizeof(kept)); /* a chain of all that is kept */
	kept = more;
	out->ms = in->bytes;
	return BY_OK;
}
BY_OPERATION(keep, big_in, waited);

/* ---- the worker itself ---------------------------------------------------- */

typedef struct worker_in {
	const char *variable;
} worker_in;
BY_DECLARE_MODEL(worker_in);

static const by_field worker_in_fields[] = {
	BY_FIELD(worker_in, variable, .default_value = "", .doc = "Of the worker's environment"),
};
BY_MODEL(worker_in, worker_in_fields, .doc = "What to tell of the worker");

typedef struct worker_out {
	int64_t     pid;
	int64_t     uid;
	const char *value;
} worker_out;
BY_DECLARE_MODEL(worker_out);

static const by_field worker_out_fields[] = {
	BY_FIELD(worker_out, pid, .doc = "Its process"),
	BY_FIELD(worker_out, uid, .doc = "Its user"),
	BY_FIELD(worker_out, value, .doc = "The variable's value; empty when there is none"),
};
BY_MODEL(worker_out, worker_out_fields, .doc = "The worker that answers");

static by_error *tell_worker(by_ctx *ctx, const worker_in *in, worker_out *out)
{
	const char *value = *in->variable ? getenv(in->variable) : NULL;
	(void)ctx;
	out->pid = getpid();
	out->uid = getuid();
	out->value = value ? value : "";
	return BY_OK;
}
BY_OPERATION(tell_worker, worker_in, worker_out);

/* As PROBE_START asks: a start that fails, or one that takes long, or forever, but where a new generation is only tried. */
static by_error *start(by_ctx *ctx)
{
	const char *how = getenv("PROBE_START");
	if (how && strcmp(how, "fail") == 0)
		return by_fail(ctx, INTERNAL, "PROBE_START asks for a failure.");
	if (!how || getenv("BANYAN_TRIAL"))
		return BY_OK;
	return by_sleep(ctx, BY_MILLISECONDS(strcmp(how, "hang") == 0 ? 3600000 : 1000));
}

/* ---- streams -------------------------------------------------------------- */

typedef struct uploaded {
	int64_t     bytes;
	const char *sha256;
} uploaded;
BY_DECLARE_MODEL(uploaded);

static const by_field uploaded_fields[] = {
	BY_FIELD(uploaded, bytes, .doc = "How many bytes came"),
	BY_FIELD(uploaded, sha256, .doc = "Their SHA-256, in hexadecimal"),
};
BY_MODEL(uploaded, uploaded_fields, .doc = "What was received");

static by_error *digest_body(by_ctx *ctx, EVP_MD_CTX *digest, int64_t *bytes)
{
	char   piece[16384];
	size_t got = 0;
	do {
		BY_TRY(by_request_read(ctx, piece, sizeof(piece), &got));
		EVP_DigestUpdate(digest, piece, got);
		*bytes += (int64_t)got;
	} while (got > 0);
	return BY_OK;
}

static void free_digest(void *digest)
{
	EVP_MD_CTX_free(digest);
}

/* Reads the body piece by piece and keeps none of it. */
static by_error *upload(by_ctx *ctx, uploaded *out)
{
	EVP_MD_CTX   *digest = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned      len = 0;
	by_buf        text;
	by_arena_defer(ctx->arena, free_digest, digest);
	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	out->bytes = 0;
	BY_TRY(digest_body(ctx, digest, &out->bytes));
	EVP_DigestFinal_ex(digest, sum, &len);
	by_buf_init(&text, ctx->arena, 65);
	for (unsigned i = 0; i < len; i++)
		by_put_format(&text, "%02x", sum[i]);
	out->sha256 = by_buf_string(&text);
	return BY_OK;
}
BY_OPERATION_OUT(upload, uploaded);

typedef struct stream_in {
	int64_t n;
	int64_t ms;
} stream_in;
BY_DECLARE_MODEL(stream_in);

static const by_field stream_in_fields[] = {
	BY_FIELD(stream_in, n, .default_value = "3", .minimum = BY_NUM(0), .maximum = BY_NUM(100000),
	    .doc = "How many events"),
	BY_FIELD(stream_in, ms, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(60000),
	    .doc = "How long between two, in milliseconds"),
};
BY_MODEL(stream_in, stream_in_fields, .doc = "How many events, how far apart");

/* Server-sent events, each sent at once. */
static by_error *stream(by_ctx *ctx, const stream_in *in)
{
	by_respond_header(ctx, "Content-Type", "text/event-stream");
	by_respond_header(ctx, "Cache-Control", "no-store");
	for (int64_t i = 0; i < in->n; i++) {
		char text[64];
		by_buf event = { .data = text, .cap = sizeof(text) };
		BY_PUT(&event, "id: ");
		by_put_int(&event, i);
		BY_PUT(&event, "\ndata: ");
		by_put_int(&event, i);
		BY_PUT(&event, "\n\n");
		if (i > 0 && in->ms > 0)
			BY_TRY(by_sleep(ctx, BY_MILLISECONDS(in->ms)));
		BY_TRY(by_respond_write(ctx, event.data, event.len));
		BY_TRY(by_respond_flush(ctx));
	}
	return BY_OK;
}
BY_OPERATION_IN(stream, stream_in);

/* The digits over and over, in pieces that need little memory. */
static by_error *big(by_ctx *ctx, const big_in *in)
{
	char piece[8000];
	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (char)('0' + i % 10);
	by_respond_header(ctx, "Content-Type", "application/octet-stream");
	for (int64_t left = in->bytes; left > 0; left -= (int64_t)sizeof(piece))
		BY_TRY(by_respond_write(ctx, piece, left < (int64_t)sizeof(piece) ? (size_t)left : sizeof(piece)));
	return by_respond_flush(ctx);
}
BY_OPERATION_IN(big, big_in);

/* ---- routes --------------------------------------------------------------- */

enum { UNLIMITED = 600000, LARGE = 1 << 30 };

static const by_route rows[] = {
	BY_ROUTE(POST, "/echo", echo, .summary = "Send a body back", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/sleep", wait_parked, .summary = "Wait, parked", .access = BY_PUBLIC, .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/deadline", wait_briefly, .summary = "Wait, for 200 milliseconds at most", .access = BY_PUBLIC,
	    .timeout_ms = 200),
	BY_ROUTE(GET, "/spin", spin, .summary = "Stall the worker", .access = BY_PUBLIC, .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/query", query, .summary = "Run a slow statement", .access = BY_PUBLIC, .timeout_ms = UNLIMITED),
	BY_ROUTE(POST, "/crash", crash, .summary = "Crash the worker", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/fail", fail, .summary = "Answer an unexpected error", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/keep", keep, .summary = "Keep memory", .access = BY_PUBLIC),
	BY_ROUTE(GET, "/worker", tell_worker, .summary = "Tell of the worker", .access = BY_PUBLIC),
	BY_ROUTE(POST, "/upload", upload, .summary = "Digest a body as it comes", .access = BY_PUBLIC, .max_body = LARGE,
	    .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/stream", stream, .summary = "Send events", .access = BY_PUBLIC, .status = 200,
	    .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/big", big, .summary = "Send a long answer", .access = BY_PUBLIC, .status = 200,
	    .timeout_ms = UNLIMITED),
};
static BY_ROUTES(probe_routes, "Probe", rows);

static const by_routes *const v1[] = { &probe_routes };
static const by_version versions[] = { { "v1", "/api/v1", v1, BY_COUNT(v1) } };

static const by_app probe = {
	.name = "probe", .title = "Probe", .version = "1", .description = "Does what a test asks of it.",
	.versions = versions, .version_count = BY_COUNT(versions), .start = start,
};

int main(int argc, char **argv)
{
	return by_main(argc, argv, &probe);
}
