/* An operation whose function takes another struct than its input model's. expect: incompatible-pointer-types */
#include "common.h"

static by_error *work(by_ctx *ctx, const leaf *in, other *out)
{
	(void)ctx;
	out->count = in->count;
	return BY_OK;
}
BY_OPERATION(work, other, other);
const by_operation *const operations[] = { &work_op };
