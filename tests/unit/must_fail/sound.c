/* What the cases do wrong, done right. */
#include "common.h"

typedef struct holder {
	by_entity      base;
	int64_t        number;
	BY_LIST(leaf)  leaves;
	leaf           one;
	shade          colour;
} holder;
BY_DECLARE_MODEL(holder);
static const by_field rows[] = {
	BY_ENTITY(holder, base),
	BY_FIELD(holder, number),
	BY_FIELD_LIST(holder, leaves, leaf),
	BY_FIELD_MODEL(holder, one, leaf),
	BY_FIELD_ENUM(holder, colour, shade),
};
BY_MODEL(holder, rows);

static by_error *work(by_ctx *ctx, const leaf *in, holder *out)
{
	(void)ctx;
	out->number = in->count;
	return BY_OK;
}
BY_OPERATION(work, leaf, holder);
const by_operation *const operations[] = { &work_op };
