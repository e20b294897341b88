/* Entity tags and preconditions (RFC 9110 sections 8.8.3 and 13.1). */
#ifndef BY_INTERFACE_ETAG_H
#define BY_INTERFACE_ETAG_H

#include <banyan/ctx.h>
#include <banyan/model.h>

/* "\"7\"" from the model's field marked .etag, in the arena; NULL when it has none, or no value. */
const char *by__etag_of(by_arena *arena, const by_model *model, const void *object);
/* Whether If-None-Match names the tag, or is "*"; compared weakly (section 13.1.2). */
bool by__etag_none_match(by_text header, const char *etag);

typedef enum by__if_match {
	BY__IF_MATCH_ANY,     /* "*" */
	BY__IF_MATCH_VERSION, /* one version of ours */
	BY__IF_MATCH_OTHER,   /* only tags that we never gave: the precondition fails */
	BY__IF_MATCH_SEVERAL, /* more than one version */
	BY__IF_MATCH_INVALID  /* not a list of entity tags */
} by__if_match;

/*
 * Reads If-Match where tags are versions. A weak tag counts too, against
 * section 13.1.1: web servers that compress on the way weaken ours, and a
 * version names a state exactly in either form.
 */
by__if_match by__etag_if_match(by_text header, int64_t *version);

#endif
