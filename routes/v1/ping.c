/* The smallest operation: no input, no database. */
#include "routes/schemas/ping.h"
#include "routes/v1/routes.h"

static by_error *ping(by_ctx *ctx, pong *out)
{
	(void)ctx;
	*out = (pong){ .message = "pong", .service = "lab", .time = by_time_now() };
	return BY_OK;
}
BY_OPERATION_OUT(ping, pong);

static const by_route rows[] = {
	BY_ROUTE(GET, "/ping", ping, .summary = "Ask whether the service answers", .access = BY_PUBLIC),
};
BY_ROUTES(ping_v1, "Service", rows);
