/*
 * A worker's life: opens its providers, serves, and on a signal stops taking
 * requests, finishes those it has, and leaves.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <banyan/assert.h>
#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>

#include "core/runtime.h"
#include "core/shared.h"
#include "fcgi/crash.h"
#include "fcgi/gate.h"
#include "fcgi/library.h"
#include "fcgi/worker.h"

/* What answers cancelled at the end of the shutdown time get to leave in. */
#define LAST_WORDS_MS 1000

enum { STOP_SIGNALS = 4 };
static const int stop_signals[STOP_SIGNALS] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1 };

typedef struct worker {
	const by__worker_options *options;
	const by__app_settings   *settings;
	by_arena                 *arena;
	by_ctx                   *ctx;
	by_providers              providers;
	by__gate                 *gate;     /* NULL until it serves */
	by_error                 *error;    /* why it could not start */
	uv_signal_t               signals[STOP_SIGNALS];
	uv_timer_t                timer;    /* of the next step of stopping */
	enum { RUNNING, DELAYED, DRAINING, CANCELLED } stage;
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

static void drain(worker *w)
{
	/* Only when the whole application stops is nobody left to answer those who wait in the listener's queue. */
	bool last = w->options->supervisor != 0 && atomic_load(&by__shared_get()->draining);

	w->stage = DRAINING;
	uv_timer_start(&w->timer, on_time_over, (uint64_t)(w->settings->shutdown_timeout.us / 1000), 0);
	if (w->gate)
		by__gate_drain(w->gate, last);
	else
		by__runtime_stop();
}

static void on_delay_over(uv_timer_t *timer)
{
	drain(timer->data);
}

static void on_stop(uv_signal_t *handle, int number)
{
	worker *w = handle->data;

	(void)number;
	if (w->stage != RUNNING)
		return;
	enter(BY__WORKER_DRAINING);
	if (w->options->supervisor == 0)
		atomic_store(&by__shared_get()->draining, 1);
	w->stage = DELAYED;
	if (w->settings->drain_delay.us > 0)
		uv_timer_start(&w->timer, on_delay_over, (uint64_t)(w->settings->drain_delay.us / 1000), 0);
	else
		drain(w);
}

static void on_gate_closed(void *owner)
{
	(void)owner;
	by__runtime_stop();
}

/* ---- starting ------------------------------------------------------------------------- */

static bool serve(void *server, by_ctx *ctx, by__exchange *exchange)
{
	return by__server_serve(server, ctx, exchange);
}

static by_error *open_gate(worker *w)
{
	const by__app_settings *s = w->settings;
	const by__worker_options *options = w->options;
	by__gate_options gate = {
		.listener = options->listener.fd,
		.shared = by__shared_get()->slots > 1,
		.serve = serve,
		.server = options->application->server,
		.providers = &w->providers,
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

static void start(by_ctx *ctx, void *argument)
{
	worker *w = argument;
	const by_app *app = w->options->application->app;

	if (app->start)
		w->error = app->start(ctx);
}

/* The application's own start is over: serve, unless it failed or the worker was told to stop meanwhile. */
static void started(void *argument)
{
	worker *w = argument;

	if (!w->error && w->stage == RUNNING)
		w->error = open_gate(w);
	if (w->error || !w->gate) {
		by__runtime_stop();
		return;
	}
	enter(BY__WORKER_READY);
	by_info(NULL, "worker ready", BY_F("pid", (int)getpid()));
}

static void watch_signals(worker *w)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	BY_INVARIANT(uv_timer_init(by__loop(), &w->timer) == 0);
	w->timer.data = w;
	for (size_t i = 0; i < STOP_SIGNALS; i++) {
		BY_INVARIANT(uv_signal_init(by__loop(), &w->signals[i]) == 0);
		w->signals[i].data = w;
		/* Ctrl-C reaches the whole group; the supervisor passes on what it means. */
		if (stop_signals[i] != SIGINT || w->options->supervisor == 0)
			BY_INVARIANT(uv_signal_start(&w->signals[i], on_stop, stop_signals[i]) == 0);
		else
			(void)signal(SIGINT, SIG_IGN);
	}
}

static void unwatch_signals(worker *w)
{
	for (size_t i = 0; i < STOP_SIGNALS; i++)
		uv_close((uv_handle_t *)&w->signals[i], NULL);
	uv_close((uv_handle_t *)&w->timer, NULL);
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
	atomic_store(&slot->active, 0);
	atomic_store(&slot->connections, 0);
	enter(BY__WORKER_STARTING);
	by__crash_install(slot, STDERR_FILENO);
}

static by_error *run(worker *w)
{
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

	enter(BY__WORKER_GONE);
	if (!quiet) {
		by_log_flush();
		return 1;
	}
	if (w->gate)
		by__gate_close(w->gate);
	by__application_close(&w->providers);
	unwatch_signals(w);
	by__runtime_close();
	by_arena_free(&w->arena);
	return whole ? 0 : 1;
}

int by__worker_run(const by__worker_options *options)
{
	worker w = { .options = options, .settings = &options->application->settings, .arena = by_arena_new(0) };
	by_error *error;

	enter_slot(options);
	if (!follow_supervisor(options->supervisor))
		return 0;
	/* libfcgi puts handlers of its own on SIGTERM, SIGUSR1 and SIGPIPE; ours come after. */
	if ((error = by__fcgx_open(w.arena)) != BY_OK || (error = by__runtime_open(w.arena, NULL)) != BY_OK)
		return by__application_failed(options->application->app, error);
	watch_signals(&w);
	error = run(&w);
	if (error) {
		int code = by__application_failed(options->application->app, error);

		(void)finish(&w);
		return code;
	}
	return finish(&w);
}
