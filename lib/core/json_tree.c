/* Free JSON to and from json-c's trees, which live as long as an arena. */
#include <limits.h>

#include <json-c/json.h>

#include <banyan/assert.h>
#include <banyan/json.h>
#include <banyan/json_tree.h>

static void release_tree(void *object)
{
	json_object_put(object);
}

by_error *by_json_tree(by_arena *arena, by_json json, struct json_object **tree)
{
	if (json.ptr == NULL) {
		*tree = NULL;
		return BY_OK;
	}
	if (json.len > INT_MAX)
		return by_error_new(arena, MALFORMED, "The JSON document is too long.");
	struct json_tokener *tokener = json_tokener_new_ex(BY_JSON_DEPTH + 1);

	BY_INVARIANT(tokener != NULL);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* A number at the very end is only complete with what follows it: the NUL that by_copy_text adds. */
	char               *text = by_copy_text(arena, (by_text){ json.ptr, json.len });
	struct json_object *parsed = json_tokener_parse_ex(tokener, text, (int)json.len + 1);
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
