/*
 * The probe: an application that does what a test asks of it. It waits, burns
 * time, crashes, streams, and hands bodies back; it uses public headers only.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <banyan/app.h>
#include <banyan/events.h>
#include <banyan/http.h>
#include <banyan/multipart.h>
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

/* ---- who asks ------------------------------------------------------------- */

typedef struct caller {
	const char *client;
	const char *scheme;
	const char *host;
	const char *url;
} caller;
BY_DECLARE_MODEL(caller);

static const by_field caller_fields[] = {
	BY_FIELD(caller, client, .doc = "Its address"),
	BY_FIELD(caller, scheme, .doc = "http or https"),
	BY_FIELD(caller, host, .doc = "What it called us"),
	BY_FIELD(caller, url, .doc = "What it asked for"),
};
BY_MODEL(caller, caller_fields, .doc = "Who asks, as far as we are told");

static by_error *tell_caller(by_ctx *ctx, caller *out)
{
	out->client = by_copy_text(ctx->arena, by_request_client(ctx));
	out->scheme = by_copy_text(ctx->arena, by_request_scheme(ctx));
	out->host = by_copy_text(ctx->arena, by_request_host(ctx));
	out->url = by_request_url(ctx);
	return BY_OK;
}
BY_OPERATION_OUT(tell_caller, caller);

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

typedef struct received_part {
	const char *name;
	const char *filename;
	const char *content_type;
	int64_t     bytes;
	const char *sha256;
} received_part;
BY_DECLARE_MODEL(received_part);

static const by_field received_part_fields[] = {
	BY_FIELD(received_part, name, .doc = "Of the field"),
	BY_FIELD(received_part, filename, .optional = true, .doc = "As the client calls the file"),
	BY_FIELD(received_part, content_type, .doc = "As the client says"),
	BY_FIELD(received_part, bytes, .doc = "How many bytes came"),
	BY_FIELD(received_part, sha256, .doc = "Their SHA-256, in hexadecimal"),
};
BY_MODEL(received_part, received_part_fields, .doc = "One part of a form");

typedef struct received_form {
	BY_LIST(received_part) parts;
} received_form;
BY_DECLARE_MODEL(received_form);

static const by_field received_form_fields[] = {
	BY_FIELD_LIST(received_form, parts, received_part, .doc = "In the order in which they came"),
};
BY_MODEL(received_form, received_form_fields, .doc = "A form as it came");

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

static EVP_MD_CTX *new_digest(by_ctx *ctx)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	by_arena_defer(ctx->arena, free_digest, digest);
	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	return digest;
}

static const char *digest_text(by_ctx *ctx, EVP_MD_CTX *digest)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned      len = 0;
	by_buf        text;
	EVP_DigestFinal_ex(digest, sum, &len);
	by_buf_init(&text, ctx->arena, 65);
	for (unsigned i = 0; i < len; i++)
		by_put_format(&text, "%02x", sum[i]);
	return by_buf_string(&text);
}

/* Reads the body piece by piece and keeps none of it. */
static by_error *upload(by_ctx *ctx, uploaded *out)
{
	EVP_MD_CTX *digest = new_digest(ctx);
	out->bytes = 0;
	BY_TRY(digest_body(ctx, digest, &out->bytes));
	out->sha256 = digest_text(ctx, digest);
	return BY_OK;
}
BY_OPERATION_OUT(upload, uploaded);

static by_error *upload_slowly(by_ctx *ctx, uploaded *out)
{
	return upload(ctx, out);
}
BY_OPERATION_OUT(upload_slowly, uploaded);

static by_error *receive_part(by_ctx *ctx, by_multipart *form, const by_part *part, received_part *out)
{
	EVP_MD_CTX *digest = new_digest(ctx);
	char        piece[16384];
	size_t      got = 0;
	*out = (received_part){ .name = by_copy(ctx->arena, part->name), .content_type = by_copy(ctx->arena, part->content_type) };
	if (part->filename)
		out->filename = by_copy(ctx->arena, part->filename);
	do {
		BY_TRY(by_multipart_read(form, piece, sizeof(piece), &got));
		EVP_DigestUpdate(digest, piece, got);
		out->bytes += (int64_t)got;
	} while (got > 0);
	out->sha256 = digest_text(ctx, digest);
	return BY_OK;
}

enum { PARTS_MAX = 16 };

/* Reads a form part by part and keeps none of their bytes. */
static by_error *receive(by_ctx *ctx, received_form *out)
{
	by_multipart  *form;
	const by_part *part;
	out->parts.items = BY_NEW_ARRAY(ctx->arena, received_part, PARTS_MAX);
	BY_TRY(by_multipart_open(ctx, &(by_multipart_limits){ .parts = PARTS_MAX }, &form));
	for (;;) {
		BY_TRY(by_multipart_next(form, &part));
		if (!part)
			return BY_OK;
		BY_TRY(receive_part(ctx, form, part, &out->parts.items[out->parts.count++]));
	}
}
BY_OPERATION_OUT(receive, received_form);

typedef struct stream_in {
	int64_t n;
	int64_t ms;
	int64_t heartbeat;
} stream_in;
BY_DECLARE_MODEL(stream_in);

static const by_field stream_in_fields[] = {
	BY_FIELD(stream_in, n, .default_value = "3", .minimum = BY_NUM(0), .maximum = BY_NUM(100000),
	    .doc = "How many events"),
	BY_FIELD(stream_in, ms, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(60000),
	    .doc = "How long between two, in milliseconds"),
	BY_FIELD(stream_in, heartbeat, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(60000),
	    .doc = "How long without an event until a comment, in milliseconds; 0: the framework's"),
};
BY_MODEL(stream_in, stream_in_fields, .doc = "How many events, how far apart");

/* Server-sent events, each sent at once. */
static by_error *stream(by_ctx *ctx, const stream_in *in)
{
	BY_TRY(by_events_begin(ctx, &(by_events_options){ .heartbeat = BY_MILLISECONDS(in->heartbeat) }));
	for (int64_t i = 0; i < in->n; i++) {
		char number[24];
		(void)snprintf(number, sizeof(number), "%" PRId64, i);
		if (i > 0 && in->ms > 0)
			BY_TRY(by_events_sleep(ctx, BY_MILLISECONDS(in->ms)));
		BY_TRY(by_events_send(ctx, &(by_event){ .id = number, .data = number }));
	}
	return BY_OK;
}
BY_OPERATION_IN(stream, stream_in);

static by_error *stream_briefly(by_ctx *ctx, const stream_in *in)
{
	return stream(ctx, in);
}
BY_OPERATION_IN(stream_briefly, stream_in);

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

/* ---- what arrives --------------------------------------------------------- */

typedef struct inspect_in {
	const char    *rest;
	by_list_string q;
	const char    *flag;
} inspect_in;
BY_DECLARE_MODEL(inspect_in);

static const by_field inspect_in_fields[] = {
	BY_FIELD(inspect_in, rest, .from = BY_FROM_PATH, .max_length = 8000, .doc = "Any path"),
	BY_FIELD(inspect_in, q, .from = BY_FROM_QUERY, .optional = true, .max_items = 100, .doc = "Any texts"),
	BY_FIELD(inspect_in, flag, .from = BY_FROM_QUERY, .optional = true, .max_length = 100, .doc = "Any text"),
};
BY_MODEL(inspect_in, inspect_in_fields, .doc = "What is asked for");

typedef struct inspected {
	const char    *method;
	const char    *path;
	const char    *rest;
	const char    *query;
	by_list_string q;
	const char    *flag;
	const char    *authorization;
	const char    *cookie;
	const char    *proxy;
	const char    *user_id;
	const char    *content_type;
	int64_t        bytes;
	const char    *sha256;
} inspected;
BY_DECLARE_MODEL(inspected);

static const by_field inspected_fields[] = {
	BY_FIELD(inspected, method, .doc = "The method"),
	BY_FIELD(inspected, path, .doc = "The path as it was sent, without the base path"),
	BY_FIELD(inspected, rest, .doc = "What is behind /inspect/, decoded segment by segment"),
	BY_FIELD(inspected, query, .doc = "The query as it was sent"),
	BY_FIELD(inspected, q, .optional = true, .doc = "The parameter q, decoded"),
	BY_FIELD(inspected, flag, .optional = true, .doc = "The parameter flag, decoded"),
	BY_FIELD(inspected, authorization, .optional = true, .doc = "The header Authorization"),
	BY_FIELD(inspected, cookie, .optional = true, .doc = "The header Cookie"),
	BY_FIELD(inspected, proxy, .optional = true, .doc = "The header Proxy, which is never given"),
	BY_FIELD(inspected, user_id, .optional = true, .doc = "The header X-User-Id"),
	BY_FIELD(inspected, content_type, .optional = true, .doc = "The header Content-Type"),
	BY_FIELD(inspected, bytes, .doc = "How many bytes of a body came"),
	BY_FIELD(inspected, sha256, .doc = "Their SHA-256, in hexadecimal"),
};
BY_MODEL(inspected, inspected_fields, .doc = "A request as it arrived");

/* NULL when there is none, or an empty one: web servers make no difference. */
static const char *text_of(by_ctx *ctx, by_text text)
{
	return text.len > 0 ? by_format(ctx->arena, "%.*s", BY_TEXT_ARG(text)) : NULL;
}

static const char *header_of(by_ctx *ctx, const char *name)
{
	return text_of(ctx, by_request_header(ctx, name));
}

/* A request handed back as the web server passed it on. */
static by_error *inspect(by_ctx *ctx, const inspect_in *in, inspected *out)
{
	const char *query = text_of(ctx, by_request_query(ctx));
	*out = (inspected){
		.method = by_method_name(by_request_method(ctx)),
		.path = text_of(ctx, by_request_path(ctx)),
		.rest = in->rest,
		.query = query ? query : "",
		.q = in->q,
		.flag = in->flag,
		.authorization = header_of(ctx, "Authorization"),
		.cookie = header_of(ctx, "Cookie"),
		.proxy = header_of(ctx, "Proxy"),
		.user_id = header_of(ctx, "X-User-Id"),
		.content_type = header_of(ctx, "Content-Type"),
	};
	EVP_MD_CTX *digest = new_digest(ctx);
	BY_TRY(digest_body(ctx, digest, &out->bytes));
	out->sha256 = digest_text(ctx, digest);
	return BY_OK;
}
BY_OPERATION(inspect, inspect_in, inspected);

typedef struct answer_in {
	int64_t status;
	int64_t header;
} answer_in;
BY_DECLARE_MODEL(answer_in);

static const by_field answer_in_fields[] = {
	BY_FIELD(answer_in, status, .default_value = "204", .minimum = BY_NUM(200), .maximum = BY_NUM(599),
	    .doc = "The status to answer"),
	BY_FIELD(answer_in, header, .default_value = "0", .minimum = BY_NUM(0), .maximum = BY_NUM(8000),
	    .doc = "How long a header X-Filler to add, in bytes"),
};
BY_MODEL(answer_in, answer_in_fields, .doc = "What to answer");

static by_error *answer(by_ctx *ctx, const answer_in *in)
{
	by_respond_status(ctx, (int)in->status);
	if (in->header > 0) {
		char *filler = by_alloc(ctx->arena, (size_t)in->header + 1);
		memset(filler, 'x', (size_t)in->header);
		by_respond_header(ctx, "X-Filler", filler);
	}
	return BY_OK;
}
BY_OPERATION_IN(answer, answer_in);

/* ---- routes --------------------------------------------------------------- */

enum { UNLIMITED = 600000, LARGE = 1 << 30, INSPECTED = 16 << 20 };

#define INSPECT(method, label) \
	BY_ROUTE(method, "/inspect/{rest...}", inspect, .name = label, .summary = "Hand the request back", \
	    .access = BY_PUBLIC, .max_body = INSPECTED)

static const by_route rows[] = {
	BY_ROUTE(POST, "/echo", echo, .summary = "Send a body back", .access = BY_PUBLIC),
	BY_ROUTE(POST, "/form", echo, .name = "echo_form", .summary = "Send a form back as JSON", .access = BY_PUBLIC,
	    .accepts = BY_FORMS),
	BY_ROUTE(GET, "/caller", tell_caller, .summary = "Tell who asks", .access = BY_PUBLIC),
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
	BY_ROUTE(POST, "/upload/slow", upload_slowly, .summary = "Digest a body that must not come slower than 4 kB/s",
	    .access = BY_PUBLIC, .max_body = LARGE, .timeout_ms = UNLIMITED, .body_timeout_ms = 500, .body_rate_min = 4096),
	BY_ROUTE(POST, "/parts", receive, .summary = "Digest a form part by part", .access = BY_PUBLIC, .max_body = LARGE,
	    .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/stream", stream, .summary = "Send events", .access = BY_PUBLIC, .produces = "text/event-stream",
	    .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/stream/short", stream_briefly, .summary = "Send events, for 300 milliseconds at most",
	    .access = BY_PUBLIC, .produces = "text/event-stream", .timeout_ms = 300),
	BY_ROUTE(GET, "/big", big, .summary = "Send a long answer", .access = BY_PUBLIC,
	    .produces = "application/octet-stream", .timeout_ms = UNLIMITED),
	BY_ROUTE(GET, "/answer", answer, .summary = "Answer with a status and a header", .access = BY_PUBLIC),
	INSPECT(GET, "inspectGet"),
	INSPECT(POST, "inspectPost"),
	INSPECT(PUT, "inspectPut"),
	INSPECT(PATCH, "inspectPatch"),
	INSPECT(DELETE, "inspectDelete"),
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
