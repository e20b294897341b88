/*
 * From one generation to the next: the new settings, or the new program, are
 * tried in a child; then the supervisor executes itself anew, in the same
 * process, and goes on with the sockets and workers it has. Those serve until
 * the new ones are prepared.
 */
#ifndef BY_FCGI_SUPERVISOR_GENERATION_H
#define BY_FCGI_SUPERVISOR_GENERATION_H

#include "fcgi/supervisor/state.h"

/* Whether this process is only to try whether it could start. */
bool by__generation_is_trial(void);
/* Tries: the database, the application's own start, addresses that are not listened at yet. Returns the exit code. */
int by__generation_try(by__supervisor *supervisor);

/* Starts the trial of a new generation; `upgrade`: of the program that stands at its path now. */
void by__generation_begin(by__supervisor *supervisor, bool upgrade);
/* Hears the trial. When it has succeeded the supervisor becomes the new program, and this does not return. */
void by__generation_follow(by__supervisor *supervisor);
/* Ends a trial that is of no use any more. */
void by__generation_drop(by__supervisor *supervisor);
/* The trial has ended. */
void by__generation_tried(by__supervisor *supervisor, int status);
/* The new workers are prepared: they serve, the older ones leave. */
void by__generation_turn(by__supervisor *supervisor);

#endif
