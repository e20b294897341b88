/*
 * The process that owns the listening sockets and the shared memory, and
 * forks. It runs no loop, no library with threads and no code of the
 * application, and parses nothing that workers write: what it knows of them is
 * their exit status and the fixed-size fields of their slots.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_LOG_NAME "supervisor"
#include <banyan/log.h>

#include "fcgi/directory.h"
#include "fcgi/logfile.h"
#include "fcgi/prepare.h"
#include "fcgi/supervisor/generation.h"
#include "fcgi/supervisor/inheritance.h"
#include "fcgi/supervisor/members.h"
#include "fcgi/supervisor/notify.h"
#include "fcgi/supervisor/pools.h"
#include "fcgi/supervisor/signals.h"
#include "fcgi/supervisor/supervisor.h"
#include "fcgi/worker/worker.h"

/* Between two looks at the workers' slots: while something is on its way, and else. */
#define LOOK_AT_ONCE BY__MILLISECOND
#define LOOK_SOON (20 * BY__MILLISECOND)
#define LOOK (100 * BY__MILLISECOND)

/* ---- files -------------------------------------------------------------------------------------- */

static void write_pid_file(const by__supervisor *s)
{
	const char *path = s->application->settings.pid_file;
	const char *beside = path && *path ? by_format(s->arena, "%s.%d", path, (int)getpid()) : NULL;
	FILE *file = beside ? fopen(beside, "we") : NULL;

	if (!beside)
		return;
	bool written = file && fprintf(file, "%d\n", (int)getpid()) > 0;

	if (file)
		written = fclose(file) == 0 && written;
	if (!written || rename(beside, path) != 0) {
		by_err(NULL, "PID_FILE cannot be written", BY_F("file", path), BY_F("reason", (const char *)strerror(errno)));
		(void)unlink(beside);
	}
}

static void remove_files(const by__supervisor *s)
{
	const char *path = s->application->settings.pid_file;

	if (path && *path)
		(void)unlink(path);
	if (s->region)
		(void)unlink(s->region);
}

/*
 * One supervisor of this name in RUNTIME_DIR. The lock is the process's, so
 * that it is kept by an exec and not by workers that outlive it.
 */
static by_error *lock_directory(by__supervisor *s)
{
	const by__app_settings *settings = &s->application->settings;
	const char *path = by_format(s->arena, "%s/%s.lock", settings->runtime_dir, s->application->app->name);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	BY_TRY(by__directory_make(s->arena, settings->runtime_dir, BY__SOCKET_DIRECTORY));
	if (s->lock < 0)
		s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (s->lock < 0)
		return by_error_new(s->arena, UNAVAILABLE, "%s cannot be opened: %s.", path, strerror(errno));
	if (fcntl(s->lock, F_SETLK, &lock) != 0)
		return by_error_new(s->arena, UNAVAILABLE, "Another %s runs already; it holds %s.", s->application->app->name, path);
	return BY_OK;
}

/* On a full disk memory without a file does: only `status` cannot see it, and a reload counts anew. */
static by_error *make_region(by__supervisor *s, uint32_t slots)
{
	by_error *error = by__shared_create(s->arena, slots, s->region);

	if (!by_error_is(error, UNAVAILABLE))
		return error;
	by_log_error(NULL, BY_LOG_WARNING, "serving without a file for what the workers share", error);
	return by__shared_create(s->arena, slots, NULL);
}

static by_error *open_region(by__supervisor *s)
{
	uint32_t slots = by__pools_slots(s);

	s->region = by_format(s->arena, "%s/%s.shared", s->application->settings.runtime_dir, s->application->app->name);
	bool kept = s->generation > 1 && by__shared_adopt(s->region, slots);

	if (!kept)
		BY_TRY(make_region(s, slots));
	s->shared = by__shared_get();
	/* Members of another region have no slot in this one. */
	BY__EACH_MEMBER(s, m)
		if (!kept || (m->slot != BY__NO_SLOT && m->slot >= s->shared->slots))
			m->slot = BY__NO_SLOT;
	if (s->generation > 1 && !kept)
		by_warn(NULL, "the new generation counts other things than the one before; counters begin anew");
	(void)snprintf(s->shared->application, sizeof(s->shared->application), "%s", s->application->app->name);
	(void)snprintf(s->shared->version, sizeof(s->shared->version), "%s", s->application->app->version);
	atomic_store(&s->shared->supervisor, (int32_t)getpid());
	atomic_store(&s->shared->loaded, (uint64_t)by_time_now().us);
	by__pools_describe(s);
	return BY_OK;
}

/* ---- stopping -------------------------------------------------------------------------------------- */

static bool is_status(const by__supervisor *s, const by__member *member)
{
	return member->pool < s->pool_count && s->pools[member->pool].builtin;
}

/* All but the status process, which tells about the end until it has come. */
static void stop(by__supervisor *s)
{
	uint64_t now = by_clock();

	s->stopping = true;
	s->close_at = s->kill_at = now;
	atomic_store(&s->shared->draining, 1);
	by_info(NULL, "stopping", BY_F("workers", by__members_alive(s)));
	by__notify("STOPPING=1\nSTATUS=Finishing what runs.");
	by__generation_drop(s);
	BY__EACH_MEMBER(s, m)
		if (!is_status(s, m)) {
			by__member_stop(s, m);
			s->kill_at = m->kill_at > s->kill_at ? m->kill_at : s->kill_at;
		}
	for (uint32_t i = 0; i < s->pool_count; i++) {
		uint64_t at = now + (uint64_t)by__pool_settings_of(&s->pools[i])->drain_delay.us * 1000;

		s->close_at = at > s->close_at ? at : s->close_at;
	}
}

static uint32_t others_alive(const by__supervisor *s)
{
	uint32_t count = 0;

	for (size_t i = 0; i < BY__MEMBERS; i++)
		count += s->members[i].pid > 0 && !is_status(s, &s->members[i]);
	return count;
}

/* While it stops: the listeners go when the workers leave them, and those that never end are killed. */
static void stop_on(by__supervisor *s)
{
	uint64_t now = by_clock();

	if (now >= s->close_at)
		for (uint32_t i = 0; i < s->pool_count; i++)
			if (!s->pools[i].builtin)
				by__listener_close(&s->pools[i].listener);
	if (others_alive(s) == 0 && !s->status_told) {
		s->status_told = true;
		BY__EACH_MEMBER(s, m)
			by__member_stop(s, m);
	}
	if (!s->killed && by__asked.stop > 1) {
		s->killed = true;
		by_err(NULL, "killing workers, as asked", BY_F("workers", by__members_alive(s)));
		by__members_signal(s, SIGKILL);
	}
}

/* ---- the turn of the supervisor's own loop --------------------------------------------------------------- */

static void announce(by__supervisor *s)
{
	if (s->announced || !by__pools_are(s, BY__WORKER_READY))
		return;
	s->announced = true;
	atomic_store(&s->shared->ready, 1);
	by_info(NULL, "ready", BY_F("workers", by__members_alive(s)));
	by__notify("READY=1\nSTATUS=Serving.");
}

/* Workers that are another user cannot open the file that root made: their successors inherit it. */
static void reopen(by__supervisor *s)
{
	const char *path = s->application->settings.log_file;

	if (path && *path && !by__logfile_reopen(path))
		by_err(NULL, "LOG_FILE cannot be reopened", BY_F("reason", (const char *)strerror(errno)));
	BY__EACH_MEMBER(s, m) {
		if (m->pool < s->pool_count && s->pools[m->pool].identity.set)
			m->worn = true;
		else
			(void)kill(m->pid, BY__TELL_REOPEN);
	}
	by__asked.reopen = 0;
	by_info(NULL, "the log was reopened");
}

static void hear_signals(by__supervisor *s)
{
	if (by__asked.reopen > 0)
		reopen(s);
	if (s->trial.pid != 0 || s->stopping)
		return;
	if (by__asked.upgrade > 0) {
		by__asked.upgrade = by__asked.reload = 0;
		by__generation_begin(s, true);
	} else if (by__asked.reload > 0) {
		by__asked.reload = 0;
		by__generation_begin(s, false);
	}
}

static void keep_watchdog(by__supervisor *s)
{
	if (s->watchdog == 0 || by_clock() < s->watchdog_due)
		return;
	by__notify("WATCHDOG=1");
	s->watchdog_due = by_clock() + s->watchdog / 3;
}

/* A successor waits for the one before it to leave, which takes a moment. */
static bool is_changing(const by__supervisor *s)
{
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0 && s->members[i].successor != 0 && s->members[i].stage == BY__STAGE_LEAVING)
			return true;
	return false;
}

/* Something is on its way that no signal tells of. */
static bool is_moving(const by__supervisor *s)
{
	if (!s->announced || s->turning || s->trial.pid > 0 || s->stopping)
		return true;
	for (size_t i = 0; i < BY__MEMBERS; i++) {
		const by__member *m = &s->members[i];

		if (m->pid > 0 && (m->successor != 0 || m->stage != BY__STAGE_SERVING))
			return true;
	}
	return false;
}

static bool waits_for_call(const by__supervisor *s, const by__pool *pool)
{
	if (s->stopping || pool->listener.fd < 0 || by__pool_settings_of(pool)->scaling != by__scaling_on_demand)
		return false;
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0 && s->members[i].pool == pool->index && s->members[i].stage != BY__STAGE_LEAVING)
			return false;
	return by_clock() >= pool->due;
}

static void wait_for_something(const by__supervisor *s)
{
	struct pollfd ask[2 * BY__SHARED_POOLS];
	nfds_t count = 0;
	uint64_t span = is_changing(s) ? LOOK_AT_ONCE : is_moving(s) ? LOOK_SOON : LOOK;
	const struct timespec wait = { .tv_nsec = (long)span };

	for (uint32_t i = 0; i < s->pool_count; i++) {
		if (!waits_for_call(s, &s->pools[i]))
			continue;
		ask[count++] = (struct pollfd){ .fd = s->pools[i].listener.fd, .events = POLLIN };
		ask[count++] = (struct pollfd){ .fd = s->pools[i].channel.take, .events = POLLIN };
	}
	by_log_flush();
	(void)ppoll(ask, count, &wait, &s->waiting);
}

static int oversee(by__supervisor *s)
{
	for (;;) {
		by__members_reap(s);
		if ((by__asked.stop || s->code) && !s->stopping)
			stop(s);
		hear_signals(s);
		by__generation_follow(s);
		by__members_watch(s);
		keep_watchdog(s);
		if (s->stopping) {
			stop_on(s);
			if (by__members_alive(s) == 0)
				break;
		} else {
			by__pools_settle(s);
			by__generation_turn(s);
			announce(s);
		}
		wait_for_something(s);
	}
	for (uint32_t i = 0; i < s->pool_count; i++)
		by__listener_close(&s->pools[i].listener);
	for (uint32_t i = 0; i < s->orphan_count; i++)
		by__listener_close(&s->orphans[i].listener);
	remove_files(s);
	by_info(NULL, "stopped", BY_F("clean", (bool)!s->unclean));
	by_log_flush();
	return s->code ? s->code : s->unclean ? 1 : 0;
}

/* ---- starting ----------------------------------------------------------------------------------------------- */

/* As a worker of the pool, so that files it makes are theirs; in a child, since it runs a loop and libraries that this process is to stay free of. */
static int prepare(by__supervisor *s, by__pool *pool)
{
	pid_t pid = by__fork_clean();
	int status;

	if (pid == 0) {
		by__signals_give_back(s, false);
		exit(by__member_become(s, pool) ? by__prepare(pool->application, false) : BY__EXIT_CONFIGURATION);
	}
	if (pid < 0)
		return BY__EXIT_UNAVAILABLE;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (by__asked.stop)
			(void)kill(pid, SIGKILL);
		(void)ppoll(NULL, 0, NULL, &s->waiting);
	}
	/* A migration that is killed is rolled back. */
	if (by__asked.stop)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Each database once, however many pools have it. */
static int prepare_all(by__supervisor *s)
{
	int code = 0;

	for (uint32_t i = 0; code == 0 && i < s->pool_count; i++) {
		const char *url = by__pool_settings_of(&s->pools[i])->database_url;
		bool seen = false;

		for (uint32_t j = 0; j < i; j++)
			seen = seen || strcmp(by__pool_settings_of(&s->pools[j])->database_url, url) == 0;
		if (!seen)
			code = prepare(s, &s->pools[i]);
	}
	return code;
}

static void tell_start(const by__supervisor *s, const by__jwt_key *key)
{
	const by__app_settings *settings = &s->application->settings;

	by_info(NULL, "starting", BY_F("pid", (int)getpid()), BY_F("generation", s->generation),
	    BY_F("version", s->application->app->version), BY_F("environment", by__app_env_enum.values[settings->app_env]),
	    BY_F("database", by_url_masked(s->arena, settings->database_url)));
	for (uint32_t i = 0; i < s->pool_count; i++)
		by_info(NULL, "pool", BY_F("pool", s->pools[i].name), BY_F("listen", (const char *)s->shared->pool[i].listen),
		    BY_F("scaling", (const char *)s->shared->pool[i].scaling), BY_F("workers", by__pool_settings_of(&s->pools[i])->workers));
	if (key->file)
		by_warn(NULL, "tokens are verified with a key made for development", BY_F("file", key->file));
}

static void leave_address(by__supervisor *s, by__inherited *old)
{
	by__orphan *orphan = &s->orphans[s->orphan_count];

	if (old->listener.fd < 0)
		return;
	if (s->orphan_count == BY__SHARED_POOLS) {
		by__listener_close(&old->listener);
		return;
	}
	*orphan = (by__orphan){ .address = old->address, .listener = old->listener };
	(void)snprintf(orphan->name, sizeof(orphan->name), "%s", old->name);
	s->orphan_count++;
}

/* Sockets of the earlier generation: each goes to the pool that has its address, or waits for its workers' end. */
static void take_sockets(by__supervisor *s, by__inheritance *in)
{
	for (uint32_t i = 0; i < in->pool_count; i++) {
		by__inherited *old = &in->pools[i];

		for (uint32_t j = 0; j < s->pool_count; j++) {
			by__pool *pool = &s->pools[j];

			if (old->listener.fd >= 0 && pool->listener.fd < 0 && strcmp(by__pool_settings_of(pool)->listen, old->address) == 0) {
				pool->listener = old->listener;
				old->listener.fd = -1;
			}
			if (pool->channel.take < 0 && strcmp(pool->name, old->name) == 0) {
				pool->channel = old->channel;
				old->channel = (by__channel)BY__NO_CHANNEL;
			}
		}
		leave_address(s, old);
		by__channel_close(&old->channel);
	}
}

/* What an earlier generation had begun and not finished does not go on. */
static void take_members(by__supervisor *s)
{
	BY__EACH_MEMBER(s, m)
		if (m->stage == BY__STAGE_WAITING)
			by__member_leave(s, m);
}

static by_error *open_sockets(by__supervisor *s)
{
	for (uint32_t i = 0; i < s->pool_count; i++) {
		by_error *error = by__pool_open(s, &s->pools[i]);

		/* A later generation goes on without: the earlier one serves until there is one. */
		if (error && s->generation == 1)
			return error;
		if (error)
			by_log_error(NULL, BY_LOG_ERROR, "a pool cannot listen; trying again", error);
	}
	return BY_OK;
}

static by_error *open_all(by__supervisor *s, by__inheritance *in)
{
	by__jwt_key key;

	s->generation = in->generation + 1;
	s->lock = in->lock;
	s->announced = in->announced;
	BY_TRY(lock_directory(s));
	BY_TRY(by__settings_key(s->arena, &s->application->settings, &key));
	take_sockets(s, in);
	BY_TRY(open_sockets(s));
	BY_TRY(open_region(s));
	take_members(s);
	atomic_store(&s->shared->ready, s->announced);
	if (s->generation == 1)
		atomic_store(&s->shared->generation, 1);
	s->turning = s->generation > 1;
	s->turn_by = by_clock() + (uint64_t)s->application->settings.start_timeout.us * 1000;
	if (s->turning)
		atomic_store(&s->shared->reload_state, BY__RELOAD_RUNNING);
	tell_start(s, &key);
	return BY_OK;
}

static int start(by__supervisor *s)
{
	by__inheritance inherited;
	bool later = by__inheritance_read(s, &inherited);
	by_error *error = open_all(s, &inherited);
	int code = error ? by__application_failed(s->application->app, error) : later ? 0 : prepare_all(s);

	if (code == 0)
		return 0;
	for (uint32_t i = 0; i < s->pool_count; i++)
		by__listener_close(&s->pools[i].listener);
	if (s->shared)
		remove_files(s);
	by_log_flush();
	return code;
}

int by__supervisor_run(by__application *application, const by__settings_from *from)
{
	by_arena *arena = application->arena;
	by__supervisor *s = BY_NEW(arena, by__supervisor);
	by_error *error;
	int code;

	*s = (by__supervisor){ .application = application, .from = from, .arena = arena, .lock = -1 };
	if ((error = by__pools_new(s)) != BY_OK)
		return by__application_failed(application->app, error);
	if (by__generation_is_trial())
		return by__generation_try(s);
	const char *log_file = application->settings.log_file;

	if (log_file && *log_file && (error = by__logfile_open(arena, log_file)) != BY_OK)
		return by__application_failed(application->app, error);
	by__signals_take(s);
	if ((code = start(s)) != 0)
		return code;
	write_pid_file(s);
	s->watchdog = by__notify_watchdog();
	return oversee(s);
}
