/* Free JSON to and from json-c's trees, which live as long as an arena. */
#include <limits.h>

#include <json-c/json.h>

#include <banyan/assert.h>
#include <banyan/json.h>
#include <banyan/json_tree.h>

#include "core/text.h"
#include "core/utf8.h"

static void release_tree(void *object)
{
	json_object_put(object);
}

/* The UTF-16 unit of the escape \uXXXX that begins here, or -1. */
static int unit_at(const char *at, const char *end)
{
	int unit = 0;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = by__hex_value(at[i]);

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/* Bytes of the character whose pair of escapes begins here, or 0. */
static size_t pair_at(const char *at, const char *end, char *out)
{
	int high = unit_at(at, end);
	int low = high >= 0xd800 && high <= 0xdbff ? unit_at(at + 6, end) : -1;

	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return by__utf8_put(0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
}

/* The end of the string that begins here, at its quote; `nul` when it holds the escape of U+0000. */
static const char *string_end(const char *at, const char *end, bool *nul)
{
	for (at++; at < end && *at != '"'; at += *at == '\\' ? 2 : 1)
		*nul |= unit_at(at, end) == 0;
	return at < end ? at + 1 : end;
}

/* Whether a member's name holds U+0000, at which json-c would end it: two names would become one. */
static bool has_cut_name(by_json json)
{
	const char *at = json.ptr, *end = json.ptr + json.len;

	if (memmem(json.ptr, json.len, "\\u0000", 6) == NULL)
		return false;
	while (at < end && (at = memchr(at, '"', (size_t)(end - at))) != NULL) {
		bool nul = false;

		at = string_end(at, end, &nul);
		while (nul && at < end && memchr(" \t\r\n", *at, 4) != NULL)
			at++;
		if (nul && at < end && *at == ':')
			return true;
	}
	return false;
}

/*
 * A copy in which pairs of escapes are the characters themselves: json-c takes
 * one such as U+1D91E, whose low bits look like half a pair, for a broken one.
 */
static by_text without_pairs(by_arena *arena, by_json json)
{
	const char *at = json.ptr;
	const char *end = json.ptr + json.len;
	char       *out = by_alloc_raw(arena, json.len + 1);
	size_t      len = 0;

	while (at < end) {
		size_t put = *at == '\\' ? pair_at(at, end, out + len) : 0;

		len += put;
		at += put > 0 ? 12 : 0;
		/* An escape is copied with what it escapes, which may be a backslash. */
		for (int left = put > 0 ? 0 : 1 + (*at == '\\'); left > 0 && at < end; left--)
			out[len++] = *at++;
	}
	out[len] = '\0';
	return (by_text){ out, len };
}

by_error *by_json_tree(by_arena *arena, by_json json, struct json_object **tree)
{
	if (json.ptr == NULL) {
		*tree = NULL;
		return BY_OK;
	}
	if (json.len > INT_MAX)
		return by_error_new(arena, MALFORMED, "The JSON document is too long.");
	if (has_cut_name(json))
		return by_error_new(arena, MALFORMED, "The name of a member holds U+0000.");
	struct json_tokener *tokener = json_tokener_new_ex(BY_JSON_DEPTH + 1);

	BY_INVARIANT(tokener != NULL);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* A number at the very end is only complete with what follows it: the NUL behind the copy. */
	by_text             text = without_pairs(arena, json);
	struct json_object *parsed = json_tokener_parse_ex(tokener, text.ptr, (int)text.len + 1);
	enum json_tokener_error code = json_tokener_get_error(tokener);

	json_tokener_free(tokener);
	if (code != json_tokener_success) {
		json_object_put(parsed);
		return by_error_new(arena, MALFORMED, "The text is not JSON: %s.", json_tokener_error_desc(code));
	}
	if (parsed != NULL)
		by_arena_defer(arena, release_tree, parsed);
	*tree = parsed;
	return BY_OK;
}

by_json by_json_of_tree(by_arena *arena, struct json_object *tree)
{
	size_t      len;
	const char *text = json_object_to_json_string_length(tree, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
	    &len);

	return (by_json){ by_copy_text(arena, (by_text){ text, len }), len };
}
