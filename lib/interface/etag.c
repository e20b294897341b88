/* Makes entity tags from models, and reads those of preconditions. */
#include <string.h>

#include <banyan/buf.h>
#include <banyan/kind.h>

#include "core/number.h"
#include "interface/etag.h"

static const by_field *etag_field(const by_model *model)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->fields[i].etag)
			return &model->fields[i];
	return NULL;
}

const char *by__etag_of(by_arena *arena, const by_model *model, const void *object)
{
	const by_field *field = etag_field(model);
	const void     *value = field ? by_field_value(field, object) : NULL;
	by_buf          out;

	if (value == NULL || field->kind->print == NULL)
		return NULL;
	by_buf_init(&out, arena, 32);
	by_put_char(&out, '"');
	field->kind->print(&out, field, value);
	by_put_char(&out, '"');
	return by_buf_string(&out);
}

static const char *skip(const char *at, const char *end, const char *characters)
{
	while (at < end && strchr(characters, *at) != NULL && *at != '\0')
		at++;
	return at;
}

/* Without what Apache and lighttpd append to the tag of an answer that they compress: "7-gzip" is our "7". */
static by_text without_encoding(by_text opaque)
{
	const by_text suffixes[] = { BY_TEXT("-gzip"), BY_TEXT("-br"), BY_TEXT("-deflate"), BY_TEXT("-zstd") };

	for (size_t i = 0; i < BY_COUNT(suffixes); i++) {
		by_text suffix = suffixes[i];

		if (opaque.len > suffix.len && memcmp(opaque.ptr + opaque.len - suffix.len, suffix.ptr, suffix.len) == 0)
			return (by_text){ opaque.ptr, opaque.len - suffix.len };
	}
	return opaque;
}

/*
 * The next entity tag of a list (RFC 9110 section 8.8.3): its opaque part without quotes. False at the end, or where
 * it is not one (`valid`).
 */
static bool next_tag(by_text *list, by_text *opaque, bool *valid)
{
	const char *end = list->ptr + list->len;
	const char *at = skip(list->ptr, end, " \t,");

	if (at == end)
		return false;
	if (end - at > 2 && at[0] == 'W' && at[1] == '/')
		at += 2;
	const char *close = *at == '"' ? memchr(at + 1, '"', (size_t)(end - at - 1)) : NULL;

	const char *rest = close != NULL ? skip(close + 1, end, " \t") : end;

	*valid = close != NULL && (rest == end || *rest == ',');
	if (!*valid)
		return false;
	*opaque = without_encoding((by_text){ at + 1, (size_t)(close - at - 1) });
	*list = (by_text){ rest, (size_t)(end - rest) };
	return true;
}

static bool is_star(by_text header)
{
	return header.len == 1 && header.ptr[0] == '*';
}

bool by__etag_none_match(by_text header, const char *etag)
{
	size_t  len = strlen(etag);
	by_text opaque;
	bool    valid = true;

	if (header.ptr == NULL || is_star(header))
		return header.ptr != NULL;
	if (len > 2 && etag[0] == 'W')
		etag += 2, len -= 2;
	while (next_tag(&header, &opaque, &valid))
		if (opaque.len + 2 == len && memcmp(opaque.ptr, etag + 1, opaque.len) == 0)
			return true;
	return false;
}

by__if_match by__etag_if_match(by_text header, int64_t *version)
{
	by_text opaque;
	bool    valid = true;
	size_t  tags = 0;
	size_t  versions = 0;

	if (is_star(header))
		return BY__IF_MATCH_ANY;
	for (; next_tag(&header, &opaque, &valid); tags++) {
		int64_t value;

		/* Tags are compared as text: "07" is not the tag of version 7. */
		if (opaque.len > 0 && opaque.ptr[0] != '0' && by__int_parse(opaque, &value) && value > 0) {
			versions++;
			*version = value;
		}
	}
	if (!valid || tags == 0)
		return BY__IF_MATCH_INVALID;
	if (versions > 1)
		return BY__IF_MATCH_SEVERAL;
	return versions == 1 ? BY__IF_MATCH_VERSION : BY__IF_MATCH_OTHER;
}
