/*
 * The application that runs here already, found by its shared region in
 * RUNTIME_DIR. Works while other settings are broken, and asks no worker.
 */
#ifndef BY_CLI_RUNNING_H
#define BY_CLI_RUNNING_H

#include <sys/types.h>

#include "core/shared.h"
#include "scripts/cli/cli.h"

/* Where it leaves what others find it by. */
typedef struct by__place {
	const char             *region;      /* path of the region file */
	const char             *pid_file;    /* NULL: none */
	const by__app_settings *settings;    /* NULL: they are not sound */
} by__place;

typedef enum by__running_state {
	BY__RUNNING,          /* under a supervisor */
	BY__RUNNING_ALONE,    /* workers that a web server started */
	BY__RUNNING_NOT,      /* no region, or one that a dead supervisor left */
	BY__RUNNING_UNKNOWN   /* there is a region that cannot be read, or is of another version of Banyan */
} by__running_state;

typedef struct by__running {
	by__running_state state;
	const by__shared *region;     /* NULL: there is none that can be read */
	pid_t             supervisor; /* RUNNING: verified to be ours */
	dev_t             device;     /* of the region's file */
	ino_t             inode;
} by__running;

/* RUNTIME_DIR and PID_FILE, as the command line, the environment and files say, whatever else these hold. */
void by__running_place(by__cli *cli, by__place *place);
/* Looks again: an upgrade may have replaced the region. The map of an unchanged one is kept. */
void by__running_look(const by__place *place, by__running *running);
/* Says on standard error that it does not run, or why that cannot be told. Returns 1 or 3. */
int by__running_missing(const by__cli *cli, const by__place *place, const by__running *running);

/* When the process was started, in the kernel's ticks; 0: it has ended. */
uint64_t by__process_started(pid_t pid);

#endif
