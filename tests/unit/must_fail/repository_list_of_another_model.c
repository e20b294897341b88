/* Another model's list given to a repository. expect: incompatible-pointer-types */
#include "common.h"

BY_REPOSITORY(leaves, leaf);

by_error *all(by_ctx *ctx, const by_query *query, by_list_other *rows);
by_error *all(by_ctx *ctx, const by_query *query, by_list_other *rows)
{
	return leaves_list(ctx, query, rows, NULL);
}
