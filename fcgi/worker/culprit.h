/* Which request a report is about: what crash, stall and slow reports say of it alike. */
#ifndef BY_FCGI_WORKER_CULPRIT_H
#define BY_FCGI_WORKER_CULPRIT_H

#include <banyan/ctx.h>

#include "core/shared.h"
#include "fcgi/worker/line.h"

/* Method, route, path without query, request id and trace id; nothing when `ctx` is NULL. For signal handlers too. */
void by__culprit_put(by__line *line, const by_ctx *ctx);

/* Method, route and request id into the slot, for the supervisor; emptied when `ctx` is NULL. For signal handlers too. */
void by__culprit_keep(by__slot *slot, const by_ctx *ctx);

#endif
