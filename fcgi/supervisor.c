/*
 * The process that owns the listening socket and the shared memory, and forks.
 * It runs no loop, no library with threads and no code of the application, and
 * parses nothing that workers write: what it knows of them is their exit status
 * and the fixed-size fields of their slots.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/assert.h>
#define BY_LOG_NAME "supervisor"
#include <banyan/log.h>

#include "core/shared.h"
#include "fcgi/launch.h"
#include "fcgi/peer.h"
#include "fcgi/prepare.h"
#include "fcgi/supervisor.h"
#include "fcgi/worker.h"

#define MILLISECOND UINT64_C(1000000) /* of by_clock */
#define SECOND (1000 * MILLISECOND)

/* A worker that ends sooner than this counts as crashing at its start. */
#define QUICK (5 * SECOND)
#define BACKOFF_FIRST (100 * MILLISECOND)
#define BACKOFF_MOST (30 * SECOND)
/* Beyond the workers' own time to stop, before they are killed. */
#define KILL_AFTER (3 * SECOND)
#define LOOK_STARTING (20 * MILLISECOND)

typedef struct worker {
	pid_t    pid;     /* 0: none runs */
	uint64_t forked;
	uint64_t due;     /* when to fork the next one */
	uint64_t backoff;
} worker;

typedef struct supervisor {
	by__application *application;
	by_arena        *arena;
	by__listener     listener;
	by__shared      *shared;
	uint32_t         count;
	worker          *workers;
	uint32_t         generation; /* of the binary and its settings; a reload makes the next */
	sigset_t         waiting;    /* the mask while it waits: our signals come through */
	bool             announced;  /* all workers were ready once */
	bool             stopping, killed;
	bool             unclean;    /* a worker did not finish */
	int              code;       /* of a start that cannot succeed */
	uint64_t         close_at, kill_at;
} supervisor;

static volatile sig_atomic_t stop_asked; /* how often */

static void on_stop(int number)
{
	(void)number;
	stop_asked++;
}

static void on_child(int number)
{
	(void)number; /* it ends the wait, which is all */
}

static const struct {
	int   number;
	void (*handler)(int number);
} handled[] = {
	{ SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGQUIT, on_stop }, { SIGCHLD, on_child }, { SIGHUP, SIG_IGN },
	{ SIGPIPE, SIG_IGN },
};

/* Ours are blocked but while waiting, so that none comes between looking and waiting. */
static void take_signals(supervisor *s)
{
	sigset_t blocked;

	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < BY_COUNT(handled); i++)
		(void)sigaddset(&blocked, handled[i].number);
	(void)sigprocmask(SIG_BLOCK, &blocked, &s->waiting);
	for (size_t i = 0; i < BY_COUNT(handled); i++) {
		struct sigaction action = { .sa_handler = handled[i].handler };

		(void)sigdelset(&s->waiting, handled[i].number);
		(void)sigaction(handled[i].number, &action, NULL);
	}
}

static void give_signals_back(const supervisor *s)
{
	for (size_t i = 0; i < BY_COUNT(handled); i++)
		(void)signal(handled[i].number, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &s->waiting, NULL);
}

/* ---- workers ---------------------------------------------------------------------------- */

/* What is in stdio's or the log's buffers would be written by parent and child. */
static pid_t fork_clean(void)
{
	by_log_flush();
	(void)fflush(NULL);
	return fork();
}

static void spawn(supervisor *s, uint32_t index)
{
	worker *w = &s->workers[index];
	by__slot *slot = &s->shared->slot[index];
	const by__worker_options options = {
		.application = s->application,
		.listener = s->listener,
		.channel = BY__NO_CHANNEL,
		.slot = index,
		.supervisor = getpid(),
	};

	atomic_store(&slot->generation, s->generation);
	atomic_store(&slot->state, BY__WORKER_STARTING);
	w->forked = by_clock();
	pid_t pid = fork_clean();

	if (pid == 0) {
		give_signals_back(s);
		exit(by__worker_run(&options));
	}
	if (pid < 0) {
		by_err(NULL, "cannot fork a worker", BY_F("reason", (const char *)strerror(errno)));
		w->backoff = w->backoff ? w->backoff : BACKOFF_FIRST;
		w->due = w->forked + w->backoff;
		atomic_store(&slot->state, BY__WORKER_FREE);
		return;
	}
	w->pid = pid;
	atomic_store(&slot->pid, (int32_t)pid);
}

/* The slot's text, which a dying worker may have left without its end. */
static by_text slot_text(const char *text, size_t size)
{
	return (by_text){ text, strnlen(text, size) };
}

static void tell_end(const supervisor *s, uint32_t index, pid_t pid, int status)
{
	const by__slot *slot = &s->shared->slot[index];

	unsigned running = atomic_load(&slot->active);
	by_text none = { "", 0 };

	if (WIFSIGNALED(status))
		by_err(NULL, "worker killed by a signal", BY_F("pid", (int)pid), BY_F("worker", index),
		    BY_F("signal", (const char *)strsignal(WTERMSIG(status))), BY_F("running", running),
		    BY_F("method", running ? slot_text(slot->method, sizeof(slot->method)) : none),
		    BY_F("route", running ? slot_text(slot->route, sizeof(slot->route)) : none),
		    BY_F("request_id", running ? slot_text(slot->request_id, sizeof(slot->request_id)) : none));
	else if (WEXITSTATUS(status) != 0)
		by_err(NULL, "worker ended", BY_F("pid", (int)pid), BY_F("worker", index), BY_F("status", WEXITSTATUS(status)));
	else
		by_info(NULL, "worker ended", BY_F("pid", (int)pid), BY_F("worker", index), BY_F("status", 0));
}

/* At once after a life of some length; ever later when it ends again and again as soon as it has started. */
static void plan_next(supervisor *s, worker *w, bool clean)
{
	uint64_t now = by_clock();

	if (clean || now - w->forked >= QUICK || w->backoff == 0)
		w->due = now;
	else
		w->due = now + w->backoff;
	if (clean || now - w->forked >= QUICK)
		w->backoff = 0;
	else
		w->backoff = w->backoff == 0 ? BACKOFF_FIRST : w->backoff * 2 < BACKOFF_MOST ? w->backoff * 2 : BACKOFF_MOST;
	if (w->due > now && !s->stopping)
		by_warn(NULL, "workers end as soon as they start; waiting before the next",
		    BY_F("seconds", (double)(w->due - now) / (double)SECOND));
}

static void reap(supervisor *s, uint32_t index, int status)
{
	worker *w = &s->workers[index];
	by__slot *slot = &s->shared->slot[index];
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool started = atomic_load(&slot->state) >= BY__WORKER_READY && s->announced;

	tell_end(s, index, w->pid, status);
	w->pid = 0;
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->state, BY__WORKER_FREE);
	atomic_store(&slot->active, 0);
	atomic_store(&slot->connections, 0);
	if (s->stopping) {
		s->unclean = s->unclean || !clean;
		return;
	}
	plan_next(s, w, clean);
	/* What is wrong with the configuration will not be right the next time. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == BY__EXIT_CONFIGURATION && !started) {
		s->code = BY__EXIT_CONFIGURATION;
		stop_asked++;
	}
}

static void reap_all(supervisor *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		int status;

		if (s->workers[i].pid > 0 && waitpid(s->workers[i].pid, &status, WNOHANG) == s->workers[i].pid)
			reap(s, i, status);
	}
}

static uint32_t alive(const supervisor *s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->count; i++)
		count += s->workers[i].pid > 0;
	return count;
}

static void signal_all(const supervisor *s, int number)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->workers[i].pid > 0)
			(void)kill(s->workers[i].pid, number);
}

/* ---- the pool -------------------------------------------------------------------------------- */

static void spawn_due(supervisor *s)
{
	uint64_t now = by_clock();

	for (uint32_t i = 0; i < s->count; i++)
		if (s->workers[i].pid == 0 && s->workers[i].due <= now)
			spawn(s, i);
}

static void announce(supervisor *s)
{
	if (s->announced)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		if (atomic_load(&s->shared->slot[i].state) != BY__WORKER_READY)
			return;
	s->announced = true;
	by_info(NULL, "ready", BY_F("workers", s->count));
}

static void stop(supervisor *s)
{
	const by__app_settings *settings = &s->application->settings;
	uint64_t now = by_clock();

	s->stopping = true;
	atomic_store(&s->shared->draining, 1);
	s->close_at = now + (uint64_t)settings->drain_delay.us * 1000;
	s->kill_at = s->close_at + (uint64_t)settings->shutdown_timeout.us * 1000 + KILL_AFTER;
	by_info(NULL, "stopping", BY_F("workers", alive(s)));
	signal_all(s, SIGTERM);
}

/* While it stops: the listener goes when the workers leave it, and those that never end are killed. */
static void stop_on(supervisor *s)
{
	uint64_t now = by_clock();

	if (now >= s->close_at)
		by__listener_close(&s->listener);
	if (!s->killed && (now >= s->kill_at || stop_asked > 1)) {
		s->killed = true;
		by_err(NULL, "killing workers that have not ended", BY_F("workers", alive(s)));
		signal_all(s, SIGKILL);
	}
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When something is to be done without a signal; 0: never. */
static uint64_t next_due(const supervisor *s)
{
	uint64_t due = UINT64_MAX;

	if (s->stopping)
		return s->listener.fd >= 0 ? s->close_at : s->killed ? UINT64_MAX : s->kill_at;
	if (!s->announced)
		due = by_clock() + LOOK_STARTING;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->workers[i].pid == 0)
			due = sooner(due, s->workers[i].due);
	return due;
}

static void wait_for_something(const supervisor *s)
{
	uint64_t due = next_due(s);
	uint64_t now = by_clock();
	uint64_t left = due > now ? due - now : 0;
	const struct timespec span = { .tv_sec = (time_t)(left / SECOND), .tv_nsec = (long)(left % SECOND) };

	by_log_flush();
	(void)ppoll(NULL, 0, due == UINT64_MAX ? NULL : &span, &s->waiting);
}

static int oversee(supervisor *s)
{
	for (;;) {
		reap_all(s);
		if (stop_asked && !s->stopping)
			stop(s);
		if (s->stopping) {
			stop_on(s);
			if (alive(s) == 0)
				break;
		} else {
			spawn_due(s);
			announce(s);
		}
		wait_for_something(s);
	}
	by__listener_close(&s->listener);
	by_info(NULL, "stopped", BY_F("clean", (bool)!s->unclean));
	by_log_flush();
	return s->code ? s->code : s->unclean ? 1 : 0;
}

/* ---- starting ----------------------------------------------------------------------------------- */

/* In a child, since it runs a loop and libraries that this process is to stay free of. */
static int prepare(supervisor *s)
{
	pid_t pid = fork_clean();
	int status;

	if (pid == 0) {
		give_signals_back(s);
		exit(by__prepare(s->application));
	}
	if (pid < 0)
		return BY__EXIT_UNAVAILABLE;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (stop_asked)
			(void)kill(pid, SIGKILL);
		(void)ppoll(NULL, 0, NULL, &s->waiting);
	}
	/* A migration that is killed is rolled back. */
	if (stop_asked)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static by_error *listen_somewhere(supervisor *s)
{
	const by__app_settings *settings = &s->application->settings;
	int passed = by__launch_passed();

	if (passed >= 0)
		BY_TRY(by__listener_adopt(s->arena, passed, &s->listener));
	else
		BY_TRY(by__listener_open(s->arena, settings->listen, settings->listen_owner, &s->listener));
	const by__peers *peers;

	/* Read here too, so that a mistake stops the start and not each worker. */
	BY_TRY(by__peers_parse(s->arena, s->listener.tcp, settings->listen_allow.items, settings->listen_allow.count, &peers));
	if (s->listener.tcp && !peers)
		return by_error_new(s->arena, CONFIGURATION, "LISTEN_ALLOW: must list the web servers' addresses, "
		    "because the passed socket is a TCP one");
	return BY_OK;
}

static by_error *open_all(supervisor *s)
{
	const by__app_settings *settings = &s->application->settings;
	by__jwt_key key;

	BY_TRY(by__settings_key(s->arena, settings, &key));
	BY_TRY(by__application_compile(s->application));
	BY_TRY(listen_somewhere(s));
	BY_TRY(by__shared_create(s->arena, s->count, NULL));
	s->shared = by__shared_get();
	atomic_store(&s->shared->supervisor, (int32_t)getpid());
	by_info(NULL, "starting", BY_F("pid", (int)getpid()), BY_F("version", s->application->app->version),
	    BY_F("environment", by__app_env_enum.values[settings->app_env]),
	    BY_F("listen", s->listener.passed ? "the passed socket" : settings->listen),
	    BY_F("database", by_url_masked(s->arena, settings->database_url)), BY_F("workers", s->count));
	if (key.file)
		by_warn(NULL, "tokens are verified with a key made for development", BY_F("file", key.file));
	return BY_OK;
}

int by__supervisor_run(by__application *application)
{
	supervisor s = { .application = application, .arena = application->arena, .generation = 1,
		.listener = { .fd = -1 }, .count = (uint32_t)application->settings.workers };
	by_error *error;
	int code;

	s.workers = BY_NEW_ARRAY(s.arena, worker, s.count);
	take_signals(&s);
	error = open_all(&s);
	code = error ? by__application_failed(application->app, error) : prepare(&s);
	if (code != 0) {
		by__listener_close(&s.listener);
		by_log_flush();
		return code;
	}
	return oversee(&s);
}
