/*
 * The router: a trie of path segments, compiled once from the endpoints.
 *
 * A path is split at '/' before it is decoded, each segment is decoded once, so
 * that "a%2Fb" stays one segment. Paths match exactly: a trailing slash makes
 * another path. A static segment goes before a parameter, a parameter before a
 * rest; the path is found first, the method then.
 */
#ifndef BY_INTERFACE_ROUTER_H
#define BY_INTERFACE_ROUTER_H

#include <banyan/buf.h>

#include "interface/endpoint.h"

enum { BY__PATH_PARAMETERS = 8, BY__PATH_SEGMENTS = 64 };

typedef struct by__router by__router;

typedef enum by__match {
	BY__MATCHED,
	BY__MATCH_NO_PATH,
	BY__MATCH_NO_METHOD, /* `allow` is set */
	BY__MATCH_BAD_PATH   /* bad percent-encoding, not UTF-8, a control character, or a dot segment */
} by__match;

typedef struct by__routed {
	const by__endpoint *endpoint;
	const char         *allow; /* the methods of the path, as the Allow header has them */
	by_text             parameters[BY__PATH_PARAMETERS]; /* decoded, in the order of the path */
	size_t              count;
} by__routed;

/*
 * Compiles the endpoints' paths. Two endpoints with the same method and the
 * same shape of path become a line "file:line: what; remedy" in `mistakes`.
 */
by__router *by__router_new(by_arena *arena, const by__endpoints *endpoints, by_buf *mistakes);

/*
 * Finds the endpoint of a raw path without its query. A HEAD finds the GET, an
 * OPTIONS without an endpoint of its own is NO_METHOD. Decoded segments are in
 * the arena; nothing else is allocated.
 */
by__match by__router_find(const by__router *router, by_arena *arena, by_method method, by_text path, by__routed *routed);

/*
 * Splits a template such as "/experiments/{id}": the number of its parameters,
 * or -1 with the reason in `why`. A parameter is a whole segment; "{rest...}" is the last.
 */
int by__template_check(const char *path, const char **why);
/* The position of the parameter of that name in the template, or -1. */
int by__template_parameter(const char *path, const char *name);

#endif
