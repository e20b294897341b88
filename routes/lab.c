/* The lab: what main() hands to Banyan. */
#include "routes/lab.h"

#include "routes/core/database.h"
#include "routes/core/settings.h"
#include "routes/services/seed.h"
#include "routes/v1/routes.h"
#include "routes/v2/routes.h"

static const by_routes *const v1[] = { &experiments_v1, &datasets_v1, &ping_v1 };
/* What has not changed since version 1 is version 1's own. */
static const by_routes *const v2[] = { &experiments_v2, &datasets_v2, &ping_v1 };

static const by_version versions[] = {
	{ .name = "v1", .prefix = "/api/v1", .groups = v1, .count = BY_COUNT(v1) },
	{ .name = "v2", .prefix = "/api/v2", .groups = v2, .count = BY_COUNT(v2) },
};

const by_app lab = {
	.name = "lab",
	.title = "Lab",
	.version = "0.1.0",
	.description = "Experiments of a microscopy laboratory and the datasets that came out of them.",
	.versions = versions,
	.version_count = BY_COUNT(versions),
	.settings = { &lab_settings_model, &lab_settings_now },
	.migrations = &lab_migrations,
	.seed = seed_lab,
};
