/*
 * Endpoints of the framework itself, outside every version: health, metrics
 * and documents. They run through the same chain as all others.
 */
#ifndef BY_INTERFACE_BUILTIN_H
#define BY_INTERFACE_BUILTIN_H

#include "interface/endpoint.h"
#include "interface/server.h"

typedef struct by__builtin {
	by_operation      operation; /* first: the call finds its builtin by it */
	by__server       *server;
	const by_version *version;   /* of a document */
	const char       *text;      /* of a document, once made */
	size_t            text_len;
	const char       *etag;
} by__builtin;

/* Each adds its endpoints (path, method, name, operation, summary, errors) and returns how many. */
size_t by__health_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints);
size_t by__document_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints);
size_t by__status_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints);
size_t by__doctor_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints);

#endif
