/* Times, dates, durations and numbers in text: what is read is written as text that is read as the same. */
#include <banyan/buf.h>
#include <banyan/time.h>

#include "core/number.h"
#include "fuzz/fuzz.h"

static void check_time(by_text text)
{
	char    out[BY_TIME_TEXT];
	by_time time, again;

	if (!by_time_parse(text, &time))
		return;
	by_text print = { out, by_time_print(time, out) };
	bool    back = by_time_parse(print, &again);

	FUZZ_HOLDS(print.len < sizeof(out) && back && again.us == time.us);
	char http[30];

	by_time_print_http(time, http);
	FUZZ_HOLDS(strlen(http) == 29);
}

static void check_date(by_text text)
{
	char    out[BY_DATE_TEXT];
	by_date date, again;

	if (!by_date_parse(text, &date))
		return;
	by_text print = { out, by_date_print(date, out) };

	bool back = by_date_parse(print, &again);

	FUZZ_HOLDS(print.len == 10 && back && again.days == date.days);
	FUZZ_HOLDS(text.len == 10 && memcmp(text.ptr, out, 10) == 0);
}

static void check_duration(by_text text)
{
	char        out[48];
	by_duration duration, again;

	if (!by_duration_parse(text, &duration))
		return;
	by_text print = { out, by_duration_print(duration, out) };
	bool    back = by_duration_parse(print, &again);

	FUZZ_HOLDS(print.len < sizeof(out) && back && again.us == duration.us);
}

static void check_integer(by_text text)
{
	char    digits[24];
	int64_t integer, again;
	by_buf  out = { .data = digits, .cap = sizeof(digits) };

	if (!by__int_parse(text, &integer))
		return;
	by_put_int(&out, integer);
	bool back = by__int_parse((by_text){ digits, out.len }, &again);

	FUZZ_HOLDS(back && again == integer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	by_text text = fuzz_text(data, size);

	check_time(text);
	check_date(text);
	check_duration(text);
	check_integer(text);
	return 0;
}
