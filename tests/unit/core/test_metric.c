/* Metrics: series, cells, and the text of a scrape. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/metric.h>

#include "core/metrics.h"
#include "core/shared.h"
#include "unit/unit.h"

static const by_metric requests = { .name = "test_requests_total", .help = "Requests\nby \\ method.",
	.type = BY_COUNTER, .labels = { "method", "route" } };
static const by_metric active = { .name = "test_active", .help = "Active.", .type = BY_GAUGE };
static const double sizes[] = { 1, 10.5, 100 };
static const by_metric size = { .name = "test_size_bytes", .help = "Sizes.", .type = BY_HISTOGRAM,
	.labels = { "kind" }, .buckets = sizes, .bucket_count = BY_COUNT(sizes) };
static const by_metric duration = { .name = "test_duration_seconds", .help = "Durations.", .type = BY_HISTOGRAM };

static by_arena *arena;
static by_buf text;

static const char *printed(void)
{
	arena = by_arena_new(0);
	by_buf_init(&text, arena, 0);
	by_metrics_print(&text);
	ck_ok(by_buf_finish(&text));
	return by_buf_string(&text);
}

static unsigned occurrences(const char *string, const char *part)
{
	unsigned count = 0;

	for (const char *at = string; (at = strstr(at, part)); at++)
		count++;
	return count;
}

START_TEST(the_same_labels_are_the_same_series)
{
	by_series get = by_metric_series(&requests, (const char *const[]){ "GET", "/a" });
	by_series put = by_metric_series(&requests, (const char *const[]){ "PUT", "/a" });

	ck_assert_uint_ne(get.cell, put.cell);
	ck_assert_uint_eq(by_metric_series(&requests, (const char *const[]){ "GET", "/a" }).cell, get.cell);
}
END_TEST

START_TEST(a_family_is_printed_once_and_without_empty_counters)
{
	by_series get = by_metric_series(&requests, (const char *const[]){ "GET", "/a" });
	by_series gauge = by_metric_series(&active, NULL);
	by_series put = by_metric_series(&requests, (const char *const[]){ "PUT", "/a" });
	by_metric_series(&requests, (const char *const[]){ "DELETE", "/a" });
	by_metric_series(&duration, NULL);

	by_count(get, 3);
	by_count(put, 1);
	by_gauge_add(gauge, 2);
	by_gauge_add(gauge, -5);
	const char *all = printed();
	ck_assert_ptr_nonnull(strstr(all, "# HELP test_requests_total Requests\\nby \\\\ method.\n"
	    "# TYPE test_requests_total counter\n"
	    "test_requests_total{method=\"GET\",route=\"/a\"} 3\n"
	    "test_requests_total{method=\"PUT\",route=\"/a\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(all, "# TYPE test_active gauge\ntest_active -3\n"));
	ck_assert_uint_eq(occurrences(all, "# TYPE test_requests_total"), 1);
	ck_assert_ptr_null(strstr(all, "DELETE"));
	ck_assert_ptr_null(strstr(all, "test_duration_seconds"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(label_values_are_escaped)
{
	by_count(by_metric_series(&requests, (const char *const[]){ "a\"b\\c\nd", "é" }), 1);
	ck_assert_ptr_nonnull(strstr(printed(), "test_requests_total{method=\"a\\\"b\\\\c\\nd\",route=\"é\"} 1\n"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_histograms_buckets_are_cumulative)
{
	by_series series = by_metric_series(&size, (const char *const[]){ "image" });

	by_observe(&size, series, 0.25);
	by_observe(&size, series, 1);
	by_observe(&size, series, 10);
	by_observe(&size, series, 1000);
	by_observe(&size, series, NAN);
	ck_assert_ptr_nonnull(strstr(printed(), "# TYPE test_size_bytes histogram\n"
	    "test_size_bytes_bucket{kind=\"image\",le=\"1\"} 2\n"
	    "test_size_bytes_bucket{kind=\"image\",le=\"10.5\"} 3\n"
	    "test_size_bytes_bucket{kind=\"image\",le=\"100\"} 3\n"
	    "test_size_bytes_bucket{kind=\"image\",le=\"+Inf\"} 4\n"
	    "test_size_bytes_sum{kind=\"image\"} 1011.25\n"
	    "test_size_bytes_count{kind=\"image\"} 4\n"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(the_default_buckets_are_opentelemetrys_for_seconds)
{
	by_observe(&duration, by_metric_series(&duration, NULL), 0.02);
	const char *all = printed();
	ck_assert_uint_eq(occurrences(all, "test_duration_seconds_bucket{le="), 15);
	ck_assert_ptr_nonnull(strstr(all, "{le=\"0.01\"} 0\ntest_duration_seconds_bucket{le=\"0.025\"} 1\n"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_scrape_adds_all_workers_up)
{
	by_arena *own = by_arena_new(0);
	by_series count = by_metric_series(&requests, (const char *const[]){ "GET", "/a" });
	by_series histogram = by_metric_series(&size, (const char *const[]){ "image" });

	ck_ok(by__shared_create(own, 3, NULL));
	for (uint32_t slot = 0; slot < 3; slot++) {
		if (fork() == 0) {
			by__shared_use(slot);
			by_count(count, slot + 1);
			by_observe(&size, histogram, slot + 0.5);
			atomic_store(&by__shared_slot()->state, BY__WORKER_READY);
			atomic_store(&by__shared_slot()->rss, 4096 * (slot + 1));
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	const char *all = printed();
	ck_assert_ptr_nonnull(strstr(all, "{method=\"GET\",route=\"/a\"} 6\n"));
	ck_assert_ptr_nonnull(strstr(all, "test_size_bytes_sum{kind=\"image\"} 4.5\n"));
	ck_assert_ptr_nonnull(strstr(all, "banyan_workers{state=\"ready\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(all, "process_resident_memory_bytes{worker=\"2\"} 12288\n"));
	by_arena_free(&arena);
	by_arena_free(&own);
}
END_TEST

START_TEST(the_framework_counts_its_own)
{
	by__metrics_standard();
	by__metrics_beat(0.002, 7, 3);
	by__metrics_beat(0.002, 9, 5);
	const char *all = printed();
	ck_assert_ptr_nonnull(strstr(all, "\nbanyan_coroutines 9\n"));
	ck_assert_ptr_nonnull(strstr(all, "\nbanyan_loop_lag_seconds_count 2\n"));
	ck_assert_ptr_nonnull(strstr(all, "\nbanyan_log_lines_lost_total 5\n"));
	by_arena_free(&arena);
}
END_TEST

/* Each line is a comment or `name{labels} number`, and no two have the same name and labels. */
START_TEST(each_line_is_well_formed)
{
	by_count(by_metric_series(&requests, (const char *const[]){ "GET", "/a" }), 1);
	by_observe(&duration, by_metric_series(&duration, NULL), 0.02);
	by__metrics_standard();
	const char *whole = printed();
	char *all = by_copy(arena, whole);
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n")) {
		double value;
		char *space = strrchr(line, ' ');
		if (line[0] == '#')
			continue;
		ck_assert_ptr_nonnull(space);
		ck_assert_int_eq(sscanf(space, "%lf", &value), 1);
		ck_assert(strspn(line, "abcdefghijklmnopqrstuvwxyz_") >= 5);
		ck_assert_uint_eq(occurrences(whole, line), 1);
	}
	by_arena_free(&arena);
}
END_TEST

UNIT("metric", the_same_labels_are_the_same_series, a_family_is_printed_once_and_without_empty_counters,
    label_values_are_escaped, a_histograms_buckets_are_cumulative, the_default_buckets_are_opentelemetrys_for_seconds,
    a_scrape_adds_all_workers_up, the_framework_counts_its_own, each_line_is_well_formed);
