/* An operation whose function fills another struct than its output model's. expect: incompatible-pointer-types */
#include "common.h"

static by_error *work(by_ctx *ctx, const leaf *in, other *out)
{
	(void)ctx;
	out->count = in->count;
	return BY_OK;
}
BY_OPERATION(work, leaf, leaf);
const by_operation *const operations[] = { &work_op };
