/* Finding the running application by its shared region, and making sure that it is ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <banyan/buf.h>

#include "core/settings_sources.h"
#include "scripts/cli/running.h"

enum { LINE = 4096 + 256, EXIT_NOT_RUNNING = 1, EXIT_UNREADABLE = 3 };

/* ---- where ---------------------------------------------------------------------------- */

static const char *strongest(const by__setting_entries *entries, const char *name, const char *otherwise)
{
	for (int source = BY__SETTING_ARGUMENT; source < BY__SETTING_DEFAULT; source++) {
		const by__setting_entry *entry = by__settings_find(entries, (by__setting_source)source, name);

		if (entry && entry->value.len > 0)
			return by_copy_text(entries->arena, entry->value);
	}
	return otherwise;
}

/* The two settings alone, when all of them together are not sound. */
static void place_leniently(by__cli *cli, by__place *place, const char **directory)
{
	const by_settings_sources sources = {
		.arguments = cli->from.arguments,
		.environment = (const char *const *)environ,
		.directory = ".",
		.file = cli->from.file,
	};
	by__setting_entries entries = { .arena = cli->arena };
	by_buf faults;

	by_buf_init(&faults, cli->arena, 0);
	entries.faults = &faults;
	by__settings_collect(&entries, &sources, by__app_env_enum.values[by__app_env_dev]);
	*directory = strongest(&entries, "RUNTIME_DIR", "run");
	place->pid_file = strongest(&entries, "PID_FILE", NULL);
}

void by__running_place(by__cli *cli, by__place *place)
{
	by__app_settings *settings = BY_NEW(cli->arena, by__app_settings);
	by_settings *origins;
	const char *directory;
	by_error *error = by__settings_read(cli->arena, cli->app, &cli->from, settings, &origins);

	*place = (by__place){ 0 };
	if (error) {
		place_leniently(cli, place, &directory);
	} else {
		place->settings = settings;
		place->pid_file = settings->pid_file;
		directory = settings->runtime_dir;
	}
	place->region = by_format(cli->arena, "%s/%s.shared", directory, cli->app->name);
}

/* ---- whether a process is ours ----------------------------------------------------------- */

/* A line of /proc/PID/maps: whether it is of this file. Some file systems tell another device there, but the same path. */
static bool maps_line_is(const char *line, const by__running *running, const char *path)
{
	unsigned long inode;
	unsigned int major_number, minor_number;
	int at = 0;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
	if (sscanf(line, "%*s %*s %*s %x:%x %lu %n", &major_number, &minor_number, &inode, &at) != 3
	    || inode != (unsigned long)running->inode)
		return false;
	return makedev(major_number, minor_number) == running->device || (at > 0 && path && strcmp(line + at, path) == 0);
}

typedef enum verdict { NO, YES, HIDDEN } verdict;

/* Only who maps the region can be its supervisor, whatever process has got the number since. */
static verdict maps_region(pid_t pid, const by__running *running, const char *region)
{
	char name[64], line[LINE], *path = realpath(region, NULL);
	verdict found = NO;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(name, "re");

	if (!maps)
		found = errno == EACCES || errno == EPERM ? HIDDEN : NO;
	while (maps && found == NO && fgets(line, sizeof(line), maps)) {
		line[strcspn(line, "\n")] = 0;
		if (maps_line_is(line, running, path))
			found = YES;
	}
	if (maps)
		(void)fclose(maps);
	free(path);
	return found;
}

/* What other users may know of a process: its words. */
static bool serves(pid_t pid)
{
	char name[64], words[LINE];
	size_t len = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/cmdline", (int)pid);
	FILE *file = fopen(name, "re");

	if (!file)
		return false;
	len = fread(words, 1, sizeof(words) - 1, file);
	(void)fclose(file);
	words[len] = 0;
	for (size_t at = 0; at < len; at += strlen(words + at) + 1)
		if (strcmp(words + at, "serve") == 0)
			return true;
	return false;
}

static bool is_supervisor(pid_t pid, const by__running *running, const char *region)
{
	verdict found;

	if (pid <= 0 || by__process_started(pid) == 0)
		return false;
	found = running->region ? maps_region(pid, running, region) : HIDDEN;
	return found == YES || (found == HIDDEN && serves(pid));
}

uint64_t by__process_started(pid_t pid)
{
	char name[64], line[1024];
	unsigned long long started = 0;
	char state = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(name, "re");

	if (!file)
		return 0;
	size_t len = fread(line, 1, sizeof(line) - 1, file);

	(void)fclose(file);
	line[len] = 0;
	/* The program's name, in parentheses, may hold anything; behind it stand state and then numbers, the 22nd is it. */
	const char *behind = strrchr(line, ')');

	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
	if (!behind || sscanf(behind + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	        &state, &started) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : started;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* A worker without a supervisor holds a lock on its slot's byte for as long as it lives. */
static bool any_slot_is_held(const char *path, uint32_t slots)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = (off_t)slots };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return held;
}

static pid_t pid_in_file(const char *path)
{
	char text[32] = "";
	FILE *file = path ? fopen(path, "re") : NULL;

	if (!file)
		return 0;
	size_t len = fread(text, 1, sizeof(text) - 1, file);

	(void)fclose(file);
	text[len] = 0;
	return (pid_t)strtol(text, NULL, 10);
}

static by__running_state state_of(const by__place *place, by__running *running)
{
	const by__shared *region = running->region;
	const pid_t pids[] = { region ? (pid_t)atomic_load(&region->supervisor) : 0, pid_in_file(place->pid_file) };

	for (size_t i = 0; i < BY_COUNT(pids); i++)
		if (is_supervisor(pids[i], running, place->region)) {
			running->supervisor = pids[i];
			return BY__RUNNING;
		}
	if (region && any_slot_is_held(place->region, region->slots))
		return BY__RUNNING_ALONE;
	return BY__RUNNING_NOT;
}

void by__running_look(const by__place *place, by__running *running)
{
	struct stat about;
	bool there = stat(place->region, &about) == 0;
	bool forbidden = !there && errno == EACCES;

	running->supervisor = 0;
	if (!there)
		running->region = NULL;
	else if (!running->region || running->inode != about.st_ino || running->device != about.st_dev)
		running->region = by__shared_look(place->region);
	running->inode = there ? about.st_ino : 0;
	running->device = there ? about.st_dev : 0;
	running->state = state_of(place, running);
	if (running->state == BY__RUNNING_NOT && !running->region && (there || forbidden))
		running->state = BY__RUNNING_UNKNOWN;
}

int by__running_missing(const by__cli *cli, const by__place *place, const by__running *running)
{
	if (running->state == BY__RUNNING_UNKNOWN) {
		if (access(place->region, R_OK) != 0)
			by__cli_say(cli, "%s cannot be read: %s", place->region, strerror(errno));
		else
			by__cli_say(cli, "%s is of another version of Banyan", place->region);
		return EXIT_UNREADABLE;
	}
	by__cli_say(cli, running->region ? "it does not run: %s was left by one that has ended" : "it does not run: there is no %s",
	    place->region);
	return EXIT_NOT_RUNNING;
}
