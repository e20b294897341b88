/* Problem documents (RFC 9457): how every error is answered. */
#ifndef BY_INTERFACE_PROBLEM_H
#define BY_INTERFACE_PROBLEM_H

#include <banyan/ctx.h>

/*
 * Makes the error the answer of the context's request: status, headers that
 * belong to its kind, and the document. Logs it when the fault is ours. An
 * answer that has begun to leave is broken off instead.
 */
void by__problem_respond(by_ctx *ctx, by_error *error);

#endif
