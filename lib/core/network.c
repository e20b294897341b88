/* Reads addresses and networks, and compares them by their bits. */
#include <arpa/inet.h>
#include <string.h>

#include "core/network.h"
#include "core/number.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

by__address by__address_ipv4(const void *four_bytes)
{
	by__address address;

	memcpy(address.bytes, mapped, sizeof(mapped));
	memcpy(address.bytes + sizeof(mapped), four_bytes, 4);
	return address;
}

/* Also how many bits an address of its family has. */
static bool address_parse(by_text text, by__address *address, int *width)
{
	char    copy[INET6_ADDRSTRLEN];
	uint8_t four[4];

	if (text.len >= sizeof(copy) || text.len == 0 || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	*width = 128;
	if (inet_pton(AF_INET6, copy, address->bytes) == 1)
		return true;
	*width = 32;
	if (inet_pton(AF_INET, copy, four) != 1)
		return false;
	*address = by__address_ipv4(four);
	return true;
}

bool by__address_parse(by_text text, by__address *address)
{
	int width;

	return address_parse(text, address, &width);
}

void by__address_print(const by__address *address, char out[BY__ADDRESS_TEXT])
{
	bool ipv4 = memcmp(address->bytes, mapped, sizeof(mapped)) == 0;

	out[0] = '\0';
	(void)inet_ntop(ipv4 ? AF_INET : AF_INET6, address->bytes + (ipv4 ? sizeof(mapped) : 0), out, BY__ADDRESS_TEXT);
}

bool by__network_parse(by_text text, by__network *network)
{
	const char *slash = text.len > 0 ? memchr(text.ptr, '/', text.len) : NULL;
	by_text     address = { text.ptr, slash ? (size_t)(slash - text.ptr) : text.len };
	int64_t     bits;
	int         width;

	if (!address_parse(address, &network->address, &width))
		return false;
	bits = width;
	if (slash && (!by__int_parse((by_text){ slash + 1, text.len - address.len - 1 }, &bits) || bits < 0 || bits > width))
		return false;
	network->bits = 128 - width + (int)bits;
	return true;
}

bool by__network_holds(const by__network *network, const by__address *address)
{
	int whole = network->bits / 8;
	int rest = network->bits % 8;

	if (memcmp(address->bytes, network->address.bytes, (size_t)whole) != 0)
		return false;
	return rest == 0 || (address->bytes[whole] ^ network->address.bytes[whole]) >> (8 - rest) == 0;
}

by_error *by__networks_parse(by_arena *arena, const char *setting, const char *const *entries, size_t count,
    const by__networks **out)
{
	*out = NULL;
	if (count == 0)
		return BY_OK;
	by__networks *networks = by_alloc(arena, sizeof(*networks) + count * sizeof(by__network));

	networks->count = count;
	for (size_t i = 0; i < count; i++)
		if (!by__network_parse((by_text){ entries[i], strlen(entries[i]) }, &networks->items[i]))
			return by_error_new(arena, CONFIGURATION,
			    "%s: entry %zu is not an address or network such as 127.0.0.1 or 10.0.0.0/8", setting, i + 1);
	*out = networks;
	return BY_OK;
}

bool by__networks_hold(const by__networks *networks, const by__address *address)
{
	for (size_t i = 0; networks && i < networks->count; i++)
		if (by__network_holds(&networks->items[i], address))
			return true;
	return false;
}
