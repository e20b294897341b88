/*
 * Numbers to and from text. The usual numbers take short exact paths; the rest
 * goes through the C library in the C locale.
 */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>

#include "core/number.h"

/* Doubles hold integers up to 2^53 and powers of ten up to 10^22 exactly. */
static const double exact_powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
	1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
#define EXACT_INTEGER 9007199254740992.0

const char by__digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static locale_t c_locale(void)
{
	static locale_t made;

	if (made == (locale_t)0) {
		made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
		BY_INVARIANT(made != (locale_t)0);
	}
	return made;
}

size_t by__uint_print(uint64_t value, char out[BY__INT_TEXT])
{
	char  digits[BY__INT_TEXT];
	char *at = digits + sizeof(digits);

	while (value >= 100) {
		at -= 2;
		memcpy(at, by__digit_pairs + (value % 100) * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		at -= 2;
		memcpy(at, by__digit_pairs + value * 2, 2);
	} else {
		*--at = (char)('0' + value);
	}
	size_t len = (size_t)(digits + sizeof(digits) - at);

	memcpy(out, at, len);
	return len;
}

size_t by__int_print(int64_t value, char out[BY__INT_TEXT])
{
	if (value >= 0)
		return by__uint_print((uint64_t)value, out);
	out[0] = '-';
	char   digits[BY__INT_TEXT];
	size_t len = by__uint_print(0 - (uint64_t)value, digits);

	memcpy(out + 1, digits, len);
	return len + 1;
}

bool by__int_parse(by_text text, int64_t *value)
{
	size_t   at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
	bool     negative = at == 1;
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t sum = 0;

	if (at == text.len)
		return false;
	for (; at < text.len; at++) {
		unsigned digit = (unsigned)(unsigned char)text.ptr[at] - '0';

		if (digit > 9 || sum > (limit - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
	return true;
}

static size_t skip_digits(by_text text, size_t at)
{
	while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
		at++;
	return at;
}

/* RFC 8259 section 6: [-] int [frac] [exp]. */
bool by__number_is(by_text text)
{
	size_t at = 0;
	size_t after;

	if (at < text.len && text.ptr[at] == '-')
		at++;
	after = skip_digits(text, at);
	if (after == at || (text.ptr[at] == '0' && after > at + 1))
		return false;
	at = after;
	if (at < text.len && text.ptr[at] == '.') {
		after = skip_digits(text, at + 1);
		if (after == at + 1)
			return false;
		at = after;
	}
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		at++;
		if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
			at++;
		after = skip_digits(text, at);
		if (after == at)
			return false;
		at = after;
	}
	return at == text.len;
}

/* Up to 15 digits with up to 22 of them behind the point: one exact division. */
static bool parse_short(by_text text, double *value)
{
	size_t   at = text.ptr[0] == '-' ? 1 : 0;
	uint64_t digits = 0;
	size_t   count = 0;
	size_t   behind = 0;
	bool     point = false;

	for (; at < text.len; at++) {
		char c = text.ptr[at];

		if (c == '.') {
			point = true;
			continue;
		}
		if (c == 'e' || c == 'E' || ++count > 15)
			return false;
		digits = digits * 10 + (uint64_t)(c - '0');
		behind += point;
	}
	*value = (double)digits / exact_powers[behind];
	if (text.ptr[0] == '-')
		*value = -*value;
	return true;
}

bool by__double_parse(by_text text, double *value)
{
	char  copy[512];
	char *end;

	if (!by__number_is(text))
		return false;
	if (parse_short(text, value))
		return true;
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	double parsed = strtod_l(copy, &end, c_locale());

	if (*end != '\0' || !isfinite(parsed))
		return false;
	*value = parsed;
	return true;
}

/*
 * Numbers with few decimals: the fewest places at which the scaled value is an
 * exact integer that divides back to the same double. Both are exact, so the
 * quotient is the double nearest to that decimal.
 */
static size_t print_short(double value, char *out)
{
	double magnitude = fabs(value);

	for (int places = 0; places <= 9; places++) {
		double scaled = magnitude * exact_powers[places];

		if (scaled >= EXACT_INTEGER / 8)
			return 0;
		double whole = nearbyint(scaled);

		if (whole / exact_powers[places] != magnitude)
			continue;
		char     digits[BY__INT_TEXT];
		uint64_t integer = (uint64_t)whole;
		size_t   len = 0;

		if (signbit(value))
			out[len++] = '-';
		uint64_t power = (uint64_t)exact_powers[places];

		len += by__uint_print(integer / power, out + len);
		if (places == 0)
			return len;
		/* The leading 1 keeps the zeros behind the point. */
		size_t behind = by__uint_print(integer % power + power, digits);

		out[len++] = '.';
		memcpy(out + len, digits + 1, behind - 1);
		return len + behind - 1;
	}
	return 0;
}

size_t by__double_print(double value, char out[BY__DOUBLE_TEXT])
{
	BY_REQUIRE(isfinite(value));
	size_t len = print_short(value, out);

	if (len > 0)
		return len;
	locale_t before = uselocale(c_locale());

	/* 15 digits are enough for every decimal of 15; subnormals may need fewer than %g then keeps. */
	for (int precision = fabs(value) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
		len = (size_t)snprintf(out, BY__DOUBLE_TEXT, "%.*g", precision, value);
		if (strtod(out, NULL) == value)
			break;
	}
	uselocale(before);
	return len;
}
