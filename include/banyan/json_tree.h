/*
 * Free JSON as a json-c tree: what a handler walks when a member's shape is
 * not known beforehand. Members of known shape are models.
 *
 *	struct json_object *settings;
 *	BY_TRY(by_json_tree(ctx->arena, in->settings, &settings));
 *	json_object_object_foreach(settings, name, value) { … }
 */
#ifndef BANYAN_JSON_TREE_H
#define BANYAN_JSON_TREE_H

#include <banyan/arena.h>
#include <banyan/error.h>
#include <banyan/value.h>

BY_BEGIN

struct json_object; /* <json-c/json.h> */

/*
 * The document as a tree, which is freed with the arena; who keeps a part of
 * it longer takes a reference (json_object_get). JSON null, and a by_json that
 * is absent, are NULL. Numbers keep their digits where json-c does. MALFORMED
 * for a text that no reader of ours made, and when a member's name holds
 * U+0000, which json-c cannot keep. Does not park.
 */
BY_API BY_MUST_CHECK by_error *by_json_tree(by_arena *arena, by_json json, struct json_object **tree);

/* The tree as compact text in the arena; the tree stays the caller's. */
BY_API by_json by_json_of_tree(by_arena *arena, struct json_object *tree);

BY_END

#endif
