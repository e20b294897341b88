/* Collects an answer, writes its headers in front of its body, and sends it. */
#include <string.h>
#include <strings.h>

#include <banyan/assert.h>
#include <banyan/log.h>
#include <banyan/time.h>

#include "interface/request.h"
#include "interface/response.h"
#include "interface/trace.h"

enum { BODY_START = 1024, SEND_SECONDS = 30 };

const char *by__status_reason(int status)
{
	static const struct { int status; const char *reason; } reasons[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 203, "Non-Authoritative Information" },
		{ 204, "No Content" }, { 205, "Reset Content" }, { 206, "Partial Content" }, { 207, "Multi-Status" },
		{ 300, "Multiple Choices" }, { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
		{ 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 402, "Payment Required" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" }, { 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" }, { 423, "Locked" }, { 424, "Failed Dependency" }, { 425, "Too Early" },
		{ 426, "Upgrade Required" }, { 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 451, "Unavailable For Legal Reasons" },
		{ 499, "Client Closed Request" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
		{ 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	};

	for (size_t i = 0; i < BY_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

static by__response *response_of(const by_ctx *ctx)
{
	return &by__request(ctx)->response;
}

by_buf *by__response_body(by_ctx *ctx)
{
	by__response *response = response_of(ctx);

	if (response->body.data == NULL || response->body.error != BY_OK)
		by_buf_init(&response->body, ctx->arena, BODY_START);
	response->body.len = BY__HEADERS_ROOM;
	response->has_body = true;
	response->has_document = false;
	return &response->body;
}

void by__response_document(by_ctx *ctx, const char *content_type, by_text document)
{
	by__response *response = response_of(ctx);

	response->content_type = content_type;
	response->document = document;
	response->has_document = true;
}

void by__response_mark(by_ctx *ctx)
{
	by__response *response = response_of(ctx);

	response->policy_headers = response->headers.len;
}

void by__response_reset(by_ctx *ctx)
{
	by__response *response = response_of(ctx);

	response->status = 0;
	response->content_type = response->cache_control = response->etag = response->split_header = NULL;
	response->has_body = response->has_document = false;
	response->headers.len = response->policy_headers;
}

void by_respond_status(by_ctx *ctx, int status)
{
	by__response *response = response_of(ctx);

	BY_REQUIRE(status >= 200 && status <= 599);
	BY_REQUIRE(!response->started);
	response->status = status;
}

static bool is_token(const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');

		if (!letter && strchr("!#$%&'*+-.^_`|~", *c) == NULL)
			return false;
	}
	return *text != '\0';
}

void by_respond_header(by_ctx *ctx, const char *name, const char *value)
{
	by__response *response = response_of(ctx);

	BY_REQUIRE(is_token(name));
	BY_REQUIRE(!response->started);
	BY_REQUIRE(strcasecmp(name, "Status") != 0 && strcasecmp(name, "Content-Length") != 0);
	if (strpbrk(value, "\r\n") != NULL) {
		/* Often what a client once sent: it costs its own request, not the worker. */
		response->split_header = by_copy(ctx->arena, name);
	} else if (strcasecmp(name, "Content-Type") == 0) {
		response->content_type = by_copy(ctx->arena, value);
	} else if (strcasecmp(name, "Cache-Control") == 0) {
		response->cache_control = by_copy(ctx->arena, value);
	} else if (strcasecmp(name, "ETag") == 0) {
		response->etag = by_copy(ctx->arena, value);
	} else {
		if (response->headers.data == NULL)
			by_buf_init(&response->headers, ctx->arena, 256);
		by_put_string(&response->headers, name);
		BY_PUT(&response->headers, ": ");
		by_put_string(&response->headers, value);
		BY_PUT(&response->headers, "\r\n");
	}
}

static void put_header(by_buf *out, const char *name, const char *value)
{
	by_put_string(out, name);
	BY_PUT(out, ": ");
	by_put_string(out, value);
	BY_PUT(out, "\r\n");
}

static void put_trace(by_buf *out, const by_trace *trace)
{
	char text[BY__TRACEPARENT];

	by__trace_print(trace, text);
	BY_PUT(out, "traceparent: ");
	by_put(out, text, sizeof(text));
	BY_PUT(out, "\r\n");
}

/* Everything up to and with the empty line. `length` < 0: not known. */
static void put_headers(by_ctx *ctx, by_buf *out, int64_t length)
{
	by__response *response = response_of(ctx);

	BY_PUT(out, "Status: ");
	by_put_int(out, response->status);
	by_put_char(out, ' ');
	by_put_string(out, by__status_reason(response->status));
	BY_PUT(out, "\r\n");
	if (response->content_type != NULL)
		put_header(out, "Content-Type", response->content_type);
	if (length >= 0) {
		BY_PUT(out, "Content-Length: ");
		by_put_int(out, length);
		BY_PUT(out, "\r\n");
	}
	if (response->cache_control != NULL)
		put_header(out, "Cache-Control", response->cache_control);
	if (response->etag != NULL)
		put_header(out, "ETag", response->etag);
	if (ctx->request_id != NULL) {
		put_header(out, "X-Request-Id", ctx->request_id);
		put_trace(out, &ctx->trace);
	}
	if (response->headers.data != NULL)
		by_put(out, response->headers.data, response->headers.len);
	BY_PUT(out, "\r\n");
}

/* The longest of the collected header lines, without its value: values may be secret. */
static by_text largest_header(const by__response *response, size_t *size)
{
	const char *at = response->headers.data;
	const char *end = at ? at + response->headers.len : at;
	by_text     name = BY_TEXT("(none)");

	*size = 0;
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t      len = (size_t)(line_end - at) + 1;

		if (len > *size) {
			*size = len;
			name = (by_text){ at, (size_t)((const char *)memchr(at, ':', len) - at) };
		}
		at = line_end + 1;
	}
	return name;
}

by_error *by__response_check(by_ctx *ctx)
{
	by__response *response = response_of(ctx);
	size_t        fixed = 256 + strlen(ctx->request_id ? ctx->request_id : "");
	size_t        largest;

	if (response->split_header != NULL)
		return by_error_internal(ctx->arena, by_fail(ctx, INTERNAL, NULL), "the value of the header %s holds a line end",
		    response->split_header);

	fixed += response->content_type ? strlen(response->content_type) : 0;
	fixed += response->cache_control ? strlen(response->cache_control) : 0;
	fixed += response->etag ? strlen(response->etag) : 0;
	if (BY_LIKELY(fixed + response->headers.len <= BY__HEADERS_MAX))
		return BY_OK;
	by_text name = largest_header(response, &largest);

	return by_error_internal(ctx->arena, by_fail(ctx, INTERNAL, NULL),
	    "the response headers exceed %d bytes; the largest is %.*s with %zu", BY__HEADERS_MAX, BY_TEXT_ARG(name), largest);
}

static by_error *send_bytes(by_ctx *ctx, const char *data, size_t len)
{
	by__exchange *exchange = by__request(ctx)->exchange;

	return len > 0 ? exchange->driver->write(exchange, ctx, data, len) : BY_OK;
}

/* Headers go right in front of the body where they fit, else they leave on their own. */
static by_error *send_whole(by_ctx *ctx, by__response *response, by_text body, bool with_body)
{
	char   space[BY__HEADERS_ROOM];
	by_buf out = { .data = space, .cap = sizeof(space), .arena = ctx->arena };
	bool   length = response->status != 204 && response->status != 304;

	put_headers(ctx, &out, length ? (int64_t)body.len : -1);
	BY_TRY(by_buf_finish(&out));
	if (with_body && response->has_body && out.len <= BY__HEADERS_ROOM) {
		char *start = response->body.data + BY__HEADERS_ROOM - out.len;

		memcpy(start, out.data, out.len);
		return send_bytes(ctx, start, out.len + body.len);
	}
	BY_TRY(send_bytes(ctx, out.data, out.len));
	return with_body ? send_bytes(ctx, body.ptr, body.len) : BY_OK;
}

static by_text body_of(const by__response *response)
{
	if (response->has_document)
		return response->document;
	if (response->has_body)
		return (by_text){ response->body.data + BY__HEADERS_ROOM, response->body.len - BY__HEADERS_ROOM };
	return BY_TEXT("");
}

/* A late answer still has to leave: sending has time of its own, and goes on after a cancellation by ourselves. */
void by__response_grant_time(by_ctx *ctx)
{
	if (ctx->deadline != 0)
		ctx->deadline += (uint64_t)SEND_SECONDS * 1000000000u;
	ctx->cancelled = false;
}

void by__response_send(by_ctx *ctx)
{
	by_request   *request = by__request(ctx);
	by__response *response = &request->response;

	if (response->broken)
		return;
	if (!response->started) {
		by_text body = body_of(response);
		bool    with_body = request->method != BY_HEAD && response->status != 304;

		by__response_grant_time(ctx);
		response->started = true;
		response->sent = with_body ? body.len : 0;
		response->broken = send_whole(ctx, response, body, with_body) != BY_OK;
	}
	/* What is still buffered leaves with the end of the answer, in one write: the gateway's part. */
}

/* Headers of a streamed answer; web servers are asked not to hold it back. */
static by_error *stream_begin(by_ctx *ctx, by__response *response)
{
	by_buf out;

	if (response->status == 0)
		response->status = 200;
	by_respond_header(ctx, "X-Accel-Buffering", "no");
	BY_TRY(by__response_check(ctx));
	by_buf_init(&out, ctx->arena, BY__HEADERS_ROOM);
	put_headers(ctx, &out, -1);
	BY_TRY(by_buf_finish(&out));
	response->started = true;
	return send_bytes(ctx, out.data, out.len);
}

by_error *by_respond_write(by_ctx *ctx, const char *data, size_t len)
{
	by__response *response = response_of(ctx);

	if (!response->started)
		BY_TRY(stream_begin(ctx, response));
	if (by__request(ctx)->method == BY_HEAD)
		return BY_OK;
	BY_TRY(send_bytes(ctx, data, len));
	response->sent += len;
	return BY_OK;
}

by_error *by_respond_flush(by_ctx *ctx)
{
	by__exchange *exchange = by__request(ctx)->exchange;

	if (!response_of(ctx)->started)
		BY_TRY(stream_begin(ctx, response_of(ctx)));
	return exchange->driver->flush(exchange, ctx);
}
