/* The schema of the smallest answer. */
#include "routes/schemas/ping.h"

static const by_field pong_fields[] = {
	BY_FIELD(pong, message, .doc = "Always pong", .example = "\"pong\""),
	BY_FIELD(pong, service, .doc = "Which service answers", .example = "\"lab\""),
	BY_FIELD(pong, time, .doc = "The service's clock", .example = "\"2026-11-20T16:06:52.123456Z\""),
};
BY_MODEL(pong, pong_fields, .doc = "The service answers");
