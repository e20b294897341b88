/* doctor: what the kernel and the disks allow, against what the settings ask for; and the processes that run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "interface/status.h"
#include "scripts/cli/doctor/doctor.h"
#include "scripts/cli/running.h"

/* Descriptors that a worker has beside those of its requests. */
enum { OTHER_FILES = 64, LINE = 256 };
#define MIB (UINT64_C(1024) * 1024)

/* ---- descriptors and queues -------------------------------------------------------------- */

/* The limit of the running supervisor, which its workers inherit; else of this process. */
static rlim_t files_of(pid_t pid)
{
	static const char name[] = "Max open files";
	struct rlimit own = { 0 };
	char path[64], line[LINE];
	unsigned long long soft = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	FILE *file = pid > 0 ? fopen(path, "re") : NULL;

	while (file && soft == 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, name, sizeof(name) - 1) == 0)
			soft = strtoull(line + sizeof(name) - 1, NULL, 10);
	if (file)
		(void)fclose(file);
	if (soft > 0)
		return (rlim_t)soft;
	(void)getrlimit(RLIMIT_NOFILE, &own);
	return own.rlim_cur;
}

static void check_files(by__findings *f, const by__app_settings *s, pid_t pid)
{
	rlim_t needed = (rlim_t)(s->requests_max + s->queue_max + s->database.pool_max + s->database.pipelines) + OTHER_FILES;
	rlim_t limit = files_of(pid);

	if (limit >= needed)
		by__found(f, by__grade_ok, "open_files", NULL, "a worker may open enough files");
	else
		by__found(f, by__grade_warn, "open_files",
		    by_format(f->arena, "LimitNOFILE=%" PRIu64 "   (systemd; in a shell: ulimit -n)", (uint64_t)needed * 2),
		    "a worker may open %" PRIu64 " files, and REQUESTS_MAX with QUEUE_MAX may need %" PRIu64, (uint64_t)limit,
		    (uint64_t)needed);
}

static void check_backlog(by__findings *f, const by__app_settings *s)
{
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	char line[LINE] = "";
	long most = file && fgets(line, sizeof(line), file) ? strtol(line, NULL, 10) : 0;

	if (file)
		(void)fclose(file);
	if (most == 0)
		return;
	if (most >= s->listen_backlog)
		by__found(f, by__grade_ok, "backlog", NULL, "the kernel lets %lld connections wait", (long long)s->listen_backlog);
	else
		by__found(f, by__grade_warn, "backlog",
		    by_format(f->arena, "sysctl -w net.core.somaxconn=%lld", (long long)s->listen_backlog),
		    "the kernel lets only %ld of LISTEN_BACKLOG's %lld connections wait", most, (long long)s->listen_backlog);
}

/* ---- disks and the clock -------------------------------------------------------------------- */

static void check_space(by__findings *f, const char *setting, const char *path)
{
	struct statvfs about;
	const char *mend = by_format(f->arena, "space at %s", path);

	if (statvfs(path, &about) != 0)
		return;
	uint64_t free_bytes = (uint64_t)about.f_bavail * about.f_frsize, whole = (uint64_t)about.f_blocks * about.f_frsize;
	uint64_t percent = whole > 0 ? free_bytes * 100 / whole : 100;

	if (free_bytes < 32 * MIB)
		by__found(f, by__grade_fail, "disk_space", mend, "%s: only %" PRIu64 " MiB are free", setting, free_bytes / MIB);
	else if (free_bytes < 512 * MIB || percent < 5)
		by__found(f, by__grade_warn, "disk_space", mend, "%s: %" PRIu64 " MiB are free, %" PRIu64 " %%", setting,
		    free_bytes / MIB, percent);
	else
		by__found(f, by__grade_ok, "disk_space", NULL, "%s: %" PRIu64 " MiB are free", setting, free_bytes / MIB);
}

static const char *directory_of(by_arena *arena, const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? by_copy_text(arena, (by_text){ file, (size_t)(slash - file) + (slash == file) }) : ".";
}

static void check_log(by__findings *f, const char *file)
{
	const char *directory = directory_of(f->arena, file);
	bool good = access(file, F_OK) == 0 ? access(file, W_OK) == 0 : access(directory, W_OK | X_OK) == 0;

	if (!good)
		by__found(f, by__grade_fail, "log_file", by_format(f->arena, "a directory that can be written to, for %s", file),
		    "LOG_FILE %s cannot be written to", file);
	check_space(f, "LOG_FILE", directory);
}

static void check_clock(by__findings *f)
{
	struct timex about = { 0 };

	if (adjtimex(&about) < 0)
		return;
	if (about.status & STA_UNSYNC)
		by__found(f, by__grade_warn, "clock", "timedatectl set-ntp true",
		    "nothing keeps this machine's clock right; tokens are judged by it");
	else
		by__found(f, by__grade_ok, "clock", NULL, "this machine's clock is kept right");
}

void by__doctor_limits(by__cli *cli, by__findings *f, const by__application *application)
{
	const by__app_settings *s = &application->settings;
	by__running running = { 0 };
	by__place place;

	by__running_place(cli, &place);
	by__running_look(&place, &running);
	check_files(f, s, running.supervisor);
	check_backlog(f, s);
	check_space(f, "DATA_DIR", s->data_dir);
	if (s->log_file && *s->log_file)
		check_log(f, s->log_file);
	check_clock(f);
}

/* ---- what runs --------------------------------------------------------------------------------- */

static void check_version(by__cli *cli, by__findings *f, const by__status *status)
{
	const char *own = cli->app->version ? cli->app->version : "";

	if (strcmp(own, status->version) == 0)
		by__found(f, by__grade_ok, "running", NULL, "%s %s runs", status->application, status->version);
	else
		by__found(f, by__grade_warn, "running", by_format(f->arena, "%s upgrade", cli->app->name),
		    "version %s runs, and this is %s", status->version, own);
}

static void check_pools(by__findings *f, const by__status *status)
{
	for (size_t i = 0; i < status->pools.count; i++) {
		const by__status_pool *pool = &status->pools.items[i];

		if (pool->backoff_ms > 0)
			by__found(f, by__grade_fail, "pool", "the log, which says why they end",
			    "the workers of pool %s end as soon as they start", pool->name);
		else if (pool->running == 0 && strcmp(pool->scaling, "on_demand") != 0)
			by__found(f, by__grade_fail, "pool", "the log", "no worker of pool %s takes requests", pool->name);
	}
	for (size_t i = 0; i < status->poisoned.count; i++)
		by__found(f, by__grade_warn, "poisoned", "the log, which has the crashes' stacks",
		    "%s crashed its workers, and is refused", status->poisoned.items[i].route);
	if (status->reload->reason)
		by__found(f, by__grade_warn, "reload", "the settings, then reload again", "the last reload was refused: %s",
		    status->reload->reason);
}

static void check_workers(by__findings *f, const by__status *status, const by__app_settings *s)
{
	int64_t limit = s->stall_report.us > 0 ? s->stall_report.us / 1000 : 1000;

	for (size_t i = 0; i < status->workers.count; i++) {
		const by__status_worker *worker = &status->workers.items[i];

		if (worker->heartbeat_age_ms && *worker->heartbeat_age_ms > limit)
			by__found(f, by__grade_warn, "heartbeat", "by_offload around what computes or blocks",
			    "worker %lld has been stuck for %lld ms, last in %s %s", (long long)worker->pid,
			    (long long)*worker->heartbeat_age_ms, worker->method ? worker->method : "",
			    worker->route ? worker->route : "no request");
	}
}

void by__doctor_running(by__cli *cli, by__findings *f, const by__application *application)
{
	by__running running = { 0 };
	by__place place;
	by__status status;

	by__running_place(cli, &place);
	by__running_look(&place, &running);
	if (running.state == BY__RUNNING_UNKNOWN) {
		by__found(f, by__grade_warn, "running", by_format(f->arena, "run as the user of %s, or as root", place.region),
		    "%s cannot be read, or is of another version", place.region);
		return;
	}
	if (running.state == BY__RUNNING_NOT || !running.region) {
		by__found(f, by__grade_warn, "running", by_format(f->arena, "%s serve", cli->app->name), "it does not run here");
		return;
	}
	by__status_read(cli->arena, running.region, &status);
	check_version(cli, f, &status);
	check_pools(f, &status);
	check_workers(f, &status, &application->settings);
}
