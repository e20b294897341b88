/*
 * Forks workers, knows how they end, and ends those that stand still. What a
 * worker wrote is only looked at as numbers and as text of a fixed size.
 */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_LOG_NAME "supervisor"
#include <banyan/log.h>

#include "fcgi/supervisor/generation.h"
#include "fcgi/supervisor/members.h"
#include "fcgi/supervisor/notify.h"
#include "fcgi/supervisor/pools.h"
#include "fcgi/supervisor/signals.h"
#include "fcgi/worker/worker.h"

/* Beyond the workers' own time to stop, before they are killed. */
#define KILL_AFTER (3 * BY__SECOND)
/* What a worker that is told to answer 504 and end may take for it. */
#define GIVE_UP_TIME BY__SECOND

static uint64_t nanoseconds(by_duration span)
{
	return (uint64_t)span.us * 1000;
}

/* ---- starting ------------------------------------------------------------------------- */

pid_t by__fork_clean(void)
{
	by_log_flush();
	(void)fflush(NULL);
	return fork();
}

by__member *by__member_take(by__supervisor *s)
{
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid == 0) {
			s->members[i] = (by__member){ .slot = BY__NO_SLOT };
			return &s->members[i];
		}
	return NULL;
}

static uint32_t free_slot(const by__supervisor *s)
{
	bool used[BY__SHARED_SLOTS] = { false };

	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0 && s->members[i].slot != BY__NO_SLOT)
			used[s->members[i].slot] = true;
	for (uint32_t i = 0; i < s->shared->slots; i++)
		if (!used[i])
			return i;
	return BY__NO_SLOT;
}

static void clear_slot(const by__supervisor *s, const by__pool *pool, uint32_t index)
{
	by__slot *slot = &s->shared->slot[index];

	atomic_store(&slot->state, BY__WORKER_STARTING);
	atomic_store(&slot->generation, s->generation);
	atomic_store(&slot->pool, pool->index);
	atomic_store(&slot->leave, BY__LEAVE_NOT);
	atomic_store(&slot->heartbeat, 0);
	atomic_store(&slot->requests, 0);
	atomic_store(&slot->active, 0);
	atomic_store(&slot->streams, 0);
	atomic_store(&slot->queued, 0);
	atomic_store(&slot->connections, 0);
	memset(slot->method, 0, sizeof(slot->method));
	memset(slot->route, 0, sizeof(slot->route));
	memset(slot->request_id, 0, sizeof(slot->request_id));
}

/* In the child: nothing of the other pools stays open. */
static void close_others(by__supervisor *s, const by__pool *own)
{
	for (uint32_t i = 0; i < s->pool_count; i++) {
		by__pool *pool = &s->pools[i];

		if (pool == own)
			continue;
		if (pool->listener.fd >= 0)
			close(pool->listener.fd);
		by__channel_close(&pool->channel);
	}
	for (uint32_t i = 0; i < s->orphan_count; i++)
		close(s->orphans[i].listener.fd);
	if (s->lock >= 0)
		close(s->lock);
	if (s->trial.pid > 0)
		close(s->trial.output);
}

static bool become(const by__identity *identity)
{
	return !identity->set || (setgroups((size_t)identity->group_count, identity->groups) == 0
	    && setgid(identity->gid) == 0 && setuid(identity->uid) == 0);
}

static void take_environment(by_arena *arena, const by__app_settings *settings)
{
	for (size_t i = 0; i < settings->worker_environment.count; i++) {
		char *name = by_copy(arena, settings->worker_environment.items[i]);
		char *equals = strchr(name, '=');

		*equals = 0;
		(void)setenv(name, equals + 1, 1);
	}
}

bool by__member_become(by__supervisor *s, by__pool *pool)
{
	const by_app *app = pool->application->app;

	if (!become(&pool->identity)) {
		fprintf(stderr, "%s: WORKER_USER of the pool %s: %s\n", app->name, pool->name, strerror(errno));
		return false;
	}
	take_environment(s->arena, by__pool_settings_of(pool));
	if (pool->own)
		memcpy(app->settings.object, pool->own, app->settings.model->size);
	return true;
}

static _Noreturn void be_worker(by__supervisor *s, by__pool *pool, uint32_t slot, pid_t supervisor, bool wait)
{
	by__application *application = pool->application;
	const by__worker_options options = {
		.application = application,
		.listener = pool->listener,
		.channel = pool->channel,
		.slot = slot,
		.supervisor = supervisor,
		.wait = wait,
		.builtin_only = pool->builtin,
	};

	by__signals_give_back(s, true);
	by__notify_forget();
	close_others(s, pool);
	if (!by__member_become(s, pool))
		exit(BY__EXIT_CONFIGURATION);
	BY_IGNORE(by_log_configure(s->arena, application->settings.log_level, STDERR_FILENO), "was checked with the settings");
	exit(by__worker_run(&options));
}

by__member *by__member_start(by__supervisor *s, by__pool *pool, bool wait)
{
	by__member *member = by__member_take(s);
	uint32_t slot = free_slot(s);
	pid_t self = getpid();

	if (!member || slot == BY__NO_SLOT) {
		by_err(NULL, "there is no room for another worker", BY_F("pool", pool->name));
		return NULL;
	}
	clear_slot(s, pool, slot);
	pid_t pid = by__fork_clean();

	if (pid == 0)
		be_worker(s, pool, slot, self, wait);
	if (pid < 0) {
		by_err(NULL, "cannot fork a worker", BY_F("pool", pool->name), BY_F("reason", (const char *)strerror(errno)));
		atomic_store(&s->shared->slot[slot].state, BY__WORKER_FREE);
		return NULL;
	}
	*member = (by__member){ .pid = pid, .slot = slot, .pool = pool->index, .generation = s->generation,
		.stage = wait ? BY__STAGE_WAITING : BY__STAGE_SERVING, .forked = by_clock() };
	atomic_store(&s->shared->slot[slot].pid, (int32_t)pid);
	atomic_fetch_add(&s->shared->pool[pool->index].started, 1);
	return member;
}

/* ---- telling ---------------------------------------------------------------------------- */

static const by__app_settings *settings_of(const by__supervisor *s, const by__member *member)
{
	return member->pool < s->pool_count ? by__pool_settings_of(&s->pools[member->pool]) : &s->application->settings;
}

static void tell(const by__member *member, int number)
{
	(void)kill(member->pid, number);
}

static void set_end(const by__supervisor *s, by__member *member, uint64_t more)
{
	member->stage = BY__STAGE_LEAVING;
	member->kill_at = by_clock() + more + nanoseconds(settings_of(s, member)->shutdown_timeout) + KILL_AFTER;
}

void by__member_serve(by__supervisor *s, by__member *member)
{
	(void)s;
	member->stage = BY__STAGE_SERVING;
	tell(member, BY__TELL_TURN);
}

void by__member_leave(by__supervisor *s, by__member *member)
{
	int number = member->stage == BY__STAGE_SERVING ? BY__TELL_TURN : BY__TELL_STOP;

	if (member->stage == BY__STAGE_LEAVING)
		return;
	set_end(s, member, 0);
	tell(member, number);
}

void by__member_stop(by__supervisor *s, by__member *member)
{
	set_end(s, member, nanoseconds(settings_of(s, member)->drain_delay));
	tell(member, BY__TELL_STOP);
}

void by__members_signal(const by__supervisor *s, int number)
{
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0)
			tell(&s->members[i], number);
}

uint32_t by__members_alive(const by__supervisor *s)
{
	uint32_t count = 0;

	for (size_t i = 0; i < BY__MEMBERS; i++)
		count += s->members[i].pid > 0;
	return count;
}

/* ---- routes that crash their workers --------------------------------------------------------- */

enum { CRASHES_KEPT = 128 };

/* The last crashes, oldest overwritten first. */
static struct {
	uint64_t key, at;
} crashes[CRASHES_KEPT];
static size_t crash_next;

static int64_t crashes_of(uint64_t key, uint64_t since)
{
	int64_t count = 0;

	for (size_t i = 0; i < CRASHES_KEPT; i++)
		count += crashes[i].key == key && crashes[i].at >= since;
	return count;
}

/* The slot's text, which a dying worker may have left without its end. */
static const char *slot_text(by_arena *arena, const char *text, size_t size)
{
	return by_copy_text(arena, (by_text){ text, strnlen(text, size) });
}

static void count_crash(by__supervisor *s, const by__member *member, const char *method, const char *route)
{
	const by__app_settings *settings = settings_of(s, member);
	uint64_t key = by__poison_key(method, route);
	uint64_t now = by_clock();
	uint64_t span = nanoseconds(settings->poison_time);

	if (!*route || settings->poison_crashes == 0)
		return;
	crashes[crash_next].key = key;
	crashes[crash_next].at = now;
	crash_next = (crash_next + 1) % CRASHES_KEPT;
	if (crashes_of(key, now > span ? now - span : 0) < settings->poison_crashes)
		return;
	by__poison_add(method, route, settings->poison_time);
	by_err(NULL, "a route crashes its workers again and again; its requests are answered 503 for a while",
	    BY_F("method", method), BY_F("route", route), BY_F("seconds", settings->poison_time.us / 1000000));
}

/* ---- burying ---------------------------------------------------------------------------------- */

static bool is_clean(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *pool_name(const by__supervisor *s, const by__member *member)
{
	return member->pool < s->pool_count ? s->pools[member->pool].name : "(former)";
}

/*
 * Whether the request that ran is to blame: a fault or a stall, whose handlers
 * have written down what ran. A signal from elsewhere (the kernel short of
 * memory, an administrator) says nothing of the request that began last.
 */
static bool is_own_fault(int number)
{
	static const int faults[] = { 0, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

	for (size_t i = 0; i < BY_COUNT(faults); i++)
		if (faults[i] == number)
			return true;
	return false;
}

static void tell_crash(by__supervisor *s, const by__member *member, const char *how, int number)
{
	const by__slot *slot = by__member_slot(s, member);
	by_arena *arena = by_arena_new(0);
	unsigned running = slot ? atomic_load(&slot->active) : 0;
	const char *method = running ? slot_text(arena, slot->method, sizeof(slot->method)) : "";
	const char *route = running ? slot_text(arena, slot->route, sizeof(slot->route)) : "";

	by_err(NULL, how, BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)),
	    BY_F("signal", number ? (const char *)strsignal(number) : ""), BY_F("running", running), BY_F("method", method),
	    BY_F("route", route), BY_F("request_id", running ? slot_text(arena, slot->request_id, sizeof(slot->request_id)) : ""));
	if (running && is_own_fault(number))
		count_crash(s, member, method, route);
	by_arena_free(&arena);
}

static void tell_end(by__supervisor *s, const by__member *member, int status)
{
	if (WIFSIGNALED(status))
		tell_crash(s, member, "worker killed by a signal", WTERMSIG(status));
	else if (WEXITSTATUS(status) == BY__EXIT_STALLED)
		tell_crash(s, member, "a stalled worker has answered its requests and ended", 0);
	else if (WEXITSTATUS(status) != 0)
		by_err(NULL, "worker ended", BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)),
		    BY_F("status", WEXITSTATUS(status)));
	else
		by_info(NULL, "worker ended", BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)), BY_F("status", 0));
}

static void free_slot_of(const by__supervisor *s, const by__member *member)
{
	by__slot *slot = by__member_slot(s, member);

	if (!slot)
		return;
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->state, BY__WORKER_FREE);
	atomic_store(&slot->active, 0);
	atomic_store(&slot->queued, 0);
	atomic_store(&slot->connections, 0);
	atomic_store(&slot->rss, 0);
}

static void forget_successor(by__supervisor *s, pid_t pid)
{
	BY__EACH_MEMBER(s, m)
		if (m->successor == pid)
			m->successor = 0;
}

/* What is wrong with the configuration will not be right the next time. */
static void judge_start(by__supervisor *s, int status)
{
	if (!s->announced && s->generation == 1 && WIFEXITED(status) && WEXITSTATUS(status) == BY__EXIT_CONFIGURATION)
		s->code = BY__EXIT_CONFIGURATION;
}

static void bury(by__supervisor *s, by__member *member, int status)
{
	bool clean = is_clean(status);

	tell_end(s, member, status);
	free_slot_of(s, member);
	/* The slot is free, which is not ready: one that waited for this one serves. */
	by__pools_let_follow(s, false);
	forget_successor(s, member->pid);
	if (!clean && member->pool < s->pool_count)
		atomic_fetch_add(&s->shared->pool[member->pool].crashed, 1);
	if (s->stopping)
		s->unclean = s->unclean || !clean;
	else if (member->pool < s->pool_count && member->generation == s->generation)
		by__pool_ended(s, &s->pools[member->pool], member, clean || member->stage == BY__STAGE_LEAVING);
	judge_start(s, status);
	member->pid = 0;
}

static by__member *member_of(by__supervisor *s, pid_t pid)
{
	BY__EACH_MEMBER(s, m)
		if (m->pid == pid)
			return m;
	return NULL;
}

void by__members_reap(by__supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		by__member *member = member_of(s, pid);

		if (member)
			bury(s, member, status);
		else if (pid == s->trial.pid)
			by__generation_tried(s, status);
	}
}

/* ---- watching ----------------------------------------------------------------------------------- */

static void kill_member(const by__supervisor *s, by__member *member, const char *why)
{
	by_err(NULL, why, BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)));
	(void)kill(member->pid, SIGKILL);
	/* Once is enough; a process that cannot be killed is not told of every time. */
	member->kill_at = UINT64_MAX;
	member->forked = UINT64_MAX;
}

static void report_stall(const by__supervisor *s, by__member *member, uint64_t beat, uint64_t age)
{
	if (member->silent == beat)
		return;
	const uint64_t ms = age / BY__MILLISECOND;

	member->silent = beat;
	by_err(NULL, "a worker's loop does not turn", BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)),
	    BY_F("seconds", (double)ms / 1e3));
	tell(member, BY__TELL_REPORT);
}

static void give_up(const by__supervisor *s, by__member *member)
{
	by_err(NULL, "a stalled worker is replaced", BY_F("pid", (int)member->pid), BY_F("pool", pool_name(s, member)));
	member->given_up = true;
	member->kill_at = by_clock() + GIVE_UP_TIME;
	tell(member, BY__TELL_GIVE_UP);
}

static void watch_beat(const by__supervisor *s, by__member *member, uint64_t now)
{
	const by__app_settings *settings = settings_of(s, member);
	const by__slot *slot = by__member_slot(s, member);
	uint64_t beat = slot ? atomic_load(&slot->heartbeat) : 0;
	uint32_t state = slot ? atomic_load(&slot->state) : BY__WORKER_GONE;

	if (beat == 0 || beat >= now || (state != BY__WORKER_READY && state != BY__WORKER_DRAINING))
		return;
	uint64_t age = now - beat;

	if (settings->stall_report.us > 0 && age > nanoseconds(settings->stall_report))
		report_stall(s, member, beat, age);
	if (settings->stall_limit.us > 0 && age > nanoseconds(settings->stall_limit) && !member->given_up)
		give_up(s, member);
}

void by__members_watch(by__supervisor *s)
{
	uint64_t now = by_clock();

	BY__EACH_MEMBER(s, m) {
		uint64_t start = nanoseconds(settings_of(s, m)->start_timeout);

		watch_beat(s, m, now);
		if (m->kill_at != 0 && now >= m->kill_at)
			kill_member(s, m, "killing a worker that has not ended");
		else if (by__member_state(s, m) == BY__WORKER_STARTING && m->forked < now && now - m->forked > start)
			kill_member(s, m, "killing a worker that does not become ready");
	}
}
