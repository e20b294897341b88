/* reload and upgrade: a new generation of workers, of the same program or of a new one. */
#include <signal.h>

#include "scripts/cli/order.h"

int by__command_reload(by__cli *cli)
{
	return by__order_renew(cli, SIGHUP);
}

int by__command_upgrade(by__cli *cli)
{
	return by__order_renew(cli, SIGUSR2);
}
