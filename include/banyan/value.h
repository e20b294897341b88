/*
 * One value of any scalar kind, tagged: what log fields, SQL parameters and
 * SQL results are made of.
 */
#ifndef BANYAN_VALUE_H
#define BANYAN_VALUE_H

#include <banyan/base.h>
#include <banyan/id.h>
#include <banyan/time.h>

BY_BEGIN

/* Exact decimal digits, "-12.340": never passed through a double. */
typedef struct by_decimal {
	const char *digits;
} by_decimal;

/* Bytes of any value; base64url without padding in JSON (RFC 4648 section 5). */
typedef struct by_bytes {
	const uint8_t *ptr;
	size_t         len;
} by_bytes;

/* A JSON document, checked to be well-formed, as text. */
typedef struct by_json {
	const char *ptr;
	size_t      len;
} by_json;

/* A string that is never printed: not in answers, logs or `config show`. */
typedef struct by_secret {
	const char *value;
} by_secret;

/* A number of bytes: "1MiB", "64KiB", "4096". */
typedef struct by_size {
	uint64_t bytes;
} by_size;

typedef enum by_value_tag {
	BY_VALUE_NULL,
	BY_VALUE_BOOL,
	BY_VALUE_INT,
	BY_VALUE_DOUBLE,
	BY_VALUE_TEXT,
	BY_VALUE_BYTES,
	BY_VALUE_TIME,
	BY_VALUE_DATE,
	BY_VALUE_ULID,
	BY_VALUE_UUID,
	BY_VALUE_DECIMAL, /* in .text */
	BY_VALUE_JSON     /* in .text */
} by_value_tag;

typedef struct by_value {
	by_value_tag tag;
	union {
		bool     boolean;
		int64_t  integer;
		double   real;
		by_text  text; /* belongs to whoever made the value */
		by_bytes bytes;
		by_time  time;
		by_date  date;
		by_ulid  ulid;
		by_uuid  uuid;
	};
} by_value;

BY_API by_value by_value_bool(bool value);
BY_API by_value by_value_int(int64_t value);
BY_API by_value by_value_uint(uint64_t value); /* above INT64_MAX it becomes a decimal in static storage of the thread: use it at once */
BY_API by_value by_value_double(double value);
BY_API by_value by_value_string(const char *value); /* NULL becomes NULL */
BY_API by_value by_value_text(by_text value);
BY_API by_value by_value_bytes(by_bytes value);
BY_API by_value by_value_time(by_time value);
BY_API by_value by_value_date(by_date value);
BY_API by_value by_value_duration(by_duration value); /* as milliseconds, a double */
BY_API by_value by_value_ulid(by_ulid value);
BY_API by_value by_value_uuid(by_uuid value);
BY_API by_value by_value_decimal(by_decimal value);
BY_API by_value by_value_json(by_json value);

/* A value from an expression, by its type; other types do not compile. */
#define BY_VALUE_OF(x) _Generic((x), \
	bool: by_value_bool, \
	char: by_value_int, signed char: by_value_int, short: by_value_int, int: by_value_int, \
	long: by_value_int, long long: by_value_int, \
	unsigned char: by_value_uint, unsigned short: by_value_uint, unsigned int: by_value_uint, \
	unsigned long: by_value_uint, unsigned long long: by_value_uint, \
	float: by_value_double, double: by_value_double, \
	char *: by_value_string, const char *: by_value_string, \
	by_text: by_value_text, by_bytes: by_value_bytes, by_time: by_value_time, by_date: by_value_date, \
	by_duration: by_value_duration, by_ulid: by_value_ulid, by_uuid: by_value_uuid, \
	by_decimal: by_value_decimal, by_json: by_value_json)(x)

BY_END

#endif
