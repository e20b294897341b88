/* The tokens of JSON: strings, numbers and literals, checked as RFC 8259 says. */
#include <string.h>

#include "core/json_reader.h"
#include "core/scan.h"
#include "core/text.h"
#include "core/utf8.h"

bool by__json_break(by_json_reader *r, const char *at, const char *why)
{
	if (r->broken == NULL) {
		r->broken = why;
		r->broken_at = (size_t)(at - r->begin);
	}
	r->at = r->end;
	return false;
}

/* The four digits behind \u, or -1. */
static int hex_four(const char *at, const char *end)
{
	int value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = by__hex_value(at[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_high(int unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Length of the escape that starts with the backslash here, or 0 when it is none or an unpaired surrogate. */
static size_t escape_length(const char *at, const char *end)
{
	if (end - at < 2)
		return 0;
	if (at[1] != 'u')
		return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
	int unit = hex_four(at + 2, end);

	if (unit < 0 || is_low(unit))
		return 0;
	if (!is_high(unit))
		return 6;
	if (end - at < 12 || at[6] != '\\' || at[7] != 'u' || !is_low(hex_four(at + 8, end)))
		return 0;
	return 12;
}

bool by__json_scan_string(by_json_reader *r, by_text *inner, bool *escaped)
{
	const char *at = r->at + 1;
	const char *start = at;

	*escaped = false;
	for (;;) {
		at += by__plain_steps(at, (size_t)(r->end - at));
		if (at == r->end)
			return by__json_break(r, at, "a string does not end");
		unsigned char c = (unsigned char)*at;
		size_t        step = 1;

		if (c == '"')
			break;
		if (c < 0x20)
			return by__json_break(r, at, "a control character in a string");
		if (c == '\\') {
			step = escape_length(at, r->end);
			*escaped = true;
		} else if (c >= 0x80) {
			step = by__utf8_length((const unsigned char *)at, (size_t)(r->end - at));
		}
		if (step == 0)
			return by__json_break(r, at, c == '\\' ? "an invalid escape" : "invalid UTF-8");
		at += step;
	}
	*inner = (by_text){ start, (size_t)(at - start) };
	r->at = at + 1;
	return true;
}

static char unescape(char c)
{
	switch (c) {
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	default: return c;
	}
}

/* Writes what a checked escape stands for; tells how long the escape was. */
static size_t decode_escape(const char *at, const char *end, size_t *length, char *out)
{
	*length = escape_length(at, end);
	if (*length == 2) {
		*out = unescape(at[1]);
		return 1;
	}
	uint32_t unit = (uint32_t)hex_four(at + 2, end);

	if (*length == 12)
		unit = 0x10000 + ((unit - 0xd800) << 10) + ((uint32_t)hex_four(at + 8, end) - 0xdc00);
	return by__utf8_put(unit, out);
}

static bool decode_string(by_json_reader *r, by_text inner, by_text *value)
{
	const char *at = inner.ptr;
	const char *end = inner.ptr + inner.len;
	char       *out = by_try_alloc(r->arena, inner.len); /* an escape is never shorter than what it stands for */
	size_t      len = 0;

	if (out == NULL) {
		r->exhausted = true;
		return by__json_break(r, at, "a string is too long");
	}
	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		size_t      run = (size_t)((slash ? slash : end) - at);

		memcpy(out + len, at, run);
		len += run;
		at += run;
		if (slash != NULL) {
			size_t length;

			len += decode_escape(at, end, &length, out + len);
			at += length;
		}
	}
	*value = (by_text){ out, len };
	return true;
}

bool by_json_read_string(by_json_reader *r, by_text *value)
{
	by_text inner;
	bool    escaped;

	if (by_json_peek(r) != BY_JSON_STRING)
		return by__json_break(r, r->at, "a string is missing");
	if (!by__json_scan_string(r, &inner, &escaped))
		return false;
	if (escaped)
		return decode_string(r, inner, value);
	*value = inner;
	return true;
}

bool by__json_scan_literal(by_json_reader *r, const char *literal, size_t len)
{
	if ((size_t)(r->end - r->at) < len || memcmp(r->at, literal, len) != 0)
		return by__json_break(r, r->at, "an unknown word");
	r->at += len;
	return true;
}

bool by_json_read_null(by_json_reader *r)
{
	by__json_space(r);
	return by__json_scan_literal(r, "null", 4);
}

bool by_json_read_bool(by_json_reader *r, bool *value)
{
	by__json_space(r);
	bool is_true = r->at < r->end && *r->at == 't';

	if (!by__json_scan_literal(r, is_true ? "true" : "false", is_true ? 4 : 5))
		return false;
	*value = is_true;
	return true;
}

/* At least one digit; behind the last one. NULL when there is none. */
static const char *scan_digits(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at > start ? at : NULL;
}

/* RFC 8259 section 6; NULL when it is no number. */
static const char *scan_number(const char *at, const char *end)
{
	if (at < end && *at == '-')
		at++;
	if (at < end && *at == '0')
		at++;
	else
		at = scan_digits(at, end);
	if (at != NULL && at < end && *at == '.')
		at = scan_digits(at + 1, end);
	if (at != NULL && at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		at = scan_digits(at, end);
	}
	return at;
}

bool by_json_read_number(by_json_reader *r, by_text *digits)
{
	by__json_space(r);
	const char *after = scan_number(r->at, r->end);

	if (after == NULL || (after < r->end && *after >= '0' && *after <= '9'))
		return by__json_break(r, r->at, "an invalid number");
	*digits = (by_text){ r->at, (size_t)(after - r->at) };
	r->at = after;
	return true;
}

by_json_type by_json_peek(by_json_reader *r)
{
	by__json_space(r);
	if (r->broken != NULL)
		return BY_JSON_ERROR;
	if (r->at == r->end) {
		by__json_break(r, r->at, "a value is missing");
		return BY_JSON_ERROR;
	}
	switch (*r->at) {
	case '{': return BY_JSON_OBJECT;
	case '[': return BY_JSON_ARRAY;
	case '"': return BY_JSON_STRING;
	case 't':
	case 'f': return BY_JSON_BOOL;
	case 'n': return BY_JSON_NULL;
	case '-':
	case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9': return BY_JSON_NUMBER;
	default: by__json_break(r, r->at, "a value is missing"); return BY_JSON_ERROR;
	}
}
