/* Puts a line together in a buffer of fixed size. */
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <banyan/time.h>

#include "fcgi/worker/line.h"

enum { PATIENCE_MS = 250 };

static void put(by__line *line, by_text text)
{
	/* Some bytes stay for what closes strings and objects, and for the line's end. */
	size_t room = BY__LINE - 8 - line->len;
	size_t len = text.len < room ? text.len : room;

	if (len > 0)
		memcpy(line->text + line->len, text.ptr, len);
	line->len += len;
}

void by__line_put(by__line *line, const char *text)
{
	put(line, (by_text){ text, strlen(text) });
}

void by__line_safe(by__line *line, by_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if ((unsigned char)c < 0x20 || c == '"' || c == '\\')
			c = '?';
		put(line, (by_text){ &c, 1 });
	}
}

void by__line_number(by__line *line, uint64_t value, unsigned base)
{
	char digits[32];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	put(line, (by_text){ digits + at, sizeof(digits) - at });
}

void by__line_member_text(by__line *line, const char *name, by_text value)
{
	if (!value.ptr)
		return;
	by__line_put(line, ",\"");
	by__line_put(line, name);
	by__line_put(line, "\":\"");
	by__line_safe(line, value);
	by__line_put(line, "\"");
}

void by__line_member(by__line *line, const char *name, const char *value)
{
	by__line_member_text(line, name, (by_text){ value, value ? strlen(value) : 0 });
}

void by__line_seconds(by__line *line, const char *name, uint64_t ns)
{
	uint64_t ms = ns / 1000000;
	const char digits[] = { '.', (char)('0' + ms / 100 % 10), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10) };

	by__line_put(line, ",\"");
	by__line_put(line, name);
	by__line_put(line, "\":");
	by__line_number(line, ms / 1000, 10);
	put(line, (by_text){ digits, sizeof(digits) });
}

void by__line_begin(by__line *line, const char *level, const char *logger, const char *message)
{
	char time[BY_TIME_TEXT];

	(void)by_time_print(by_time_now(), time);
	line->len = 0;
	by__line_put(line, "{\"timestamp\":\"");
	by__line_put(line, time);
	by__line_put(line, "\"");
	by__line_member(line, "level", level);
	by__line_member(line, "logger", logger);
	by__line_member(line, "message", message);
	by__line_put(line, ",\"pid\":");
	by__line_number(line, (uint64_t)getpid(), 10);
}

/* Whether the reader takes something; a log that nobody reads must not hold up what this line tells of. */
static bool is_taken(int fd)
{
	struct pollfd ask = { .fd = fd, .events = POLLOUT };

	return poll(&ask, 1, PATIENCE_MS) > 0;
}

void by__line_write(by__line *line, int fd)
{
	size_t done = 0;

	memcpy(line->text + line->len, "}\n", 2);
	line->len += 2;
	/* A pipe that is called writable takes as much as PIPE_BUF at once (pipe(7)). */
	while (done < line->len && is_taken(fd)) {
		size_t left = line->len - done;
		ssize_t put = write(fd, line->text + done, left < PIPE_BUF ? left : PIPE_BUF);

		if (put <= 0)
			break;
		done += (size_t)put;
	}
}
