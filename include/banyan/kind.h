/*
 * Field kinds. A kind is one vtable: its codecs, its SQL column, its schema.
 * The framework's are declared in model.h; adding one is one definition and,
 * for BY_FIELD, one row of BY__KINDS.
 */
#ifndef BANYAN_KIND_H
#define BANYAN_KIND_H

#include <banyan/buf.h>
#include <banyan/json.h>
#include <banyan/model.h>

BY_BEGIN

typedef enum by_sql_type { /* what a column holds; each database driver spells it in its dialect */
	BY_SQL_NONE, /* not a column */
	BY_SQL_BOOLEAN,
	BY_SQL_INTEGER, /* 32 bits */
	BY_SQL_BIGINT,
	BY_SQL_DOUBLE,
	BY_SQL_NUMERIC,
	BY_SQL_TEXT,
	BY_SQL_BYTES,
	BY_SQL_TIMESTAMP,
	BY_SQL_DATE,
	BY_SQL_ULID, /* 26 characters */
	BY_SQL_UUID,
	BY_SQL_JSON
} by_sql_type;

struct by_kind {
	const char *name;    /* "int64" */
	const char *expects; /* for faults: "an integer" */
	size_t      size;    /* of the value; 0: of the field's model or enum */
	by_sql_type sql;

	/* Writes one value. */
	void (*write)(by_buf *out, const by_field *field, const void *value, const by_json_style *style);
	/* Reads the reader's next JSON value; adds faults itself. False: nothing usable was stored. */
	bool (*read)(by_json_reader *reader, const by_field *field, void *value);
	/* The text form of queries, paths, headers, settings; NULL: it has none. The text may be used after the call only when copied. */
	bool (*parse)(by_arena *arena, const by_field *field, by_text text, void *value);
	void (*print)(by_buf *out, const by_field *field, const void *value);
	/* The tagged value, for SQL and logs, and back. */
	by_value (*get)(const by_field *field, const void *value);
	bool (*set)(by_arena *arena, const by_field *field, by_value from, void *value);
	/* Adds a fault for each constraint that the value breaks. */
	void (*check)(by_faults *faults, const by_field *field, const void *value, by_fault_in in, const char *where);
	/* Writes the members of its JSON Schema (2020-12), constraints included, into the open object. */
	void (*schema)(by_json_writer *out, const by_field *field);
};

BY_END

#endif
