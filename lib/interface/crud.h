/*
 * BY_CRUD: one row becomes up to six endpoints over a service.
 *
 * Inputs and answers are models made at start-up, pages and envelopes
 * included, so that nothing behind this file knows of them: every answer is
 * by_json_write(out, operation->out, object), every input is bound like that
 * of a hand-written operation.
 */
#ifndef BY_INTERFACE_CRUD_H
#define BY_INTERFACE_CRUD_H

#include "interface/endpoint.h"

enum { BY__CRUD_MAX = 6 };

/*
 * Compiles the row's service and models and fills one endpoint per operation:
 * method, path, name, operation, route, group, version, access, summary,
 * status, envelope, is_list, and in `errors` those that the operation itself
 * answers (NULL at the end; those of policies are the caller's to add). What
 * is wrong with the row becomes lines "file:line: what; remedy" in `mistakes`.
 * Returns how many endpoints it filled; 0 after a mistake.
 */
size_t by__crud_expand(by_arena *arena, const by_app *app, const by_version *version, const by_routes *group,
    const by_route *row, by__endpoint endpoints[BY__CRUD_MAX], by_buf *mistakes);

/*
 * The resource that an answer is about, and its model: what an entity tag is
 * taken from. The answer itself, or what the envelope {data} holds; NULL for a
 * page and for an answer without a model.
 */
const void *by__answer_resource(const by__endpoint *endpoint, const void *out, const by_model **model);

#endif
