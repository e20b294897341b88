/* Makes the listening socket: stale paths, modes and owners of unix sockets, names and ports of TCP ones. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/directory.h"
#include "fcgi/listener.h"

static by_error *cannot(by_arena *arena, const char *address, const char *why)
{
	return by_error_new(arena, UNAVAILABLE, "Cannot listen at %s: %s.", address, why);
}

/* ---- unix sockets ------------------------------------------------------------------ */

static bool answers(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* EAGAIN: alive, its queue is full. */
	bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return alive;
}

static by_error *clear_path(by_arena *arena, const struct sockaddr_un *address)
{
	struct stat about;

	if (lstat(address->sun_path, &about) != 0)
		return BY_OK;
	if (!S_ISSOCK(about.st_mode))
		return cannot(arena, address->sun_path, "something that is not a socket stands there");
	if (answers(address))
		return cannot(arena, address->sun_path, "another process listens there");
	if (unlink(address->sun_path) != 0)
		return cannot(arena, address->sun_path, strerror(errno));
	return BY_OK;
}

static by_error *owner_ids(by_arena *arena, const char *owner, uid_t *user, gid_t *group)
{
	char *name = by_copy(arena, owner);
	char *colon = strchr(name, ':');

	*user = (uid_t)-1;
	*group = (gid_t)-1;
	if (colon)
		*colon = 0;
	if (*name) {
		const struct passwd *entry = getpwnam(name); /* cppcheck-suppress getpwnamCalled ; before any thread */

		if (!entry)
			return by_error_new(arena, CONFIGURATION, "LISTEN_OWNER: there is no user of that name");
		*user = entry->pw_uid;
	}
	if (colon && colon[1]) {
		const struct group *entry = getgrnam(colon + 1); /* cppcheck-suppress getgrnamCalled ; before any thread */

		if (!entry)
			return by_error_new(arena, CONFIGURATION, "LISTEN_OWNER: there is no group of that name");
		*group = entry->gr_gid;
	}
	return BY_OK;
}

static by_error *unix_socket(by_arena *arena, const char *path, const by__listener_options *options, int fd)
{
	const char *owner = options->owner;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uid_t user;
	gid_t group;

	if (strlen(path) >= sizeof(address.sun_path))
		return cannot(arena, path, "the path is too long for a unix socket");
	memcpy(address.sun_path, path, strlen(path) + 1);
	BY_TRY(by__directory_of(arena, path, BY__SOCKET_DIRECTORY));
	BY_TRY(clear_path(arena, &address));
	/* Nobody gets in between bind and chmod. */
	mode_t before = umask(0177);
	int bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	int code = errno;

	(void)umask(before);
	if (bound != 0)
		return cannot(arena, path, strerror(code));
	if (owner && *owner) {
		BY_TRY(owner_ids(arena, owner, &user, &group));
		if (chown(path, user, group) != 0)
			return cannot(arena, path, "LISTEN_OWNER may not be given the socket by this user");
	}
	return chmod(path, options->mode) == 0 ? BY_OK : cannot(arena, path, strerror(errno));
}

/* ---- TCP ------------------------------------------------------------------------------ */

static by_error *resolve(by_arena *arena, const char *address, struct addrinfo **found)
{
	char *host = by_copy(arena, address);
	char *colon = strrchr(host, ':');
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };

	*colon = 0;
	if (*host == '[' && colon[-1] == ']') {
		colon[-1] = 0;
		host++;
	}
	int code = getaddrinfo(*host && strcmp(host, "*") != 0 ? host : NULL, colon + 1, &wanted, found);

	return code == 0 ? BY_OK : cannot(arena, address, gai_strerror(code));
}

static by_error *tcp_socket(by_arena *arena, const char *address, int *fd)
{
	struct addrinfo *found;

	BY_TRY(resolve(arena, address, &found));
	*fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool bound = *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) == 0
	    && bind(*fd, found->ai_addr, found->ai_addrlen) == 0;
	int code = errno;

	freeaddrinfo(found);
	return bound ? BY_OK : cannot(arena, address, strerror(code));
}

/* ---- both --------------------------------------------------------------------------------- */

static by_error *open_at(by_arena *arena, const by__listener_options *options, by__listener *listener)
{
	const char *address = options->address;

	if (strncmp(address, "unix:", 5) == 0) {
		listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (listener->fd < 0)
			return cannot(arena, address, strerror(errno));
		BY_TRY(unix_socket(arena, address + 5, options, listener->fd));
		listener->path = by_copy(arena, address + 5);
	} else {
		listener->tcp = true;
		BY_TRY(tcp_socket(arena, address, &listener->fd));
	}
	return listen(listener->fd, options->backlog) == 0 ? BY_OK : cannot(arena, address, strerror(errno));
}

by_error *by__listener_open(by_arena *arena, const by__listener_options *options, by__listener *listener)
{
	*listener = (by__listener){ .fd = -1 };
	by_error *error = open_at(arena, options, listener);

	if (error)
		by__listener_close(listener);
	return error;
}

by_error *by__listener_adopt(by_arena *arena, int fd, by__listener *listener)
{
	int domain = AF_UNIX;
	socklen_t len = sizeof(domain);
	int flags = fcntl(fd, F_GETFL);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || flags < 0
	    || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return cannot(arena, "the passed socket", strerror(errno));
	*listener = (by__listener){ .fd = fd, .tcp = domain != AF_UNIX, .passed = true };
	return BY_OK;
}

void by__listener_close(by__listener *listener)
{
	if (listener->path)
		(void)unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (by__listener){ .fd = -1 };
}
