/*
 * The handler of fatal signals. It runs on a stack of its own, because the
 * fault may be that the coroutine's is full, and calls nothing that allocates
 * or locks.
 */
#include <signal.h>

#include "core/log.h"
#include "core/runtime.h"
#include "fcgi/worker/crash.h"
#include "fcgi/worker/culprit.h"
#include "fcgi/worker/stack.h"

enum { STACK = 64 * 1024 };

static struct {
	by__slot *slot;
	int       log_fd;
	by__line  line;
	char      stack[STACK];
} crash;

static const struct {
	int         number;
	const char *name;
} fatal[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" }, { SIGFPE, "SIGFPE" }, { SIGILL, "SIGILL" }, { SIGABRT, "SIGABRT" },
};

static const char *name_of(int number)
{
	for (size_t i = 0; i < BY_COUNT(fatal); i++)
		if (fatal[i].number == number)
			return fatal[i].name;
	return "a signal";
}

static void on_fatal(int number, siginfo_t *info, void *machine)
{
	by__line *line = &crash.line;
	by__stack_frames frames;
	bool fault = number == SIGSEGV || number == SIGBUS;

	(void)machine;
	by__line_begin(line, "error", "fcgi", "worker crashed");
	by__line_member(line, "signal", name_of(number));
	if (fault && by__coroutine_is_guard(info->si_addr))
		by__line_member(line, "reason", "the stack of the request's coroutine overflowed");
	by__culprit_keep(crash.slot, by_ctx_current());
	by__culprit_put(line, by_ctx_current());
	by__stack_take(&frames);
	by__line_put(line, ",\"stack\":");
	by__stack_put(line, &frames);
	by__log_rescue();
	by__line_write(line, crash.log_fd);
	/* SA_RESETHAND has restored the default action: this time it kills. */
	(void)raise(number);
}

void by__crash_install(by__slot *slot, int log_fd)
{
	const stack_t stack = { .ss_sp = crash.stack, .ss_size = STACK };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER };

	crash.slot = slot;
	crash.log_fd = log_fd;
	by__stack_load();
	(void)sigaltstack(&stack, NULL);
	(void)sigemptyset(&action.sa_mask);
	action.sa_sigaction = on_fatal;
	for (size_t i = 0; i < BY_COUNT(fatal); i++)
		(void)sigaction(fatal[i].number, &action, NULL);
}
