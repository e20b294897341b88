/* Takes a request out of CGI variables (RFC 3875), and reads its body with every limit applied. */
#include <string.h>
#include <strings.h>

#include <banyan/http.h>
#include <banyan/time.h>

#include "interface/request.h"

static const char *const method_names[BY_METHOD_COUNT] = {
	"", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"
};

const char *by_method_name(by_method method)
{
	BY_REQUIRE(method < BY_METHOD_COUNT);
	return method_names[method];
}

by_method by__method_of(by_text name)
{
	for (int i = 1; i < BY_METHOD_COUNT; i++)
		if (strlen(method_names[i]) == name.len && memcmp(method_names[i], name.ptr, name.len) == 0)
			return (by_method)i;
	return BY_METHOD_NONE;
}

bool by__same_word(by_text text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/*
 * Variables that every request needs, found in one pass; all others are looked
 * up when asked for. A letter that tells them apart is compared first.
 */
typedef struct known {
	const char *name;
	size_t      len;
	size_t      probe;
	size_t      offset;
} known;

#define KNOWN(NAME, probe, member) { NAME, sizeof(NAME) - 1, (probe), offsetof(by_request, member) }

static const known known_server[] = {
	KNOWN("REQUEST_METHOD", 8, method_name),
	KNOWN("REQUEST_URI", 8, target),
	KNOWN("REQUEST_START", 9, start),
};

static const known known_headers[] = {
	KNOWN("HTTP_AUTHORIZATION", 6, authorization),
	KNOWN("HTTP_X_REQUEST_ID", 5, request_id),
	KNOWN("HTTP_TRACEPARENT", 5, traceparent),
};

static const known known_content = KNOWN("CONTENT_TYPE", 8, content_type);
static const known known_remote = KNOWN("REMOTE_ADDR", 7, remote);

static void length_set(by_request *request, const char *digits)
{
	uint64_t length = 0;

	if (*digits == '\0')
		return;
	request->length_kind = BY__LENGTH_INVALID;
	for (; *digits != '\0'; digits++) {
		if (*digits < '0' || *digits > '9' || length > (UINT64_MAX - 9) / 10)
			return;
		length = length * 10 + (uint64_t)(*digits - '0');
	}
	request->length = length;
	request->length_kind = BY__LENGTH_DECLARED;
}

/* `variable` is at least as long as the prefix that led here, so that the probe is inside it. */
static void take_if(by_request *request, const char *variable, const known *k)
{
	if (variable[k->probe] != k->name[k->probe] || strncmp(variable, k->name, k->len) != 0 || variable[k->len] != '=')
		return;
	by_text *member = (by_text *)(void *)((char *)request + k->offset);

	*member = (by_text){ variable + k->len + 1, strlen(variable + k->len + 1) };
}

static void variable_take(by_request *request, const char *variable)
{
	switch (variable[0]) {
	case 'H':
		if (strncmp(variable, "HTTP_", 5) == 0 && variable[5] != '\0')
			for (size_t i = 0; i < BY_COUNT(known_headers); i++)
				take_if(request, variable, &known_headers[i]);
		break;
	case 'R':
		if (strncmp(variable, "REQUEST_", 8) == 0 && variable[8] != '\0')
			for (size_t i = 0; i < BY_COUNT(known_server); i++)
				take_if(request, variable, &known_server[i]);
		else if (strncmp(variable, "REMOTE_", 7) == 0)
			take_if(request, variable, &known_remote);
		break;
	case 'C':
		if (strncmp(variable, "CONTENT_LENGTH=", 15) == 0)
			length_set(request, variable + 15);
		else if (strncmp(variable, "CONTENT_", 8) == 0)
			take_if(request, variable, &known_content);
		break;
	default:
		break;
	}
}

void by__request_init(by_request *request, by__exchange *exchange)
{
	request->magic = BY__REQUEST_MAGIC;
	request->exchange = exchange;
	request->started = exchange->received ? exchange->received : by_clock();
	for (char *const *variable = exchange->env; *variable != NULL; variable++)
		variable_take(request, *variable);
	request->method = by__method_of(request->method_name);
	request->full_path = request->path = request->query = BY_TEXT("");
}

/* "http://host/path": what stands before the path, or 0 in origin form. */
static size_t authority_length(by_text target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < BY_COUNT(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (target.len < len || strncasecmp(target.ptr, schemes[i], len) != 0)
			continue;
		while (len < target.len && strchr("/?#", target.ptr[len]) == NULL)
			len++;
		return len;
	}
	return 0;
}

bool by__request_target(by_request *request, by_text base_path)
{
	size_t      skip = authority_length(request->target);
	by_text     path = { request->target.ptr + skip, request->target.len - skip };
	const char *mark = memchr(path.ptr, '#', path.len);

	if (mark != NULL)
		path.len = (size_t)(mark - path.ptr);
	mark = memchr(path.ptr, '?', path.len);
	if (mark != NULL) {
		request->query = (by_text){ mark + 1, path.len - (size_t)(mark + 1 - path.ptr) };
		path.len = (size_t)(mark - path.ptr);
	}
	if (path.len == 0 && skip > 0)
		path = BY_TEXT("/");
	request->full_path = path;
	request->path = path;
	if (base_path.len == 0)
		return true;
	if (path.len < base_path.len || memcmp(path.ptr, base_path.ptr, base_path.len) != 0 ||
	    (path.len > base_path.len && path.ptr[base_path.len] != '/'))
		return false;
	path = (by_text){ path.ptr + base_path.len, path.len - base_path.len };
	request->path = path.len > 0 ? path : BY_TEXT("/");
	return true;
}

by_text by__request_variable(const by_request *request, const char *name)
{
	size_t len = strlen(name);

	for (char *const *variable = request->exchange->env; *variable != NULL; variable++)
		if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=')
			return (by_text){ *variable + len + 1, strlen(*variable + len + 1) };
	return (by_text){ NULL, 0 };
}

/* Whether "HTTP_X_REQUEST_ID" is the variable of the header X-Request-Id. */
static size_t header_variable(const char *variable, const char *name)
{
	size_t at = 0;

	for (; name[at] != '\0'; at++) {
		char c = name[at];

		c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		if (variable[at] != c)
			return 0;
	}
	return variable[at] == '=' ? at + 1 : 0;
}

by_text by_request_header(const by_ctx *ctx, const char *name)
{
	const by_request *request = by__request(ctx);
	bool              content = strcasecmp(name, "content-type") == 0 || strcasecmp(name, "content-length") == 0;

	/* A header "Proxy" arrives as HTTP_PROXY, which libraries take for a setting (CVE-2016-5385). */
	if (strcasecmp(name, "proxy") == 0)
		return (by_text){ NULL, 0 };
	for (char *const *variable = request->exchange->env; *variable != NULL; variable++) {
		const char *at = *variable;

		if (!content && strncmp(at, "HTTP_", 5) != 0)
			continue;
		at += content ? 0 : 5;
		size_t skip = header_variable(at, name);

		if (skip > 0)
			return (by_text){ at + skip, strlen(at + skip) };
	}
	return (by_text){ NULL, 0 };
}

by_method by_request_method(const by_ctx *ctx)
{
	return by__request(ctx)->method;
}

by_text by_request_path(const by_ctx *ctx)
{
	return by__request(ctx)->path;
}

by_text by_request_query(const by_ctx *ctx)
{
	return by__request(ctx)->query;
}

by_error *by__request_too_large(by_ctx *ctx)
{
	return by_fail(ctx, PAYLOAD_TOO_LARGE, "The body may hold at most %zu bytes.", by__request(ctx)->body_max);
}

/* One read, under the shorter of the request's deadline and the longest silence allowed. */
static by_error *read_in_time(by_ctx *ctx, by_request *request, char *data, size_t capacity, size_t *got)
{
	uint64_t deadline = ctx->deadline;
	uint64_t silence = request->body_timeout.us > 0 ? by_clock() + (uint64_t)request->body_timeout.us * 1000 : 0;
	bool     shorter = silence != 0 && (deadline == 0 || silence < deadline);

	if (shorter)
		ctx->deadline = silence;
	by_error *error = request->exchange->driver->read(request->exchange, ctx, data, capacity, got);

	ctx->deadline = deadline;
	if (shorter && by_error_is(error, DEADLINE_EXCEEDED))
		return by_fail(ctx, REQUEST_TIMEOUT, "The body did not arrive in time.");
	return error;
}

/* On average, over the time that we waited for it: what the operation does in between is not the client's fault. */
static by_error *check_rate(by_ctx *ctx, const by_request *request)
{
	uint64_t seconds = request->body_waited / 1000000000;

	if (request->body_rate_min == 0 || seconds < BY__BODY_GRACE || request->received / seconds >= request->body_rate_min)
		return BY_OK;
	return by_fail(ctx, REQUEST_TIMEOUT, "The body came too slowly.");
}

static by_error *wrong_length(by_ctx *ctx)
{
	return by_fail(ctx, BAD_REQUEST, "The body is not as long as Content-Length declared.");
}

by_error *by__request_read(by_ctx *ctx, void *data, size_t capacity, size_t *got)
{
	by_request *request = by__request(ctx);
	size_t      count = 0;

	BY_REQUIRE(capacity > 0);
	if (request->body_ended) {
		*got = 0;
		return BY_OK;
	}
	uint64_t begun = by_clock();

	BY_TRY(read_in_time(ctx, request, data, capacity, &count));
	request->body_waited += by_clock() - begun;
	request->received += count;
	if (count == 0) {
		request->body_ended = true;
		if (request->length_kind == BY__LENGTH_DECLARED && request->received != request->length)
			return wrong_length(ctx);
	}
	if (request->received > request->body_max)
		return by__request_too_large(ctx);
	if (request->length_kind == BY__LENGTH_DECLARED && request->received > request->length)
		return wrong_length(ctx);
	if (count > 0)
		BY_TRY(check_rate(ctx, request));
	*got = count;
	return BY_OK;
}

by_error *by_request_read(by_ctx *ctx, void *data, size_t capacity, size_t *got)
{
	return by__request_read(ctx, data, capacity, got);
}
