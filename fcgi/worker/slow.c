/*
 * Tells of slow requests. One that waits is found by the loop, and its stack
 * is taken by waking it just for that. One that computes keeps the loop from
 * turning; a timer's signal finds it, whose handler neither allocates nor locks.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <banyan/log.h>
#include <banyan/time.h>

#include "core/runtime.h"
#include "fcgi/worker/connection.h"
#include "fcgi/worker/culprit.h"
#include "fcgi/worker/slow.h"
#include "fcgi/worker/stack.h"
#include "interface/request.h"

#define MESSAGE "request is slow"

static by_log_site site = { .logger = "slow", .level = BY_LOG_WARNING };

/* Of the handler. */
static struct {
	uint64_t limit;
	int      log_fd;
	by__line line;
} slow;

/* ---- one that waits ------------------------------------------------------------ */

typedef struct look {
	uint64_t now;
	uint64_t limit;
} look;

static void take_stack(void *frames)
{
	by__stack_take(frames);
}

static void tell(by_ctx *ctx, uint64_t elapsed)
{
	by__line stack = { .len = 0 };
	by__stack_frames frames = { .count = 0 };
	by_text none = { "", 0 };

	(void)by__task_look(ctx, take_stack, &frames);
	by__stack_put(&stack, &frames);
	const by_log_arg arguments[] = {
		BY_F("method", ctx->request ? ctx->request->method_name : none),
		BY_F("path", ctx->request ? ctx->request->path : none),
		BY_F("seconds", round((double)elapsed / 1e6) / 1e3),
		{ "stack", { .tag = BY_VALUE_JSON, .text = { stack.text, stack.len } } },
	};

	by_log_write(&site, ctx, MESSAGE, arguments, BY_COUNT(arguments));
}

static bool look_at(void *owner, by_ctx *ctx, uint64_t begun, bool *told)
{
	const look *now = owner;
	uint64_t elapsed = now->now - begun;

	if (elapsed < now->limit)
		return false;
	if (*told)
		return true;
	/* First: the timer's signal may come while the stack is taken. */
	*told = true;
	if (by_log_enabled(&site))
		tell(ctx, elapsed);
	return true;
}

void by__slow_look(by__gate *gate, by_duration limit)
{
	look now = { by_clock(), (uint64_t)limit.us * 1000 };

	by__gate_running(gate, look_at, &now);
}

/* ---- one that computes ----------------------------------------------------------- */

static void on_timer(int number)
{
	int code = errno;
	const by_ctx *ctx = by_ctx_current();
	by__exchange *exchange = ctx && ctx->request ? ctx->request->exchange : NULL;
	uint64_t elapsed = exchange ? by_clock() - exchange->begun : 0;

	(void)number;
	if (elapsed >= slow.limit) {
		by__connection *c = BY__LINKED(exchange, exchange);
		by__stack_frames frames;

		if (!c->told) {
			c->told = true;
			by__line_begin(&slow.line, "warning", site.logger, MESSAGE);
			by__culprit_put(&slow.line, ctx);
			by__line_seconds(&slow.line, "seconds", elapsed);
			by__stack_take(&frames);
			by__line_put(&slow.line, ",\"stack\":");
			by__stack_put(&slow.line, &frames);
			by__line_write(&slow.line, slow.log_fd);
		}
	}
	errno = code;
}

void by__slow_install(by_duration limit, int log_fd)
{
	const struct sigaction action = { .sa_handler = on_timer, .sa_flags = SA_ONSTACK | SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN };
	int64_t half = limit.us / 2 < 1000 ? 1000 : limit.us / 2;
	const struct timespec period = { .tv_sec = (time_t)(half / 1000000), .tv_nsec = (long)(half % 1000000 * 1000) };
	const struct itimerspec each = { .it_interval = period, .it_value = period };
	timer_t timer;

	if (!by_log_enabled(&site))
		return;
	slow.limit = (uint64_t)limit.us * 1000;
	slow.log_fd = log_fd;
	event._sigev_un._tid = gettid();
	if (sigaction(SIGRTMIN, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0)
		(void)timer_settime(timer, 0, &each, NULL);
}
