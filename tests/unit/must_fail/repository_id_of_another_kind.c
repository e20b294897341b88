/* An id of another kind given to a repository. expect: incompatible type */
#include "common.h"

BY_REPOSITORY(leaves, leaf);

by_error *find(by_ctx *ctx, by_uuid id, leaf *row);
by_error *find(by_ctx *ctx, by_uuid id, leaf *row)
{
	return leaves_find(ctx, id, row);
}
