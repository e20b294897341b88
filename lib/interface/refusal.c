/* Says why a request is not served, and measures what requests wait. */
#include <string.h>

#include <banyan/metric.h>

#include "interface/refusal.h"

#define SECOND UINT64_C(1000000) /* in microseconds, as by_time counts */
#define WAIT_MOST (600 * SECOND)

static const struct {
	const char *reason; /* as the metric says it */
	const char *detail;
} refusals[BY__REFUSALS] = {
	[BY__REFUSE_QUEUE_FULL] = { "queue_full", "The service has too much to do for the moment." },
	[BY__REFUSE_QUEUE_TIMEOUT] = { "queue_timeout", "The service did not get to this request in time." },
	[BY__REFUSE_POISONED] = { "poisoned", "This address has failed repeatedly and rests for the moment." },
	[BY__REFUSE_STOPPING] = { "stopping", "The server is restarting." },
};

enum { RETRY_AFTER = 1 };

static const by_metric refused_metric = {
	.name = "banyan_requests_refused_total",
	.help = "Requests answered 503 before they ran, or cancelled because the worker ended.",
	.type = BY_COUNTER,
	.labels = { "reason" }
};

static const by_metric wait_metric = {
	.name = "banyan_queue_wait_seconds",
	.help = "How long requests waited, from their first byte or REQUEST_START to their beginning.",
	.type = BY_HISTOGRAM
};

static struct {
	by_series refused[BY__REFUSALS];
	by_series wait;
	bool      reserved;
} series;

void by__refusals_reserve(void)
{
	static const char *const none[] = { NULL };

	if (series.reserved)
		return;
	series.reserved = true;
	for (int i = BY__REFUSE_NOT + 1; i < BY__REFUSALS; i++)
		series.refused[i] = by_metric_series(&refused_metric, &refusals[i].reason);
	series.wait = by_metric_series(&wait_metric, none);
}

by_error *by__refuse(by_ctx *ctx, by__refusal why, uint32_t retry_after)
{
	by_error *error = why == BY__REFUSE_QUEUE_FULL || why == BY__REFUSE_QUEUE_TIMEOUT
	    ? by_fail(ctx, OVERLOADED, "%s", refusals[why].detail) : by_fail(ctx, UNAVAILABLE, "%s", refusals[why].detail);

	error->retry_after = retry_after ? retry_after : RETRY_AFTER;
	by_count(series.refused[why], 1);
	return error;
}

void by__waited_observe(uint64_t waited)
{
	by_observe(&wait_metric, series.wait, (double)waited / 1e9);
}

/* ---- REQUEST_START -------------------------------------------------------- */

/* The digits in front, at most 18 of them; how many there were. */
static size_t digits(by_text text, uint64_t *number)
{
	size_t i = 0;

	for (*number = 0; i < text.len && i < 18 && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
		*number = *number * 10 + (uint64_t)(text.ptr[i] - '0');
	return i;
}

static by_text behind(by_text text, size_t len)
{
	return (by_text){ text.ptr + len, text.len - len };
}

/* "732" behind the point is 732000; what is finer than a microsecond counts for nothing. */
static bool fraction(by_text text, uint64_t *us)
{
	uint64_t unit = SECOND;

	*us = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		unit /= 10;
		*us += (uint64_t)(text.ptr[i] - '0') * unit;
	}
	return true;
}

/* Microseconds since 1970; 0: not a time. Which unit it is, the number of digits tells for the next two centuries. */
static uint64_t time_of(by_text text)
{
	uint64_t whole, part = 0;

	if (text.len > 2 && memcmp(text.ptr, "t=", 2) == 0)
		text = behind(text, 2);
	size_t count = digits(text, &whole);

	text = behind(text, count);
	if (text.len > 0 && (text.ptr[0] != '.' || count > 10 || !fraction(behind(text, 1), &part)))
		return 0;
	if (count >= 9 && count <= 10)
		return whole * SECOND + part;
	if (count >= 12 && count <= 13)
		return whole * 1000;
	return count >= 15 && count <= 16 ? whole : 0;
}

uint64_t by__waited_since(by_text start, by_time now)
{
	uint64_t us = time_of(start);

	if (us == 0 || us >= (uint64_t)now.us || (uint64_t)now.us - us >= WAIT_MOST)
		return 0;
	return ((uint64_t)now.us - us) * 1000;
}
