/*
 * Metrics: counters, gauges and histograms that all workers share.
 *
 * Each worker writes its own cells of the shared memory, without locks; one
 * scrape adds them up. A worker that replaces another goes on from its cells,
 * so that counters never fall.
 */
#ifndef BANYAN_METRIC_H
#define BANYAN_METRIC_H

#include <banyan/buf.h>

BY_BEGIN

typedef enum by_metric_type { BY_COUNTER, BY_GAUGE, BY_HISTOGRAM } by_metric_type;

enum { BY_METRIC_LABELS = 4 };

typedef struct by_metric {
	const char    *name; /* Prometheus' rules: unit as suffix, _total for counters */
	const char    *help;
	by_metric_type type;
	const char    *labels[BY_METRIC_LABELS];
	const double  *buckets; /* of a histogram, rising; NULL: OpenTelemetry's for seconds */
	size_t         bucket_count;
} by_metric;

/* One combination of label values: where its cells are. */
typedef struct by_series {
	uint32_t cell;
} by_series;

/*
 * Reserves the cells of one combination; before the workers are forked.
 * The label values are copied; as many as the metric has labels.
 */
BY_API by_series by_metric_series(const by_metric *metric, const char *const values[]);

/* On this worker's cells. */
BY_API void by_count(by_series series, uint64_t n);
BY_API void by_gauge_add(by_series series, int64_t n);
BY_API void by_gauge_set(by_series series, int64_t value);
BY_API void by_observe(const by_metric *metric, by_series series, double value);

/* Prometheus' text format 0.0.4, all workers added up. Histograms and counters without a sample are left out. */
BY_API void by_metrics_print(by_buf *out);

BY_END

#endif
