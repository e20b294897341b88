/* The user comes from the verified token, never from a header of the client's. */
#include "routes/dependencies/current_user.h"

const char *current_user(const by_ctx *ctx)
{
	return ctx->principal && ctx->principal->subject ? ctx->principal->subject : "anonymous";
}
