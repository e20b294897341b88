/*
 * What is compiled once per model and dialect: its columns and the statements
 * of its repository. Internal.
 */
#ifndef BY_INFRASTRUCTURE_DB_SQL_PLAN_H
#define BY_INFRASTRUCTURE_DB_SQL_PLAN_H

#include <banyan/buf.h>
#include <banyan/database.h>
#include <banyan/kind.h>
#include <banyan/store.h>

typedef enum by__sql_form {
	BY__SQL_VALUE,
	BY__SQL_JSON,  /* a list or nested model, as JSON text */
	BY__SQL_SECRET
} by__sql_form;

typedef struct by__sql_column {
	const by_field *field;
	by__sql_form    form;
	bool            nullable;
	const char     *name;    /* quoted */
	const char     *ordered; /* the name with the collation to compare and sort by */
} by__sql_column;

typedef struct by__sql_plan {
	const by_model     *model;
	const char         *dialect;
	bool                postgresql;
	bool                entity;  /* begins with the entity base */
	by__sql_column     *columns; /* one per field, in the model's order */
	size_t              count;
	size_t              key;     /* which column is the identifier */
	bool                generated; /* the database numbers new rows: the key is an integer */
	const char         *table;   /* quoted */
	const char         *names;   /* of all columns, quoted, by commas */
	const char         *alive;   /* " AND NOT "is_deleted"" or "" */
	const char         *list_name, *count_name; /* of the statements made at run time */
	const by_statement *find;
	const by_statement *insert;
	const by_statement *insert_generated; /* without the key, returning it */
	const by_statement *update;
	const by_statement *remove, *remove_version;
	struct by__sql_plan *next;
} by__sql_plan;

/* Compiled at the first use; lives as long as the process. The model has a table. */
const by__sql_plan *by__sql_plan_of(const by_model *model, const by_database *database);
const by__sql_column *by__sql_column_of(const by__sql_plan *plan, const by_field *field);

/* A column's value of a row, to be bound. */
by_value by__sql_get(by_arena *arena, const by__sql_column *column, const void *row);
/* A cell into the row. DATABASE when it does not fit. */
BY_MUST_CHECK by_error *by__sql_set(by_ctx *ctx, const by__sql_plan *plan, const by__sql_column *column, by_value cell,
    void *row);

/* A statement being composed: its text, and the values of its $n. */
typedef struct by__sql_text {
	by_arena *arena;
	by_buf    sql;
	by_value *args;
	size_t    count, room;
} by__sql_text;

void by__sql_begin(by__sql_text *text, by_arena *arena);
/* Writes the next $n and keeps its value. */
void by__sql_bind(by__sql_text *text, by_value value);
/* The condition, two-valued also where columns are NULL. NULL: TRUE. */
void by__sql_where(by__sql_text *text, const by__sql_plan *plan, const by_spec *spec);
/* ` ORDER BY …`, with the key last. */
void by__sql_order(by__sql_text *text, const by__sql_plan *plan, const by_query *query);
/* The rows behind the one whose sort values these are. */
void by__sql_after(by__sql_text *text, const by__sql_plan *plan, const by_query *query, const by_value *values);

#endif
