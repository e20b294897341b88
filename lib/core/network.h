/* Addresses and networks of the Internet as text, and which of them holds which. Internal. */
#ifndef BY_CORE_NETWORK_H
#define BY_CORE_NETWORK_H

#include <banyan/base.h>
#include <banyan/error.h>

enum { BY__ADDRESS_TEXT = 46 }; /* of the longest, with its NUL */

typedef struct by__address {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
} by__address;

typedef struct by__network {
	by__address address;
	int         bits; /* of its 128 that count */
} by__network;

typedef struct by__networks {
	size_t      count;
	by__network items[];
} by__networks;

/* "192.0.2.7", "2001:db8::1"; nothing around it. */
bool by__address_parse(by_text text, by__address *address);
by__address by__address_ipv4(const void *four_bytes);
/* The shortest form (RFC 5952), an IPv4 address as such. */
void by__address_print(const by__address *address, char out[BY__ADDRESS_TEXT]);

/* An address, or one with the number of its bits that count: "10.0.0.0/8". */
bool by__network_parse(by_text text, by__network *network);
bool by__network_holds(const by__network *network, const by__address *address);

/* The entries of a setting; NULL in `networks` when there is none. CONFIGURATION names the first that is no network. */
BY_MUST_CHECK by_error *by__networks_parse(by_arena *arena, const char *setting, const char *const *entries, size_t count,
    const by__networks **networks);
/* NULL holds none. */
bool by__networks_hold(const by__networks *networks, const by__address *address);

#endif
