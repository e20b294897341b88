/* Telling the running supervisor something, and waiting for what becomes of it: reload, upgrade, stop. */
#ifndef BY_CLI_ORDER_H
#define BY_CLI_ORDER_H

#include "scripts/cli/running.h"

typedef struct by__order {
	by__place   place;
	by__running running;   /* state RUNNING */
	bool        wait;
	by_duration timeout;
	bool        absent;    /* nothing runs */
} by__order;

/*
 * Takes --no-wait and --timeout DURATION from the words, and finds the
 * supervisor. `patience` is the time limit when none is given. 0, or the exit
 * code after saying why not.
 */
int by__order_read(by__cli *cli, by_duration (*patience)(const by__app_settings *settings), by__order *order);
/* Sends the signal. 0, or 1 after saying why not. */
int by__order_send(const by__cli *cli, const by__order *order, int number);

/* Sends SIGHUP or SIGUSR2 and waits until a new generation serves, or the supervisor has refused. The exit code. */
int by__order_renew(by__cli *cli, int number);

/* False when the time is over, else true after a short pause. */
bool by__order_pause(uint64_t until);

#endif
