/* Reads and writes traceparent and tracestate (W3C Trace Context, level 1). */
#include <string.h>

#include <banyan/id.h>

#include "interface/trace.h"

enum { STATE_MAX = 512, STATE_MEMBERS = 32, KEY_MAX = 256, VALUE_MAX = 256 };

/* Only lower case is valid (section 3.2.2.1). */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(const char *at, uint8_t *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int high = hex_value(at[2 * i]);
		int low = hex_value(at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void hex_write(const uint8_t *bytes, size_t count, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < count; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
}

static bool all_zero(const uint8_t *bytes, size_t count)
{
	uint8_t seen = 0;

	for (size_t i = 0; i < count; i++)
		seen |= bytes[i];
	return seen == 0;
}

static bool parent_read(by_text text, by_trace *trace)
{
	uint8_t     version;
	const char *at = text.ptr;

	if (text.len < BY__TRACEPARENT || !hex_read(at, &version, 1) || version == 0xff)
		return false;
	/* A later version may be longer, and what follows then begins with a hyphen (section 4). */
	if (version == 0 ? text.len != BY__TRACEPARENT : text.len > BY__TRACEPARENT && at[BY__TRACEPARENT] != '-')
		return false;
	if (at[2] != '-' || at[35] != '-' || at[52] != '-')
		return false;
	if (!hex_read(at + 3, trace->trace_id, 16) || !hex_read(at + 36, trace->parent_id, 8) ||
	    !hex_read(at + 53, &trace->flags, 1))
		return false;
	return !all_zero(trace->trace_id, 16) && !all_zero(trace->parent_id, 8);
}

static bool key_valid(const char *at, size_t len)
{
	if (len == 0 || len > KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool letter = (at[i] >= 'a' && at[i] <= 'z') || (at[i] >= '0' && at[i] <= '9');

		if (!letter && (i == 0 || memchr("_-*/@", at[i], 5) == NULL))
			return false;
	}
	return true;
}

static bool member_valid(const char *at, size_t len)
{
	const char *equals = memchr(at, '=', len);

	if (equals == NULL || !key_valid(at, (size_t)(equals - at)))
		return false;
	const char *value = equals + 1;
	size_t      value_len = len - (size_t)(value - at);

	if (value_len == 0 || value_len > VALUE_MAX)
		return false;
	for (size_t i = 0; i < value_len; i++)
		if (value[i] < 0x20 || value[i] > 0x7e || value[i] == '=')
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Comma-separated key=value members; empty ones are allowed (section 3.3.1.3). */
static bool state_valid(by_text text)
{
	size_t      members = 0;
	const char *at = text.ptr;
	const char *end = text.ptr + text.len;

	if (text.len == 0 || text.len > STATE_MAX)
		return false;
	while (at <= end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *last = comma ? comma : end;
		const char *next = last + 1;

		while (at < last && is_blank(*at))
			at++;
		while (last > at && is_blank(last[-1]))
			last--;
		if (last > at && (++members > STATE_MEMBERS || !member_valid(at, (size_t)(last - at))))
			return false;
		at = next;
	}
	return members > 0;
}

void by__trace_begin(by_arena *arena, by_text traceparent, by_text tracestate, by_trace *trace)
{
	memset(trace, 0, sizeof(*trace));
	if (traceparent.ptr == NULL || !parent_read(traceparent, trace)) {
		memset(trace, 0, sizeof(*trace));
		by_random(trace->trace_id, sizeof(trace->trace_id));
	} else if (tracestate.ptr != NULL && state_valid(tracestate)) {
		trace->state = by_copy_text(arena, tracestate);
	}
	by_random(trace->span_id, sizeof(trace->span_id));
	trace->span_id[7] |= all_zero(trace->span_id, 8); /* zero is not an id */
	trace->trace_id[15] |= all_zero(trace->trace_id, 16);
}

void by__trace_print(const by_trace *trace, char out[BY__TRACEPARENT])
{
	memcpy(out, "00-", 3);
	hex_write(trace->trace_id, 16, out + 3);
	out[35] = '-';
	hex_write(trace->span_id, 8, out + 36);
	out[52] = '-';
	hex_write(&trace->flags, 1, out + 53);
}

void by__trace_id_print(const by_trace *trace, char out[BY__TRACE_ID])
{
	hex_write(trace->trace_id, 16, out);
}
