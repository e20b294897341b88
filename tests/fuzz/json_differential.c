/*
 * Our reader against json-c: what ours accepts is the same as one of json-c's
 * trees, and what json-c accepts ours refuses only for a reason for which
 * json-c is known to be lax.
 */
#include <stdlib.h>

#include <json-c/json.h>

#include <banyan/json.h>
#include <banyan/json_tree.h>

#include "core/json_reader.h"
#include "fuzz/fuzz.h"

/*
 * Strict as it says, json-c accepts NaN, duplicate names, lone surrogates, overlong UTF-8, and numbers that RFC 8259
 * does not know.
 */
static const char *const lax[] = {
	"a member name appears twice", "an invalid escape", "invalid UTF-8", "an unknown word", "an invalid number", "a value is missing",
	"a control character in a string", "nested too deep", "too many members", "something follows the value",
};

static bool is_lax(const char *why)
{
	for (size_t i = 0; i < BY_COUNT(lax); i++)
		if (strcmp(why, lax[i]) == 0)
			return true;
	return false;
}

static bool theirs(by_arena *arena, by_text json)
{
	struct json_tokener *tokener = json_tokener_new_ex(BY_JSON_DEPTH + 1);
	const char          *text = by_copy_text(arena, json);

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json_object_put(json_tokener_parse_ex(tokener, text, (int)json.len + 1));
	bool accepted = json_tokener_get_error(tokener) == json_tokener_success;

	json_tokener_free(tokener);
	return accepted;
}

static bool same_number(by_text digits, struct json_object *value)
{
	char  *text = strndup(digits.ptr, digits.len);
	bool   whole = strspn(text, "-0123456789") == digits.len;
	double number = strtod(text, NULL);
	bool   same = json_object_is_type(value, json_type_double) ? json_object_get_double(value) == number
	                                                           : whole || json_object_get_double(value) == number;

	/* Beyond 64 bits json-c gives the nearest number that it has. */
	if (whole && digits.len < 19)
		same = json_object_is_type(value, json_type_int) && json_object_get_int64(value) == strtoll(text, NULL, 10);
	free(text);
	return same;
}

static bool same_value(by_json_reader *r, struct json_object *value);

static bool same_array(by_json_reader *r, struct json_object *value)
{
	size_t count = 0;
	bool   same = json_object_is_type(value, json_type_array) && by_json_enter_array(r);

	while (same && by_json_next_item(r))
		same = count < json_object_array_length(value) && same_value(r, json_object_array_get_idx(value, count++));
	return same && count == json_object_array_length(value);
}

static bool same_object(by_json_reader *r, struct json_object *value)
{
	by_text name;
	int     count = 0;
	bool    same = json_object_is_type(value, json_type_object) && by_json_enter_object(r);

	while (same && by_json_next_member(r, &name)) {
		char               *key = strndup(name.ptr, name.len);
		struct json_object *member = NULL;

		same = json_object_object_get_ex(value, key, &member) && same_value(r, member);
		free(key);
		count++;
	}
	return same && count == json_object_object_length(value);
}

static bool same_string(by_json_reader *r, struct json_object *value)
{
	by_text text;

	return by_json_read_string(r, &text) && json_object_is_type(value, json_type_string)
	    && (size_t)json_object_get_string_len(value) == text.len
	    && memcmp(json_object_get_string(value), text.ptr, text.len) == 0;
}

static bool same_value(by_json_reader *r, struct json_object *value)
{
	by_text digits;
	bool    boolean;

	switch (by_json_peek(r)) {
	case BY_JSON_NULL:
		return by_json_read_null(r) && value == NULL;
	case BY_JSON_BOOL:
		return by_json_read_bool(r, &boolean) && json_object_is_type(value, json_type_boolean)
		    && json_object_get_boolean(value) == boolean;
	case BY_JSON_NUMBER:
		return by_json_read_number(r, &digits) && same_number(digits, value);
	case BY_JSON_STRING:
		return same_string(r, value);
	case BY_JSON_ARRAY:
		return same_array(r, value);
	case BY_JSON_OBJECT:
		return same_object(r, value);
	default:
		return false;
	}
}

/* Why our reader refuses the text, or NULL. */
static const char *refused(by_arena *arena, by_text json)
{
	static const by_where root;
	by_json_reader        r;
	by_text               raw;

	by__json_reader_init(&r, by_faults_new(arena), json, &root);
	if (by_json_skip(&r, &raw) && by__json_reader_finish(&r) == BY_OK)
		return NULL;
	return r.broken ? r.broken : "something follows the value";
}

static void check_tree(by_arena *arena, by_text json, by_text compact)
{
	static const by_where root;
	struct json_object   *tree = NULL;
	by_json_reader        r;

	FUZZ_HOLDS(compact.len <= json.len && by__json_accept(arena, compact, NULL));
	/* A name with a NUL ends there for json-c. */
	if (memmem(compact.ptr, compact.len, "\\u0000", 6))
		return;
	FUZZ_HOLDS(by_json_tree(arena, (by_json){ compact.ptr, compact.len }, &tree) == BY_OK);
	by__json_reader_init(&r, by_faults_new(arena), json, &root);
	FUZZ_HOLDS(same_value(&r, tree));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_text     json = fuzz_text(data, size);
	by_arena   *arena = by_arena_new(0);
	by_text     compact;
	bool        accepted = by__json_accept(arena, json, &compact);
	bool        other = theirs(arena, json);
	const char *why = refused(arena, json);

	FUZZ_HOLDS(accepted == (why == NULL));
	if (accepted)
		check_tree(arena, json, compact);
	FUZZ_HOLDS(other || !accepted);
	FUZZ_HOLDS(accepted || !other || is_lax(why));
	by_arena_free(&arena);
	return 0;
}
