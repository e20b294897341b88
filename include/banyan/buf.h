/*
 * The output buffer: grows in an arena or, given a sink, is emptied into it.
 * Errors stick: write without checking, and ask once at the end.
 */
#ifndef BANYAN_BUF_H
#define BANYAN_BUF_H

#include <string.h>

#include <banyan/arena.h>
#include <banyan/base.h>
#include <banyan/error.h>
#include <banyan/value.h>

BY_BEGIN

/* Where a full buffer goes: a response stream, a file. The function may park. */
typedef struct by_sink {
	by_error *(*write)(struct by_sink *sink, const char *data, size_t len);
} by_sink;

typedef struct by_buf { /* private, but for data, len and error, which are read-only */
	char     *data; /* not NUL-terminated; see by_buf_string */
	size_t    len;
	size_t    cap;
	by_arena *arena;
	by_sink  *sink;
	by_error *error; /* the first one; later writes do nothing */
} by_buf;

/* A buffer in the arena that starts with `cap` bytes (0: 256) and doubles. */
BY_API void by_buf_init(by_buf *buf, by_arena *arena, size_t cap);
/* A buffer of fixed `cap` bytes (at least 64) that empties itself into the sink when full. */
BY_API void by_buf_init_sink(by_buf *buf, by_arena *arena, size_t cap, by_sink *sink);
/* Makes room for `more` bytes; false when the error is set. */
BY_API BY_MUST_CHECK bool by_buf_reserve(by_buf *buf, size_t more);
/* Hands what is buffered to the sink, if there is one; returns the sticky error. */
BY_API BY_MUST_CHECK by_error *by_buf_finish(by_buf *buf);
/* The contents with a NUL behind them; valid until the next write. Not for a buffer with a sink, which may be emptied. */
BY_API const char *by_buf_string(by_buf *buf);

BY_API void by_put_slow(by_buf *buf, const char *data, size_t len);

static inline void by_put(by_buf *buf, const char *data, size_t len)
{
	if (BY_LIKELY(len <= buf->cap - buf->len)) {
		memcpy(buf->data + buf->len, data, len);
		buf->len += len;
	} else {
		by_put_slow(buf, data, len);
	}
}

static inline void by_put_char(by_buf *buf, char c)
{
	if (BY_LIKELY(buf->len < buf->cap))
		buf->data[buf->len++] = c;
	else
		by_put_slow(buf, &c, 1);
}

static inline void by_put_text(by_buf *buf, by_text text)
{
	by_put(buf, text.ptr, text.len);
}

static inline void by_put_string(by_buf *buf, const char *string)
{
	by_put(buf, string, strlen(string));
}

#define BY_PUT(buf, literal) by_put((buf), "" literal, sizeof(literal) - 1)

BY_API void by_put_int(by_buf *buf, int64_t value);
BY_API void by_put_uint(by_buf *buf, uint64_t value);
/* The shortest decimal form that reads back as the same double, in any locale; NaN and infinity set the error. */
BY_API void by_put_double(by_buf *buf, double value);
BY_API void by_put_format(by_buf *buf, const char *format, ...) BY_PRINTF(2, 3);
/* A JSON string with its quotes (RFC 8259 section 7); invalid UTF-8 is replaced by U+FFFD. */
BY_API void by_put_json_text(by_buf *buf, by_text text);
BY_API void by_put_base64url(by_buf *buf, by_bytes bytes);
/* A value as JSON. */
BY_API void by_put_value(by_buf *buf, by_value value);

BY_END

#endif
