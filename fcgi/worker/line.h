/*
 * One JSON line, put together by functions that neither allocate nor lock: for
 * signal handlers.
 */
#ifndef BY_FCGI_WORKER_LINE_H
#define BY_FCGI_WORKER_LINE_H

#include <banyan/base.h>

enum { BY__LINE = 8192 };

typedef struct by__line {
	size_t len;
	char   text[BY__LINE]; /* what does not fit is left out; its end always fits */
} by__line;

/* Begins it: time, level, logger, message and pid. */
void by__line_begin(by__line *line, const char *level, const char *logger, const char *message);
void by__line_put(by__line *line, const char *text);
/* Within a JSON string: what would have to be escaped becomes a question mark. */
void by__line_safe(by__line *line, by_text text);
void by__line_number(by__line *line, uint64_t value, unsigned base);
/* ,"name":"value"; nothing when the value is NULL. */
void by__line_member(by__line *line, const char *name, const char *value);
void by__line_member_text(by__line *line, const char *name, by_text value);
/* ,"name":1.234 of nanoseconds. */
void by__line_seconds(by__line *line, const char *name, uint64_t ns);
/* Closes the object, and writes the line. */
void by__line_write(by__line *line, int fd);

#endif
