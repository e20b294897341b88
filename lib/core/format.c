/* The named formats of texts: e-mail address, URI, host name, IP addresses, slug. */
#include <arpa/inet.h>
#include <string.h>

#include <banyan/model.h>

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* RFC 1123 section 2.1: letters, digits and inner hyphens, 63 of them at most. */
static bool label(by_text text)
{
	if (text.len == 0 || text.len > 63 || text.ptr[0] == '-' || text.ptr[text.len - 1] == '-')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_alpha(text.ptr[i]) && !is_digit(text.ptr[i]) && text.ptr[i] != '-')
			return false;
	return true;
}

static bool hostname(by_text text)
{
	if (text.len == 0 || text.len > 253)
		return false;
	for (;;) {
		const char *dot = memchr(text.ptr, '.', text.len);

		if (!label((by_text){ text.ptr, dot ? (size_t)(dot - text.ptr) : text.len }))
			return false;
		if (dot == NULL)
			return true;
		text.len -= (size_t)(dot - text.ptr) + 1;
		text.ptr = dot + 1;
	}
}

/* What browsers accept in <input type=email>: the HTML standard's own rule, with RFC 5321's lengths. */
static bool email(by_text text)
{
	const char *at = memchr(text.ptr, '@', text.len);

	if (at == NULL || text.len > 254)
		return false;
	size_t local = (size_t)(at - text.ptr);

	if (local == 0 || local > 64)
		return false;
	for (size_t i = 0; i < local; i++)
		if (!is_alpha(text.ptr[i]) && !is_digit(text.ptr[i]) && !one_of(text.ptr[i], ".!#$%&'*+/=?^_`{|}~-"))
			return false;
	return hostname((by_text){ at + 1, text.len - local - 1 });
}

static bool address(int family, by_text text)
{
	char    copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	if (text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, bytes) == 1;
}

static bool ipv4(by_text text)
{
	return address(AF_INET, text);
}

static bool ipv6(by_text text)
{
	return address(AF_INET6, text);
}

/* Characters of a part of a URI, percent-encoded ones among them: RFC 3986 sections 2 and 3. */
static bool uri_part(by_text text, const char *more)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (is_alpha(c) || is_digit(c) || one_of(c, "-._~!$&'()*+,;=") || one_of(c, more))
			continue;
		if (c != '%' || text.len - i < 3 || !is_hex(text.ptr[i + 1]) || !is_hex(text.ptr[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* [ userinfo "@" ] host [ ":" port ] */
static bool uri_authority(by_text text)
{
	const char *at = memchr(text.ptr, '@', text.len);

	if (at != NULL) {
		size_t user = (size_t)(at - text.ptr);

		if (!uri_part((by_text){ text.ptr, user }, ":"))
			return false;
		text = (by_text){ at + 1, text.len - user - 1 };
	}
	while (text.len > 0 && is_digit(text.ptr[text.len - 1]))
		text.len--;
	/* Digits that follow no colon belong to the host, where they are as good as letters. */
	if (text.len > 0 && text.ptr[text.len - 1] == ':')
		text.len--;
	if (text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']')
		return ipv6((by_text){ text.ptr + 1, text.len - 2 });
	return uri_part(text, "");
}

/* The text up to the first of the characters in `stops`; the rest is left. */
static by_text cut(by_text *rest, const char *stops)
{
	size_t len = 0;

	while (len < rest->len && !one_of(rest->ptr[len], stops))
		len++;
	by_text part = { rest->ptr, len };

	*rest = (by_text){ rest->ptr + len, rest->len - len };
	return part;
}

static bool scheme(by_text text)
{
	if (text.len == 0 || !is_alpha(text.ptr[0]))
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (!is_alpha(text.ptr[i]) && !is_digit(text.ptr[i]) && !one_of(text.ptr[i], "+-."))
			return false;
	return true;
}

static bool uri(by_text text)
{
	by_text rest = text;

	if (!scheme(cut(&rest, ":")) || rest.len < 2)
		return false;
	rest.ptr++;
	rest.len--;
	if (rest.len >= 2 && rest.ptr[0] == '/' && rest.ptr[1] == '/') {
		rest.ptr += 2;
		rest.len -= 2;
		if (!uri_authority(cut(&rest, "/?#")))
			return false;
	}
	if (!uri_part(cut(&rest, "?#"), ":@/"))
		return false;
	if (rest.len > 0 && rest.ptr[0] == '?') {
		rest.ptr++;
		rest.len--;
		if (!uri_part(cut(&rest, "#"), ":@/?"))
			return false;
	}
	return rest.len == 0 || uri_part((by_text){ rest.ptr + 1, rest.len - 1 }, ":@/?");
}

static bool slug(by_text text)
{
	if (text.len == 0 || text.ptr[0] == '-' || text.ptr[text.len - 1] == '-')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !is_digit(c) && !(c == '-' && text.ptr[i - 1] != '-'))
			return false;
	}
	return true;
}

const by_format_rule by_format_email = { "email", email };
const by_format_rule by_format_uri = { "uri", uri };
const by_format_rule by_format_hostname = { "hostname", hostname };
const by_format_rule by_format_ipv4 = { "ipv4", ipv4 };
const by_format_rule by_format_ipv6 = { "ipv6", ipv6 };
const by_format_rule by_format_slug = { "slug", slug };
