/* RFC 3339 and HTTP dates to and from microseconds, and durations; the calendar is the proleptic Gregorian. */
#include <string.h>
#include <time.h>

#include <banyan/assert.h>
#include <banyan/time.h>

#include "core/number.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* 0001-01-01 and 9999-12-31. */
enum { FIRST_DAY = -719162, LAST_DAY = 2932896 };

by_time by_time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (by_time){ (int64_t)now.tv_sec * SECOND + now.tv_nsec / 1000 };
}

uint64_t by_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

typedef struct civil {
	int year, month, day;
} civil;

/* Days are counted in eras of 400 years that begin on the first of March, so that leap days end a year. */
static int64_t days_from_civil(civil date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static civil civil_from_days(int64_t days)
{
	uint32_t since = (uint32_t)(days + 719468); /* never below 0: years begin with 0001 */
	uint32_t era = since / 146097;
	uint32_t day_of_era = since - era * 146097;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t shifted_month = (5 * day_of_year + 2) / 153;
	int      month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);

	return (civil){ (int)(year_of_era + era * 400) + (month <= 2), month,
		(int)(day_of_year - (153 * shifted_month + 2) / 5 + 1) };
}

static void put_two(char *out, unsigned value)
{
	memcpy(out, by__digit_pairs + value * 2, 2);
}

static void put_four(char *out, unsigned value)
{
	put_two(out, value / 100);
	put_two(out + 2, value % 100);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The times of a page mostly fall on few days, so the last one is kept. */
static void put_date(char out[10], int64_t days)
{
	static _Thread_local int64_t last = INT64_MIN;
	static _Thread_local char    text[10];

	if (days != last) {
		civil date = civil_from_days(days);

		put_four(text, (unsigned)date.year);
		text[4] = '-';
		put_two(text + 5, (unsigned)date.month);
		text[7] = '-';
		put_two(text + 8, (unsigned)date.day);
		last = days;
	}
	memcpy(out, text, sizeof(text));
}

static void put_clock(char out[8], unsigned seconds)
{
	put_two(out, seconds / 3600);
	out[2] = ':';
	put_two(out + 3, seconds / 60 % 60);
	out[5] = ':';
	put_two(out + 6, seconds % 60);
}

/* Three digits when they tell all, else six. */
static size_t put_fraction(char *out, unsigned micros)
{
	out[0] = '.';
	put_two(out + 1, micros / 10000);
	put_four(out + 3, micros % 10000);
	return micros % 1000 == 0 ? 4 : 7;
}

size_t by_time_print(by_time time, char out[BY_TIME_TEXT])
{
	int64_t  days = floor_div(time.us, DAY);
	int64_t  in_day = time.us - days * DAY;
	unsigned seconds = (unsigned)(in_day / SECOND);
	unsigned fraction = (unsigned)(in_day - (int64_t)seconds * SECOND);
	size_t   len = 19;

	BY_REQUIRE(days >= FIRST_DAY && days <= LAST_DAY);
	put_date(out, days);
	out[10] = 'T';
	put_clock(out + 11, seconds);
	if (fraction != 0)
		len += put_fraction(out + len, fraction);
	out[len++] = 'Z';
	out[len] = '\0';
	return len;
}

size_t by_date_print(by_date date, char out[BY_DATE_TEXT])
{
	BY_REQUIRE(date.days >= FIRST_DAY && date.days <= LAST_DAY);
	put_date(out, date.days);
	out[10] = '\0';
	return 10;
}

/* `width` digits at the start of the text, which is cut; -1 when they are not there. */
static int take_digits(by_text *text, size_t width)
{
	int value = 0;

	if (text->len < width)
		return -1;
	for (size_t i = 0; i < width; i++) {
		if (text->ptr[i] < '0' || text->ptr[i] > '9')
			return -1;
		value = value * 10 + (text->ptr[i] - '0');
	}
	text->ptr += width;
	text->len -= width;
	return value;
}

static bool take(by_text *text, char c)
{
	if (text->len == 0 || text->ptr[0] != c)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool             leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(by_text *text, int64_t *days)
{
	civil date;

	date.year = take_digits(text, 4);
	if (date.year < 1 || !take(text, '-'))
		return false;
	date.month = take_digits(text, 2);
	if (date.month < 1 || date.month > 12 || !take(text, '-'))
		return false;
	date.day = take_digits(text, 2);
	if (date.day < 1 || date.day > days_in_month(date.year, date.month))
		return false;
	*days = days_from_civil(date);
	return true;
}

bool by_date_parse(by_text text, by_date *date)
{
	int64_t days;

	if (!take_date(&text, &days) || text.len != 0)
		return false;
	date->days = (int32_t)days;
	return true;
}

/* Digits behind the point as microseconds; further ones are cut. */
static bool take_fraction(by_text *text, int64_t *us)
{
	int64_t unit = SECOND / 10;
	size_t  count = 0;

	*us = 0;
	for (; text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9'; text->ptr++, text->len--, count++) {
		*us += (text->ptr[0] - '0') * unit;
		unit /= 10;
	}
	return count > 0;
}

static bool take_offset(by_text *text, int64_t *us)
{
	*us = 0;
	if (take(text, 'Z') || take(text, 'z'))
		return true;
	bool east = take(text, '+');

	if (!east && !take(text, '-'))
		return false;
	int hours = take_digits(text, 2);

	if (hours < 0 || hours > 23 || !take(text, ':'))
		return false;
	int minutes = take_digits(text, 2);

	if (minutes < 0 || minutes > 59)
		return false;
	*us = (hours * HOUR + minutes * MINUTE) * (east ? 1 : -1);
	return true;
}

bool by_time_parse(by_text text, by_time *time)
{
	int64_t days, offset;
	int64_t fraction = 0;

	if (!take_date(&text, &days) || !(take(&text, 'T') || take(&text, 't') || take(&text, ' ')))
		return false;
	int hour = take_digits(&text, 2);

	if (hour < 0 || hour > 23 || !take(&text, ':'))
		return false;
	int minute = take_digits(&text, 2);

	if (minute < 0 || minute > 59 || !take(&text, ':'))
		return false;
	int second = take_digits(&text, 2);

	if (second < 0 || second > 60 || (take(&text, '.') && !take_fraction(&text, &fraction)))
		return false;
	if (!take_offset(&text, &offset) || text.len != 0)
		return false;
	int64_t us = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction - offset;

	if (us < FIRST_DAY * DAY || us >= (LAST_DAY + INT64_C(1)) * DAY)
		return false;
	time->us = us;
	return true;
}

void by_time_print_http(by_time time, char out[30])
{
	static const char names[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t           days = floor_div(time.us, DAY);
	civil             date = civil_from_days(days);

	memcpy(out, "Thu, 01 Jan 1970 00:00:00 GMT", 30);
	memcpy(out, names + 3 * ((days % 7 + 7) % 7), 3);
	put_two(out + 5, (unsigned)date.day);
	memcpy(out + 8, months + 3 * (date.month - 1), 3);
	put_four(out + 12, (unsigned)date.year);
	put_clock(out + 17, (unsigned)((time.us - days * DAY) / SECOND));
}

/* Longest first; "m" is minutes, so "ms" is looked for before it. */
static const struct duration_unit {
	const char *name;
	int64_t     us;
} duration_units[] = { { "d", DAY }, { "h", HOUR }, { "ms", 1000 }, { "us", 1 }, { "m", MINUTE }, { "s", SECOND } };

static const struct duration_unit *take_unit(by_text *text)
{
	for (size_t i = 0; i < BY_COUNT(duration_units); i++) {
		size_t len = strlen(duration_units[i].name);

		if (text->len >= len && memcmp(text->ptr, duration_units[i].name, len) == 0) {
			text->ptr += len;
			text->len -= len;
			return &duration_units[i];
		}
	}
	return NULL;
}

bool by_duration_parse(by_text text, by_duration *duration)
{
	int64_t sum = 0;
	int64_t last_unit = INT64_MAX;

	if (text.len == 1 && text.ptr[0] == '0') {
		duration->us = 0;
		return true;
	}
	if (text.len == 0)
		return false;
	while (text.len > 0) {
		by_text digits = { text.ptr, 0 };
		int64_t count, part;

		while (text.len > 0 && text.ptr[0] >= '0' && text.ptr[0] <= '9') {
			text.ptr++;
			text.len--;
			digits.len++;
		}
		const struct duration_unit *unit = by__int_parse(digits, &count) ? take_unit(&text) : NULL;

		if (unit == NULL || unit->us >= last_unit || __builtin_mul_overflow(count, unit->us, &part)
		    || __builtin_add_overflow(sum, part, &sum))
			return false;
		last_unit = unit->us;
	}
	duration->us = sum;
	return true;
}

size_t by_duration_print(by_duration duration, char out[48])
{
	static const struct duration_unit parts[] = { { "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", SECOND },
		{ "ms", 1000 }, { "us", 1 } };
	int64_t left = duration.us;
	size_t  len = 0;

	BY_REQUIRE(left >= 0);
	for (size_t i = 0; i < BY_COUNT(parts); i++) {
		if (left / parts[i].us == 0)
			continue;
		len += by__int_print(left / parts[i].us, out + len);
		memcpy(out + len, parts[i].name, strlen(parts[i].name));
		len += strlen(parts[i].name);
		left %= parts[i].us;
	}
	if (len == 0)
		out[len++] = '0';
	out[len] = '\0';
	return len;
}
