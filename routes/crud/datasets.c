/* Named queries over datasets. */
#include "routes/crud/datasets.h"

#include <banyan/database.h>

by_error *datasets_count_of(by_ctx *ctx, by_ulid experiment_id, int64_t *count)
{
	const by_spec *of_experiment = by_spec_eq(ctx->arena, &dataset_model, "experiment_id", by_value_ulid(experiment_id));
	return datasets_count(ctx, of_experiment, count);
}

/* The one row of totals. */
typedef struct totals_sink {
	by_row_sink     base;
	dataset_totals *totals;
} totals_sink;

static by_error *take_totals(by_row_sink *sink, by_ctx *ctx, const by_value *cells, size_t count)
{
	dataset_totals *totals = ((totals_sink *)sink)->totals;
	if (count != 3)
		return by_fail(ctx, DATABASE, "A row of totals has three cells.");
	*totals = (dataset_totals){ cells[0].integer, cells[1].integer, cells[2].integer };
	return BY_OK;
}

by_error *datasets_totals(by_ctx *ctx, by_ulid experiment_id, dataset_totals *totals)
{
	const by_statement *statement = by_statement_of("datasets.totals",
	    "SELECT count(*), CAST(coalesce(sum(size_bytes), 0) AS bigint), CAST(coalesce(sum(frame_count), 0) AS bigint)"
	    " FROM datasets WHERE experiment_id = $1 AND NOT is_deleted");
	const by_value arguments[] = { by_value_ulid(experiment_id) };
	totals_sink    sink = { .base = { .row = take_totals }, .totals = totals };
	return by_database_query(ctx, statement, arguments, BY_COUNT(arguments), &sink.base, NULL);
}
