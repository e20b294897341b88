/* What the parts of the OpenAPI generator share: the document, its schemas, its examples. */
#ifndef BY_INTERFACE_OPENAPI_H
#define BY_INTERFACE_OPENAPI_H

#include <banyan/json.h>

#include "interface/endpoint.h"

/* Where a model is used: what is required of a client, and what it can rely on, differ. */
typedef enum by__usage {
	BY__USED_IN = 1,      /* read from requests */
	BY__USED_OUT = 2,     /* written to answers */
	BY__USED_PARTIAL = 4  /* read from requests, and every member may be absent */
} by__usage;

typedef struct by__schema {
	const by_model *model;
	unsigned        usage; /* by__usage, or-ed */
} by__schema;

/* The models of a document, each once, in the order of first use. */
typedef struct by__schemas {
	by_arena   *arena;
	by__schema *items;
	size_t      count;
	size_t      room;
	by_buf     *mistakes; /* may be NULL */
} by__schemas;

/* Adds a model and those it nests. Two unlike models of one name are a line in `mistakes`. */
void by__schemas_add(by__schemas *schemas, const by_model *model, unsigned usage);
/* Writes them all, as the members of the open object. */
void by__schemas_write(const by__schemas *schemas, by_json_writer *w);
/* Writes the members of a field's schema into the open object: constraints, null, description, default, example. */
void by__schema_write_field(by_json_writer *w, const by_field *field, unsigned usage);

/*
 * An object or a value as an example: .example where there is one, else made
 * from kind and constraints, always the same.
 */
void by__example_write(by_json_writer *w, const by_model *model, unsigned usage);
void by__example_write_field(by_json_writer *w, const by_field *field, unsigned usage);
/* A text in the kind's text form, as JSON: defaults. */
void by__example_write_text(by_json_writer *w, const by_field *field, const char *text);

/* Mistakes that would make a wrong document: lines "file:line: what; remedy". */
void by__openapi_check(by_arena *arena, const by_app *app, const by__endpoints *endpoints, by_buf *mistakes);

#endif
