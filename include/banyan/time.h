/*
 * Time: instants in UTC with microseconds, calendar dates, durations, and the
 * monotonic clock that deadlines are measured on.
 */
#ifndef BANYAN_TIME_H
#define BANYAN_TIME_H

#include <banyan/base.h>

BY_BEGIN

/* An instant: microseconds since 1970-01-01T00:00:00Z, years 0001 to 9999. */
typedef struct by_time {
	int64_t us;
} by_time;

/* A calendar date: days since 1970-01-01, years 0001 to 9999. */
typedef struct by_date {
	int32_t days;
} by_date;

/* A span of time in microseconds. */
typedef struct by_duration {
	int64_t us;
} by_duration;

enum {
	BY_TIME_TEXT = 28, /* "2026-11-20T16:06:52.000000Z" and its NUL */
	BY_DATE_TEXT = 11
};

BY_API by_time by_time_now(void);
/* Nanoseconds on the monotonic clock. */
BY_API uint64_t by_clock(void);

/*
 * RFC 3339, always UTC with `Z`; the fraction is left out when it is zero, else
 * written with 3 or 6 digits. Returns the length without the NUL.
 */
BY_API size_t by_time_print(by_time time, char out[BY_TIME_TEXT]);
/* RFC 3339 with any offset; a leap second becomes the next second; more than 6 digits are cut. */
BY_API BY_MUST_CHECK bool by_time_parse(by_text text, by_time *time);
BY_API size_t by_date_print(by_date date, char out[BY_DATE_TEXT]);
BY_API BY_MUST_CHECK bool by_date_parse(by_text text, by_date *date);
/* IMF-fixdate (RFC 9110 section 5.6.7), "Fri, 20 Nov 2026 16:06:52 GMT": 29 characters and a NUL. */
BY_API void by_time_print_http(by_time time, char out[30]);
/* "250ms", "30s", "5m", "1h30m", "7d"; a bare number is refused, but for 0. */
BY_API BY_MUST_CHECK bool by_duration_parse(by_text text, by_duration *duration);
/* Writes the shortest form that parses to the same; returns its length. */
BY_API size_t by_duration_print(by_duration duration, char out[48]);

BY_END

#endif
