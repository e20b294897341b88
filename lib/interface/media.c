/* Takes media types apart. */
#include <string.h>

#include "core/text.h"
#include "interface/media.h"

by_text by__media_type(by_text *rest)
{
	const char *mark = rest->len > 0 ? memchr(rest->ptr, ';', rest->len) : NULL;
	by_text     type = { rest->ptr, mark ? (size_t)(mark - rest->ptr) : rest->len };

	*rest = mark ? (by_text){ mark, rest->len - type.len } : BY_TEXT("");
	return by__trim(type);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind a quoted value, or a bare one; NULL when its quote does not end. */
static const char *value_end(const char *at, const char *end, by_text *value)
{
	const char *start = at;

	if (at < end && *at == '"') {
		for (at++; at < end && *at != '"'; at++)
			at += *at == '\\' && at + 1 < end;
		*value = (by_text){ start + 1, (size_t)(at - start - 1) };
		return at < end ? at + 1 : NULL;
	}
	while (at < end && *at != ';' && !is_space(*at))
		at++;
	*value = (by_text){ start, (size_t)(at - start) };
	return at;
}

bool by__media_parameter(by_text *rest, by_text *name, by_text *value)
{
	const char *at = rest->ptr;
	const char *end = at + rest->len;

	while (at < end && (*at == ';' || is_space(*at)))
		at++;
	const char *equals = at < end ? memchr(at, '=', (size_t)(end - at)) : NULL;

	if (equals == NULL)
		return false;
	*name = by__trim((by_text){ at, (size_t)(equals - at) });
	for (at = equals + 1; at < end && is_space(*at); at++)
		;
	at = value_end(at, end, value);
	while (at != NULL && at < end && is_space(*at))
		at++;
	if (at == NULL || (at < end && *at != ';'))
		return false;
	*rest = (by_text){ at, (size_t)(end - at) };
	return true;
}
