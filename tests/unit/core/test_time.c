/* Times, dates and durations: exact text forms, every offset, and what is refused. */
#include <string.h>

#include <banyan/time.h>

#include "unit/unit.h"

static by_text text(const char *string)
{
	return (by_text){ string, strlen(string) };
}

START_TEST(times_print_in_utc_with_no_more_digits_than_needed)
{
	static const struct { int64_t us; const char *printed; } rows[] = {
		{ 0, "1970-01-01T00:00:00Z" },
		{ 1, "1970-01-01T00:00:00.000001Z" },
		{ 250000, "1970-01-01T00:00:00.250Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
		{ INT64_C(1709164800000000), "2024-02-29T00:00:00Z" },
		{ INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z" },
		{ INT64_C(-62135596800000000), "0001-01-01T00:00:00Z" },
	};
	char out[BY_TIME_TEXT];

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		size_t len = by_time_print((by_time){ rows[i].us }, out);

		ck_assert_str_eq(out, rows[i].printed);
		ck_assert_uint_eq(len, strlen(out));
	}
}
END_TEST

START_TEST(every_offset_becomes_utc)
{
	static const struct { const char *written, *printed; } rows[] = {
		{ "2026-11-20T16:06:52Z", "2026-11-20T16:06:52Z" },
		{ "2026-11-20t16:06:52z", "2026-11-20T16:06:52Z" },
		{ "2026-11-20T16:06:52+02:00", "2026-11-20T14:06:52Z" },
		{ "2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z" },
		{ "2026-11-20T16:06:52.5-00:30", "2026-11-20T16:36:52.500Z" },
		{ "2026-11-20T16:06:52.123456789Z", "2026-11-20T16:06:52.123456Z" },
		{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z" },
	};
	char    out[BY_TIME_TEXT];
	by_time time;

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		ck_assert_msg(by_time_parse(text(rows[i].written), &time), "%s", rows[i].written);
		by_time_print(time, out);
		ck_assert_str_eq(out, rows[i].printed);
	}
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const rows[] = { "", "2026-11-20", "2026-11-20T16:06Z", "2026-11-20T16:06:52",
		"2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T16:60:00Z",
		"2026-11-20T16:06:61Z", "2026-11-20T16:06:52.Z", "2026-11-20T16:06:52+0200", "2026-11-20T16:06:52Zx",
		"0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", " 2026-11-20T16:06:52Z", "2026-11-20T16:06:52+24:00" };
	by_time time;

	for (size_t i = 0; i < BY_COUNT(rows); i++)
		ck_assert_msg(!by_time_parse(text(rows[i]), &time), "%s", rows[i]);
}
END_TEST

START_TEST(every_day_of_ten_millennia_reads_back)
{
	char    out[BY_DATE_TEXT];
	by_date date;

	for (int32_t days = -719162; days <= 2932896; days += 13) {
		by_date_print((by_date){ days }, out);
		ck_assert(by_date_parse((by_text){ out, 10 }, &date));
		ck_assert_int_eq(date.days, days);
	}
	ck_assert(!by_date_parse(text("2023-02-29"), &date));
	ck_assert(by_date_parse(text("2000-02-29"), &date));
	ck_assert(!by_date_parse(text("1900-02-29"), &date));
}
END_TEST

START_TEST(http_dates_name_day_and_month)
{
	char out[30];

	by_time_print_http((by_time){ INT64_C(784111777000000) }, out);
	ck_assert_str_eq(out, "Sun, 06 Nov 1994 08:49:37 GMT"); /* the example of RFC 9110 */
}
END_TEST

START_TEST(durations_read_and_print_in_units)
{
	static const struct { const char *written; int64_t us; } rows[] = { { "250ms", 250000 }, { "30s", 30000000 },
		{ "5m", 300000000 }, { "1h30m", INT64_C(5400000000) }, { "7d", INT64_C(604800000000) }, { "15us", 15 }, { "0", 0 } };
	static const char *const refused[] = { "", "5", "s", "-5s", "1.5s", "1m1h", "5 s", "99999999999999999999s", "1s1s" };
	by_duration duration;
	char        out[48];

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		ck_assert_msg(by_duration_parse(text(rows[i].written), &duration), "%s", rows[i].written);
		ck_assert_int_eq(duration.us, rows[i].us);
		by_duration_print(duration, out);
		ck_assert_str_eq(out, rows[i].written);
	}
	for (size_t i = 0; i < BY_COUNT(refused); i++)
		ck_assert_msg(!by_duration_parse(text(refused[i]), &duration), "%s", refused[i]);
}
END_TEST

UNIT("time", times_print_in_utc_with_no_more_digits_than_needed, every_offset_becomes_utc, what_is_no_time_is_refused,
    every_day_of_ten_millennia_reads_back, http_dates_name_day_and_month, durations_read_and_print_in_units);
