/* The output buffer, and what is written into it: numbers, JSON strings, base64url. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include <banyan/assert.h>
#include <banyan/buf.h>

#include "core/number.h"
#include "core/scan.h"
#include "core/utf8.h"

enum { DEFAULT_CAP = 256, SMALLEST_SINK = 64 };

static void buf_fail(by_buf *buf, by_error *error)
{
	buf->error = error;
	buf->len = buf->cap = 0; /* every later write takes the slow path and stops there */
}

void by_buf_init(by_buf *buf, by_arena *arena, size_t cap)
{
	*buf = (by_buf){ .arena = arena, .cap = cap ? cap : DEFAULT_CAP };
	buf->data = by_alloc_raw(arena, buf->cap);
}

void by_buf_init_sink(by_buf *buf, by_arena *arena, size_t cap, by_sink *sink)
{
	by_buf_init(buf, arena, cap < SMALLEST_SINK ? SMALLEST_SINK : cap);
	buf->sink = sink;
}

static void buf_drain(by_buf *buf)
{
	by_error *error = buf->len > 0 ? buf->sink->write(buf->sink, buf->data, buf->len) : BY_OK;

	if (error != BY_OK)
		buf_fail(buf, error);
	else
		buf->len = 0;
}

static void buf_grow(by_buf *buf, size_t more)
{
	size_t need;
	size_t cap = buf->cap;

	if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 2) {
		buf_fail(buf, by_error_new(buf->arena, INTERNAL, "The answer is too large."));
		return;
	}
	while (cap < need)
		cap *= 2;
	char *grown = by_alloc_raw(buf->arena, cap);

	memcpy(grown, buf->data, buf->len);
	buf->data = grown;
	buf->cap = cap;
}

bool by_buf_reserve(by_buf *buf, size_t more)
{
	if (buf->error != BY_OK)
		return false;
	if (more <= buf->cap - buf->len)
		return true;
	if (buf->sink != NULL) {
		buf_drain(buf);
		if (buf->error != BY_OK || more <= buf->cap)
			return buf->error == BY_OK;
	}
	buf_grow(buf, more);
	return buf->error == BY_OK;
}

void by_put_slow(by_buf *buf, const char *data, size_t len)
{
	if (buf->error != BY_OK)
		return;
	if (buf->sink != NULL && len > buf->cap) {
		buf_drain(buf);
		if (buf->error != BY_OK)
			return;
		by_error *error = buf->sink->write(buf->sink, data, len);

		if (error != BY_OK)
			buf_fail(buf, error);
		return;
	}
	if (!by_buf_reserve(buf, len))
		return;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

by_error *by_buf_finish(by_buf *buf)
{
	if (buf->error == BY_OK && buf->sink != NULL)
		buf_drain(buf);
	return buf->error;
}

const char *by_buf_string(by_buf *buf)
{
	if (!by_buf_reserve(buf, 1))
		return "";
	buf->data[buf->len] = '\0';
	return buf->data;
}

void by_put_int(by_buf *buf, int64_t value)
{
	char digits[BY__INT_TEXT];

	if (BY_LIKELY(buf->cap - buf->len >= sizeof(digits))) {
		buf->len += by__int_print(value, buf->data + buf->len);
		return;
	}
	by_put(buf, digits, by__int_print(value, digits));
}

void by_put_uint(by_buf *buf, uint64_t value)
{
	char digits[BY__INT_TEXT];

	by_put(buf, digits, by__uint_print(value, digits));
}

void by_put_double(by_buf *buf, double value)
{
	char digits[BY__DOUBLE_TEXT];

	if (!isfinite(value)) {
		if (buf->error == BY_OK)
			buf_fail(buf, by_error_new(buf->arena, INTERNAL, "A number is not finite."));
		return;
	}
	by_put(buf, digits, by__double_print(value, digits));
}

void by_put_format(by_buf *buf, const char *format, ...)
{
	char    first[256];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(first, sizeof(first), format, args);
	va_end(args);
	BY_REQUIRE(len >= 0);
	if ((size_t)len < sizeof(first)) {
		by_put(buf, first, (size_t)len);
		return;
	}
	if (!by_buf_reserve(buf, (size_t)len + 1))
		return;
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

/* 0: copied as it is; 'u': \u00xx; 1: the start of a multi-byte character; else the letter behind the backslash. */
static const unsigned char json_class[256] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\',
	[0] = 'u', [1] = 'u', [2] = 'u', [3] = 'u', [4] = 'u', [5] = 'u', [6] = 'u', [7] = 'u', [11] = 'u',
	[14] = 'u', [15] = 'u', [16] = 'u', [17] = 'u', [18] = 'u', [19] = 'u', [20] = 'u', [21] = 'u', [22] = 'u',
	[23] = 'u', [24] = 'u', [25] = 'u', [26] = 'u', [27] = 'u', [28] = 'u', [29] = 'u', [30] = 'u', [31] = 'u',
	[127] = 'u'
};

static size_t plain_run(const unsigned char *at, size_t left)
{
	size_t run = by__plain_steps(at, left);

	while (run < left && at[run] < 0x80 && json_class[at[run]] == 0)
		run++;
	return run;
}

static void put_escaped(by_buf *buf, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char              escape[6] = { '\\', (char)json_class[c], '0', '0', hex[c >> 4], hex[c & 15] };

	by_put(buf, escape, json_class[c] == 'u' ? 6 : 2);
}

void by_put_json_text(by_buf *buf, by_text text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	size_t               left = text.len;

	by_put_char(buf, '"');
	while (left > 0) {
		size_t run = plain_run(at, left);

		by_put(buf, (const char *)at, run);
		at += run;
		left -= run;
		if (left == 0)
			break;
		size_t length = by__utf8_length(at, left);

		if (length == 1)
			put_escaped(buf, *at);
		else if (length > 1)
			by_put(buf, (const char *)at, length);
		else
			BY_PUT(buf, "\xef\xbf\xbd");
		at += length ? length : 1;
		left -= length ? length : 1;
	}
	by_put_char(buf, '"');
}

void by_put_base64url(by_buf *buf, by_bytes bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t   have = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = (uint32_t)bytes.ptr[i] << 16;

		if (have > 1)
			bits |= (uint32_t)bytes.ptr[i + 1] << 8;
		if (have > 2)
			bits |= bytes.ptr[i + 2];
		char group[4] = { letters[bits >> 18], letters[bits >> 12 & 63], letters[bits >> 6 & 63], letters[bits & 63] };

		by_put(buf, group, have + 1);
	}
}

static void put_quoted(by_buf *buf, const char *text, size_t len)
{
	by_put_char(buf, '"');
	by_put(buf, text, len);
	by_put_char(buf, '"');
}

void by_put_value(by_buf *buf, by_value value)
{
	char text[BY_UUID_TEXT];

	switch (value.tag) {
	case BY_VALUE_NULL: BY_PUT(buf, "null"); break;
	case BY_VALUE_BOOL: by_put_string(buf, value.boolean ? "true" : "false"); break;
	case BY_VALUE_INT: by_put_int(buf, value.integer); break;
	case BY_VALUE_DOUBLE: by_put_double(buf, value.real); break;
	case BY_VALUE_TEXT: by_put_json_text(buf, value.text); break;
	case BY_VALUE_DECIMAL:
	case BY_VALUE_JSON: by_put_text(buf, value.text); break;
	case BY_VALUE_BYTES:
		by_put_char(buf, '"');
		by_put_base64url(buf, value.bytes);
		by_put_char(buf, '"');
		break;
	case BY_VALUE_TIME: put_quoted(buf, text, by_time_print(value.time, text)); break;
	case BY_VALUE_DATE: put_quoted(buf, text, by_date_print(value.date, text)); break;
	case BY_VALUE_ULID:
		by_ulid_print(value.ulid, text);
		put_quoted(buf, text, BY_ULID_TEXT - 1);
		break;
	case BY_VALUE_UUID:
		by_uuid_print(value.uuid, text);
		put_quoted(buf, text, BY_UUID_TEXT - 1);
		break;
	}
}
