/* What the kinds' constraints and codecs have in common: comparing, reporting, and stating them in JSON Schema. */
#include <float.h>
#include <math.h>
#include <string.h>

#include <banyan/assert.h>

#include "core/constraint.h"
#include "core/json_reader.h"
#include "core/number.h"
#include "core/utf8.h"

const char *by__number_text(by_arena *arena, const by_number *number)
{
	char   digits[BY__DOUBLE_TEXT];
	size_t len;

	if (by__number_is((by_text){ number->text, strlen(number->text) }))
		return number->text;
	if (number->is_integer)
		len = by__int_print(number->integer, digits);
	else
		len = by__double_print(number->real, digits);
	return by_copy_text(arena, (by_text){ digits, len });
}

/* ---- limits ---- */

typedef enum limit {
	MINIMUM,
	MAXIMUM,
	EXCLUSIVE_MINIMUM,
	EXCLUSIVE_MAXIMUM
} limit;

static const struct {
	const char *code;
	const char *phrase;
	const char *schema;
	const char *schema_text; /* of strings in order, which JSON Schema itself cannot limit */
} limit_names[] = {
	[MINIMUM] = { "minimum", "must be at least", "minimum", "formatMinimum" },
	[MAXIMUM] = { "maximum", "must be at most", "maximum", "formatMaximum" },
	[EXCLUSIVE_MINIMUM] = { "exclusive_minimum", "must be greater than", "exclusiveMinimum", "formatExclusiveMinimum" },
	[EXCLUSIVE_MAXIMUM] = { "exclusive_maximum", "must be less than", "exclusiveMaximum", "formatExclusiveMaximum" },
};

static const by_number *limit_of(const by_field *field, limit which)
{
	switch (which) {
	case MINIMUM: return &field->minimum;
	case MAXIMUM: return &field->maximum;
	case EXCLUSIVE_MINIMUM: return &field->exclusive_minimum;
	case EXCLUSIVE_MAXIMUM: return &field->exclusive_maximum;
	}
	BY_IMPOSSIBLE("a limit of no kind");
}

static bool limit_broken(limit which, int order)
{
	switch (which) {
	case MINIMUM: return order < 0;
	case MAXIMUM: return order > 0;
	case EXCLUSIVE_MINIMUM: return order <= 0;
	case EXCLUSIVE_MAXIMUM: return order >= 0;
	}
	BY_IMPOSSIBLE("a limit of no kind");
}

bool by__has_limits(const by_field *field)
{
	return field->minimum.set || field->maximum.set || field->exclusive_minimum.set || field->exclusive_maximum.set;
}

/* Order of a value and a limit: <0, 0, >0. */
typedef int compare_fn(const void *value, const by_number *number);

static void check_limits(by_faults *faults, const by_field *field, const void *value, compare_fn *compare,
    const char *unit, const by_where *where)
{
	for (limit which = MINIMUM; which <= EXCLUSIVE_MAXIMUM; which++) {
		const by_number *number = limit_of(field, which);

		if (number->set && limit_broken(which, compare(value, number)))
			by_fault_at(faults, where, limit_names[which].code, "%s %s%s", limit_names[which].phrase,
			    by__number_text(by_faults_arena(faults), number), unit);
	}
}

static int compare_integer(const void *value, const by_number *number)
{
	int64_t integer = *(const int64_t *)value;

	if (number->is_integer)
		return (integer > number->integer) - (integer < number->integer);
	return ((double)integer > number->real) - ((double)integer < number->real);
}

static int compare_real(const void *value, const by_number *number)
{
	double real = *(const double *)value;

	return (real > number->real) - (real < number->real);
}

static int compare_seconds(const void *value, const by_number *number)
{
	double seconds = (double)((const by_duration *)value)->us / 1e6;

	return compare_real(&seconds, number);
}

void by__check_integer(by_faults *faults, const by_field *field, int64_t value, const by_where *where)
{
	if (by__has_limits(field))
		check_limits(faults, field, &value, compare_integer, "", where);
	const by_number *step = &field->multiple_of;

	if (step->set && (step->is_integer ? value % step->integer != 0 : fmod((double)value, step->real) != 0))
		by_fault_at(faults, where, "multiple_of", "must be a multiple of %s",
		    by__number_text(by_faults_arena(faults), step));
}

void by__check_real(by_faults *faults, const by_field *field, double value, const by_where *where)
{
	if (by__has_limits(field))
		check_limits(faults, field, &value, compare_real, "", where);
	/* 0.3 is a multiple of 0.1 although neither is exact: the rest may be as large as the rounding. */
	if (field->multiple_of.set && fabs(remainder(value, field->multiple_of.real)) > fabs(value) * 4 * DBL_EPSILON)
		by_fault_at(faults, where, "multiple_of", "must be a multiple of %s",
		    by__number_text(by_faults_arena(faults), &field->multiple_of));
}

void by__check_duration(by_faults *faults, const by_field *field, by_duration value, const by_where *where)
{
	if (by__has_limits(field))
		check_limits(faults, field, &value, compare_seconds, " s", where);
}

/* ---- decimals ---- */

bool by__decimal_is(by_text text)
{
	return by__number_is(text) && memchr(text.ptr, 'e', text.len) == NULL && memchr(text.ptr, 'E', text.len) == NULL;
}

typedef struct decimal_parts {
	bool    negative;
	by_text whole;
	by_text fraction; /* without trailing zeros */
} decimal_parts;

static decimal_parts take_apart(by_text text)
{
	decimal_parts parts = { .negative = text.len > 0 && text.ptr[0] == '-' };

	text.ptr += parts.negative;
	text.len -= parts.negative;
	const char *point = memchr(text.ptr, '.', text.len);

	parts.whole = (by_text){ text.ptr, point ? (size_t)(point - text.ptr) : text.len };
	if (point != NULL)
		parts.fraction = (by_text){ point + 1, text.len - parts.whole.len - 1 };
	while (parts.fraction.len > 0 && parts.fraction.ptr[parts.fraction.len - 1] == '0')
		parts.fraction.len--;
	if (parts.whole.len == 1 && parts.whole.ptr[0] == '0' && parts.fraction.len == 0)
		parts.negative = false; /* -0 is 0 */
	return parts;
}

static int compare_magnitudes(const decimal_parts *a, const decimal_parts *b)
{
	if (a->whole.len != b->whole.len)
		return a->whole.len < b->whole.len ? -1 : 1;
	int    order = memcmp(a->whole.ptr, b->whole.ptr, a->whole.len);
	size_t both = a->fraction.len < b->fraction.len ? a->fraction.len : b->fraction.len;

	if (order == 0 && both > 0)
		order = memcmp(a->fraction.ptr, b->fraction.ptr, both);
	if (order == 0)
		order = (a->fraction.len > b->fraction.len) - (a->fraction.len < b->fraction.len);
	return order;
}

int by__decimal_compare(by_text a, by_text b)
{
	decimal_parts left = take_apart(a);
	decimal_parts right = take_apart(b);

	if (left.negative != right.negative)
		return left.negative ? -1 : 1;
	int order = compare_magnitudes(&left, &right);

	return left.negative ? -order : order;
}

/* The limit's digits: as written when that is a plain decimal, else printed into `room`. */
static by_text number_digits(const by_number *number, char room[BY__DOUBLE_TEXT])
{
	by_text written = { number->text, strlen(number->text) };

	if (by__decimal_is(written))
		return written;
	if (number->is_integer)
		return (by_text){ room, by__int_print(number->integer, room) };
	return (by_text){ room, by__double_print(number->real, room) };
}

static int compare_decimal(const void *value, const by_number *number)
{
	char room[BY__DOUBLE_TEXT];

	return by__decimal_compare(*(const by_text *)value, number_digits(number, room));
}

/* Schoolbook remainder: the step's digits are few (see limits_mistakes), the value's may be any number. */
static bool is_multiple(by_text value, by_text step)
{
	decimal_parts v = take_apart(value);
	decimal_parts s = take_apart(step);
	uint64_t      unit = 0;
	uint64_t      rest = 0;

	if (v.fraction.len > s.fraction.len)
		return false;
	for (size_t i = 0; i < s.whole.len; i++)
		unit = unit * 10 + (uint64_t)(s.whole.ptr[i] - '0');
	for (size_t i = 0; i < s.fraction.len; i++)
		unit = unit * 10 + (uint64_t)(s.fraction.ptr[i] - '0');
	BY_REQUIRE(unit > 0);
	for (size_t i = 0; i < v.whole.len + s.fraction.len; i++) {
		size_t   behind = i - v.whole.len;
		unsigned digit = i < v.whole.len ? (unsigned)(v.whole.ptr[i] - '0')
		    : behind < v.fraction.len ? (unsigned)(v.fraction.ptr[behind] - '0') : 0;

		rest = (rest * 10 + digit) % unit;
	}
	return rest == 0;
}

void by__check_decimal(by_faults *faults, const by_field *field, const char *digits, const by_where *where)
{
	by_text text = { digits, strlen(digits) };
	char    room[BY__DOUBLE_TEXT];

	if (!by__decimal_is(text)) {
		by_fault_at(faults, where, "format", "must be %s", field->kind->expects);
		return;
	}
	if (by__has_limits(field))
		check_limits(faults, field, &text, compare_decimal, "", where);
	if (field->multiple_of.set && !is_multiple(text, number_digits(&field->multiple_of, room)))
		by_fault_at(faults, where, "multiple_of", "must be a multiple of %s",
		    by__number_text(by_faults_arena(faults), &field->multiple_of));
}

/* ---- lengths ---- */

void by__check_length(by_faults *faults, const by_field *field, size_t length, const char *unit, const by_where *where)
{
	if (length < field->min_length)
		by_fault_at(faults, where, "min_length", "must hold at least %zu %s%s", field->min_length, unit,
		    by__plural(field->min_length));
	if (field->max_length > 0 && length > field->max_length)
		by_fault_at(faults, where, "max_length", "must hold at most %zu %s%s", field->max_length, unit,
		    by__plural(field->max_length));
}

/* ---- schema ---- */

void by__schema_limits(by_json_writer *out, const by_field *field)
{
	bool is_text = field->kind->sql == BY_SQL_NUMERIC || field->kind == &by_kind_duration;

	for (limit which = MINIMUM; which <= EXCLUSIVE_MAXIMUM; which++) {
		const by_number *number = limit_of(field, which);
		const char      *text;

		if (!number->set)
			continue;
		text = by__number_text(out->out->arena, number);
		by_json_name(out, is_text ? limit_names[which].schema_text : limit_names[which].schema);
		if (field->kind == &by_kind_duration)
			by_json_string(out, by_format(out->out->arena, "%ss", text));
		else if (is_text)
			by_json_string(out, text);
		else
			by_json_raw(out, (by_text){ text, strlen(text) });
	}
	if (field->multiple_of.set) {
		const char *text = by__number_text(out->out->arena, &field->multiple_of);

		by_json_name(out, is_text ? "formatMultipleOf" : "multipleOf");
		by_json_raw(out, (by_text){ text, strlen(text) });
	}
}

void by__schema_length(by_json_writer *out, const by_field *field)
{
	if (field->min_length > 0) {
		by_json_name(out, "minLength");
		by_json_int(out, (int64_t)field->min_length);
	}
	if (field->max_length > 0) {
		by_json_name(out, "maxLength");
		by_json_int(out, (int64_t)field->max_length);
	}
}

/* ---- codecs of kinds that are strings in JSON ---- */

void by__write_quoted(by_buf *out, const by_field *field, const void *value, const by_json_style *style)
{
	(void)style;
	by_put_char(out, '"');
	field->kind->print(out, field, value);
	by_put_char(out, '"');
}

bool by__read_quoted(by_json_reader *r, const by_field *field, void *value)
{
	by_text text;

	if (by_json_peek(r) != BY_JSON_STRING)
		return by_json_wrong_type(r, field);
	if (!by_json_read_string(r, &text))
		return false;
	if (!field->kind->parse(r->arena, field, text, value)) {
		by_json_fault(r, field->kind->refused, "must be %s", field->kind->expects);
		return false;
	}
	return by__read_checked(r, field, value);
}

bool by__read_checked(by_json_reader *r, const by_field *field, const void *value)
{
	if (field->kind->check != NULL)
		field->kind->check(r->faults, field, value, r->where);
	return true;
}

const char *by__copy_utf8(by_arena *arena, by_text text)
{
	if (memchr(text.ptr, '\0', text.len) != NULL || !by__utf8_valid(text))
		return NULL;
	return by_copy_text(arena, text);
}
