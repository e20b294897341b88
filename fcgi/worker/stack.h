/* The stack as crash reports, stall reports and slow requests show it: names of functions, static ones too. */
#ifndef BY_FCGI_WORKER_STACK_H
#define BY_FCGI_WORKER_STACK_H

#include "fcgi/worker/line.h"

enum { BY__STACK_FRAMES = 48 };

typedef struct by__stack_frames {
	int   count;
	void *at[BY__STACK_FRAMES];
} by__stack_frames;

/*
 * Loads what the others need, so that they neither allocate nor open anything:
 * the unwinder, and the symbols of the executable, unless it is stripped.
 */
void by__stack_load(void);
/* Of the caller, innermost first. For signal handlers too. */
void by__stack_take(by__stack_frames *frames);
/* ["object(function+0x12)", ...]. For signal handlers too. */
void by__stack_put(by__line *line, const by__stack_frames *frames);

#endif
