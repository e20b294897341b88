/* The models of health answers. */
#ifndef BY_INTERFACE_HEALTH_H
#define BY_INTERFACE_HEALTH_H

#include <banyan/model.h>

typedef struct by__component {
	const char *status;
	double      latency_ms;
	by_time    *last_healthy;
	const char *message;
} by__component;
BY_DECLARE_MODEL(by__component);

typedef struct by__components {
	by__component *database;
} by__components;
BY_DECLARE_MODEL(by__components);

typedef struct by__health {
	const char     *status;
	const char     *version;
	double          uptime_seconds;
	by__components *components;
} by__health;
BY_DECLARE_MODEL(by__health);

#endif
