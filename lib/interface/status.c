/* /status: the shared region told through models. */
#include <string.h>

#include <banyan/http.h>

#include "core/utf8.h"
#include "interface/builtin.h"
#include "interface/status.h"

static const by_field pool_fields[] = {
	BY_FIELD(by__status_pool, name, .doc = "Of the pool"),
	BY_FIELD(by__status_pool, listen, .doc = "Where its web server connects"),
	BY_FIELD(by__status_pool, scaling, .doc = "static, dynamic or on_demand"),
	BY_FIELD(by__status_pool, workers_max, .doc = "Most workers that it may have"),
	BY_FIELD(by__status_pool, requests_max, .doc = "Requests that run at a time in each of them"),
	BY_FIELD(by__status_pool, started, .doc = "Workers started so far"),
	BY_FIELD(by__status_pool, crashed, .doc = "Of those, the ones that crashed"),
	BY_FIELD(by__status_pool, replaced, .doc = "Of those, the ones that were replaced at their own request"),
	BY_FIELD(by__status_pool, backoff_ms, .doc = "Until the next start, while workers end as soon as they start"),
	BY_FIELD(by__status_pool, running, .doc = "Workers that take requests"),
	BY_FIELD(by__status_pool, active, .doc = "Requests that run"),
	BY_FIELD(by__status_pool, queued, .doc = "Requests that wait to run"),
	BY_FIELD(by__status_pool, requests, .doc = "Served by the workers that are there now"),
};
BY_MODEL(by__status_pool, pool_fields, .doc = "One pool of workers");

static const by_field worker_fields[] = {
	BY_FIELD(by__status_worker, pid, .doc = "Process id"),
	BY_FIELD(by__status_worker, pool, .doc = "The pool it belongs to"),
	BY_FIELD(by__status_worker, generation, .doc = "Of the program and its settings; a reload makes the next"),
	BY_FIELD(by__status_worker, state, .doc = "starting, prepared, ready or draining"),
	BY_FIELD(by__status_worker, active, .doc = "Requests that run"),
	BY_FIELD(by__status_worker, queued, .doc = "Requests that wait to run"),
	BY_FIELD(by__status_worker, connections, .doc = "From web servers, idle ones included"),
	BY_FIELD(by__status_worker, requests, .doc = "Served so far"),
	BY_FIELD(by__status_worker, resident_bytes, .doc = "Resident memory"),
	BY_FIELD(by__status_worker, uptime_seconds, .doc = "Since it was started"),
	BY_FIELD(by__status_worker, heartbeat_age_ms, .doc = "Since its loop last turned"),
	BY_FIELD(by__status_worker, method, .optional = true, .doc = "Of the request that began last"),
	BY_FIELD(by__status_worker, route, .optional = true, .doc = "Of the request that began last"),
};
BY_MODEL(by__status_worker, worker_fields, .doc = "One worker");

static const by_field poisoned_fields[] = {
	BY_FIELD(by__status_poisoned, route, .doc = "Method and route"),
	BY_FIELD(by__status_poisoned, seconds_left, .doc = "Until its requests are served again"),
};
BY_MODEL(by__status_poisoned, poisoned_fields, .doc = "A route that is refused, because it crashed its workers");

static const by_field reload_fields[] = {
	BY_FIELD(by__status_reload, count, .doc = "Reloads and upgrades asked for so far"),
	BY_FIELD(by__status_reload, state, .doc = "Of the last: none, running, done or refused"),
	BY_FIELD(by__status_reload, reason, .optional = true, .doc = "Why the last was refused"),
};
BY_MODEL(by__status_reload, reload_fields, .doc = "The last reload or upgrade");

static const by_field status_fields[] = {
	BY_FIELD(by__status, application, .doc = "Its name"),
	BY_FIELD(by__status, version, .doc = "Of the application"),
	BY_FIELD(by__status, supervisor, .doc = "Process id; 0: the workers were started by a web server"),
	BY_FIELD(by__status, generation, .doc = "The newest"),
	BY_FIELD(by__status, uptime_seconds, .doc = "Since the application was started"),
	BY_FIELD(by__status, loaded, .doc = "When the settings were last read"),
	BY_FIELD(by__status, draining, .doc = "Whether it is stopping"),
	BY_FIELD_MODEL(by__status, reload, by__status_reload),
	BY_FIELD_LIST(by__status, pools, by__status_pool, .doc = "Its pools"),
	BY_FIELD_LIST(by__status, workers, by__status_worker, .doc = "Workers of all pools and generations"),
	BY_FIELD_LIST(by__status, poisoned, by__status_poisoned, .doc = "Routes that are refused for a while"),
};
BY_MODEL(by__status, status_fields, .doc = "How the application's processes are");

/* ---- reading what others write ---------------------------------------------------------- */

/* The region may hold half a text, or no end of it. */
static const char *text_of(by_arena *arena, const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	char *copy = by_alloc(arena, len + 1);

	memcpy(copy, text, len);
	len = strnlen(copy, len);
	for (size_t i = 0, step; i < len; i += step) {
		step = by__utf8_length((const unsigned char *)copy + i, len - i);
		if (step == 0 || (unsigned char)copy[i] < ' ' || copy[i] == 0x7f) {
			copy[i] = '?';
			step = 1;
		}
	}
	copy[len] = 0;
	return copy;
}

#define TEXT_OF(arena, member) text_of((arena), (member), sizeof(member))

static const char *text_or_none(const char *text)
{
	return *text ? text : NULL;
}

static double seconds_since(uint64_t started)
{
	int64_t milliseconds = (by_time_now().us - (int64_t)started) / 1000;

	return started == 0 || milliseconds < 0 ? 0 : (double)milliseconds / 1e3;
}

static uint32_t pool_count(const by__shared *region)
{
	return region->pools < BY__SHARED_POOLS ? region->pools : BY__SHARED_POOLS;
}

static uint32_t slot_count(const by__shared *region)
{
	return region->slots < BY__SHARED_SLOTS ? region->slots : BY__SHARED_SLOTS;
}

static void read_pools(by_arena *arena, const by__shared *region, by__status *status)
{
	status->pools.count = pool_count(region);
	status->pools.items = BY_NEW_ARRAY(arena, by__status_pool, status->pools.count + 1);
	for (size_t i = 0; i < status->pools.count; i++) {
		const by__pool_row *row = &region->pool[i];

		status->pools.items[i] = (by__status_pool){
			.name = TEXT_OF(arena, row->name),
			.listen = TEXT_OF(arena, row->listen),
			.scaling = TEXT_OF(arena, row->scaling),
			.workers_max = atomic_load(&row->workers_max),
			.requests_max = atomic_load(&row->requests_max),
			.started = (int64_t)atomic_load(&row->started),
			.crashed = (int64_t)atomic_load(&row->crashed),
			.replaced = (int64_t)atomic_load(&row->replaced),
			.backoff_ms = atomic_load(&row->backoff_ms),
		};
	}
}

static int64_t *heartbeat_age(by_arena *arena, uint64_t heartbeat)
{
	uint64_t now = by_clock();
	int64_t *age;

	if (heartbeat == 0)
		return NULL;
	age = BY_NEW(arena, int64_t);
	*age = now > heartbeat ? (int64_t)((now - heartbeat) / 1000000) : 0;
	return age;
}

static by__status_worker worker_of(by_arena *arena, const by__slot *slot, uint32_t state)
{
	return (by__status_worker){
		.pid = atomic_load(&slot->pid),
		.pool = "",
		.generation = atomic_load(&slot->generation),
		.state = by__worker_state_name(state),
		.active = atomic_load(&slot->active),
		.queued = atomic_load(&slot->queued),
		.connections = atomic_load(&slot->connections),
		.requests = (int64_t)atomic_load(&slot->requests),
		.resident_bytes = (int64_t)atomic_load(&slot->rss),
		.uptime_seconds = seconds_since(atomic_load(&slot->started)),
		.heartbeat_age_ms = heartbeat_age(arena, atomic_load(&slot->heartbeat)),
		.method = text_or_none(TEXT_OF(arena, slot->method)),
		.route = text_or_none(TEXT_OF(arena, slot->route)),
	};
}

static void add_to_pool(by__status_pool *pool, const by__status_worker *worker, uint32_t state)
{
	pool->running += state == BY__WORKER_READY;
	pool->active += worker->active;
	pool->queued += worker->queued;
	pool->requests += worker->requests;
}

static void read_workers(by_arena *arena, const by__shared *region, by__status *status)
{
	uint32_t slots = slot_count(region);

	status->workers.items = BY_NEW_ARRAY(arena, by__status_worker, slots + 1);
	for (uint32_t i = 0; i < slots; i++) {
		const by__slot *slot = &region->slot[i];
		uint32_t state = atomic_load(&slot->state), pool = atomic_load(&slot->pool);

		if (state == BY__WORKER_FREE || state == BY__WORKER_GONE || atomic_load(&slot->pid) == 0)
			continue;
		by__status_worker *worker = &status->workers.items[status->workers.count++];

		*worker = worker_of(arena, slot, state);
		if (pool < status->pools.count) {
			worker->pool = status->pools.items[pool].name;
			add_to_pool(&status->pools.items[pool], worker, state);
		}
	}
}

static void read_poisoned(by_arena *arena, const by__shared *region, by__status *status)
{
	uint64_t now = by_clock();

	status->poisoned.items = BY_NEW_ARRAY(arena, by__status_poisoned, BY__SHARED_POISONS);
	for (size_t i = 0; i < BY__SHARED_POISONS; i++) {
		const by__poison *row = &region->poison[i];
		uint64_t until = atomic_load(&row->until);

		if (atomic_load(&row->route) == 0 || until <= now)
			continue;
		status->poisoned.items[status->poisoned.count++] = (by__status_poisoned){
			.route = TEXT_OF(arena, row->name), .seconds_left = (int64_t)((until - now) / 1000000000 + 1)
		};
	}
}

static by__status_reload *reload_of(by_arena *arena, const by__shared *region)
{
	by__status_reload *reload = BY_NEW(arena, by__status_reload);
	uint32_t state = atomic_load(&region->reload_state);

	reload->count = atomic_load(&region->reloads);
	reload->state = by__reload_state_name(state);
	reload->reason = state == BY__RELOAD_REFUSED ? text_or_none(TEXT_OF(arena, region->reload_reason)) : NULL;
	return reload;
}

void by__status_read(by_arena *arena, const by__shared *region, by__status *status)
{
	uint64_t loaded = atomic_load(&region->loaded);

	*status = (by__status){
		.application = TEXT_OF(arena, region->application),
		.version = TEXT_OF(arena, region->version),
		.supervisor = atomic_load(&region->supervisor),
		.generation = atomic_load(&region->generation),
		.uptime_seconds = seconds_since(atomic_load(&region->started)),
		.draining = atomic_load(&region->draining) != 0,
		.reload = reload_of(arena, region),
	};
	if (loaded != 0) {
		status->loaded = BY_NEW(arena, by_time);
		status->loaded->us = (int64_t)loaded;
	}
	read_pools(arena, region, status);
	read_workers(arena, region, status);
	read_poisoned(arena, region, status);
}

const char *by__reload_state_name(uint32_t state)
{
	static const char *const names[] = { "none", "running", "done", "refused" };

	return state < BY_COUNT(names) ? names[state] : "unknown";
}

/* ---- the endpoint --------------------------------------------------------------------------- */

static by_error *status_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	(void)operation;
	(void)in;
	by__status_read(ctx->arena, by__shared_get(), out);
	by_respond_header(ctx, "Cache-Control", "no-store");
	return BY_OK;
}

size_t by__status_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints)
{
	static const by_operation operation = { "status", NULL, &by__status_model, status_call, BY_HERE_INIT };

	(void)arena;
	(void)server;
	endpoints[0] = (by__endpoint){
		.method = BY_GET, .path = "/status", .name = "status", .operation = &operation, .access = BY_PUBLIC,
		.summary = "Pools and workers, what they do and how much they hold", .status = 200
	};
	return 1;
}
