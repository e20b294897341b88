/* Constraints shared by kinds: limits of numbers, lengths of texts, and what JSON Schema says of them. Internal. */
#ifndef BY_CORE_CONSTRAINT_H
#define BY_CORE_CONSTRAINT_H

#include <banyan/kind.h>

/* The number as JSON text, in the arena. */
const char *by__number_text(by_arena *arena, const by_number *number);

bool by__has_limits(const by_field *field);
void by__check_integer(by_faults *faults, const by_field *field, int64_t value, const by_where *where);
void by__check_real(by_faults *faults, const by_field *field, double value, const by_where *where);
void by__check_decimal(by_faults *faults, const by_field *field, const char *digits, const by_where *where);
/* Seconds against limits in seconds. */
void by__check_duration(by_faults *faults, const by_field *field, by_duration value, const by_where *where);
/* The ending of a counted noun. */
static inline const char *by__plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* `unit` is "character" or "byte". */
void by__check_length(by_faults *faults, const by_field *field, size_t length, const char *unit, const by_where *where);

/* Whether the text is plain decimal digits: -?(0|[1-9][0-9]*)(\.[0-9]+)? */
bool by__decimal_is(by_text text);
/* <0, 0, >0; both are plain decimals. */
int by__decimal_compare(by_text a, by_text b);

/* minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf. */
void by__schema_limits(by_json_writer *out, const by_field *field);
void by__schema_length(by_json_writer *out, const by_field *field);

/* Codecs of kinds whose JSON is a string of their text form. */
void by__write_quoted(by_buf *out, const by_field *field, const void *value, const by_json_style *style);
bool by__read_quoted(by_json_reader *r, const by_field *field, void *value);

/* Ends a kind's `read`: checks what was stored. Always true. */
bool by__read_checked(by_json_reader *r, const by_field *field, const void *value);
/* A NUL-terminated copy, or NULL when the text holds a NUL or is not UTF-8. */
const char *by__copy_utf8(by_arena *arena, by_text text);

#endif
