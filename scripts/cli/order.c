/* Orders are signals; what becomes of them is read from the shared region. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "interface/status.h"
#include "scripts/cli/order.h"

/* For all the settings' own limits there is still the time that processes take. */
static const by_duration slack = { INT64_C(15) * 1000000 }, unknown = { INT64_C(120) * 1000000 };

/* An upgrade may leave a moment in which neither the old nor the new supervisor is to be seen. */
enum { UNSEEN_MS = 5000, PAUSE_MS = 50, EXIT_FAILED = 1 };

static int read_timeout(by__cli *cli, by__order *order)
{
	const char *value;

	if (!by__cli_value(cli, "--timeout", &value)
	    || (value && (!by_duration_parse((by_text){ value, strlen(value) }, &order->timeout) || order->timeout.us <= 0)))
		return by__cli_usage(cli, "--timeout needs a duration such as 30s or 5m");
	return by__cli_end(cli);
}

int by__order_read(by__cli *cli, by_duration (*patience)(const by__app_settings *settings), by__order *order)
{
	int code;

	*order = (by__order){ .wait = !by__cli_flag(cli, "--no-wait") };
	if ((code = read_timeout(cli, order)) != 0)
		return code;
	by__running_place(cli, &order->place);
	by__running_look(&order->place, &order->running);
	if (order->timeout.us == 0)
		order->timeout = order->place.settings
		    ? (by_duration){ patience(order->place.settings).us + slack.us } : unknown;
	if (order->running.state == BY__RUNNING)
		return 0;
	order->absent = order->running.state == BY__RUNNING_NOT;
	if (order->running.state != BY__RUNNING_ALONE)
		return by__running_missing(cli, &order->place, &order->running);
	by__cli_say(cli, "its workers were started by a web server, and only that can restart or end them");
	return EXIT_FAILED;
}

int by__order_send(const by__cli *cli, const by__order *order, int number)
{
	if (kill(order->running.supervisor, number) == 0)
		return 0;
	by__cli_say(cli, "process %d cannot be told: %s", (int)order->running.supervisor, strerror(errno));
	return EXIT_FAILED;
}

bool by__order_pause(uint64_t until)
{
	const struct timespec pause = { 0, (long)PAUSE_MS * 1000000 };

	if (by_clock() >= until)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* ---- a new generation ------------------------------------------------------------------ */

typedef enum outcome { NOT_YET, RENEWED, REFUSED, ENDED } outcome;

typedef struct renewal {
	const by__shared *before; /* the region as it was when the signal was sent */
	uint32_t          reloads;
	uint64_t          seen;   /* by_clock of when a supervisor was last to be seen */
} renewal;

static outcome outcome_in(const by__shared *region, uint32_t reloads)
{
	if (atomic_load(&region->reloads) == reloads)
		return NOT_YET;
	switch (atomic_load(&region->reload_state)) {
	case BY__RELOAD_DONE:
		return RENEWED;
	case BY__RELOAD_REFUSED:
		return REFUSED;
	default:
		return NOT_YET;
	}
}

/* A program of another layout makes a region of its own, in which its first worker becomes ready. */
static outcome outcome_in_new(const by__shared *region)
{
	bool done = atomic_load(&region->ready) != 0 && atomic_load(&region->reload_state) != BY__RELOAD_RUNNING;

	return done ? RENEWED : NOT_YET;
}

static outcome outcome_of(const by__order *order, renewal *r)
{
	outcome found = r->before ? outcome_in(r->before, r->reloads) : NOT_YET;

	if (found != NOT_YET)
		return found;
	if (order->running.state == BY__RUNNING) {
		r->seen = by_clock();
		return order->running.region != r->before && order->running.region
		    ? outcome_in_new(order->running.region) : NOT_YET;
	}
	return by_clock() - r->seen > (uint64_t)UNSEEN_MS * 1000000 ? ENDED : NOT_YET;
}

static int tell(by__cli *cli, const by__order *order, const renewal *r, outcome found)
{
	by__status status;

	if (found == RENEWED) {
		by__status_read(cli->arena, order->running.region ? order->running.region : r->before, &status);
		printf("%s: generation %lld serves\n", cli->app->name, (long long)status.generation);
		return 0;
	}
	if (found == REFUSED) {
		by__status_read(cli->arena, r->before, &status);
		by__cli_say(cli, "refused, the running generation goes on: %s",
		    status.reload->reason ? status.reload->reason : "its log says why");
	} else if (found == ENDED) {
		by__cli_say(cli, "the supervisor has ended; its log says why");
	} else {
		by__cli_say(cli, "not done in time; it goes on, and status tells what becomes of it");
	}
	return EXIT_FAILED;
}

static by_duration renewal_patience(const by__app_settings *settings)
{
	return settings->start_timeout;
}

int by__order_renew(by__cli *cli, int number)
{
	by__order order;
	int code = by__order_read(cli, renewal_patience, &order);

	if (code != 0)
		return code;
	const by__shared *region = order.running.region;
	renewal r = { .before = region, .reloads = region ? atomic_load(&region->reloads) : 0, .seen = by_clock() };
	uint64_t until = by_clock() + (uint64_t)order.timeout.us * 1000;
	outcome found = NOT_YET;

	if ((code = by__order_send(cli, &order, number)) != 0 || !order.wait)
		return code;
	while (found == NOT_YET && by__order_pause(until)) {
		by__running_look(&order.place, &order.running);
		found = outcome_of(&order, &r);
	}
	return tell(cli, &order, &r, found);
}
