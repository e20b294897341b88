/*
 * Endpoints: what start-up makes of route rows. A BY_ROUTE row is one
 * endpoint; a BY_CRUD row is up to six. Router, chain, OpenAPI and `routes`
 * all read these and nothing else.
 */
#ifndef BY_INTERFACE_ENDPOINT_H
#define BY_INTERFACE_ENDPOINT_H

#include <banyan/app.h>

/* One field of the input that does not come from the body, or comes as all of it. */
typedef struct by__binding {
	const by_field *field;
	by_source       from;   /* resolved: never AUTO */
	const char     *name;   /* of the parameter; a header's in its usual form */
	int             segment; /* PATH: which parameter of the path, from 0 */
} by__binding;

typedef struct by__endpoint {
	by_method           method;
	const char         *path;      /* whole: "/api/v1/experiments/{id}" */
	const char         *name;      /* operationId without version: "list_experiments", "publish_experiment" */
	const by_operation *operation;
	const by_route     *route;     /* its row: policies and documentation */
	const by_routes    *group;     /* tag */
	const by_version   *version;   /* NULL: health, documents, metrics */
	by_access           access;    /* effective: public_read considered */
	const char         *summary;
	int                 status;    /* of success */
	by_envelope         envelope;
	bool                is_list;   /* of BY_CRUD: the answer is a page; written through operation->out like any other */
	const by_model     *body;      /* JSON body: the input model itself, or the model of its WHOLE_BODY field; NULL: none */
	const by__binding  *bindings;
	size_t              binding_count;
	size_t              body_fields; /* fields of the input that are members of the body */
	const by_error_kind *const *errors; /* every one it can answer, those of policies included; NULL at the end */
	uint32_t            index;     /* dense from 0 */
} by__endpoint;

typedef struct by__endpoints {
	by__endpoint *items;
	size_t        count;
} by__endpoints;

/*
 * Compiles the rows of all versions: checks them, expands BY_CRUD, compiles
 * their models and services, resolves where each input field comes from. Every
 * mistake becomes a line "file:line: what; remedy" in `mistakes`.
 */
void by__endpoints_compile(by_arena *arena, const by_app *app, by__endpoints *endpoints, by_buf *mistakes);

#endif
