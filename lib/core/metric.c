/*
 * The metric registry: which cells each combination of labels has, and the
 * text that a scrape reads. Filled before the workers are forked, read-only
 * afterwards.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/metric.h>

#include "core/metrics.h"
#include "core/shared.h"
#include "core/text.h"

/* A histogram's cells: one per bucket, one for +Inf, not cumulative; then the sum as the bits of a double. */

typedef struct series {
	const by_metric *metric;
	char            *values[BY_METRIC_LABELS];
	uint64_t         hash; /* of name and values: a large application has thousands of series */
	uint32_t         cell;
	bool             first; /* of its metric */
} series;

static struct {
	series  *entries;
	size_t   count, capacity;
	uint32_t cells;
} registry;

/* OpenTelemetry's advice for http.server.request.duration. */
static const double seconds[] = { 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10 };

static const double *buckets_of(const by_metric *metric, size_t *count)
{
	*count = metric->buckets ? metric->bucket_count : BY_COUNT(seconds);
	return metric->buckets ? metric->buckets : seconds;
}

static size_t labels_of(const by_metric *metric)
{
	size_t count = 0;

	while (count < BY_METRIC_LABELS && metric->labels[count])
		count++;
	return count;
}

static uint32_t cells_of(const by_metric *metric)
{
	size_t buckets;

	if (metric->type != BY_HISTOGRAM)
		return 1;
	buckets_of(metric, &buckets);
	return (uint32_t)buckets + 2;
}

/* ---- reserving ---------------------------------------------------------- */

/* Prometheus' data model: [a-zA-Z_:][a-zA-Z0-9_:]*, and no colon in labels. */
static bool is_name(const char *name, bool label)
{
	if (!name[0] || isdigit((unsigned char)name[0]))
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && (label || *name != ':'))
			return false;
	return true;
}

/* Over name and values, each with its NUL. */
static uint64_t hash_of(const by_metric *metric, const char *const values[], size_t labels)
{
	uint64_t hash = BY__HASH_START;

	for (size_t i = 0; i <= labels; i++) {
		const char *text = i == 0 ? metric->name : values[i - 1];

		hash = by__hash(hash, text, strlen(text) + 1);
	}
	return hash;
}

static bool is_same(const series *entry, const by_metric *metric, const char *const values[], size_t labels)
{
	if (strcmp(entry->metric->name, metric->name) != 0)
		return false;
	BY_REQUIRE(entry->metric->type == metric->type && labels_of(entry->metric) == labels);
	for (size_t i = 0; i < labels; i++)
		if (strcmp(entry->values[i], values[i]) != 0)
			return false;
	return true;
}

static void check(const by_metric *metric, size_t labels)
{
	size_t buckets;
	const double *bounds = buckets_of(metric, &buckets);

	BY_REQUIRE(metric->help && is_name(metric->name, false));
	for (size_t i = 0; i < labels; i++)
		BY_REQUIRE(is_name(metric->labels[i], true));
	for (size_t i = 1; metric->type == BY_HISTOGRAM && i < buckets; i++)
		BY_REQUIRE(bounds[i - 1] < bounds[i]);
}

static series *add_entry(void)
{
	if (registry.count == registry.capacity) {
		registry.capacity = registry.capacity ? registry.capacity * 2 : 64;
		registry.entries = realloc(registry.entries, registry.capacity * sizeof(series));
		if (!registry.entries)
			by_abort("out of memory", "metrics", __FILE__, __LINE__);
	}
	return &registry.entries[registry.count++];
}

static bool is_first(const by_metric *metric)
{
	for (size_t i = 0; i < registry.count; i++)
		if (strcmp(registry.entries[i].metric->name, metric->name) == 0)
			return false;
	return true;
}

by_series by_metric_series(const by_metric *metric, const char *const values[])
{
	size_t labels = labels_of(metric);
	BY_REQUIRE(values != NULL || labels == 0);
	uint64_t hash = hash_of(metric, values, labels);

	for (size_t i = 0; i < registry.count; i++)
		if (registry.entries[i].hash == hash && is_same(&registry.entries[i], metric, values, labels))
			return (by_series){ registry.entries[i].cell };
	check(metric, labels);
	uint32_t cells = cells_of(metric);
	/* After by__shared_create there is no room: the workers' rows are as long as they are. */
	BY_REQUIRE(by__shared_get()->cells - registry.cells >= cells);
	bool first = is_first(metric);
	series *added = add_entry();
	*added = (series){ .metric = metric, .hash = hash, .cell = registry.cells, .first = first };
	for (size_t i = 0; i < labels; i++)
		if (!(added->values[i] = strdup(values[i])))
			by_abort("out of memory", "metrics", __FILE__, __LINE__);
	registry.cells += cells;
	return (by_series){ added->cell };
}

uint32_t by__metrics_cells(void)
{
	return registry.cells;
}

uint64_t by__metrics_layout(void)
{
	uint64_t hash = BY__HASH_START;

	for (size_t i = 0; i < registry.count; i++) {
		const uint64_t entry[] = { registry.entries[i].hash, registry.entries[i].cell, cells_of(registry.entries[i].metric) };

		hash = by__hash(hash, entry, sizeof(entry));
	}
	return hash;
}

void by__metrics_restart(void)
{
	_Atomic uint64_t *own = by__shared_own();

	for (size_t i = 0; i < registry.count; i++)
		if (registry.entries[i].metric->type == BY_GAUGE)
			atomic_store_explicit(&own[registry.entries[i].cell], 0, memory_order_relaxed);
}

/* ---- writing ------------------------------------------------------------ */

/* Atomic, since offloaded functions count too; the cells are this process's alone, so nobody is waited for. */

void by_count(by_series where, uint64_t n)
{
	atomic_fetch_add_explicit(&by__shared_own()[where.cell], n, memory_order_relaxed);
}

void by_gauge_add(by_series where, int64_t n)
{
	atomic_fetch_add_explicit(&by__shared_own()[where.cell], (uint64_t)n, memory_order_relaxed);
}

void by_gauge_set(by_series where, int64_t value)
{
	atomic_store_explicit(&by__shared_own()[where.cell], (uint64_t)value, memory_order_relaxed);
}

static double to_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void add_double(_Atomic uint64_t *cell, double value)
{
	uint64_t before = atomic_load_explicit(cell, memory_order_relaxed), after;

	do {
		double sum = to_double(before) + value;
		memcpy(&after, &sum, sizeof(after));
	} while (!atomic_compare_exchange_weak_explicit(cell, &before, after, memory_order_relaxed, memory_order_relaxed));
}

void by_observe(const by_metric *metric, by_series where, double value)
{
	size_t count, at = 0;
	const double *bounds = buckets_of(metric, &count);
	_Atomic uint64_t *cells = by__shared_own() + where.cell;

	if (!isfinite(value))
		return;
	while (at < count && value > bounds[at])
		at++;
	atomic_fetch_add_explicit(&cells[at], 1, memory_order_relaxed);
	add_double(&cells[count + 1], value);
}

/* ---- printing ----------------------------------------------------------- */

static uint64_t sum_of(uint32_t cell)
{
	uint64_t sum = 0;

	for (uint32_t row = 0; row < by__shared_rows(); row = by__shared_row_after(row))
		sum += atomic_load_explicit(&by__shared_cells(row)[cell], memory_order_relaxed);
	return sum;
}

static double sum_of_doubles(uint32_t cell)
{
	double sum = 0;

	for (uint32_t row = 0; row < by__shared_rows(); row = by__shared_row_after(row))
		sum += to_double(atomic_load_explicit(&by__shared_cells(row)[cell], memory_order_relaxed));
	return sum;
}

static uint64_t samples_of(const series *entry)
{
	uint32_t cells = entry->metric->type == BY_HISTOGRAM ? cells_of(entry->metric) - 1 : 1;
	uint64_t samples = 0;

	for (uint32_t i = 0; i < cells; i++)
		samples += sum_of(entry->cell + i);
	return samples;
}

/* HELP escapes backslash and line feed, a label's value the quote as well. */
static void put_escaped(by_buf *out, const char *text, bool quote)
{
	for (; *text; text++) {
		if (*text == '\n') {
			BY_PUT(out, "\\n");
			continue;
		}
		if (*text == '\\' || (quote && *text == '"'))
			by_put_char(out, '\\');
		by_put_char(out, *text);
	}
}

static void put_head(by_buf *out, const char *name, const char *help, const char *type)
{
	BY_PUT(out, "# HELP ");
	by_put_string(out, name);
	by_put_char(out, ' ');
	put_escaped(out, help, false);
	BY_PUT(out, "\n# TYPE ");
	by_put_string(out, name);
	by_put_char(out, ' ');
	by_put_string(out, type);
	by_put_char(out, '\n');
}

/* `name<suffix>{labels,le="…"} `; the bound is NULL where there is none. */
static void put_name(by_buf *out, const series *entry, const char *suffix, const double *bound)
{
	size_t labels = labels_of(entry->metric);

	by_put_string(out, entry->metric->name);
	by_put_string(out, suffix);
	for (size_t i = 0; i < labels; i++) {
		by_put_char(out, i == 0 ? '{' : ',');
		by_put_string(out, entry->metric->labels[i]);
		BY_PUT(out, "=\"");
		put_escaped(out, entry->values[i], true);
		by_put_char(out, '"');
	}
	if (bound) {
		by_put_char(out, labels == 0 ? '{' : ',');
		BY_PUT(out, "le=\"");
		if (isinf(*bound))
			BY_PUT(out, "+Inf");
		else
			by_put_double(out, *bound);
		by_put_char(out, '"');
	}
	if (labels > 0 || bound)
		by_put_char(out, '}');
	by_put_char(out, ' ');
}

static void put_count(by_buf *out, const series *entry, const char *suffix, const double *bound, uint64_t count)
{
	put_name(out, entry, suffix, bound);
	by_put_uint(out, count);
	by_put_char(out, '\n');
}

static void put_histogram(by_buf *out, const series *entry)
{
	static const double infinity = INFINITY;
	size_t count;
	const double *bounds = buckets_of(entry->metric, &count);
	uint64_t cumulative = 0;

	for (size_t i = 0; i <= count; i++) {
		cumulative += sum_of(entry->cell + (uint32_t)i);
		put_count(out, entry, "_bucket", i < count ? &bounds[i] : &infinity, cumulative);
	}
	put_name(out, entry, "_sum", NULL);
	by_put_double(out, sum_of_doubles(entry->cell + (uint32_t)count + 1));
	by_put_char(out, '\n');
	put_count(out, entry, "_count", NULL, cumulative);
}

static void put_entry(by_buf *out, const series *entry)
{
	if (entry->metric->type == BY_HISTOGRAM) {
		put_histogram(out, entry);
	} else if (entry->metric->type == BY_COUNTER) {
		put_count(out, entry, "", NULL, sum_of(entry->cell));
	} else {
		put_name(out, entry, "", NULL);
		by_put_int(out, (int64_t)sum_of(entry->cell));
		by_put_char(out, '\n');
	}
}

/* The family that begins at `first`; nothing when an earlier entry began it. */
static void put_family(by_buf *out, size_t first)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	const by_metric *metric = registry.entries[first].metric;
	bool headed = false;

	if (!registry.entries[first].first)
		return;
	for (size_t i = first; i < registry.count; i++) {
		const series *entry = &registry.entries[i];
		if (strcmp(entry->metric->name, metric->name) != 0
		    || (metric->type != BY_GAUGE && samples_of(entry) == 0))
			continue;
		if (!headed)
			put_head(out, metric->name, metric->help, types[metric->type]);
		headed = true;
		put_entry(out, entry);
	}
}

/* What the slots know and no cell does. */
static void put_workers(by_buf *out)
{
	const by__shared *region = by__shared_get();
	uint32_t count[BY__WORKER_STATES] = { 0 };

	for (uint32_t i = 0; i < region->slots; i++) {
		uint32_t state = atomic_load_explicit(&region->slot[i].state, memory_order_relaxed);
		if (state < BY__WORKER_STATES)
			count[state]++;
	}
	put_head(out, "banyan_workers", "Worker processes by state.", "gauge");
	for (uint32_t i = BY__WORKER_STARTING; i < BY__WORKER_GONE; i++)
		by_put_format(out, "banyan_workers{state=\"%s\"} %u\n", by__worker_state_name(i), count[i]);
	put_head(out, "process_resident_memory_bytes", "Resident memory of each worker.", "gauge");
	for (uint32_t i = 0; i < region->slots; i++) {
		uint64_t rss = atomic_load_explicit(&region->slot[i].rss, memory_order_relaxed);
		if (rss)
			by_put_format(out, "process_resident_memory_bytes{worker=\"%u\"} %llu\n", i, (unsigned long long)rss);
	}
}

void by_metrics_print(by_buf *out)
{
	for (size_t i = 0; i < registry.count; i++)
		put_family(out, i);
	put_workers(out);
}

/* ---- the framework's own ------------------------------------------------ */

static const by_metric coroutines = {
	.name = "banyan_coroutines", .help = "Coroutines alive in all workers.", .type = BY_GAUGE };
static const by_metric loop_lag = {
	.name = "banyan_loop_lag_seconds", .help = "How late the event loop ran a timer, measured five times a second.",
	.type = BY_HISTOGRAM };
static const by_metric lines_lost = {
	.name = "banyan_log_lines_lost_total", .help = "Log lines that could not be written.", .type = BY_COUNTER };

static struct {
	bool      reserved;
	by_series coroutines, loop_lag, lines_lost;
	uint64_t  lost; /* counted so far */
} standard;

void by__metrics_standard(void)
{
	if (standard.reserved)
		return;
	standard.reserved = true;
	standard.coroutines = by_metric_series(&coroutines, NULL);
	standard.loop_lag = by_metric_series(&loop_lag, NULL);
	standard.lines_lost = by_metric_series(&lines_lost, NULL);
}

void by__metrics_beat(double lag, uint32_t alive, uint64_t lost)
{
	by_observe(&loop_lag, standard.loop_lag, lag);
	by_gauge_set(standard.coroutines, alive);
	by_count(standard.lines_lost, lost - standard.lost);
	standard.lost = lost;
}
