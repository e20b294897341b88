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

/*
 * Where a value stands: a chain from the value up to the root of the input. It
 * becomes text only when there is a fault to report.
 */
typedef struct by_where {
	const struct by_where *up;    /* NULL: this is the root */
	by_text                name;  /* of a member; of the root: a JSON pointer's beginning ("" for the whole) or a name */
	size_t                 index; /* of an item of a list, when name.ptr is NULL */
	by_fault_in            in;    /* the root's counts */
} by_where;

/* BODY: a JSON pointer as URI fragment; else the name of the parameter or setting. In the arena. */
BY_API const char *by_where_text(by_arena *arena, const by_where *where);
/* Adds a fault at that place. */
BY_API void by_fault_at(by_faults *faults, const by_where *where, const char *code, const char *detail, ...)
    BY_PRINTF(4, 5);

/* Which constraints of by_field mean something to a kind; by_model_compile refuses the others. */
typedef enum by_takes {
	BY_TAKES_LENGTH = 1,   /* min_length, max_length */
	BY_TAKES_LIMITS = 2,   /* minimum, maximum, exclusive_minimum, exclusive_maximum */
	BY_TAKES_MULTIPLE = 4, /* multiple_of */
	BY_TAKES_PATTERN = 8,  /* pattern, format */
	BY_TAKES_ITEMS = 16    /* min_items, max_items, unique_items */
} by_takes;

struct by_kind {
	const char *name;    /* "int64" */
	const char *expects; /* for faults: "an integer" */
	const char *refused; /* the code of the fault when a text does not parse; NULL: "type" */
	size_t      size;    /* of the value; 0: of the field's model */
	bool        nullable; /* the value begins with a pointer that is NULL when there is no value */
	by_sql_type sql;
	unsigned    takes;    /* by_takes, or-ed */

	/* Writes one value. */
	void (*write)(by_buf *out, const by_field *field, const void *value, const by_json_style *style);
	/*
	 * Reads the reader's next JSON value, never null; adds faults itself, those of the constraints too. False: nothing
	 * usable was stored.
	 */
	bool (*read)(by_json_reader *reader, const by_field *field, void *value);
	/*
	 * The text form of queries, paths, headers, settings; NULL: it has none. The text may be used after the call only
	 * when copied.
	 */
	bool (*parse)(by_arena *arena, const by_field *field, by_text text, void *value);
	void (*print)(by_buf *out, const by_field *field, const void *value);
	/* The tagged value, for SQL and logs, and back. */
	by_value (*get)(const by_field *field, const void *value);
	bool (*set)(by_arena *arena, const by_field *field, by_value from, void *value);
	/* Adds a fault for each constraint that the value breaks. */
	void (*check)(by_faults *faults, const by_field *field, const void *value, const by_where *where);
	/* Writes the members of its JSON Schema (2020-12), constraints included, into the open object. */
	void (*schema)(by_json_writer *out, const by_field *field);
};

BY_END

#endif
