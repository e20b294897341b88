/*
 * The change of generations. The trial is a child with the same words and an
 * environment that says so; its standard error is read, so that the reason of
 * a refusal can be told. The exec keeps process, children and descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BY_LOG_NAME "supervisor"
#include <banyan/log.h>

#include "fcgi/directory.h"
#include "fcgi/launch.h"
#include "fcgi/peer.h"
#include "fcgi/prepare.h"
#include "fcgi/program.h"
#include "fcgi/supervisor/generation.h"
#include "fcgi/supervisor/inheritance.h"
#include "fcgi/supervisor/members.h"
#include "fcgi/supervisor/notify.h"
#include "fcgi/supervisor/pools.h"
#include "fcgi/supervisor/signals.h"

#define TRIAL "BANYAN_TRIAL"         /* this process only tries */
#define LISTENING "BANYAN_LISTENING" /* addresses of the one that serves, a line each */

/* ---- in the trial ------------------------------------------------------------------------- */

bool by__generation_is_trial(void)
{
	return getenv(TRIAL) != NULL;
}

/* Whether the address is one of those that the serving process has. */
static bool is_listened_at(const char *address)
{
	const char *at = getenv(LISTENING);
	size_t len = strlen(address);

	for (; at && *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n") == len && strncmp(at, address, len) == 0)
			return true;
	return false;
}

static by_error *try_addresses(by__supervisor *s)
{
	for (uint32_t i = 0; i < s->pool_count; i++) {
		by__pool *pool = &s->pools[i];

		if (is_listened_at(by__pool_settings_of(pool)->listen))
			continue;
		BY_TRY(by__pool_open(s, pool));
		by__listener_close(&pool->listener);
	}
	return BY_OK;
}

/* In a child, since pools may have different users and environments. */
static int try_pool(by__supervisor *s, by__pool *pool)
{
	pid_t pid = by__fork_clean();
	int status = 0;

	if (pid == 0) {
		bool like = by__member_become(s, pool);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(like ? by__prepare(pool->application, true) : BY__EXIT_CONFIGURATION);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Without being opened for good: what the trial says is to be read by the one that serves. */
static by_error *try_log(const by__supervisor *s)
{
	const char *path = s->application->settings.log_file;
	int fd = path && *path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640) : -1;

	if (fd < 0 && path && *path)
		return by_error_new(s->arena, UNAVAILABLE, "LOG_FILE: %s cannot be opened: %s.", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return BY_OK;
}

static by_error *try_files(by__supervisor *s)
{
	BY_TRY(by__directory_make(s->arena, s->application->settings.runtime_dir, BY__SOCKET_DIRECTORY));
	BY_TRY(try_log(s));
	return try_addresses(s);
}

int by__generation_try(by__supervisor *s)
{
	by_error *error = try_files(s);
	int code = error ? by__application_failed(s->application->app, error) : 0;

	for (uint32_t i = 0; code == 0 && i < s->pool_count; i++)
		if (!s->pools[i].builtin)
			code = try_pool(s, &s->pools[i]);
	by_log_flush();
	return code;
}

/* ---- starting it ----------------------------------------------------------------------------- */

static void keep_reason(by__supervisor *s, const char *text)
{
	(void)snprintf(s->shared->reload_reason, sizeof(s->shared->reload_reason), "%s", text);
}

static void refuse(by__supervisor *s, const char *reason)
{
	const char *what = s->trial.upgrade ? "upgrade refused; the running generation serves on"
	                                    : "reload refused; the running generation serves on";

	by_err(NULL, what, BY_F("reason", reason));
	keep_reason(s, reason);
	atomic_store(&s->shared->reload_state, BY__RELOAD_REFUSED);
	by__notify("READY=1\nSTATUS=The last reload was refused; see the log.");
}

static void tell_addresses(const by__supervisor *s)
{
	by_buf out;

	by_buf_init(&out, s->arena, 0);
	for (uint32_t i = 0; i < s->pool_count; i++)
		if (s->pools[i].listener.fd >= 0)
			by_put_format(&out, "%s\n", by__pool_settings_of(&s->pools[i])->listen);
	for (uint32_t i = 0; i < s->orphan_count; i++)
		by_put_format(&out, "%s\n", s->orphans[i].address);
	(void)setenv(LISTENING, by_buf_string(&out), 1);
}

static _Noreturn void be_trial(const by__supervisor *s, const char *path, int output)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	by__signals_give_back(s, false);
	by__notify_forget();
	(void)setenv(TRIAL, "1", 1);
	tell_addresses(s);
	/* From here on its words are the reason of a refusal. */
	(void)dup2(output, STDERR_FILENO);
	(void)dup2(output, STDOUT_FILENO);
	execv(path, by__program_words());
	(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static uint64_t start_time(const by__supervisor *s)
{
	return (uint64_t)s->application->settings.start_timeout.us * 1000;
}

void by__generation_begin(by__supervisor *s, bool upgrade)
{
	by__trial *trial = &s->trial;
	int pipes[2];

	trial->upgrade = upgrade;
	trial->len = 0;
	atomic_store(&s->shared->reload_state, BY__RELOAD_RUNNING);
	atomic_fetch_add(&s->shared->reloads, 1);
	by_info(NULL, upgrade ? "upgrading" : "reloading", BY_F("program", upgrade ? by__program_path() : "the running one"));
	by__notify_reloading();
	if (pipe2(pipes, O_CLOEXEC) != 0) {
		refuse(s, strerror(errno));
		return;
	}
	pid_t pid = by__fork_clean();

	if (pid == 0)
		be_trial(s, upgrade ? by__program_path() : BY__PROGRAM_SELF, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		refuse(s, strerror(errno));
		return;
	}
	(void)fcntl(pipes[0], F_SETFL, O_NONBLOCK);
	trial->pid = pid;
	trial->output = pipes[0];
	trial->until = by_clock() + start_time(s);
}

/* ---- following it ------------------------------------------------------------------------------ */

/* As much as there is; beyond what is kept it is read and dropped, so that the trial is not held up. */
static void hear(by__trial *trial)
{
	char rest[512] = "";

	for (;;) {
		size_t room = sizeof(trial->text) - 1 - trial->len;
		ssize_t got = read(trial->output, room ? trial->text + trial->len : rest, room ? room : sizeof(rest));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (room)
			trial->len += (size_t)got;
	}
	trial->text[trial->len] = 0;
}

void by__generation_follow(by__supervisor *s)
{
	by__trial *trial = &s->trial;

	if (trial->pid == 0)
		return;
	hear(trial);
	if (by_clock() < trial->until)
		return;
	by_err(NULL, "the trial of the new generation takes longer than START_TIMEOUT");
	trial->until = UINT64_MAX;
	(void)kill(trial->pid, SIGKILL);
}

void by__generation_drop(by__supervisor *s)
{
	if (s->trial.pid > 0)
		(void)kill(s->trial.pid, SIGKILL);
}

/* Becomes the new generation; returns only when that cannot be. */
static void become(by__supervisor *s)
{
	const char *path = s->trial.upgrade ? by__program_path() : BY__PROGRAM_SELF;

	/* Those that would wait in between count as not begun. */
	by__pools_let_follow(s, true);
	int fd = by__inheritance_write(s);
	char digits[16];

	if (fd < 0) {
		refuse(s, "What is running could not be written down.");
		return;
	}
	(void)snprintf(digits, sizeof(digits), "%d", fd);
	(void)setenv(BY__INHERITANCE, digits, 1);
	by_log_flush();
	by__signals_pass_on();
	execv(path, by__program_words());
	const char *reason = strerror(errno);

	(void)unsetenv(BY__INHERITANCE);
	by__inheritance_undo(s, fd);
	refuse(s, reason);
}

/* All that it said, without the last line ends. */
static const char *reason_of(by__trial *trial)
{
	char *end = trial->text + trial->len;

	while (end > trial->text && end[-1] == '\n')
		*--end = 0;
	return *trial->text ? trial->text : "The new generation said nothing.";
}

void by__generation_tried(by__supervisor *s, int status)
{
	by__trial *trial = &s->trial;

	trial->pid = 0;
	hear(trial);
	close(trial->output);
	if (s->stopping)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		become(s);
	else
		refuse(s, reason_of(trial));
}

/* ---- the turn ------------------------------------------------------------------------------------- */

static const by__pool *pool_named(const by__supervisor *s, const char *name)
{
	for (uint32_t i = 0; i < s->pool_count; i++)
		if (strcmp(s->pools[i].name, name) == 0)
			return &s->pools[i];
	return NULL;
}

/* What waited at an address that the new settings no longer have goes to the pool's workers, if there is that pool. */
static void empty_orphan(const by__supervisor *s, const by__orphan *orphan)
{
	const by__pool *pool = pool_named(s, orphan->name);
	int fd;

	while ((fd = accept4(orphan->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		bool given = pool && orphan->listener.tcp == pool->listener.tcp && by__channel_give(&pool->channel, fd);

		if (!given)
			by_warn(NULL, "a connection to a former address is dropped");
		close(fd);
	}
}

static void end_orphans(by__supervisor *s)
{
	for (uint32_t i = 0; i < s->orphan_count; i++) {
		empty_orphan(s, &s->orphans[i]);
		by__listener_close(&s->orphans[i].listener);
	}
	s->orphan_count = 0;
}

/* Of a pool that is no more, nobody takes over what its workers have. */
static void end_older(by__supervisor *s, by__member *member)
{
	if (member->pool == BY__NO_SLOT)
		by__member_stop(s, member);
	else
		by__member_leave(s, member);
}

static void turn(by__supervisor *s)
{
	s->turning = false;
	BY__EACH_MEMBER(s, m)
		if (m->generation == s->generation && m->stage == BY__STAGE_WAITING)
			by__member_serve(s, m);
	BY__EACH_MEMBER(s, m)
		if (m->generation != s->generation && m->stage != BY__STAGE_LEAVING)
			end_older(s, m);
	end_orphans(s);
	atomic_store(&s->shared->generation, s->generation);
	atomic_store(&s->shared->reload_state, BY__RELOAD_DONE);
	by_info(NULL, "the new generation serves", BY_F("generation", s->generation));
	by__notify("READY=1\nSTATUS=Serving.");
}

void by__generation_turn(by__supervisor *s)
{
	if (!s->turning)
		return;
	if (by__pools_are(s, BY__WORKER_PREPARED)) {
		turn(s);
		return;
	}
	if (by_clock() < s->turn_by)
		return;
	s->turn_by = UINT64_MAX;
	by_err(NULL, "the new workers are not ready within START_TIMEOUT; the older ones serve on, and it goes on trying");
	keep_reason(s, "The new workers are not ready within START_TIMEOUT; the log says why.");
	atomic_store(&s->shared->reload_state, BY__RELOAD_REFUSED);
	by__notify("READY=1\nSTATUS=The new workers do not start; the older ones serve on.");
}
