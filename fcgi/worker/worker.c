/*
 * A worker's life: opens its providers, waits to be told when it takes the
 * place of another, serves, and on a signal stops taking requests, finishes
 * those it has or hands them over, and ends.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <banyan/assert.h>
#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>

#include "core/runtime.h"
#include "core/shared.h"
#include "fcgi/worker/crash.h"
#include "fcgi/worker/gate.h"
#include "fcgi/worker/library.h"
#include "fcgi/logfile.h"
#include "fcgi/worker/slow.h"
#include "fcgi/worker/stall.h"
#include "fcgi/worker/worker.h"

/* What answers cancelled at the end of the shutdown time get to leave in. */
#define LAST_WORDS_MS 1000

/* Several looks fit into the time of a slow request, within these bounds. */
enum { LOOKS = 4, LOOK_LEAST_MS = 10, LOOK_MOST_MS = 250 };

enum { SIGNALS = 5 };

typedef struct worker {
	const by__worker_options *options;
	const by__app_settings   *settings;
	by_arena                 *arena;
	by_ctx                   *ctx;
	by_providers              providers;
	by__gate                 *gate;     /* NULL until it serves */
	by_error                 *error;    /* why it could not start */
	uv_signal_t               signals[SIGNALS];
	uv_timer_t                timer;    /* of the next step of stopping */
	uv_timer_t                look;     /* at itself, from time to time */
	enum { STARTING, PREPARED, SERVING, DELAYED, DRAINING, CANCELLED } stage;
	bool                      leaving;  /* DRAINING, and others take over */
	bool                      called;   /* told to serve before it was prepared */
	unsigned                  cancelled;
} worker;

static void enter(by__worker_state state)
{
	atomic_store_explicit(&by__shared_slot()->state, state, memory_order_relaxed);
}

/* ---- stopping ------------------------------------------------------------------------ */

static void on_cancelled(uv_timer_t *timer)
{
	(void)timer;
	by__runtime_stop();
}

static void on_time_over(uv_timer_t *timer)
{
	worker *w = timer->data;

	w->stage = CANCELLED;
	w->cancelled = w->gate ? by__gate_cancel(w->gate) : 0;
	by_warn(NULL, "requests were not finished in time and are cancelled", BY_F("requests", w->cancelled));
	uv_timer_start(&w->timer, on_cancelled, LAST_WORDS_MS, 0);
}

static void start_draining(worker *w)
{
	w->stage = DRAINING;
	uv_timer_start(&w->timer, on_time_over, (uint64_t)(w->settings->shutdown_timeout.us / 1000), 0);
}

static void drain(worker *w)
{
	/* Only when the whole application stops is nobody left to answer those who wait in the listener's queue. */
	bool last = w->options->supervisor != 0 && atomic_load(&by__shared_get()->draining);

	start_draining(w);
	if (w->gate)
		by__gate_drain(w->gate, last);
	else if (by__runtime_used().coroutines > 0)
		by__ctx_cancel(w->ctx); /* the application's start ends, and `started` ends the loop */
	else
		by__runtime_stop();
}

static void on_delay_over(uv_timer_t *timer)
{
	drain(timer->data);
}

static void stop(worker *w)
{
	if (w->leaving && w->stage == DRAINING) {
		/* Those who would have taken over stop too. Its time goes on. */
		w->leaving = false;
		by__gate_drain(w->gate, false);
	}
	if (w->stage >= DELAYED)
		return;
	enter(BY__WORKER_DRAINING);
	w->stage = DELAYED;
	if (w->settings->drain_delay.us > 0 && w->gate)
		uv_timer_start(&w->timer, on_delay_over, (uint64_t)(w->settings->drain_delay.us / 1000), 0);
	else
		drain(w);
}

/* ---- taking turns with others ------------------------------------------------------ */

static void serve_or_fail(worker *w);

static void leave(worker *w)
{
	enter(BY__WORKER_DRAINING);
	w->leaving = true;
	start_draining(w);
	by__gate_leave(w->gate);
}

static void turn(worker *w)
{
	if (w->stage == STARTING)
		w->called = true;
	else if (w->stage == PREPARED)
		serve_or_fail(w);
	else if (w->stage == SERVING)
		leave(w);
}

static void reopen(worker *w)
{
	const char *path = w->settings->log_file;

	if (path && *path && !by__logfile_reopen(path))
		by_err(NULL, "cannot reopen the log", BY_F("file", path), BY_F("reason", (const char *)strerror(errno)));
}

/* A web server that started the worker alone means SIGTERM by SIGUSR1; Ctrl-C reaches the supervisor's whole group. */
static const struct {
	int    number;
	void (*supervised)(worker *w); /* NULL: ignored */
	void (*alone)(worker *w);
} heard[SIGNALS] = {
	{ BY__TELL_STOP, stop, stop },
	{ SIGQUIT, stop, stop },
	{ SIGINT, NULL, stop },
	{ BY__TELL_TURN, turn, turn },
	{ BY__TELL_REOPEN, reopen, stop },
};

static void on_signal(uv_signal_t *handle, int number)
{
	worker *w = handle->data;

	for (size_t i = 0; i < SIGNALS; i++)
		if (heard[i].number == number)
			(w->options->supervisor ? heard[i].supervised : heard[i].alone)(w);
}

/* ---- looking at itself --------------------------------------------------------------- */

static bool is_idle(const worker *w, const by__slot *slot)
{
	uint64_t busy = atomic_load_explicit(&slot->busy, memory_order_relaxed);

	return w->settings->scaling != by__scaling_static && atomic_load_explicit(&slot->active, memory_order_relaxed) == 0
	    && atomic_load_explicit(&slot->queued, memory_order_relaxed) == 0
	    && by_clock() - busy >= (uint64_t)w->settings->idle_timeout.us * 1000;
}

static by__worker_leave reason_to_leave(const worker *w, const by__slot *slot)
{
	const by__app_settings *s = w->settings;

	if (s->worker_max_requests > 0
	    && atomic_load_explicit(&slot->requests, memory_order_relaxed) >= (uint64_t)s->worker_max_requests)
		return BY__LEAVE_REQUESTS;
	if (s->worker_max_memory.bytes > 0 && atomic_load_explicit(&slot->rss, memory_order_relaxed) > s->worker_max_memory.bytes)
		return BY__LEAVE_MEMORY;
	return is_idle(w, slot) ? BY__LEAVE_IDLE : BY__LEAVE_NOT;
}

static void on_look(uv_timer_t *timer)
{
	worker *w = timer->data;
	by__slot *slot = by__shared_slot();

	if (!w->gate)
		return;
	if (w->settings->slow_request.us > 0)
		by__slow_look(w->gate, w->settings->slow_request);
	if (w->stage == SERVING)
		atomic_store_explicit(&slot->leave, reason_to_leave(w, slot), memory_order_relaxed);
}

static uint64_t look_period(const by__app_settings *s)
{
	int64_t ms = s->slow_request.us / 1000 / LOOKS;

	if (ms <= 0 || ms > LOOK_MOST_MS)
		return LOOK_MOST_MS;
	return ms < LOOK_LEAST_MS ? LOOK_LEAST_MS : (uint64_t)ms;
}

/* ---- serving -------------------------------------------------------------------------- */

static void on_gate_closed(void *owner)
{
	(void)owner;
	by__runtime_stop();
}

static bool serve(void *server, by_ctx *ctx, by__exchange *exchange)
{
	return by__server_serve(server, ctx, exchange);
}

static bool is_urgent(void *server, by_text target)
{
	return by__server_is_builtin(server, target);
}

static by_error *open_gate(worker *w)
{
	const by__app_settings *s = w->settings;
	const by__worker_options *options = w->options;
	by__gate_options gate = {
		.listener = options->listener.fd,
		.shared = by__shared_get()->slots > 1,
		.channel = options->channel,
		.serve = serve,
		.urgent = is_urgent,
		.server = options->application->server,
		.providers = &w->providers,
		.requests_max = (uint32_t)s->requests_max,
		.queue_max = (uint32_t)s->queue_max,
		.queue_timeout = s->queue_timeout,
		.slot = by__shared_slot(),
		.head_timeout = s->head_timeout,
		.body_timeout = s->body_timeout,
		.write_timeout = s->write_timeout,
		.closed = on_gate_closed,
		.owner = w,
	};

	BY_TRY(by__peers_parse(w->arena, options->listener.tcp, s->listen_allow.items, s->listen_allow.count, &gate.allowed));
	return by__gate_open(w->arena, &gate, &w->gate);
}

static void serve_or_fail(worker *w)
{
	w->error = open_gate(w);
	if (w->error) {
		by__runtime_stop();
		return;
	}
	w->stage = SERVING;
	by__stall_gate(w->gate);
	atomic_store(&by__shared_slot()->busy, by_clock());
	if (w->options->supervisor == 0)
		atomic_store(&by__shared_get()->ready, 1);
	enter(BY__WORKER_READY);
	by_info(NULL, "worker ready", BY_F("pid", (int)getpid()));
}

/* ---- starting ------------------------------------------------------------------------- */

static void start(by_ctx *ctx, void *argument)
{
	worker *w = argument;
	const by_app *app = w->options->application->app;

	/* The status process has nothing of the application, and tells of a start that fails. */
	if (app->start && !w->options->builtin_only)
		w->error = app->start(ctx);
}

/* The application's own start is over: serve or wait for it, unless it failed or the worker was told to stop meanwhile. */
static void started(void *argument)
{
	worker *w = argument;

	/* What a start that was cancelled says is no fault. */
	if (w->stage != STARTING)
		w->error = BY_OK;
	if (w->error || w->stage != STARTING) {
		by__runtime_stop();
	} else if (w->options->wait && !w->called) {
		w->stage = PREPARED;
		enter(BY__WORKER_PREPARED);
	} else {
		serve_or_fail(w);
	}
}

/* Those that come while nobody hears them wait until then. */
static void block_signals(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaddset(&set, heard[i].number);
	(void)sigprocmask(how, &set, NULL);
}

static void watch_signals(worker *w)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	for (size_t i = 0; i < SIGNALS; i++) {
		BY_INVARIANT(uv_signal_init(by__loop(), &w->signals[i]) == 0);
		w->signals[i].data = w;
		if (w->options->supervisor == 0 || heard[i].supervised)
			BY_INVARIANT(uv_signal_start(&w->signals[i], on_signal, heard[i].number) == 0);
		else
			(void)signal(heard[i].number, SIG_IGN);
	}
	block_signals(SIG_UNBLOCK);
}

static void start_timers(worker *w)
{
	uint64_t period = look_period(w->settings);

	BY_INVARIANT(uv_timer_init(by__loop(), &w->timer) == 0);
	BY_INVARIANT(uv_timer_init(by__loop(), &w->look) == 0);
	w->timer.data = w->look.data = w;
	BY_INVARIANT(uv_timer_start(&w->look, on_look, period, period) == 0);
}

static void close_handles(worker *w)
{
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&w->signals[i], NULL);
	uv_close((uv_handle_t *)&w->timer, NULL);
	uv_close((uv_handle_t *)&w->look, NULL);
}

/* False: the supervisor has died, and nobody would stop this worker. */
static bool follow_supervisor(pid_t supervisor)
{
	if (supervisor == 0)
		return true;
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == supervisor;
}

static void enter_slot(const by__worker_options *options)
{
	by__shared_use(options->slot);
	by__slot *slot = by__shared_slot();

	if (options->supervisor == 0)
		atomic_store(&slot->pid, (int32_t)getpid());
	atomic_store(&slot->started, (uint64_t)by_time_now().us);
	atomic_store(&slot->requests, 0);
	atomic_store(&slot->active, 0);
	atomic_store(&slot->queued, 0);
	atomic_store(&slot->connections, 0);
	atomic_store(&slot->leave, BY__LEAVE_NOT);
	atomic_store(&slot->busy, by_clock());
	enter(BY__WORKER_STARTING);
	by__crash_install(slot, STDERR_FILENO);
	by__stall_install(slot, STDERR_FILENO);
}

static by_error *run(worker *w)
{
	if (w->options->builtin_only)
		by__server_restrict(w->options->application->server);
	if (w->settings->slow_request.us > 0)
		by__slow_install(w->settings->slow_request, STDERR_FILENO);
	BY_TRY(by__application_open(w->options->application, w->arena, &w->providers));
	w->ctx = by_ctx_new(w->arena);
	w->ctx->providers = &w->providers;
	if (!by__task_start(w->ctx, start, started, w))
		return by_error_new(w->arena, UNAVAILABLE, "There is no memory for a coroutine.");
	if (!w->error)
		by__runtime_run();
	return w->error;
}

static int finish(worker *w)
{
	bool whole = w->stage != CANCELLED || w->cancelled == 0;
	/* Requests that outlived their cancellation still use all of this; the process's end takes it. */
	bool quiet = by__runtime_used().coroutines == 0;

	/* It is ending: a signal that comes late would find nobody to hear it, and kill it. */
	block_signals(SIG_BLOCK);
	/* The loop turns no more, and that is no stall. */
	atomic_store(&by__shared_slot()->heartbeat, 0);
	by__stall_gate(NULL);
	enter(BY__WORKER_GONE);
	if (!quiet) {
		by_log_flush();
		return 1;
	}
	if (w->gate)
		by__gate_close(w->gate);
	by__application_close(&w->providers);
	close_handles(w);
	by__runtime_close();
	by_arena_free(&w->arena);
	return whole ? 0 : 1;
}

int by__worker_run(const by__worker_options *options)
{
	worker w = { .options = options, .settings = &options->application->settings, .arena = by_arena_new(0) };
	by_error *error;

	block_signals(SIG_BLOCK);
	enter_slot(options);
	if (!follow_supervisor(options->supervisor))
		return 0;
	/* libfcgi puts handlers of its own on SIGTERM, SIGUSR1 and SIGPIPE; ours come after. */
	if ((error = by__fcgx_open(w.arena)) != BY_OK || (error = by__runtime_open(w.arena, NULL)) != BY_OK)
		return by__application_failed(options->application->app, error);
	watch_signals(&w);
	start_timers(&w);
	error = run(&w);
	if (error) {
		int code = by__application_failed(options->application->app, error);

		(void)finish(&w);
		return code;
	}
	return finish(&w);
}
