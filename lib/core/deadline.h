/*
 * Deadlines: any number of points in time, one timer of the loop. Arming and
 * disarming touch a heap only. Connections use it too. Internal.
 */
#ifndef BY_CORE_DEADLINE_H
#define BY_CORE_DEADLINE_H

#include <uv.h>

#include <banyan/base.h>

/* Lives in whatever has the deadline; zeroed is disarmed. */
typedef struct by__deadline { /* private, but for reached */
	void   (*reached)(struct by__deadline *deadline); /* on the loop's stack; it is disarmed by then */
	uint64_t at;    /* by_clock */
	uint64_t order; /* the one armed first is reached first among equals */
	size_t   place; /* in the heap, from 1; 0: disarmed */
} by__deadline;

void by__deadlines_open(uv_loop_t *loop);
/* None may be armed. */
void by__deadlines_close(void);

/* At `at` on by_clock, within a millisecond after it; arms anew when armed already. */
void by__deadline_arm(by__deadline *deadline, uint64_t at);
/* Does nothing when disarmed. */
void by__deadline_disarm(by__deadline *deadline);

/* Sets the loop's timer to the earliest; before the loop waits for events. */
void by__deadlines_settle(void);

#endif
