/* status: pools, workers and what they do, read from the memory that they share; no worker is asked. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <banyan/json.h>

#include "interface/status.h"
#include "scripts/cli/running.h"

/* ---- for people ------------------------------------------------------------------------ */

/* 2d03h, 3h04m, 5m06s, 7.0s */
static const char *span(by_arena *arena, double seconds)
{
	long s = (long)seconds;

	if (s >= 86400)
		return by_format(arena, "%ldd%02ldh", s / 86400, s % 86400 / 3600);
	if (s >= 3600)
		return by_format(arena, "%ldh%02ldm", s / 3600, s % 3600 / 60);
	if (s >= 60)
		return by_format(arena, "%ldm%02lds", s / 60, s % 60);
	return by_format(arena, "%.1fs", seconds);
}

static const char *size(by_arena *arena, int64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	while (amount >= 1024 && unit + 1 < BY_COUNT(units)) {
		amount /= 1024;
		unit++;
	}
	return by_format(arena, "%.1f %s", amount, units[unit]);
}

/* Counted in the second before; "" without --rate. */
static const char *rate(by_arena *arena, int64_t now, int64_t before, double seconds)
{
	return seconds > 0 && now >= before ? by_format(arena, ", %.1f/s", (double)(now - before) / seconds) : "";
}

static void put_head(by_buf *out, const by__running *running, const by__status *status)
{
	by_put_format(out, "%s %s", status->application, status->version);
	if (running->state == BY__RUNNING)
		by_put_format(out, ", supervisor %d, generation %lld", (int)running->supervisor, (long long)status->generation);
	else
		BY_PUT(out, ", workers started by a web server");
	by_put_format(out, ", up %s", span(out->arena, status->uptime_seconds));
	if (status->loaded) {
		char when[BY_TIME_TEXT];

		by_time_print((by_time){ status->loaded->us - status->loaded->us % 1000000 }, when);
		by_put_format(out, ", settings read %s", when);
	}
	by_put_format(out, "%s\n", status->draining ? ", stopping" : "");
	if (strcmp(status->reload->state, "running") == 0)
		BY_PUT(out, "a reload is going on\n");
	if (status->reload->reason)
		by_put_format(out, "the last reload was refused: %s\n", status->reload->reason);
}

static void put_worker(by_buf *out, const by__status_worker *worker)
{
	by_arena *arena = out->arena;
	const char *beat = worker->heartbeat_age_ms ? by_format(arena, "%lldms", (long long)*worker->heartbeat_age_ms) : "-";

	by_put_format(out, "  %8lld %4lld %-9s %6lld %6lld %5lld %9lld %10s %8s %7s  %s%s%s\n", (long long)worker->pid,
	    (long long)worker->generation, worker->state, (long long)worker->active, (long long)worker->queued,
	    (long long)worker->connections, (long long)worker->requests, size(arena, worker->resident_bytes),
	    span(arena, worker->uptime_seconds), beat, worker->method ? worker->method : "", worker->method ? " " : "",
	    worker->route ? worker->route : "-");
}

static void put_workers(by_buf *out, const by__status *status, const char *pool)
{
	bool headed = false;

	for (size_t i = 0; i < status->workers.count; i++) {
		if (strcmp(status->workers.items[i].pool, pool) != 0)
			continue;
		if (!headed)
			by_put_format(out, "  %8s %4s %-9s %6s %6s %5s %9s %10s %8s %7s  %s\n", "pid", "gen", "state", "active", "queued",
			    "conns", "requests", "memory", "up", "beat", "last route");
		headed = true;
		put_worker(out, &status->workers.items[i]);
	}
}

static void put_pool(by_buf *out, const by__status_pool *pool, int64_t before, double seconds)
{
	by_put_format(out, "\npool %s at %s: %s, %lld of %lld workers, %lld active, %lld queued, %lld requests%s\n", pool->name,
	    pool->listen, pool->scaling, (long long)pool->running, (long long)pool->workers_max, (long long)pool->active,
	    (long long)pool->queued, (long long)pool->requests, rate(out->arena, pool->requests, before, seconds));
	by_put_format(out, "  %lld started, %lld crashed, %lld replaced", (long long)pool->started, (long long)pool->crashed,
	    (long long)pool->replaced);
	if (pool->backoff_ms > 0)
		by_put_format(out, "; the next start in %lld ms, because workers end as soon as they start",
		    (long long)pool->backoff_ms);
	by_put_char(out, '\n');
}

static void put_table(by_buf *out, const by__running *running, const by__status *status, const by__status *before,
    double seconds)
{
	put_head(out, running, status);
	for (size_t i = 0; i < status->pools.count; i++) {
		const by__status_pool *pool = &status->pools.items[i];

		put_pool(out, pool, i < before->pools.count ? before->pools.items[i].requests : pool->requests, seconds);
		put_workers(out, status, pool->name);
	}
	for (size_t i = 0; i < status->poisoned.count; i++)
		by_put_format(out, "%srefused for %lld s, because it crashed its workers: %s\n", i == 0 ? "\n" : "",
		    (long long)status->poisoned.items[i].seconds_left, status->poisoned.items[i].route);
}

/* ---- the command --------------------------------------------------------------------------- */

static int print(by__cli *cli, const by__running *running, bool json, bool rates)
{
	const struct timespec second = { 1, 0 };
	by__status before = { 0 }, status;
	uint64_t start = by_clock();
	by_buf out;

	if (rates) {
		by__status_read(cli->arena, running->region, &before);
		(void)nanosleep(&second, NULL);
	}
	by__status_read(cli->arena, running->region, &status);
	by_buf_init(&out, cli->arena, 4096);
	if (json) {
		by_json_write(&out, &by__status_model, &status, NULL);
		by_put_char(&out, '\n');
	} else {
		put_table(&out, running, &status, &before, rates ? (double)(by_clock() - start) / 1e9 : 0);
	}
	return by__cli_print(cli, &out);
}

int by__command_status(by__cli *cli)
{
	bool json = by__cli_flag(cli, "--json"), rates = by__cli_flag(cli, "--rate");
	by__running running = { 0 };
	by__place place;
	by_error *error;
	int code = by__cli_end(cli);

	if (code != 0)
		return code;
	if (json && rates)
		return by__cli_usage(cli, "--json tells counts; who reads them twice has the rate");
	by__running_place(cli, &place);
	by__running_look(&place, &running);
	if ((running.state != BY__RUNNING && running.state != BY__RUNNING_ALONE) || !running.region)
		return by__running_missing(cli, &place, &running);
	if ((error = by_model_compile(cli->arena, &by__status_model)) != BY_OK)
		return by__application_failed(cli->app, error);
	return print(cli, &running, json, rates);
}
