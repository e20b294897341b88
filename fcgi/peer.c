/* Judges the other end of a connection by its user (unix sockets) or its address (TCP). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/number.h"
#include "fcgi/peer.h"

typedef struct peer {
	uid_t   user;
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	int     bits;
} peer;

struct by__peers {
	bool   tcp;
	size_t count;
	peer   items[];
};

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool address_parse(const char *text, uint8_t address[16], int *bits)
{
	if (inet_pton(AF_INET6, text, address) == 1) {
		*bits = 128;
		return true;
	}
	memcpy(address, mapped, sizeof(mapped));
	*bits = 32;
	return inet_pton(AF_INET, text, address + sizeof(mapped)) == 1;
}

static bool network_parse(const char *text, peer *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int width;
	int64_t bits;

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	if (!address_parse(address, out->address, &width))
		return false;
	bits = width;
	if (slash && (!by__int_parse((by_text){ slash + 1, strlen(slash + 1) }, &bits) || bits < 0 || bits > width))
		return false;
	out->bits = 128 - width + (int)bits;
	return true;
}

static bool user_parse(const char *text, peer *out)
{
	int64_t number;

	if (by__int_parse((by_text){ text, strlen(text) }, &number) && number >= 0 && number < UINT32_MAX) {
		out->user = (uid_t)number;
		return true;
	}
	const struct passwd *entry = getpwnam(text); /* cppcheck-suppress getpwnamCalled ; before any thread */

	if (entry)
		out->user = entry->pw_uid;
	return entry != NULL;
}

by_error *by__peers_parse(by_arena *arena, bool tcp, const char *const *entries, size_t count, const by__peers **out)
{
	*out = NULL;
	if (count == 0)
		return BY_OK;
	by__peers *peers = by_alloc(arena, sizeof(*peers) + count * sizeof(peer));

	peers->tcp = tcp;
	peers->count = count;
	for (size_t i = 0; i < count; i++) {
		bool good = tcp ? network_parse(entries[i], &peers->items[i]) : user_parse(entries[i], &peers->items[i]);

		if (!good)
			return by_error_new(arena, CONFIGURATION, tcp
			    ? "LISTEN_ALLOW: entry %zu is not an address or network such as 127.0.0.1 or 10.0.0.0/8"
			    : "LISTEN_ALLOW: entry %zu is not a user of this machine", i + 1);
	}
	*out = peers;
	return BY_OK;
}

static bool address_of(int fd, uint8_t address[16])
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(from);

	if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
		return false;
	if (from.ss_family == AF_INET6) {
		memcpy(address, &((const struct sockaddr_in6 *)&from)->sin6_addr, 16);
		return true;
	}
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), &((const struct sockaddr_in *)&from)->sin_addr, 4);
	return from.ss_family == AF_INET;
}

static bool within(const uint8_t address[16], const peer *network)
{
	int whole = network->bits / 8;
	int rest = network->bits % 8;

	if (memcmp(address, network->address, (size_t)whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ network->address[whole]) >> (8 - rest) == 0;
}

bool by__peer_allowed(const by__peers *peers, int fd)
{
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	uint8_t address[16];

	if (!peers)
		return true;
	if (peers->tcp ? !address_of(fd, address) : getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return false;
	for (size_t i = 0; i < peers->count; i++)
		if (peers->tcp ? within(address, &peers->items[i]) : who.uid == peers->items[i].user)
			return true;
	return false;
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
