/* Passwords in URLs and connection strings, made unreadable. Rather too much is hidden than too little. */
#include <string.h>
#include <strings.h>

#include <banyan/buf.h>
#include <banyan/settings.h>

static bool ends_with(const char *start, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - start) >= len && strncasecmp(end - len, word, len) == 0;
}

/* Whether the name that ends here is one whose value is kept secret: "password=", "?token=". */
static bool secret_name(const char *start, const char *end)
{
	static const char *const words[] = { "password", "passwd", "pwd", "secret", "token", "signature", "key" };

	for (size_t i = 0; i < BY_COUNT(words); i++)
		if (ends_with(start, end, words[i]))
			return true;
	return false;
}

/* Behind the value of a pair: libpq quotes values with spaces, a URL separates pairs with &. */
static const char *value_end(const char *at)
{
	if (*at == '\'') {
		for (at++; *at != '\0' && *at != '\''; at++)
			if (*at == '\\' && at[1] != '\0')
				at++;
		return *at == '\'' ? at + 1 : at;
	}
	return at + strcspn(at, "& \t\",");
}

static void put_pairs(by_buf *out, const char *text)
{
	const char *at = text;

	while (*at != '\0') {
		by_put_char(out, *at++);
		if (at[-1] == '=' && secret_name(text, at - 1) && *at != '\0') {
			BY_PUT(out, "***");
			at = value_end(at);
		}
	}
}

/* The last @ before white space, a comma or a quote: a password may hold any other character unescaped. */
static const char *credentials_end(const char *at)
{
	const char *found = NULL;

	for (; *at != '\0' && strchr(" \t\",", *at) == NULL; at++)
		if (*at == '@')
			found = at;
	return found;
}

static void put_urls(by_buf *out, const char *at)
{
	const char *scheme;

	while ((scheme = strstr(at, "://")) != NULL) {
		const char *user = scheme + 3;
		const char *end = credentials_end(user);
		const char *colon = end ? memchr(user, ':', (size_t)(end - user)) : NULL;

		by_put(out, at, (size_t)((colon ? colon + 1 : user) - at));
		if (colon != NULL)
			BY_PUT(out, "***");
		at = colon != NULL ? end : user;
	}
	by_put_string(out, at);
}

const char *by_url_masked(by_arena *arena, const char *url)
{
	by_buf urls;
	by_buf pairs;

	by_buf_init(&urls, arena, strlen(url) + 16);
	by_buf_init(&pairs, arena, strlen(url) + 16);
	put_urls(&urls, url);
	put_pairs(&pairs, by_buf_string(&urls));
	return by_buf_string(&pairs);
}
