/* Reads the fields of an input that come from path, query and headers. */
#ifndef BY_INTERFACE_BIND_H
#define BY_INTERFACE_BIND_H

#include "interface/endpoint.h"
#include "interface/request.h"

enum { BY__BINDINGS_MAX = 32 };

/*
 * Sets every bound field of `in`, whose defaults are in place. Whatever does
 * not parse, is missing, unknown or given twice becomes a fault. BAD_REQUEST
 * only where the query is not percent-encoded UTF-8.
 */
BY_MUST_CHECK by_error *by__bind(by_ctx *ctx, const by__endpoint *endpoint, by_faults *faults, void *in);

#endif
