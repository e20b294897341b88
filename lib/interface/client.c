/*
 * The client's address, scheme and host. Headers of proxies are read from the
 * right, where the nearest proxy wrote, and no further than the proxies that
 * are trusted: what stands before may be the client's invention.
 */
#include <string.h>

#include <banyan/http.h>

#include "core/text.h"
#include "interface/client.h"
#include "interface/request.h"

/* ---- words and hosts --------------------------------------------------------- */

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool all_of(by_text text, const char *others)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.ptr[i]) && (text.ptr[i] == '\0' || strchr(others, text.ptr[i]) == NULL))
			return false;
	return text.len > 0;
}

static bool is_port(by_text text)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.len && i < 6; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	return text.len > 0 && text.len <= 5 && value >= 1 && value <= 65535;
}

/* Splits "name:port", "192.0.2.1:80", "[2001:db8::1]:443"; a bare IPv6 address is one name. */
static bool split_port(by_text text, by_text *name, by_text *port)
{
	const char *end = text.ptr + text.len;
	const char *close = text.len > 0 && text.ptr[0] == '[' ? memchr(text.ptr, ']', text.len) : NULL;
	const char *colon = text.len == 0 ? NULL : close ? close + 1 : memchr(text.ptr, ':', text.len);

	*name = text;
	*port = (by_text){ NULL, 0 };
	if (text.len == 0 || (text.ptr[0] == '[' && !close))
		return false;
	if (!colon || colon == end || (!close && memchr(colon + 1, ':', (size_t)(end - colon - 1))))
		return true;
	*name = (by_text){ text.ptr, (size_t)(colon - text.ptr) };
	*port = (by_text){ colon + 1, (size_t)(end - colon - 1) };
	return *colon == ':' && is_port(*port);
}

/* RFC 3986 section 3.2.2, of the names only what DNS and people use. */
static bool is_host(by_text text)
{
	by_text     name, port;
	by__address address;

	if (text.len == 0 || text.len > 260 || !split_port(text, &name, &port))
		return false;
	if (name.ptr[0] == '[')
		return by__address_parse((by_text){ name.ptr + 1, name.len - 2 }, &address);
	return all_of(name, "-._");
}

static bool is_scheme(by_text text)
{
	return by__same_word(text, "http") || by__same_word(text, "https");
}

static by_text lower_scheme(by_text text)
{
	return by__same_word(text, "https") ? BY_TEXT("https") : BY_TEXT("http");
}

/* An address as proxies write it: perhaps in brackets, perhaps with a port. */
static bool node_parse(by_text text, by__address *address)
{
	by_text name, port;

	if (by__address_parse(text, address))
		return true;
	if (!split_port(text, &name, &port))
		return false;
	if (name.ptr[0] == '[')
		name = (by_text){ name.ptr + 1, name.len - 2 };
	return by__address_parse(name, address);
}

/* ---- lists, from their end ------------------------------------------------------ */

/* The element behind the last comma, taken off. */
static by_text take_last(by_text *rest)
{
	const char *comma = rest->len > 0 ? memrchr(rest->ptr, ',', rest->len) : NULL;
	by_text     last = *rest;

	if (comma)
		last = (by_text){ comma + 1, rest->len - (size_t)(comma + 1 - rest->ptr) };
	*rest = (by_text){ rest->ptr, comma ? (size_t)(comma - rest->ptr) : 0 };
	return by__trim(last);
}

/* The element of that depth from the right; of a shorter list its first. */
static by_text element_at(by_text list, unsigned depth)
{
	by_text element = list;

	for (unsigned i = 0; i < depth && list.len > 0; i++)
		element = take_last(&list);
	return element;
}

/* ---- Forwarded (RFC 7239) ------------------------------------------------------- */

/* The end of a parameter's value, which may be quoted; NULL: malformed. */
static const char *value_end(const char *at, const char *end, by_text *value)
{
	const char *start = at;

	if (at == end || *at != '"') {
		while (at < end && *at != ';' && *at != ',' && *at != ' ' && *at != '\t')
			at++;
		*value = (by_text){ start, (size_t)(at - start) };
		return at > start ? at : NULL;
	}
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\') /* nothing that we take needs an escape */
			return NULL;
	*value = (by_text){ start + 1, (size_t)(at - start - 1) };
	return at < end ? at + 1 : NULL;
}

/* Enters a pair into the hop; false when its name was there before. */
static bool hop_take(by__hop *hop, by_text name, by_text value)
{
	by_text *to = by__same_word(name, "for") ? &hop->address : by__same_word(name, "proto") ? &hop->scheme
	    : by__same_word(name, "host") ? &hop->host : NULL;

	if (to == NULL)
		return true;
	if (to->ptr != NULL)
		return false;
	*to = value;
	return true;
}

/* forwarded-element = [ pair ] *( ";" [ pair ] ); gives its end, or NULL. */
static const char *element_parse(const char *at, const char *end, by__hop *hop)
{
	*hop = (by__hop){ { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	for (;;) {
		const char *equals = at;
		by_text     value;

		while (equals < end && is_alphanumeric(*equals))
			equals++;
		if (equals == end || *equals != '=' || equals == at)
			return NULL;
		const char *behind = value_end(equals + 1, end, &value);

		if (!behind || !hop_take(hop, (by_text){ at, (size_t)(equals - at) }, value))
			return NULL;
		if (behind == end || *behind != ';')
			return behind;
		at = behind + 1;
	}
}

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Quotes may hold commas, so the list is read from its beginning each time; it has few elements. */
bool by__forwarded_last(by_text *rest, by__hop *hop)
{
	const char *at = rest->ptr;
	const char *end = rest->ptr + rest->len;
	size_t      before = 0;

	for (;;) {
		const char *behind = element_parse(skip_space(at, end), end, hop);

		if (!behind)
			return false;
		behind = skip_space(behind, end);
		if (behind == end) {
			rest->len = before;
			return true;
		}
		if (*behind != ',')
			return false;
		before = (size_t)(behind - rest->ptr);
		at = behind + 1;
	}
}

/* ---- who it was ----------------------------------------------------------------- */

/* The next hop from the right. */
typedef bool hop_source(void *state, by__hop *hop);

typedef struct standard_state {
	by_text rest;
} standard_state;

static bool standard_next(void *state, by__hop *hop)
{
	standard_state *s = state;

	return by__forwarded_last(&s->rest, hop);
}

typedef struct common_state {
	const by_ctx *ctx;
	by_text       rest;
	unsigned      depth;
} common_state;

static bool common_next(void *state, by__hop *hop)
{
	common_state *s = state;

	s->depth++;
	*hop = (by__hop){ .address = take_last(&s->rest),
		.scheme = element_at(by_request_header(s->ctx, "X-Forwarded-Proto"), s->depth),
		.host = element_at(by_request_header(s->ctx, "X-Forwarded-Host"), s->depth) };
	return true;
}

/*
 * Goes from proxy to proxy until one is not trusted: that is the client. False
 * when a part that was looked at is malformed, or the client is not named.
 */
static bool walk(const by__proxies *proxies, hop_source *next, void *state, const by_text *rest, by__hop *hop,
    by__address *client)
{
	do {
		if (!next(state, hop) || !node_parse(hop->address, client))
			return false;
		if ((hop->scheme.ptr && !is_scheme(hop->scheme)) || (hop->host.ptr && !is_host(hop->host)))
			return false;
	} while (by__networks_hold(proxies->trusted, client) && rest->len > 0);
	return true;
}

static bool walk_common(const by_ctx *ctx, const by__proxies *proxies, by__hop *hop, by__address *client)
{
	common_state state = { .ctx = ctx, .rest = by_request_header(ctx, "X-Forwarded-For") };

	return state.rest.len > 0 && walk(proxies, common_next, &state, &state.rest, hop, client);
}

static bool walk_standard(const by_ctx *ctx, const by__proxies *proxies, by__hop *hop, by__address *client)
{
	standard_state state = { .rest = by_request_header(ctx, "Forwarded") };

	return state.rest.len > 0 && walk(proxies, standard_next, &state, &state.rest, hop, client);
}

static bool is_default_port(by_text scheme, by_text port)
{
	return by__same_word(scheme, "https") ? by__same_word(port, "443") : by__same_word(port, "80");
}

/* Host and port apart in X-Forwarded-Host and X-Forwarded-Port: put together where they were not. */
static void add_port(by_ctx *ctx, by__client *client)
{
	by_text port = element_at(by_request_header(ctx, "X-Forwarded-Port"), 1);
	by_text name, own;

	if (!is_port(port) || is_default_port(client->scheme, port) || !split_port(client->host, &name, &own) || own.ptr)
		return;
	const char *text = by_format(ctx->arena, "%.*s:%.*s", BY_TEXT_ARG(name), BY_TEXT_ARG(port));

	client->host = (by_text){ text, strlen(text) };
}

static void take_hop(by_ctx *ctx, by__client *client, const by__hop *hop, const by__address *address, bool standard)
{
	by__address_print(address, client->text);
	client->address = (by_text){ client->text, strlen(client->text) };
	if (hop->scheme.ptr)
		client->scheme = lower_scheme(hop->scheme);
	if (hop->host.ptr)
		client->host = hop->host;
	if (hop->host.ptr && !standard)
		add_port(ctx, client);
}

static by_text scheme_seen(const by_request *request)
{
	by_text https = by__request_variable(request, "HTTPS");
	by_text scheme = by__request_variable(request, "REQUEST_SCHEME");

	if (https.len > 0 && !by__same_word(https, "off"))
		return BY_TEXT("https");
	return is_scheme(scheme) ? lower_scheme(scheme) : BY_TEXT("http");
}

/* The client's Host, else the web server's own name (RFC 3875 section 4.1.14). */
static by_text host_seen(by_ctx *ctx, by_text scheme)
{
	const by_request *request = by__request(ctx);
	by_text           host = by_request_header(ctx, "Host");
	by_text           name = by__request_variable(request, "SERVER_NAME");
	by_text           port = by__request_variable(request, "SERVER_PORT");

	if (is_host(host))
		return host;
	if (!is_host(name))
		return BY_TEXT("localhost");
	if (!is_port(port) || is_default_port(scheme, port))
		return name;
	const char *text = by_format(ctx->arena, "%.*s:%.*s", BY_TEXT_ARG(name), BY_TEXT_ARG(port));

	return (by_text){ text, strlen(text) };
}

static const by__client *client_of(const by_ctx *const_ctx)
{
	by_request        *request = by__request(const_ctx);
	by_ctx             ctx = { .arena = const_ctx->arena, .request = request };
	const by__proxies *proxies = &request->proxies;
	by__client        *client = &request->client;
	by__address        address;
	by__hop            hop;

	if (client->known)
		return client;
	*client = (by__client){ .known = true, .address = request->remote, .scheme = scheme_seen(request) };
	client->host = host_seen(&ctx, client->scheme);
	if (!by__address_parse(request->remote, &address) || !by__networks_hold(proxies->trusted, &address))
		return client;
	if (proxies->standard ? walk_standard(&ctx, proxies, &hop, &address) : walk_common(&ctx, proxies, &hop, &address))
		take_hop(&ctx, client, &hop, &address, proxies->standard);
	return client;
}

by_text by_request_client(const by_ctx *ctx)
{
	const by_request *request = by__request(ctx);

	/* The usual case, of every access line: nothing to look up. */
	return request->proxies.trusted ? client_of(ctx)->address : request->remote;
}

by_text by_request_scheme(const by_ctx *ctx)
{
	return client_of(ctx)->scheme;
}

by_text by_request_host(const by_ctx *ctx)
{
	return client_of(ctx)->host;
}

const char *by_request_url(const by_ctx *ctx)
{
	const by_request *request = by__request(ctx);
	const by__client *client = client_of(ctx);

	return by_format(ctx->arena, "%.*s://%.*s%.*s%s%.*s", BY_TEXT_ARG(client->scheme), BY_TEXT_ARG(client->host),
	    (int)request->full_path.len, request->full_path.ptr ? request->full_path.ptr : "",
	    request->query.len > 0 ? "?" : "", BY_TEXT_ARG(request->query));
}
