/*
 * Pools: what each listens at and runs as, and how many workers it has. A
 * worker that is to be replaced serves until its successor is prepared, and
 * that one serves when it has left, so that never more serve than the pool may
 * have.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BY_LOG_NAME "supervisor"
#include <banyan/log.h>

#include "fcgi/launch.h"
#include "fcgi/peer.h"
#include "fcgi/supervisor/members.h"
#include "fcgi/supervisor/pools.h"

/* A worker that ends sooner than this counts as crashing at its start. */
#define QUICK (5 * BY__SECOND)
#define BACKOFF_FIRST (100 * BY__MILLISECOND)
#define BACKOFF_MOST (30 * BY__SECOND)
/* Between two steps of a pool that grows. */
#define GROWTH (100 * BY__MILLISECOND)
/* A worker that leaves has stopped accepting by then, or its loop is stalled. */
#define LEAVE_TIME (500 * BY__MILLISECOND)
/* A loop that is late by so much is busy with something else than requests that wait. */
#define LATE (500 * BY__MILLISECOND)

/* ---- users -------------------------------------------------------------------------------- */

static by_error *wrong(by_arena *arena, const char *setting, const char *pool, const char *what)
{
	return by_error_new(arena, CONFIGURATION, "%s: %s (pool %s)", setting, what, pool);
}

static by_error *group_of(by_arena *arena, const by__pool *pool, const char *name, gid_t *gid)
{
	const struct group *entry = getgrnam(name); /* cppcheck-suppress getgrnamCalled ; before any thread */

	if (!entry)
		return wrong(arena, "WORKER_GROUP", pool->name, "there is no group of that name");
	*gid = entry->gr_gid;
	return BY_OK;
}

static by_error *identify(by_arena *arena, by__pool *pool)
{
	const by__app_settings *settings = by__pool_settings_of(pool);
	by__identity *who = &pool->identity;
	const char *user = settings->worker_user;
	const char *group = settings->worker_group;

	who->uid = geteuid();
	who->gid = getegid();
	if (!(user && *user) && !(group && *group))
		return BY_OK;
	const struct passwd *entry = user && *user ? getpwnam(user) /* cppcheck-suppress getpwnamCalled ; before any thread */
	                                           : getpwuid(geteuid()); /* cppcheck-suppress getpwuidCalled ; likewise */

	if (!entry)
		return wrong(arena, "WORKER_USER", pool->name, "there is no user of that name");
	who->uid = entry->pw_uid;
	who->gid = entry->pw_gid;
	if (group && *group)
		BY_TRY(group_of(arena, pool, group, &who->gid));
	if (geteuid() != 0 && (who->uid != geteuid() || who->gid != getegid()))
		return wrong(arena, "WORKER_USER", pool->name, "only root can start workers as another user or group");
	who->set = geteuid() == 0;
	who->group_count = (int)BY_COUNT(who->groups);
	if (who->set && getgrouplist(entry->pw_name, who->gid, who->groups, &who->group_count) < 0)
		return wrong(arena, "WORKER_USER", pool->name, "the user is in too many groups");
	return BY_OK;
}

/* ---- making them --------------------------------------------------------------------------- */

static by_error *add_pool(by__supervisor *s, const by__pool_settings *settings, bool builtin)
{
	by__pool *pool = &s->pools[s->pool_count];

	*pool = (by__pool){ .name = settings->name, .index = s->pool_count, .own = settings->own, .builtin = builtin,
		.application = by__application_of_pool(s->application, settings), .listener = { .fd = -1 },
		.channel = BY__NO_CHANNEL };
	BY_TRY(identify(s->arena, pool));
	BY_TRY(by__application_compile(pool->application));
	s->pool_count++;
	return BY_OK;
}

/* One small worker with the settings for all pools. */
static by_error *add_status(by__supervisor *s)
{
	by__pool_settings *status = BY_NEW(s->arena, by__pool_settings);
	by__app_settings *settings = &status->settings;

	*status = (by__pool_settings){ .name = "status", .settings = s->application->settings,
		.origins = s->application->origins };
	if (strcmp(settings->status_listen, "off") == 0)
		return BY_OK;
	settings->listen = settings->status_listen;
	settings->listen_allow = (by_list_string){ 0 };
	settings->scaling = by__scaling_static;
	settings->workers = 1;
	settings->worker_max_requests = 0;
	settings->drain_delay = (by_duration){ 0 };
	return add_pool(s, status, true);
}

by_error *by__pools_new(by__supervisor *s)
{
	const by__application *application = s->application;
	by__pool_settings *settings;
	size_t count;

	BY_TRY(by__settings_pools(s->arena, application->app, s->from, &application->settings, application->origins,
	    &settings, &count));
	s->pools = BY_NEW_ARRAY(s->arena, by__pool, count + 1);
	for (size_t i = 0; i < count; i++)
		BY_TRY(add_pool(s, &settings[i], false));
	return add_status(s);
}

uint32_t by__pools_slots(const by__supervisor *s)
{
	uint32_t slots = 0;

	for (uint32_t i = 0; i < s->pool_count; i++)
		slots += 2 * (uint32_t)by__pool_settings_of(&s->pools[i])->workers;
	/* A few more, for those that still leave when the next change of generations begins. */
	slots += slots / 2 + 2;
	return slots < BY__SHARED_SLOTS ? slots : BY__SHARED_SLOTS - 1;
}

/* What a pool has counted, wherever its row was. */
typedef struct counted {
	char     name[BY__SHARED_NAME];
	uint64_t started, crashed, replaced;
} counted;

static void note_counted(const by__shared *shared, counted rows[BY__SHARED_POOLS])
{
	for (uint32_t i = 0; i < BY__SHARED_POOLS; i++) {
		const by__pool_row *row = &shared->pool[i];

		(void)snprintf(rows[i].name, sizeof(rows[i].name), "%s", i < shared->pools ? row->name : "");
		rows[i].started = atomic_load(&row->started);
		rows[i].crashed = atomic_load(&row->crashed);
		rows[i].replaced = atomic_load(&row->replaced);
	}
}

static counted counted_of(const counted rows[BY__SHARED_POOLS], const char *name)
{
	for (uint32_t i = 0; i < BY__SHARED_POOLS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i];
	return (counted){ 0 };
}

static void describe_pool(by__pool_row *row, const by__pool *pool, const counted *before)
{
	const by__app_settings *settings = by__pool_settings_of(pool);

	(void)snprintf(row->name, sizeof(row->name), "%s", pool->name);
	(void)snprintf(row->listen, sizeof(row->listen), "%s", pool->listener.passed ? "the passed socket" : settings->listen);
	(void)snprintf(row->scaling, sizeof(row->scaling), "%s", by__scaling_enum.values[settings->scaling]);
	atomic_store(&row->workers_max, (uint32_t)settings->workers);
	atomic_store(&row->requests_max, (uint32_t)settings->requests_max);
	atomic_store(&row->started, before->started);
	atomic_store(&row->crashed, before->crashed);
	atomic_store(&row->replaced, before->replaced);
	atomic_store(&row->backoff_ms, 0);
}

void by__pools_describe(by__supervisor *s)
{
	counted rows[BY__SHARED_POOLS];

	note_counted(s->shared, rows);
	s->shared->pools = s->pool_count;
	for (uint32_t i = 0; i < s->pool_count; i++) {
		const counted before = counted_of(rows, s->pools[i].name);

		describe_pool(&s->shared->pool[i], &s->pools[i], &before);
	}
	/* Those of the earlier generation go on counting for their own pool. */
	BY__EACH_MEMBER(s, m)
		if (m->slot != BY__NO_SLOT && m->pool < s->pool_count)
			atomic_store(&s->shared->slot[m->slot].pool, m->pool);
}

/* ---- sockets ------------------------------------------------------------------------------------ */

static by_error *open_listener(by__supervisor *s, by__pool *pool)
{
	const by__app_settings *settings = by__pool_settings_of(pool);
	int passed = by__launch_passed_as(pool->name, pool->index == 0);
	const by__listener_options options = {
		.address = settings->listen,
		.owner = settings->listen_owner,
		.mode = (mode_t)strtoul(settings->listen_mode, NULL, 8),
		.backlog = (int)settings->listen_backlog,
	};

	if (passed >= 0)
		return by__listener_adopt(s->arena, passed, &pool->listener);
	return by__listener_open(s->arena, &options, &pool->listener);
}

/* Read here too, so that a mistake stops the start and not each worker. */
static by_error *check_peers(by__supervisor *s, const by__pool *pool)
{
	const by__app_settings *settings = by__pool_settings_of(pool);
	const by__peers *peers;

	BY_TRY(by__peers_parse(s->arena, pool->listener.tcp, settings->listen_allow.items, settings->listen_allow.count, &peers));
	if (pool->listener.tcp && !peers)
		return by_error_new(s->arena, CONFIGURATION, "LISTEN_ALLOW: must list the web servers' addresses, "
		    "because the socket of the pool %s is a TCP one", pool->name);
	return BY_OK;
}

by_error *by__pool_open(by__supervisor *s, by__pool *pool)
{
	if (pool->listener.fd < 0)
		BY_TRY(open_listener(s, pool));
	BY_TRY(check_peers(s, pool));
	return pool->channel.take < 0 ? by__channel_open(s->arena, &pool->channel) : BY_OK;
}

/* ---- how many ----------------------------------------------------------------------------------- */

/* The workers of a pool, as its slots and we tell of them. */
typedef struct census {
	uint32_t starting; /* not yet serving */
	uint32_t serving;  /* told to serve, and ready */
	uint32_t prepared;
	uint32_t leaving;
	uint32_t late;     /* of those that serve */
	uint32_t load;     /* requests that run or wait */
	uint32_t queued;
} census;

static void count_serving(const by__slot *slot, census *c)
{
	uint64_t now = by_clock();
	uint64_t beat = atomic_load(&slot->heartbeat);
	uint32_t queued = atomic_load(&slot->queued);

	c->serving++;
	c->load += by__slot_load(slot) + queued;
	c->queued += queued;
	c->late += beat != 0 && beat < now && now - beat > LATE;
}

static void count_member(const by__supervisor *s, const by__member *m, census *c)
{
	uint32_t state = by__member_state(s, m);

	if (m->stage == BY__STAGE_LEAVING)
		c->leaving++;
	else if (m->stage == BY__STAGE_WAITING && state == BY__WORKER_PREPARED)
		c->prepared++;
	else if (m->stage == BY__STAGE_SERVING && state == BY__WORKER_READY)
		count_serving(by__member_slot(s, m), c);
	else
		c->starting++;
}

/* Of one that still serves: it is not among the pool's number yet. */
static bool is_successor(const by__supervisor *s, const by__member *member)
{
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0 && s->members[i].successor == member->pid)
			return s->members[i].stage != BY__STAGE_LEAVING;
	return false;
}

static census take_census(const by__supervisor *s, const by__pool *pool)
{
	census c = { 0 };

	for (size_t i = 0; i < BY__MEMBERS; i++) {
		const by__member *m = &s->members[i];

		if (m->pid > 0 && m->pool == pool->index && m->generation == s->generation && !is_successor(s, m))
			count_member(s, m, &c);
	}
	return c;
}

/* Whether a web server waits for a worker to be there. */
static bool is_called(const by__pool *pool)
{
	struct pollfd ask[] = { { .fd = pool->listener.fd, .events = POLLIN }, { .fd = pool->channel.take, .events = POLLIN } };

	return poll(ask, BY_COUNT(ask), 0) > 0;
}

static bool older_serve(const by__supervisor *s, const by__pool *pool)
{
	for (size_t i = 0; i < BY__MEMBERS; i++) {
		const by__member *m = &s->members[i];

		if (m->pid > 0 && m->pool == pool->index && m->generation != s->generation && m->stage == BY__STAGE_SERVING)
			return true;
	}
	return false;
}

/* Those that a generation begins with. */
static uint32_t first_workers(const by__supervisor *s, const by__pool *pool)
{
	const by__app_settings *settings = by__pool_settings_of(pool);

	switch (settings->scaling) {
	case by__scaling_dynamic:
		return (uint32_t)settings->workers_min;
	case by__scaling_on_demand:
		return older_serve(s, pool) ? 1 : 0;
	default:
		return (uint32_t)settings->workers;
	}
}

static bool is_busy(const by__app_settings *settings, const census *c)
{
	return c->serving > 0 && (c->queued > 0 || c->late == c->serving
	    || c->load > (uint64_t)c->serving * (uint64_t)settings->worker_target);
}

static uint32_t wanted(const by__supervisor *s, by__pool *pool, const census *c)
{
	const by__app_settings *settings = by__pool_settings_of(pool);
	uint32_t least = first_workers(s, pool);
	uint32_t now = c->serving + c->starting + c->prepared;
	uint64_t clock = by_clock();

	if (settings->scaling == by__scaling_static || s->turning)
		return least;
	if (now == 0 && least == 0)
		return is_called(pool);
	if (c->starting == 0 && now < (uint32_t)settings->workers && clock - pool->grown >= GROWTH && is_busy(settings, c)) {
		pool->grown = clock;
		return now + 1;
	}
	return now > least ? now : least;
}

bool by__pools_are(const by__supervisor *s, by__worker_state state)
{
	for (uint32_t i = 0; i < s->pool_count; i++) {
		census c = take_census(s, &s->pools[i]);
		uint32_t there = c.serving + (state == BY__WORKER_PREPARED ? c.prepared : 0);

		if (there < first_workers(s, &s->pools[i]))
			return false;
	}
	return true;
}

/* ---- starting and replacing ------------------------------------------------------------------------ */

static void back_off(by__supervisor *s, by__pool *pool)
{
	uint64_t next = pool->backoff == 0 ? BACKOFF_FIRST : pool->backoff * 2;

	pool->due = by_clock() + pool->backoff;
	if (pool->backoff > 0)
		by_warn(NULL, "workers cannot start or end at once; waiting before the next", BY_F("pool", pool->name),
		    BY_F("seconds", (double)pool->backoff / (double)BY__SECOND));
	atomic_store(&s->shared->pool[pool->index].backoff_ms, (uint32_t)(pool->backoff / BY__MILLISECOND));
	pool->backoff = next < BACKOFF_MOST ? next : BACKOFF_MOST;
}

void by__pool_ended(by__supervisor *s, by__pool *pool, const by__member *member, bool clean)
{
	bool quick = by_clock() - member->forked < QUICK || member->forked == UINT64_MAX;

	if (!clean && quick)
		back_off(s, pool);
}

/* A worker that has lived for a while shows that they can. */
static void settle_backoff(by__supervisor *s, by__pool *pool)
{
	uint64_t now = by_clock();

	if (pool->backoff == 0 || now < pool->due + QUICK)
		return;
	pool->backoff = 0;
	atomic_store(&s->shared->pool[pool->index].backoff_ms, 0);
}

/* A socket that could not be made, as a reload may leave it: tried again. */
static bool has_socket(by__supervisor *s, by__pool *pool)
{
	if (pool->listener.fd >= 0)
		return true;
	by_error *error = by__pool_open(s, pool);

	if (!error)
		return true;
	by_log_error(NULL, BY_LOG_ERROR, "a pool cannot listen", error);
	back_off(s, pool);
	return false;
}

static void start_missing(by__supervisor *s, by__pool *pool)
{
	census c = take_census(s, pool);
	uint32_t there = c.serving + c.starting + c.prepared;
	uint32_t want = wanted(s, pool, &c);

	if (there >= want || by_clock() < pool->due || !has_socket(s, pool))
		return;
	for (; there < want; there++)
		if (!by__member_start(s, pool, s->turning)) {
			back_off(s, pool);
			return;
		}
}

static by__member *successor_of(by__supervisor *s, const by__member *member)
{
	BY__EACH_MEMBER(s, m)
		if (m->pid == member->successor)
			return m;
	return NULL;
}

static void replace(by__supervisor *s, by__pool *pool, by__member *member)
{
	by__member *successor = member->successor ? successor_of(s, member) : NULL;

	if (!successor) {
		if (by_clock() < pool->due)
			return;
		successor = by__member_start(s, pool, true);
		if (!successor)
			back_off(s, pool);
		member->successor = successor ? successor->pid : 0;
		return;
	}
	if (by__member_state(s, successor) != BY__WORKER_PREPARED)
		return;
	by__member_leave(s, member);
	member->left = by_clock();
	atomic_fetch_add(&s->shared->pool[pool->index].replaced, 1);
}

static void let_follow(by__supervisor *s, by__member *member)
{
	by__member *successor = successor_of(s, member);

	member->successor = 0;
	if (successor)
		by__member_serve(s, successor);
}

void by__pools_let_follow(by__supervisor *s, bool all)
{
	uint64_t now = by_clock();

	BY__EACH_MEMBER(s, m)
		if (m->stage == BY__STAGE_LEAVING && m->successor != 0
		    && (all || by__member_state(s, m) != BY__WORKER_READY || now - m->left > LEAVE_TIME))
			let_follow(s, m);
}

static void retire(by__supervisor *s, by__pool *pool, by__member *member)
{
	census c = take_census(s, pool);
	uint32_t least = by__pool_settings_of(pool)->scaling == by__scaling_dynamic
	    ? (uint32_t)by__pool_settings_of(pool)->workers_min : 0;

	if (c.serving > least)
		by__member_leave(s, member);
}

/* What its workers ask for in their slots. */
static void hear_workers(by__supervisor *s, by__pool *pool)
{
	BY__EACH_MEMBER(s, m) {
		if (m->pool != pool->index || m->generation != s->generation || m->stage != BY__STAGE_SERVING
		    || m->slot == BY__NO_SLOT)
			continue;
		uint32_t leave = m->worn ? BY__LEAVE_REQUESTS : atomic_load(&by__member_slot(s, m)->leave);

		if (leave == BY__LEAVE_REQUESTS || leave == BY__LEAVE_MEMORY)
			replace(s, pool, m);
		else if (leave == BY__LEAVE_IDLE)
			retire(s, pool, m);
	}
}

static bool has_predecessor(const by__supervisor *s, const by__member *member)
{
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0 && s->members[i].successor == member->pid)
			return true;
	return false;
}

/* The one that a successor was to replace has died first. */
static void serve_heirs(by__supervisor *s)
{
	BY__EACH_MEMBER(s, m)
		if (m->stage == BY__STAGE_WAITING && m->generation == s->generation && !has_predecessor(s, m))
			by__member_serve(s, m);
}

void by__pools_settle(by__supervisor *s)
{
	by__pools_let_follow(s, false);
	if (!s->turning)
		serve_heirs(s);
	for (uint32_t i = 0; i < s->pool_count; i++) {
		settle_backoff(s, &s->pools[i]);
		start_missing(s, &s->pools[i]);
		if (!s->turning)
			hear_workers(s, &s->pools[i]);
	}
}
