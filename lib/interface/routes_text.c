/* `routes`: every endpoint with its policies and the file and line that declared it, as a table or as JSON. */
#include <string.h>

#include <banyan/json.h>

#include "interface/server.h"

enum { COLUMNS = 6, GAP = 2 };

static const char *const heads[COLUMNS] = { "METHOD", "PATH", "OPERATION", "ACCESS", "POLICIES", "DECLARED" };

static const char *const isolations[] = {
	[BY_TX_NONE] = "none", [BY_TX_READ_COMMITTED] = "read_committed", [BY_TX_REPEATABLE_READ] = "repeatable_read",
	[BY_TX_SERIALIZABLE] = "serializable", [BY_TX_READ_ONLY] = "read_only",
};

static const char *const accepts[] = {
	[BY_JSON_ONLY] = "json", [BY_FORM_URLENCODED] = "urlencoded", [BY_FORM_MULTIPART] = "multipart", [BY_FORMS] = "forms",
};

typedef struct line {
	const char *cells[COLUMNS];
} line;

static const char *access_text(by_arena *arena, const by_access *access)
{
	switch (access->kind) {
	case BY_ACCESS_PUBLIC:
		return "public";
	case BY_ACCESS_AUTHENTICATED:
		return "authenticated";
	case BY_ACCESS_ROLE:
		return by_format(arena, "role %s", access->role);
	default:
		return "undeclared";
	}
}

/* What the row sets, and the limit of a body whoever sets it; "-" when there is neither. */
static const char *policies_text(by_arena *arena, const by__server *server, const by__endpoint *endpoint)
{
	const by_route *row = endpoint->route;
	const size_t    max_body = by__server_body_max(server, endpoint);
	by_buf text;
	by_buf_init(&text, arena, 64);
	if (row && row->timeout_ms > 0)
		by_put_format(&text, " timeout=%ums", (unsigned)row->timeout_ms);
	if (max_body > 0)
		by_put_format(&text, " max_body=%zu", max_body);
	if (row && row->body_timeout_ms > 0)
		by_put_format(&text, " body_timeout=%ums", (unsigned)row->body_timeout_ms);
	if (row && row->body_rate_min > 0)
		by_put_format(&text, " body_rate_min=%zu", row->body_rate_min);
	if (row && row->accepts != BY_JSON_ONLY)
		by_put_format(&text, " accepts=%s", accepts[row->accepts]);
	if (row && row->transaction != BY_TX_NONE)
		by_put_format(&text, " transaction=%s", isolations[row->transaction]);
	return text.len > 0 ? by_buf_string(&text) + 1 : "-";
}

static by_place place_of(const by__endpoint *endpoint)
{
	return endpoint->route ? endpoint->route->place : endpoint->operation->place;
}

static line line_of(by_arena *arena, const by__server *server, const by__endpoint *endpoint)
{
	const by_place place = place_of(endpoint);
	return (line){ {
		by_method_name(endpoint->method), endpoint->path, endpoint->name, access_text(arena, &endpoint->access),
		policies_text(arena, server, endpoint), by_format(arena, "%s:%d", place.file, place.line),
	} };
}

static bool is_asked_for(const by__endpoint *endpoint, const char *version)
{
	return !version || (endpoint->version && strcmp(endpoint->version->name, version) == 0);
}

static void put_line(by_buf *out, const line *row, const size_t widths[COLUMNS])
{
	for (int i = 0; i < COLUMNS; i++) {
		by_put_string(out, row->cells[i]);
		for (size_t pad = strlen(row->cells[i]); i + 1 < COLUMNS && pad < widths[i] + GAP; pad++)
			by_put_char(out, ' ');
	}
	by_put_char(out, '\n');
}

static void put_table(by_buf *out, by_arena *arena, const by__server *server, const char *version)
{
	const by__endpoints *endpoints = by__server_endpoints(server);
	line  *lines = BY_NEW_ARRAY(arena, line, endpoints->count + 1);
	size_t widths[COLUMNS] = { 0 };
	size_t count = 1;
	memcpy(lines[0].cells, heads, sizeof(heads));
	for (size_t i = 0; i < endpoints->count; i++)
		if (is_asked_for(&endpoints->items[i], version))
			lines[count++] = line_of(arena, server, &endpoints->items[i]);
	for (size_t i = 0; i < count; i++)
		for (int j = 0; j < COLUMNS; j++)
			if (strlen(lines[i].cells[j]) > widths[j])
				widths[j] = strlen(lines[i].cells[j]);
	for (size_t i = 0; i < count; i++)
		put_line(out, &lines[i], widths);
}

static void put_member(by_json_writer *w, const char *name, const char *value)
{
	by_json_name(w, name);
	by_json_string(w, value);
}

/* Policies by their own names, in the order in which they surround the operation. */
static void put_chain(by_json_writer *w, const by__server *server, const by__endpoint *endpoint)
{
	const char *name = NULL;
	by_json_name(w, "chain");
	by_json_array(w);
	for (size_t i = 0; by__server_policy(server, endpoint, i, &name); i++)
		by_json_string(w, name);
	by_json_array_end(w);
}

static void put_object(by_json_writer *w, by_arena *arena, const by__server *server, const by__endpoint *endpoint)
{
	const by_route *row = endpoint->route;
	const by_place  place = place_of(endpoint);
	by_json_object(w);
	put_member(w, "version", endpoint->version ? endpoint->version->name : NULL);
	put_member(w, "method", by_method_name(endpoint->method));
	put_member(w, "path", endpoint->path);
	put_member(w, "operation", endpoint->name);
	put_member(w, "access", access_text(arena, &endpoint->access));
	by_json_name(w, "timeout_ms");
	by_json_int(w, row ? row->timeout_ms : 0);
	by_json_name(w, "max_body");
	by_json_int(w, (int64_t)by__server_body_max(server, endpoint));
	put_member(w, "transaction", isolations[row ? row->transaction : BY_TX_NONE]);
	by_json_name(w, "hidden");
	by_json_bool(w, !row || row->hidden);
	put_chain(w, server, endpoint);
	put_member(w, "file", place.file);
	by_json_name(w, "line");
	by_json_int(w, place.line);
	by_json_object_end(w);
}

static void put_json(by_buf *out, by_arena *arena, const by__server *server, const char *version)
{
	const by__endpoints *endpoints = by__server_endpoints(server);
	by_json_writer       w;
	by_json_writer_init(&w, out);
	by_json_array(&w);
	for (size_t i = 0; i < endpoints->count; i++)
		if (is_asked_for(&endpoints->items[i], version))
			put_object(&w, arena, server, &endpoints->items[i]);
	by_json_array_end(&w);
	by_put_char(out, '\n');
}

void by__server_routes(const by__server *server, const char *version, bool json, by_buf *out)
{
	by_arena *arena = by_arena_new(0);
	if (json)
		put_json(out, arena, server, version);
	else
		put_table(out, arena, server, version);
	by_arena_free(&arena);
}
