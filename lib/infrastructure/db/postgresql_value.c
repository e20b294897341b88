/*
 * Values on their way to and from PostgreSQL: parameters as text whose types
 * the server infers, results in binary form decoded by the column's type.
 */
#include <string.h>

#include <banyan/assert.h>

#include "core/number.h"
#include "infrastructure/db/postgresql.h"

/* Types of pg_type.dat, which never change their numbers. */
enum {
	OID_BOOL = 16, OID_BYTEA = 17, OID_CHAR = 18, OID_NAME = 19, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23,
	OID_TEXT = 25, OID_OID = 26, OID_JSON = 114, OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_UNKNOWN = 705,
	OID_BPCHAR = 1042, OID_VARCHAR = 1043, OID_DATE = 1082, OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184,
	OID_NUMERIC = 1700, OID_VOID = 2278, OID_UUID = 2950, OID_JSONB = 3802
};

enum {
	EPOCH_DAYS = 10957, /* from 1970-01-01 to 2000-01-01, PostgreSQL's epoch */
	COLUMNS_ON_STACK = 64
};
static const int64_t EPOCH_US = (int64_t)EPOCH_DAYS * 86400 * 1000000;

/* ---- parameters ---- */

static by_error *text_argument(by_ctx *ctx, by_text text, const char **out)
{
	if (memchr(text.ptr, '\0', text.len))
		return by_fail(ctx, VALIDATION, "A text must not hold the character U+0000.");
	*out = by_copy_text(ctx->arena, text);
	return BY_OK;
}

static const char *short_argument(by_ctx *ctx, by_value value)
{
	char *out = by_alloc_raw(ctx->arena, 40);
	switch (value.tag) {
	case BY_VALUE_INT:
		out[by__int_print(value.integer, out)] = '\0';
		break;
	case BY_VALUE_DOUBLE:
		out[by__double_print(value.real, out)] = '\0';
		break;
	case BY_VALUE_TIME:
		by_time_print(value.time, out);
		break;
	case BY_VALUE_DATE:
		by_date_print(value.date, out);
		break;
	case BY_VALUE_ULID:
		by_ulid_print(value.ulid, out);
		break;
	case BY_VALUE_UUID:
		by_uuid_print(value.uuid, out);
		break;
	default:
		BY_IMPOSSIBLE("a value of no short form");
	}
	return out;
}

static const char *double_argument(by_ctx *ctx, by_value value)
{
	if (value.real != value.real)
		return "NaN";
	if (value.real - value.real != 0)
		return value.real > 0 ? "Infinity" : "-Infinity";
	return short_argument(ctx, value);
}

static by_error *argument(by_ctx *ctx, by_value value, const char **out, int *length, int *format)
{
	switch (value.tag) {
	case BY_VALUE_NULL:
		*out = NULL;
		return BY_OK;
	case BY_VALUE_BOOL:
		*out = value.boolean ? "t" : "f";
		return BY_OK;
	case BY_VALUE_TEXT:
	case BY_VALUE_DECIMAL:
	case BY_VALUE_JSON:
		return text_argument(ctx, value.text, out);
	case BY_VALUE_BYTES:
		*out = value.bytes.len ? (const char *)value.bytes.ptr : "";
		*length = (int)value.bytes.len;
		*format = 1;
		return BY_OK;
	case BY_VALUE_DOUBLE:
		*out = double_argument(ctx, value);
		return BY_OK;
	default:
		*out = short_argument(ctx, value);
		return BY_OK;
	}
}

by_error *by__pg_args_make(by_ctx *ctx, const by_value *args, size_t count, by__pg_args *out)
{
	if (count > 65535)
		return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The statement is too large."),
		    "%zu arguments", count);
	const char **values = BY_NEW_ARRAY(ctx->arena, const char *, count + 1);
	int         *lengths = BY_NEW_ARRAY(ctx->arena, int, count + 1);
	int         *formats = BY_NEW_ARRAY(ctx->arena, int, count + 1);
	for (size_t i = 0; i < count; i++)
		BY_TRY(argument(ctx, args[i], &values[i], &lengths[i], &formats[i]));
	*out = (by__pg_args){ .count = (int)count, .values = values, .lengths = lengths, .formats = formats };
	return BY_OK;
}

/* ---- results ---- */

typedef by_value decoder(by_arena *arena, const char *data, int len);

static uint16_t big16(const char *data)
{
	uint16_t value;
	memcpy(&value, data, sizeof value);
	return __builtin_bswap16(value);
}

static uint32_t big32(const char *data)
{
	uint32_t value;
	memcpy(&value, data, sizeof value);
	return __builtin_bswap32(value);
}

static uint64_t big64(const char *data)
{
	uint64_t value;
	memcpy(&value, data, sizeof value);
	return __builtin_bswap64(value);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's big-endian numbers are swapped");

static by_value decode_bool(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	return by_value_bool(*data != 0);
}

static by_value decode_int2(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	return by_value_int((int16_t)big16(data));
}

static by_value decode_int4(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	return by_value_int((int32_t)big32(data));
}

static by_value decode_oid(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	return by_value_int((int64_t)big32(data));
}

static by_value decode_int8(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	return by_value_int((int64_t)big64(data));
}

static by_value decode_float4(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	uint32_t bits = big32(data);
	float    value;
	memcpy(&value, &bits, sizeof value);
	return by_value_double((double)value);
}

static by_value decode_float8(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	uint64_t bits = big64(data);
	double   value;
	memcpy(&value, &bits, sizeof value);
	return by_value_double(value);
}

static by_value decode_text(by_arena *arena BY_UNUSED, const char *data, int len)
{
	return by_value_text((by_text){ data, (size_t)len });
}

static by_value decode_bytes(by_arena *arena BY_UNUSED, const char *data, int len)
{
	return by_value_bytes((by_bytes){ (const uint8_t *)data, (size_t)len });
}

static by_value decode_void(by_arena *arena BY_UNUSED, const char *data BY_UNUSED, int len BY_UNUSED)
{
	return (by_value){ .tag = BY_VALUE_NULL };
}

static by_value decode_json(by_arena *arena BY_UNUSED, const char *data, int len)
{
	return by_value_json((by_json){ data, (size_t)len });
}

/* jsonb's binary form is its version, 1, and the text. */
static by_value decode_jsonb(by_arena *arena BY_UNUSED, const char *data, int len)
{
	return by_value_json((by_json){ data + 1, (size_t)len - 1 });
}

/* Infinity is what PostgreSQL keeps as the ends of the range; the ends of years 0001 to 9999 stand for it. */
static by_value decode_time(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	static const int64_t first = INT64_C(-62135596800000000), last = INT64_C(253402300799999999);
	int64_t us = (int64_t)big64(data);
	us = us > INT64_MAX - EPOCH_US ? last : us + EPOCH_US;
	return by_value_time((by_time){ us < first ? first : us > last ? last : us });
}

static by_value decode_date(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	static const int64_t first = -719162, last = 2932896;
	int64_t days = (int64_t)(int32_t)big32(data) + EPOCH_DAYS;
	return by_value_date((by_date){ (int32_t)(days < first ? first : days > last ? last : days) });
}

static by_value decode_uuid(by_arena *arena BY_UNUSED, const char *data, int len BY_UNUSED)
{
	by_uuid uuid;
	memcpy(uuid.bytes, data, sizeof uuid.bytes);
	return by_value_uuid(uuid);
}

/* The group of four decimal digits at `index`; groups that are not sent are zero. */
static unsigned numeric_group(const char *data, int groups, int index)
{
	return index >= 0 && index < groups ? big16(data + 8 + 2 * index) : 0;
}

/*
 * numeric: counts of base-10000 digits, weight of the first, sign, display
 * scale, digits; each two bytes.
 */
static by_value decode_numeric(by_arena *arena, const char *data, int len BY_UNUSED)
{
	int      groups = big16(data), weight = (int16_t)big16(data + 2), scale = big16(data + 6);
	unsigned sign = big16(data + 4);
	if (sign == 0xC000 || sign == 0xD000 || sign == 0xF000)
		return by_value_decimal((by_decimal){ sign == 0xC000 ? "NaN" : sign == 0xD000 ? "Infinity" : "-Infinity" });
	char *text = by_alloc_raw(arena, (size_t)(weight > 0 ? weight : 0) * 4 + (size_t)scale + 16), *out = text;
	if (sign == 0x4000)
		*out++ = '-';
	char *begin = out;
	for (int i = 0; i <= weight; i++) {
		unsigned group = numeric_group(data, groups, i);
		for (unsigned unit = 1000; unit; unit /= 10)
			if (out > begin || group / unit % 10)
				*out++ = (char)('0' + group / unit % 10);
	}
	if (out == begin)
		*out++ = '0';
	if (scale)
		*out++ = '.';
	static const unsigned units[] = { 1000, 100, 10, 1 };
	for (int i = 0; i < scale; i++)
		*out++ = (char)('0' + numeric_group(data, groups, weight + 1 + i / 4) / units[i % 4] % 10);
	return (by_value){ .tag = BY_VALUE_DECIMAL, .text = { text, (size_t)(out - text) } };
}

/* How a column is decoded, and how many bytes its values have at least. */
typedef struct column {
	decoder *decode;
	int      least;
} column;

static column column_of(Oid type)
{
	switch (type) {
	case OID_BOOL:        return (column){ decode_bool, 1 };
	case OID_INT2:        return (column){ decode_int2, 2 };
	case OID_INT4:        return (column){ decode_int4, 4 };
	case OID_OID:         return (column){ decode_oid, 4 };
	case OID_INT8:        return (column){ decode_int8, 8 };
	case OID_FLOAT4:      return (column){ decode_float4, 4 };
	case OID_FLOAT8:      return (column){ decode_float8, 8 };
	case OID_TIMESTAMP:
	case OID_TIMESTAMPTZ: return (column){ decode_time, 8 };
	case OID_DATE:        return (column){ decode_date, 4 };
	case OID_UUID:        return (column){ decode_uuid, 16 };
	case OID_NUMERIC:     return (column){ decode_numeric, 8 };
	case OID_JSON:        return (column){ decode_json, 0 };
	case OID_JSONB:       return (column){ decode_jsonb, 1 };
	case OID_BYTEA:       return (column){ decode_bytes, 0 };
	case OID_VOID:        return (column){ decode_void, 0 };
	case OID_CHAR: case OID_NAME: case OID_TEXT: case OID_UNKNOWN: case OID_BPCHAR: case OID_VARCHAR:
		return (column){ decode_text, 0 };
	default:
		return (column){ NULL, 0 };
	}
}

/* The place of the first column whose type has no decoder; `count`: none. */
static int columns_of(const PGresult *result, column *columns, int count)
{
	for (int i = 0; i < count; i++) {
		columns[i] = column_of(PQftype(result, i));
		if (columns[i].decode)
			continue;
		/* An enum type of the database's own sends its label; other types above the fixed ones cannot be known. */
		if (PQftype(result, i) >= 16384 && PQfsize(result, i) == 4)
			columns[i] = (column){ decode_text, 0 };
		else
			return i;
	}
	return count;
}

static by_error *column_unknown(by_ctx *ctx, const PGresult *result, int at)
{
	return by_error_internal(ctx->arena, by_fail(ctx, DATABASE, "The database gave an unexpected answer."),
	    "column %s has type %u, which has no decoder: cast it to text in the statement", PQfname(result, at),
	    PQftype(result, at));
}

static by_value cell_of(by_ctx *ctx, const PGresult *result, column how, int row, int at)
{
	int len = PQgetlength(result, row, at);
	if (PQgetisnull(result, row, at) || len < how.least)
		return (by_value){ .tag = BY_VALUE_NULL };
	return how.decode(ctx->arena, PQgetvalue(result, row, at), len);
}

by_error *by__pg_rows(by_ctx *ctx, const PGresult *result, by_row_sink *sink, int64_t *affected)
{
	if (affected) {
		by_text tuples = { PQcmdTuples((PGresult *)(uintptr_t)result), 0 };
		tuples.len = strlen(tuples.ptr);
		if (!by__int_parse(tuples, affected))
			*affected = 0;
	}
	int rows = PQntuples(result), count = PQnfields(result);
	if (!sink || !rows)
		return BY_OK;
	column    few[COLUMNS_ON_STACK], *columns = few;
	by_value  few_cells[COLUMNS_ON_STACK], *cells = few_cells;
	if (count > COLUMNS_ON_STACK) {
		columns = BY_NEW_ARRAY(ctx->arena, column, (size_t)count);
		cells = BY_NEW_ARRAY(ctx->arena, by_value, (size_t)count);
	}
	int unknown = columns_of(result, columns, count);
	if (unknown < count)
		return column_unknown(ctx, result, unknown);
	for (int row = 0; row < rows; row++) {
		for (int at = 0; at < count; at++)
			cells[at] = cell_of(ctx, result, columns[at], row, at);
		BY_TRY(sink->row(sink, ctx, cells, (size_t)count));
	}
	return BY_OK;
}

/* ---- errors ---- */

typedef struct translation {
	const char          *state; /* SQLSTATE, or the class: its first two */
	const by_error_kind *kind;
	const char          *detail;
} translation;

static const translation translations[] = {
	{ "23505", BY_ERROR_KIND(UNIQUE_VIOLATION), "A value that must be unique is taken already." },
	{ "23503", BY_ERROR_KIND(REFERENCE_VIOLATION),
	  "Something that this refers to does not exist, or something still refers to this." },
	{ "40001", BY_ERROR_KIND(SERIALIZATION_FAILURE), "The same data was changed at the same time." },
	{ "40P01", BY_ERROR_KIND(SERIALIZATION_FAILURE), "The same data was changed at the same time." },
	/* U+0000 in JSON, a decimal beyond numeric, a text too long for its column. */
	{ "22P05", BY_ERROR_KIND(VALIDATION), "A value is not one that the database can hold." },
	{ "22003", BY_ERROR_KIND(VALIDATION), "A value is not one that the database can hold." },
	{ "22001", BY_ERROR_KIND(VALIDATION), "A value is not one that the database can hold." },
	{ "57014", BY_ERROR_KIND(DEADLINE_EXCEEDED), "The database took too long." },
	{ "55P03", BY_ERROR_KIND(UNAVAILABLE), "The data is locked by other work." },
	{ "57P0", BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database is not available." },
	{ "08", BY_ERROR_KIND(DATABASE_UNAVAILABLE), "The database is not available." },
	{ "53300", BY_ERROR_KIND(OVERLOADED), "The database has too many connections." },
};
static const translation other = { "", BY_ERROR_KIND(DATABASE), "The database refused the statement." };

static const translation *translation_of(const char *state)
{
	for (size_t i = 0; i < BY_COUNT(translations); i++)
		if (strncmp(state, translations[i].state, strlen(translations[i].state)) == 0)
			return &translations[i];
	return &other;
}

/* The line of a script that the server's position, in characters from 1, is on. */
static int line_of(const char *script, const char *position)
{
	int64_t at = 0;
	if (!position || !by__int_parse((by_text){ position, strlen(position) }, &at))
		return 0;
	int line = 1;
	for (const char *p = script; *p && at > 1; p++) {
		line += *p == '\n';
		at -= (*p & 0xC0) != 0x80;
	}
	return line;
}

/* Where in a script the statement stands: its line when the server says, else which one it is. */
static void put_place(by_buf *text, by_arena *arena, const by__pg_request *request)
{
	int line = line_of(request->script, PQresultErrorField(request->result, PG_DIAG_STATEMENT_POSITION));
	if (line)
		by_put_format(text, ", line %d: %s", line, by__script_line(arena, request->script, line));
	else
		by_put_format(text, ", statement %u", request->done + 1);
}

by_error *by__pg_error(by_ctx *ctx, const by__pg_request *request)
{
	const char *state = PQresultErrorField(request->result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(request->result, PG_DIAG_MESSAGE_PRIMARY);
	const char *constraint = PQresultErrorField(request->result, PG_DIAG_CONSTRAINT_NAME);
	const translation *as = state ? translation_of(state) : &other;
	by_error   *error = by_error_make(ctx->arena, as->kind, BY_HERE, "%s", as->detail);
	by_buf      text;
	by_buf_init(&text, ctx->arena, 0);
	by_put_format(&text, "SQLSTATE %s in %s: %s", state ? state : "unknown",
	    request->script ? "script" : request->statement->name,
	    message ? message : PQresultErrorMessage(request->result));
	if (constraint)
		by_put_format(&text, " (constraint %s)", constraint);
	if (request->script)
		put_place(&text, ctx->arena, request);
	if (as->kind->status == 503)
		error->retry_after = 1;
	return by_error_internal(ctx->arena, error, "%s", by_buf_string(&text));
}

by_error *by__pg_unavailable(by_ctx *ctx, const by__pg *database)
{
	by_error *error = by_fail(ctx, DATABASE_UNAVAILABLE, "The database is not available.");
	error->retry_after = 1;
	return by_error_internal(ctx->arena, error, "%s", database->trouble ? database->trouble : "the connection was lost");
}
