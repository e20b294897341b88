/* The handlers of the supervisor's signals to a stalled worker. Nothing here allocates or locks. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <banyan/time.h>

#include "core/log.h"
#include "fcgi/worker/culprit.h"
#include "fcgi/worker/stack.h"
#include "fcgi/worker/stall.h"
#include "fcgi/worker/worker.h"

static struct {
	by__slot          *slot;
	int                log_fd;
	by__gate *volatile gate;
	by__line           line;
} stall;

static void report(const char *message)
{
	by__line *line = &stall.line;
	uint64_t heartbeat = atomic_load_explicit(&stall.slot->heartbeat, memory_order_relaxed);
	by__stack_frames frames;

	by__line_begin(line, "error", "fcgi", message);
	by__culprit_put(line, by_ctx_current());
	if (heartbeat)
		by__line_seconds(line, "seconds", by_clock() - heartbeat);
	by__stack_take(&frames);
	by__line_put(line, ",\"stack\":");
	by__stack_put(line, &frames);
	by__line_write(line, stall.log_fd);
}

static void on_report(int number)
{
	int code = errno;

	(void)number;
	report("worker stalled");
	errno = code;
}

static void on_give_up(int number)
{
	(void)number;
	/* As after a crash: the supervisor counts it against the route. */
	by__culprit_keep(stall.slot, by_ctx_current());
	report("worker gives up");
	if (stall.gate)
		(void)by__gate_abandon(stall.gate);
	by__log_rescue();
	_exit(BY__EXIT_STALLED);
}

void by__stall_gate(by__gate *gate)
{
	stall.gate = gate;
}

void by__stall_install(by__slot *slot, int log_fd)
{
	struct sigaction action = { .sa_handler = on_report, .sa_flags = SA_ONSTACK | SA_RESTART };

	stall.slot = slot;
	stall.log_fd = log_fd;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaddset(&action.sa_mask, BY__TELL_REPORT);
	(void)sigaddset(&action.sa_mask, BY__TELL_GIVE_UP);
	(void)sigaction(BY__TELL_REPORT, &action, NULL);
	action.sa_handler = on_give_up;
	(void)sigaction(BY__TELL_GIVE_UP, &action, NULL);
}
