/* Who may connect: users, addresses and networks. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/peer.h"

static by_arena *arena;

static const by__peers *parsed(bool tcp, const char *entry)
{
	const by__peers *peers;

	arena = by_arena_new(0);
	ck_ok(by__peers_parse(arena, tcp, &entry, 1, &peers));
	return peers;
}

/* Whether a connection from the loopback address is let in. */
static bool lets_in_loopback(const char *entry)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
	int accepted = accept(listener, NULL, NULL);
	bool in = by__peer_allowed(parsed(true, entry), accepted);

	by_arena_free(&arena);
	close(accepted);
	close(client);
	close(listener);
	return in;
}

START_TEST(addresses_and_networks_are_matched_by_their_bits)
{
	ck_assert(lets_in_loopback("127.0.0.1"));
	ck_assert(lets_in_loopback("127.0.0.0/8"));
	ck_assert(lets_in_loopback("126.0.0.0/7"));
	ck_assert(lets_in_loopback("0.0.0.0/0"));
	ck_assert(lets_in_loopback("::ffff:127.0.0.1"));
	ck_assert(!lets_in_loopback("127.0.0.2"));
	ck_assert(!lets_in_loopback("127.0.0.2/31"));
	ck_assert(lets_in_loopback("127.0.0.2/30"));
	ck_assert(!lets_in_loopback("128.0.0.0/8"));
	ck_assert(!lets_in_loopback("::1"));
}
END_TEST

START_TEST(users_are_matched_by_the_credentials_of_the_socket)
{
	char own[16], other[16];
	int pair[2];

	(void)snprintf(own, sizeof(own), "%u", (unsigned)getuid());
	(void)snprintf(other, sizeof(other), "%u", (unsigned)getuid() + 1);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert(by__peer_allowed(parsed(false, own), pair[0]));
	by_arena_free(&arena);
	ck_assert(!by__peer_allowed(parsed(false, other), pair[0]));
	by_arena_free(&arena);
	ck_assert(by__peer_allowed(NULL, pair[0]));
}
END_TEST

START_TEST(what_is_no_peer_is_refused_by_its_place_in_the_list)
{
	static const char *const addresses[] = { "10.0.0.0/8", "10.0.0.0/33", "example.org", "1.2.3.4/", "1.2.3.4/x" };
	static const char *const users[] = { "root", "no such user", "-1" };
	const by__peers *peers;

	arena = by_arena_new(0);
	for (size_t i = 1; i < BY_COUNT(addresses); i++) {
		const char *const list[] = { addresses[0], addresses[i] };
		by_error *error = by__peers_parse(arena, true, list, 2, &peers);

		ck_fails(error, CONFIGURATION);
		ck_assert_ptr_nonnull(strstr(error->detail, "entry 2"));
	}
	for (size_t i = 1; i < BY_COUNT(users); i++) {
		const char *const list[] = { users[0], users[i] };

		ck_fails(by__peers_parse(arena, false, list, 2, &peers), CONFIGURATION);
	}
	ck_ok(by__peers_parse(arena, true, NULL, 0, &peers));
	ck_assert_ptr_null(peers);
	by_arena_free(&arena);
}
END_TEST

UNIT("peer", addresses_and_networks_are_matched_by_their_bits, users_are_matched_by_the_credentials_of_the_socket,
    what_is_no_peer_is_refused_by_its_place_in_the_list);
