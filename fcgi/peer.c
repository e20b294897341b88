/* Judges the other end of a connection by its user (unix sockets) or its address (TCP). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/network.h"
#include "core/number.h"
#include "fcgi/peer.h"

struct by__peers {
	const by__networks *networks; /* NULL: users */
	size_t count;
	uid_t  users[];
};

static bool user_parse(const char *text, uid_t *user)
{
	int64_t number;

	if (by__int_parse((by_text){ text, strlen(text) }, &number) && number >= 0 && number < UINT32_MAX) {
		*user = (uid_t)number;
		return true;
	}
	const struct passwd *entry = getpwnam(text); /* cppcheck-suppress getpwnamCalled ; before any thread */

	if (entry)
		*user = entry->pw_uid;
	return entry != NULL;
}

by_error *by__peers_parse(by_arena *arena, bool tcp, const char *const *entries, size_t count, const by__peers **out)
{
	*out = NULL;
	if (count == 0)
		return BY_OK;
	by__peers *peers = by_alloc(arena, sizeof(*peers) + (tcp ? 0 : count) * sizeof(peers->users[0]));

	if (tcp)
		BY_TRY(by__networks_parse(arena, "LISTEN_ALLOW", entries, count, &peers->networks));
	for (size_t i = 0; !tcp && i < count; i++, peers->count++)
		if (!user_parse(entries[i], &peers->users[i]))
			return by_error_new(arena, CONFIGURATION, "LISTEN_ALLOW: entry %zu is not a user of this machine", i + 1);
	*out = peers;
	return BY_OK;
}

static bool address_of(int fd, by__address *address)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);

	if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
		return false;
	if (from.ss_family == AF_INET6)
		memcpy(address->bytes, &((const struct sockaddr_in6 *)&from)->sin6_addr, sizeof(address->bytes));
	else
		*address = by__address_ipv4(&((const struct sockaddr_in *)&from)->sin_addr);
	return from.ss_family == AF_INET6 || from.ss_family == AF_INET;
}

static bool user_allowed(const by__peers *peers, int fd)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	for (size_t i = 0; i < peers->count; i++)
		if (who.uid == peers->users[i])
			return true;
	return false;
}

bool by__peer_allowed(const by__peers *peers, int fd)
{
	by__address address;

	if (!peers)
		return true;
	if (!peers->networks)
		return user_allowed(peers, fd);
	return address_of(fd, &address) && by__networks_hold(peers->networks, &address);
}

void by__peer_print(int fd, char out[BY__PEER_TEXT])
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);
	struct ucred who;
	socklen_t size = sizeof(who);

	(void)snprintf(out, BY__PEER_TEXT, "unknown");
	if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
		return;
	if (from.ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)&from)->sin_addr, out, BY__PEER_TEXT);
	else if (from.ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&from)->sin6_addr, out, BY__PEER_TEXT);
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0)
		(void)snprintf(out, BY__PEER_TEXT, "uid %u, pid %d", (unsigned)who.uid, (int)who.pid);
}
