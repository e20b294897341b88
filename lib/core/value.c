/* Tagged values from C expressions: what BY_VALUE_OF picks from. */
#include <stdio.h>
#include <string.h>

#include <banyan/value.h>

by_value by_value_bool(bool value)
{
	return (by_value){ .tag = BY_VALUE_BOOL, .boolean = value };
}

by_value by_value_int(int64_t value)
{
	return (by_value){ .tag = BY_VALUE_INT, .integer = value };
}

by_value by_value_uint(uint64_t value)
{
	static _Thread_local char digits[24];

	if (value <= INT64_MAX)
		return by_value_int((int64_t)value);
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);

	return (by_value){ .tag = BY_VALUE_DECIMAL, .text = { digits, (size_t)len } };
}

by_value by_value_double(double value)
{
	return (by_value){ .tag = BY_VALUE_DOUBLE, .real = value };
}

by_value by_value_text(by_text value)
{
	if (value.ptr == NULL)
		return (by_value){ .tag = BY_VALUE_NULL };
	return (by_value){ .tag = BY_VALUE_TEXT, .text = value };
}

by_value by_value_string(const char *value)
{
	return by_value_text((by_text){ value, value ? strlen(value) : 0 });
}

by_value by_value_bytes(by_bytes value)
{
	return (by_value){ .tag = BY_VALUE_BYTES, .bytes = value };
}

by_value by_value_time(by_time value)
{
	return (by_value){ .tag = BY_VALUE_TIME, .time = value };
}

by_value by_value_date(by_date value)
{
	return (by_value){ .tag = BY_VALUE_DATE, .date = value };
}

by_value by_value_duration(by_duration value)
{
	return by_value_double((double)value.us / 1000.0);
}

by_value by_value_ulid(by_ulid value)
{
	return (by_value){ .tag = BY_VALUE_ULID, .ulid = value };
}

by_value by_value_uuid(by_uuid value)
{
	return (by_value){ .tag = BY_VALUE_UUID, .uuid = value };
}

by_value by_value_decimal(by_decimal value)
{
	if (value.digits == NULL)
		return (by_value){ .tag = BY_VALUE_NULL };
	return (by_value){ .tag = BY_VALUE_DECIMAL, .text = { value.digits, strlen(value.digits) } };
}

by_value by_value_json(by_json value)
{
	if (value.ptr == NULL)
		return (by_value){ .tag = BY_VALUE_NULL };
	return (by_value){ .tag = BY_VALUE_JSON, .text = { value.ptr, value.len } };
}
