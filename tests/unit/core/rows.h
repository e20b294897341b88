/* A model for the tests of filters, orders and cursors. */
#ifndef TESTS_UNIT_CORE_ROWS_H
#define TESTS_UNIT_CORE_ROWS_H

#include <banyan/entity.h>
#include <banyan/kind.h>
#include <banyan/store.h>

#define ROW_STATE(X) X(row_state, planned) X(row_state, done)
BY_ENUM(row_state, ROW_STATE);
BY_ENUM_NAMES(row_state, ROW_STATE);

typedef struct row {
	by_entity       base;
	const char     *name;
	const char     *note;
	double          fps;
	by_decimal      price;
	by_time        *taken_at;
	bool            open;
	row_state       state;
	int32_t         hidden;
	by_json         meta;
	BY_LIST(string) tags;
} row;
BY_DECLARE_MODEL(row);

static const by_field row_fields[] = {
	BY_ENTITY(row, base),
	BY_FIELD(row, name, .min_length = 3, .max_length = 20, .filterable = true, .sortable = true),
	BY_FIELD(row, note, .optional = true, .filterable = true, .sortable = true),
	BY_FIELD(row, fps, .minimum = BY_NUM(0), .filterable = true, .sortable = true),
	BY_FIELD(row, price, .filterable = true, .sortable = true),
	BY_FIELD(row, taken_at, .filterable = true, .sortable = true),
	BY_FIELD(row, open, .filterable = true),
	BY_FIELD_ENUM(row, state, row_state, .filterable = true),
	BY_FIELD(row, hidden),
	BY_FIELD(row, meta, .filterable = true, .sortable = true),
	BY_FIELD(row, tags, .filterable = true),
};
BY_MODEL(row, row_fields, .table = "rows");

#endif
