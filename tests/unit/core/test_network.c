/* Addresses and networks: read, printed, compared. */
#include <string.h>

#include "core/network.h"
#include "unit/unit.h"

static bool holds(const char *network_text, const char *address_text)
{
	by__network network;
	by__address address;

	ck_assert(by__network_parse((by_text){ network_text, strlen(network_text) }, &network));
	ck_assert(by__address_parse((by_text){ address_text, strlen(address_text) }, &address));
	return by__network_holds(&network, &address);
}

START_TEST(networks_hold_addresses_by_their_bits)
{
	ck_assert(holds("10.0.0.0/8", "10.255.0.1"));
	ck_assert(!holds("10.0.0.0/8", "11.0.0.0"));
	ck_assert(holds("192.0.2.6/31", "192.0.2.7"));
	ck_assert(!holds("192.0.2.6/31", "192.0.2.8"));
	ck_assert(holds("192.0.2.7", "::ffff:192.0.2.7"));
	ck_assert(holds("2001:db8::/33", "2001:db8:7fff::1"));
	ck_assert(!holds("2001:db8::/33", "2001:db8:8000::1"));
	ck_assert(holds("0.0.0.0/0", "1.2.3.4"));
	ck_assert(!holds("0.0.0.0/0", "::1"));
	ck_assert(holds("::/0", "1.2.3.4"));
}
END_TEST

START_TEST(what_is_no_network_is_named_by_its_place)
{
	static const char *const bad[] = { "", "localhost", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "::1/129", "[::1]",
		"1.2.3.4:80", " 1.2.3.4" };
	by_arena                *arena = by_arena_new(0);
	const by__networks      *networks;

	for (size_t i = 0; i < BY_COUNT(bad); i++) {
		const char *entries[] = { "10.0.0.0/8", bad[i] };
		by_error   *error = by__networks_parse(arena, "TRUSTED_PROXIES", entries, 2, &networks);

		ck_fails(error, CONFIGURATION);
		ck_assert_str_eq(error->detail,
		    "TRUSTED_PROXIES: entry 2 is not an address or network such as 127.0.0.1 or 10.0.0.0/8");
	}
	ck_ok(by__networks_parse(arena, "TRUSTED_PROXIES", NULL, 0, &networks));
	ck_assert_ptr_null(networks);
	by_arena_free(&arena);
}
END_TEST

START_TEST(addresses_are_printed_in_their_shortest_form)
{
	static const struct { const char *from, *to; } rows[] = {
		{ "192.0.2.7", "192.0.2.7" }, { "::ffff:192.0.2.7", "192.0.2.7" }, { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	};

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by__address address;
		char        text[BY__ADDRESS_TEXT];

		ck_assert(by__address_parse((by_text){ rows[i].from, strlen(rows[i].from) }, &address));
		by__address_print(&address, text);
		ck_assert_str_eq(text, rows[i].to);
	}
}
END_TEST

UNIT("network", networks_hold_addresses_by_their_bits, what_is_no_network_is_named_by_its_place,
    addresses_are_printed_in_their_shortest_form);
