/* Shared memory: what one process writes, all that were forked read; a slot's counters outlive its workers. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/metric.h>

#include "core/shared.h"
#include "unit/unit.h"

static const by_metric jobs = { .name = "test_jobs_total", .help = "Jobs.", .type = BY_COUNTER };
static const by_metric open_files = { .name = "test_open_files", .help = "Files.", .type = BY_GAUGE };

static by_series job_count, file_count;

static void reserve(void)
{
	job_count = by_metric_series(&jobs, NULL);
	file_count = by_metric_series(&open_files, NULL);
}

/* A worker's whole life: takes the slot, counts, dies. */
static void work(uint32_t slot, uint64_t count)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		by__shared_use(slot);
		by_count(job_count, count);
		by_gauge_add(file_count, 3);
		strcpy(by__shared_slot()->route, "/experiments/{id}");
		atomic_store(&by__shared_slot()->requests, count);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(without_set_up_there_is_one_private_slot)
{
	by__shared *shared = by__shared_get();

	ck_assert_uint_eq(shared->magic, BY__SHARED_MAGIC);
	ck_assert_uint_eq(shared->slots, 1);
	ck_assert_uint_eq(by__shared_rows(), 1);
	ck_assert_ptr_eq(by__shared_slot(), &shared->slot[0]);
	ck_assert_ptr_eq(by__shared_own(), by__shared_cells(0));
}
END_TEST

START_TEST(slots_and_rows_begin_on_cache_lines)
{
	by_arena *arena = by_arena_new(0);

	reserve();
	ck_ok(by__shared_create(arena, 3, NULL));
	for (uint32_t i = 0; i < by__shared_rows(); i++) {
		ck_assert_uint_eq((uintptr_t)by__shared_cells(i) % BY__SHARED_LINE, 0);
		ck_assert_uint_eq((uintptr_t)&by__shared_get()->slot[i] % BY__SHARED_LINE, 0);
	}
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_workers_write_the_supervisor_reads)
{
	by_arena *arena = by_arena_new(0);

	reserve();
	ck_ok(by__shared_create(arena, 2, NULL));
	work(0, 5);
	work(1, 7);
	ck_assert_uint_eq(by__shared_cells(0)[job_count.cell], 5);
	ck_assert_uint_eq(by__shared_cells(1)[job_count.cell], 7);
	ck_assert_str_eq(by__shared_get()->slot[1].route, "/experiments/{id}");
	ck_assert_uint_eq(by__shared_get()->slot[1].requests, 7);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_worker_goes_on_from_its_predecessors_counters_but_not_its_gauges)
{
	by_arena *arena = by_arena_new(0);

	reserve();
	ck_ok(by__shared_create(arena, 1, NULL));
	work(0, 5);
	work(0, 7);
	ck_assert_uint_eq(by__shared_cells(0)[job_count.cell], 12);
	ck_assert_uint_eq(by__shared_cells(0)[file_count.cell], 3);
	by_arena_free(&arena);
}
END_TEST

START_TEST(the_supervisor_writes_a_row_of_its_own_and_keeps_what_it_counted)
{
	by_arena *arena = by_arena_new(0);

	reserve();
	by_count(job_count, 2);
	ck_ok(by__shared_create(arena, 2, NULL));
	by_count(job_count, 1);
	ck_assert_uint_eq(by__shared_rows(), 3);
	ck_assert_uint_eq(by__shared_cells(2)[job_count.cell], 3);
	ck_assert_uint_eq(by__shared_cells(0)[job_count.cell], 0);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_region_that_is_taken_over_gets_more_slots_and_keeps_what_was_counted)
{
	by_arena *arena = by_arena_new(0);
	char path[] = "/tmp/by-shared-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	reserve();
	ck_ok(by__shared_create(arena, 2, path));
	work(0, 5);
	work(1, 7);
	by_count(job_count, 3);
	ck_assert(by__shared_adopt(path, 6));
	ck_assert_uint_eq(by__shared_get()->slots, 6);
	ck_assert_uint_eq(by__shared_rows(), 7);
	ck_assert_uint_eq(by__shared_cells(0)[job_count.cell], 5);
	ck_assert_uint_eq(by__shared_cells(1)[job_count.cell], 7);
	ck_assert_uint_eq(by__shared_cells(2)[job_count.cell], 0);
	ck_assert_uint_eq(by__shared_cells(6)[job_count.cell], 3);
	by_count(job_count, 1);
	ck_assert_uint_eq(by__shared_cells(6)[job_count.cell], 4);
	work(5, 9);
	ck_assert_uint_eq(by__shared_cells(5)[job_count.cell], 9);
	ck_assert(by__shared_adopt(path, 3));
	ck_assert_uint_eq(by__shared_get()->slots, 6);
	(void)unlink(path);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_number_of_workers_out_of_bounds_is_refused)
{
	by_arena *arena = by_arena_new(0);

	ck_fails(by__shared_create(arena, 0, NULL), CONFIGURATION);
	ck_fails(by__shared_create(arena, BY__SHARED_SLOTS, NULL), CONFIGURATION);
	ck_ok(by__shared_create(arena, BY__SHARED_SLOTS - 1, NULL));
	by_arena_free(&arena);
}
END_TEST

UNIT("shared", without_set_up_there_is_one_private_slot, slots_and_rows_begin_on_cache_lines,
    what_workers_write_the_supervisor_reads, a_worker_goes_on_from_its_predecessors_counters_but_not_its_gauges,
    the_supervisor_writes_a_row_of_its_own_and_keeps_what_it_counted,
    a_region_that_is_taken_over_gets_more_slots_and_keeps_what_was_counted, a_number_of_workers_out_of_bounds_is_refused);
