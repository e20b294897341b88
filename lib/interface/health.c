/*
 * /live, /ready, /startup and /health. Components are probed at most once a second per
 * worker however many ask, and each for at most a second.
 */
#include <math.h>

#include <banyan/http.h>
#include <banyan/log.h>
#include <banyan/migration.h>
#include <banyan/provider.h>
#include <banyan/task.h>

#include "core/shared.h"
#include "interface/builtin.h"
#include "interface/health.h"

static const by_field component_fields[] = {
	BY_FIELD(by__component, status, .doc = "healthy or unhealthy", .example = "\"healthy\""),
	BY_FIELD(by__component, latency_ms, .doc = "How long the last probe took"),
	BY_FIELD(by__component, last_healthy, .doc = "When a probe last succeeded"),
	BY_FIELD(by__component, message, .optional = true, .doc = "What is wrong"),
};
BY_MODEL(by__component, component_fields, .doc = "One thing that the service depends on");

static const by_field components_fields[] = {
	BY_FIELD_MODEL(by__components, database, by__component),
};
BY_MODEL(by__components, components_fields, .doc = "The things that the service depends on");

static const by_field health_fields[] = {
	BY_FIELD(by__health, status, .doc = "healthy, unhealthy, draining or starting", .example = "\"healthy\""),
	BY_FIELD(by__health, version, .doc = "Of the application"),
	BY_FIELD(by__health, uptime_seconds, .doc = "Since the application was started"),
	BY_FIELD_MODEL(by__health, components, by__components),
};
BY_MODEL(by__health, health_fields, .doc = "How the service is");

enum { FRESH_NS = 1000000000, PROBE_MS = 1000 };

/* Someone who waits for the probe that is running. */
typedef struct waiter {
	by_wait        wait;
	struct waiter *next;
} waiter;

/* The last probe of this worker. */
static struct {
	bool          known;
	bool          running;
	bool          migrated; /* every step of ours was seen to be applied */
	uint64_t      done;    /* by_clock */
	by__component database;
	by_time       last_healthy;
	waiter       *waiters;
} probe;

static const char *safe_message(const by_error *error)
{
	return by_error_is(error, DEADLINE_EXCEEDED) ? "It did not answer in time." : "It cannot be reached.";
}

/*
 * A server that was started without its database has not looked whether steps are pending. One that the database has
 * and we have not is another generation's, and no fault of ours.
 */
static bool is_behind(by_ctx *ctx, const by_migrations *migrations)
{
	size_t pending = 0;

	if (probe.migrated || migrations == NULL || migrations->count == 0)
		return false;
	by_error *error = by_migrate_check(ctx, ctx->providers->database, migrations, &pending);

	probe.migrated = error != BY_OK ? by_error_is(error, CONFLICT) : pending == 0;
	if (pending > 0)
		by_warn(ctx, "the database is unhealthy: migrations are pending", BY_F("count", pending));
	return pending > 0;
}

/* False when the asker itself was cancelled, which says nothing about the component. */
static bool probe_database(by_ctx *ctx, const by_migrations *migrations)
{
	by_ctx   *bounded = by_ctx_child(ctx);
	uint64_t  start = by_clock();

	by_ctx_limit(bounded, BY_MILLISECONDS(PROBE_MS));
	by_error *error = by_database_ping(bounded, ctx->providers->database);

	if (error != BY_OK && by_ctx_check(ctx) != BY_OK)
		return false;
	probe.database = (by__component){
		.status = error ? "unhealthy" : "healthy",
		.latency_ms = round((double)(by_clock() - start) / 1e3) / 1e3,
		.message = error ? safe_message(error) : NULL
	};
	if (error != BY_OK) {
		by_log_error(ctx, BY_LOG_WARNING, "the database is unhealthy", error);
	} else if (is_behind(bounded, migrations)) {
		probe.database.status = "unhealthy";
		probe.database.message = "Its migrations are pending.";
	} else {
		probe.last_healthy = by_time_now();
	}
	return true;
}

static void wake_waiters(void)
{
	waiter *each = probe.waiters;

	probe.waiters = NULL;
	while (each != NULL) {
		waiter *next = each->next;

		by_wake(&each->wait);
		each = next;
	}
}

static void leave(waiter *self)
{
	for (waiter **at = &probe.waiters; *at != NULL; at = &(*at)->next)
		if (*at == self) {
			*at = self->next;
			return;
		}
}

/* Waits for a probe that someone else runs. */
static by_error *join_probe(by_ctx *ctx)
{
	waiter self = { .next = probe.waiters };

	by_wait_init(&self.wait);
	probe.waiters = &self;
	by_error *error = by_wait_for(ctx, &self.wait);

	leave(&self);
	return error;
}

static bool is_fresh(void)
{
	return probe.known && by_clock() - probe.done < FRESH_NS;
}

static by_error *refresh(by_ctx *ctx, const by_migrations *migrations)
{
	while (!is_fresh()) {
		if (probe.running && probe.known)
			return BY_OK; /* the one before is at most as old as a probe and the time between two */
		if (probe.running) {
			BY_TRY(join_probe(ctx));
			continue;
		}
		probe.running = true;
		bool usable = probe_database(ctx, migrations);

		probe.known |= usable;
		probe.running = false;
		probe.done = by_clock();
		wake_waiters();
		if (!usable)
			return by_ctx_check(ctx);
	}
	return BY_OK;
}

static by__component *database_component(by_ctx *ctx)
{
	by__component *component = BY_NEW(ctx->arena, by__component);

	*component = probe.database;
	if (probe.last_healthy.us != 0) {
		component->last_healthy = BY_NEW(ctx->arena, by_time);
		*component->last_healthy = probe.last_healthy;
	}
	return component;
}

static void fill(const by_operation *operation, by_ctx *ctx, by__health *out)
{
	const by__builtin *builtin = (const by__builtin *)operation;

	out->status = "healthy";
	out->version = by__server_app(builtin->server)->version;
	out->uptime_seconds = by__server_uptime(builtin->server);
	by_respond_header(ctx, "Cache-Control", "no-store");
}

static by_error *live_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)in;
	fill(operation, ctx, out);
	return BY_OK;
}

static by_error *health_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	by__health *health = out;

	(void)in;
	fill(operation, ctx, health);
	health->components = BY_NEW(ctx->arena, by__components);
	if (ctx->providers == NULL || ctx->providers->database == NULL)
		return BY_OK;
	BY_TRY(refresh(ctx, by__server_app(((const by__builtin *)operation)->server)->migrations));
	health->components->database = database_component(ctx);
	if (probe.last_healthy.us == 0 || probe.database.message != NULL) {
		health->status = "unhealthy";
		by_respond_status(ctx, 503);
	}
	return BY_OK;
}

static by_error *ready_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	by__health       *health = out;

	BY_TRY(health_call(operation, ctx, in, out));
	if (by__shared_draining()) {
		health->status = "draining";
		by_respond_status(ctx, 503);
	}
	return BY_OK;
}

static by_error *startup_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	by__health *health = out;

	(void)in;
	fill(operation, ctx, health);
	if (atomic_load(&by__shared_get()->ready) == 0) {
		health->status = "starting";
		by_respond_status(ctx, 503);
	}
	return BY_OK;
}

size_t by__health_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints)
{
	static const struct {
		const char *path, *name, *summary;
		by_error *(*call)(const by_operation *, by_ctx *, const void *, void *);
	} rows[] = {
		{ "/live", "live", "Whether the service runs", live_call },
		{ "/ready", "ready", "Whether the service takes requests", ready_call },
		{ "/startup", "startup", "Whether the service has started", startup_call },
		{ "/health", "health", "How the service and what it depends on are", health_call },
	};

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by__builtin *builtin = BY_NEW(arena, by__builtin);

		builtin->operation = (by_operation){ rows[i].name, NULL, &by__health_model, rows[i].call, BY_HERE_INIT };
		builtin->server = server;
		endpoints[i] = (by__endpoint){
			.method = BY_GET, .path = rows[i].path, .name = rows[i].name, .operation = &builtin->operation,
			.access = BY_PUBLIC, .summary = rows[i].summary, .status = 200
		};
	}
	return BY_COUNT(rows);
}
