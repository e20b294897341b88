/* stop: the supervisor and its workers end, when the running requests have. */
#include <signal.h>
#include <stdio.h>

#include "scripts/cli/order.h"

static by_duration patience(const by__app_settings *settings)
{
	return (by_duration){ settings->drain_delay.us + settings->shutdown_timeout.us };
}

int by__command_stop(by__cli *cli)
{
	by__order order;
	int code = by__order_read(cli, patience, &order);

	if (code != 0)
		return order.absent ? 0 : code; /* that it does not run is what was asked for */
	uint64_t started = by__process_started(order.running.supervisor);
	uint64_t until = by_clock() + (uint64_t)order.timeout.us * 1000;

	if ((code = by__order_send(cli, &order, SIGTERM)) != 0 || !order.wait)
		return code;
	while (by__process_started(order.running.supervisor) == started)
		if (!by__order_pause(until)) {
			by__cli_say(cli, "process %d has not ended in time; it goes on", (int)order.running.supervisor);
			return 1;
		}
	printf("%s: stopped\n", cli->app->name);
	return 0;
}
