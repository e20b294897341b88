/*
 * A process that looks like a supervisor from outside: it holds a shared
 * region that the test describes and answers signals as it is told, so that
 * the commands that find, tell and end a supervisor are tested one by one.
 *
 *	region FILE serve done|refused|deaf|ends
 *	region layout        prints where each field of the struct is, for tests that look into it
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <banyan/arena.h>

#include "core/shared.h"

static volatile sig_atomic_t renew, stop;

static void on_signal(int number)
{
	if (number == SIGTERM)
		stop = 1;
	else
		renew = 1;
}

static void describe_pools(by__shared *region)
{
	static const char *const names[] = { "web", "batch" };

	region->pools = 2;
	for (uint32_t i = 0; i < region->pools; i++) {
		by__pool_row *row = &region->pool[i];

		(void)snprintf(row->name, sizeof(row->name), "%s", names[i]);
		(void)snprintf(row->listen, sizeof(row->listen), "unix:/run/%s.sock", names[i]);
		(void)snprintf(row->scaling, sizeof(row->scaling), "%s", i == 0 ? "static" : "on_demand");
		atomic_store(&row->workers_max, 4 - i);
		atomic_store(&row->requests_max, 1000);
		atomic_store(&row->started, 7);
		atomic_store(&row->crashed, 2);
		atomic_store(&row->replaced, 3);
		atomic_store(&row->backoff_ms, i * 800);
	}
}

/* Three workers: one that works, one that stops, and one that died while it wrote its route. */
static void describe_workers(by__shared *region)
{
	static const uint32_t states[] = { BY__WORKER_READY, BY__WORKER_DRAINING, BY__WORKER_READY, BY__WORKER_GONE };

	for (uint32_t i = 0; i < BY_COUNT(states); i++) {
		by__slot *slot = &region->slot[i];

		atomic_store(&slot->pid, (int32_t)(1001 + i));
		atomic_store(&slot->generation, 2 + i % 2);
		atomic_store(&slot->pool, i == 2);
		atomic_store(&slot->state, states[i]);
		atomic_store(&slot->active, i + 1);
		atomic_store(&slot->queued, i);
		atomic_store(&slot->connections, 10 + i);
		atomic_store(&slot->requests, 100 * (i + 1));
		atomic_store(&slot->rss, UINT64_C(9437184));
		atomic_store(&slot->started, (uint64_t)by_time_now().us - UINT64_C(3723000000));
		atomic_store(&slot->heartbeat, i == 1 ? 0 : by_clock());
		strcpy(slot->method, "GET");
		strcpy(slot->route, "/api/v1/experiments/{id}");
	}
	memset(region->slot[2].route, 'r', sizeof(region->slot[2].route));
	memcpy(region->slot[2].route, "/\xc3\x28\x1b", 4);
}

static void describe(by__shared *region)
{
	strcpy(region->application, "lab");
	strcpy(region->version, "4.5.6");
	atomic_store(&region->generation, 3);
	atomic_store(&region->loaded, (uint64_t)by_time_now().us);
	describe_pools(region);
	describe_workers(region);
	by__poison_add("POST", "/api/v1/boom", (by_duration){ INT64_C(60000000) });
	atomic_store(&region->supervisor, (int32_t)getpid());
}

static void answer(by__shared *region, const char *mood)
{
	atomic_store(&region->reload_state, BY__RELOAD_RUNNING);
	atomic_fetch_add(&region->reloads, 1);
	if (strcmp(mood, "done") == 0) {
		atomic_fetch_add(&region->generation, 1);
		atomic_store(&region->reload_state, BY__RELOAD_DONE);
	} else if (strcmp(mood, "refused") == 0) {
		strcpy(region->reload_reason, "WORKERS: must be an integer 0..120");
		atomic_store(&region->reload_state, BY__RELOAD_REFUSED);
	} else if (strcmp(mood, "ends") == 0) {
		stop = 1;
	}
}

#define PLACE(group, S, member) { group, #member, offsetof(S, member), sizeof(((S *)0)->member) }

static void print_layout(void)
{
	static const struct {
		const char *group, *name;
		size_t      offset, size;
	} places[] = {
		PLACE("region", by__shared, magic), PLACE("region", by__shared, slots), PLACE("region", by__shared, pools),
		PLACE("region", by__shared, supervisor), PLACE("region", by__shared, generation),
		PLACE("region", by__shared, draining), PLACE("region", by__shared, ready), PLACE("region", by__shared, used),
		PLACE("region", by__shared, reloads), PLACE("region", by__shared, reload_state),
		PLACE("region", by__shared, reload_reason), PLACE("region", by__shared, pool), PLACE("region", by__shared, slot),
		PLACE("pool", by__pool_row, name), PLACE("pool", by__pool_row, listen), PLACE("pool", by__pool_row, workers_max),
		PLACE("pool", by__pool_row, requests_max), PLACE("pool", by__pool_row, started),
		PLACE("pool", by__pool_row, crashed), PLACE("pool", by__pool_row, replaced),
		PLACE("pool", by__pool_row, backoff_ms),
		PLACE("worker", by__slot, pid), PLACE("worker", by__slot, generation), PLACE("worker", by__slot, pool),
		PLACE("worker", by__slot, state), PLACE("worker", by__slot, active), PLACE("worker", by__slot, queued),
		PLACE("worker", by__slot, connections), PLACE("worker", by__slot, requests),
	};

	printf("{\"magic\":%u,\"pool_size\":%zu,\"worker_size\":%zu", (unsigned)BY__SHARED_MAGIC, sizeof(by__pool_row),
	    sizeof(by__slot));
	for (size_t i = 0; i < BY_COUNT(places); i++)
		printf(",\"%s.%s\":[%zu,%zu]", places[i].group, places[i].name, places[i].offset, places[i].size);
	puts("}");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "layout") == 0) {
		print_layout();
		return 0;
	}
	by_arena *arena = by_arena_new(0);
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t none;

	if (argc != 4 || by__shared_create(arena, 6, argv[1]) != BY_OK)
		return 64;
	describe(by__shared_get());
	(void)sigemptyset(&none);
	/* Blocked but while it waits, so that none is missed. */
	(void)sigaddset(&action.sa_mask, SIGHUP);
	(void)sigaddset(&action.sa_mask, SIGUSR2);
	(void)sigaddset(&action.sa_mask, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &action.sa_mask, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGUSR2, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	puts("ready");
	(void)fflush(stdout);
	while (!stop) {
		(void)sigsuspend(&none);
		if (renew)
			answer(by__shared_get(), argv[3]);
		renew = 0;
	}
	by_arena_free(&arena);
	return 0;
}
