/* Another model's struct given to a repository. expect: incompatible-pointer-types */
#include "common.h"

BY_REPOSITORY(leaves, leaf);

by_error *store(by_ctx *ctx, other *row);
by_error *store(by_ctx *ctx, other *row)
{
	return leaves_create(ctx, row);
}
