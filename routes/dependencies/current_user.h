/* Who asks. */
#ifndef LAB_DEPENDENCIES_CURRENT_USER_H
#define LAB_DEPENDENCIES_CURRENT_USER_H

#include <banyan/ctx.h>

/* The subject of the request's token; "anonymous" without one. */
const char *current_user(const by_ctx *ctx);

#endif
