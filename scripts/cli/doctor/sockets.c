/* doctor: the sockets that web servers connect to, and every directory on the way to them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "scripts/cli/doctor/doctor.h"
#include "scripts/cli/fastcgi_client.h"

enum { GROUPS = 64, TMPFS = 0x01021994 };

/* ---- who can open a path --------------------------------------------------------------- */

typedef struct person {
	const char *name;
	uid_t       user;
	gid_t       groups[GROUPS];
	int         group_count;
} person;

static bool person_named(const char *name, person *p)
{
	const struct passwd *entry = getpwnam(name); /* cppcheck-suppress getpwnamCalled ; a command has one thread */

	if (!entry)
		return false;
	*p = (person){ .name = name, .user = entry->pw_uid, .group_count = GROUPS };
	if (getgrouplist(name, entry->pw_gid, p->groups, &p->group_count) < 0)
		p->group_count = GROUPS;
	return true;
}

static bool in_group(const person *p, gid_t group)
{
	for (int i = 0; i < p->group_count; i++)
		if (p->groups[i] == group)
			return true;
	return false;
}

/* The permission bits of the class that the person belongs to (POSIX: the first class that fits is the only one). */
static bool may(const person *p, const struct stat *about, mode_t bits)
{
	if (p->user == 0)
		return true;
	if (p->user == about->st_uid)
		return (about->st_mode >> 6 & bits) == bits;
	if (in_group(p, about->st_gid))
		return (about->st_mode >> 3 & bits) == bits;
	return (about->st_mode & bits) == bits;
}

/* The first directory on the way that stops the person, in the arena; NULL: none does. */
static const char *stopped_at(by_arena *arena, const person *p, const char *path)
{
	char *way = by_copy(arena, path);
	struct stat about;

	for (char *slash = strchr(way + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (stat(way, &about) == 0 && !may(p, &about, S_IXOTH))
			return way;
		*slash = '/';
	}
	return NULL;
}

static bool can_connect(by__findings *f, by__grade grade, const person *p, const char *path, const struct stat *about)
{
	const char *stop = stopped_at(f->arena, p, path);

	if (stop)
		by__found(f, grade, "socket_access", by_format(f->arena, "chmod o+x %s", stop),
		    "user %s cannot pass through %s to the socket", p->name, stop);
	else if (!may(p, about, S_IROTH | S_IWOTH))
		by__found(f, grade, "socket_access", by_format(f->arena, "LISTEN_OWNER=:%s", p->name),
		    "user %s may not connect to %s", p->name, path);
	else
		return true;
	return false;
}

/* Who is listed must be able to; when nobody is, a web server that is installed here perhaps should. */
static void check_users(by__findings *f, const by__app_settings *s, const char *path, const struct stat *about)
{
	static const char *const servers[] = { "www-data", "nginx", "apache", "lighttpd", "http", "wwwrun" };
	bool listed = s->listen_allow.count > 0;
	size_t count = listed ? s->listen_allow.count : BY_COUNT(servers);
	person p;

	for (size_t i = 0; i < count; i++) {
		const char *name = listed ? s->listen_allow.items[i] : servers[i];

		if (!person_named(name, &p)) {
			if (listed && strspn(name, "0123456789") != strlen(name))
				by__found(f, by__grade_fail, "listen_allow", "LISTEN_ALLOW", "LISTEN_ALLOW names %s, and there is no such user", name);
			continue;
		}
		if (can_connect(f, listed ? by__grade_fail : by__grade_warn, &p, path, about))
			by__found(f, by__grade_ok, "socket_access", NULL, "user %s can connect to %s", name, path);
	}
}

/* ---- a socket ------------------------------------------------------------------------------- */

static const char *listener_of(by_arena *arena, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
		return "";
	return by_format(arena, " (process %d, user %d)", (int)peer.pid, (int)peer.uid);
}

static void check_listener(by__findings *f, const char *name, const char *address, const char *start)
{
	int fd = by__fastcgi_connect(f->arena, address);

	if (fd >= 0) {
		by__found(f, by__grade_ok, name, NULL, "something listens at %s%s", address, listener_of(f->arena, fd));
		close(fd);
	} else {
		by__found(f, by__grade_warn, name, start, "nothing listens at %s: %s", address, strerror(errno));
	}
}

static void check_unix(by__findings *f, const by__app_settings *s, const char *name, const char *path)
{
	char *whole = realpath(path, NULL);
	struct stat about;

	if (!whole || stat(whole, &about) != 0) {
		free(whole);
		return; /* that nothing listens has been said */
	}
	if (!S_ISSOCK(about.st_mode)) {
		by__found(f, by__grade_fail, name, by_format(f->arena, "rm %s", path), "%s is there and is no socket", path);
	} else {
		by__found(f, about.st_mode & S_IWOTH ? by__grade_warn : by__grade_ok, "socket_mode",
		    about.st_mode & S_IWOTH ? "LISTEN_MODE=0660 and LISTEN_OWNER=:www-data" : NULL,
		    "%s has mode %04o, user %d and group %d%s", path, (unsigned)(about.st_mode & 07777), (int)about.st_uid,
		    (int)about.st_gid, about.st_mode & S_IWOTH ? ": every user of this machine can connect" : "");
		check_users(f, s, whole, &about);
	}
	free(whole);
}

/* ---- the runtime directory -------------------------------------------------------------------- */

static void check_runtime(by__findings *f, const by_app *app, const char *directory)
{
	const char *better = by_format(f->arena, "RUNTIME_DIR=/run/%s   (systemd: RuntimeDirectory=%s)", app->name, app->name);
	struct statfs about;

	if (access(directory, F_OK) != 0) {
		by__found(f, by__grade_warn, "runtime_dir", by_format(f->arena, "%s serve   (makes it)", app->name),
		    "RUNTIME_DIR %s is not there yet", directory);
		return;
	}
	if (access(directory, W_OK | X_OK) != 0)
		by__found(f, by__grade_fail, "runtime_dir", by_format(f->arena, "run as the user of %s, or as root", directory),
		    "RUNTIME_DIR %s cannot be written to: %s", directory, strerror(errno));
	else if (statfs(directory, &about) == 0 && about.f_type != TMPFS)
		by__found(f, by__grade_warn, "runtime_dir", better,
		    "RUNTIME_DIR %s is on a disk, to which the kernel writes the shared memory again and again", directory);
	else
		by__found(f, by__grade_ok, "runtime_dir", NULL, "RUNTIME_DIR %s can be written to and is in memory", directory);
}

static void check_pools(by__cli *cli, by__findings *f, const by__application *application, const char *start)
{
	by__pool_settings *pools;
	size_t count;
	by_error *error = by__settings_pools(cli->arena, cli->app, &cli->from, &application->settings, application->origins,
	    &pools, &count);

	if (error) {
		by__found(f, by__grade_fail, "pools", by_format(f->arena, "%s config check", cli->app->name),
		    "the settings of the pools are not sound: %s", error->detail);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *address = pools[i].settings.listen;

		check_listener(f, "socket", address, start);
		if (strncmp(address, "unix:", 5) == 0)
			check_unix(f, &pools[i].settings, "socket", address + 5);
	}
}

void by__doctor_sockets(by__cli *cli, by__findings *f, const by__application *application)
{
	const by__app_settings *s = &application->settings;
	const char *status = by__cli_status_address(cli->arena, cli->app, s);
	const char *start = by_format(cli->arena, "%s serve", cli->app->name);

	check_runtime(f, cli->app, s->runtime_dir);
	check_pools(cli, f, application, start);
	if (status && strncmp(status, "unix:", 5) == 0 && access(status + 5, F_OK) == 0)
		check_listener(f, "status_socket", status, start);
}
