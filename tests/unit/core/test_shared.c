/* Shared memory: what one process writes, all that were forked read; a slot's counters outlive its workers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/metric.h>
#include <banyan/task.h>

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

/* ---- as a file ---- */

static char directory[] = "/tmp/by-shared-XXXXXX";

static const char *file_path(by_arena *arena)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	return by_format(arena, "%s/region", directory);
}

static void remove_files(by_arena *arena, const char *path)
{
	(void)unlink(path);
	(void)unlink(by_format(arena, "%s.lock", path));
	(void)rmdir(directory);
}

START_TEST(a_file_is_taken_over_by_the_same_program_with_all_that_is_in_it)
{
	by_arena *arena = by_arena_new(0);
	const char *path = file_path(arena);
	int status;

	reserve();
	ck_ok(by__shared_create(arena, 3, path));
	work(1, 7);
	pid_t child = fork();

	if (child == 0) {
		bool taken = by__shared_adopt(path, 3) && atomic_load(&by__shared_get()->slot[1].requests) == 7
		    && by__shared_cells(1)[job_count.cell] == 7;

		atomic_store(&by__shared_get()->generation, 2);
		_exit(taken ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(atomic_load(&by__shared_get()->generation), 2);
	remove_files(arena, path);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_file_of_another_layout_is_not_taken_over)
{
	static const by_metric more = { .name = "test_more_total", .help = "More.", .type = BY_COUNTER };
	by_arena *arena = by_arena_new(0);
	const char *path = file_path(arena);

	int status;
	pid_t child = fork();

	reserve();
	if (child == 0) {
		(void)by_metric_series(&more, NULL);
		_exit(by__shared_create(arena, 3, path) == BY_OK ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(!by__shared_adopt(path, 3));
	ck_ok(by__shared_create(arena, 3, path));
	ck_assert(!by__shared_adopt(by_format(arena, "%s-not", path), 1));
	ck_assert(by__shared_adopt(path, 3));
	remove_files(arena, path);
	by_arena_free(&arena);
}
END_TEST

/* Joins in a child, tells the slot, and lives until the pipe is closed. */
static pid_t joined(const char *path, int hold[2], uint32_t *slot)
{
	int told[2];

	ck_assert_int_eq(pipe(told), 0);
	pid_t child = fork();

	if (child == 0) {
		by_arena *arena = by_arena_new(0);
		uint32_t own = UINT32_MAX;
		char end;

		close(hold[1]);
		if (by__shared_join(arena, 2, path, &own) != BY_OK || write(told[1], &own, sizeof(own)) != sizeof(own))
			_exit(1);
		(void)!read(hold[0], &end, 1);
		_exit(0);
	}
	close(told[1]);
	ck_assert_int_eq(read(told[0], slot, sizeof(*slot)), sizeof(*slot));
	close(told[0]);
	return child;
}

START_TEST(processes_without_a_supervisor_meet_in_a_file_and_a_dead_ones_slot_is_free_again)
{
	by_arena *arena = by_arena_new(0);
	const char *path = file_path(arena);
	int first_hold[2], second_hold[2], status;
	uint32_t first_slot, second_slot, own;

	reserve();
	ck_assert_int_eq(pipe(first_hold), 0);
	ck_assert_int_eq(pipe(second_hold), 0);
	pid_t first = joined(path, first_hold, &first_slot);
	pid_t second = joined(path, second_hold, &second_slot);

	ck_assert_uint_eq(first_slot, 0);
	ck_assert_uint_eq(second_slot, 1);
	/* Whatever ends it: nobody cleans up after it. */
	ck_assert_int_eq(kill(first, SIGKILL), 0);
	ck_assert_int_eq(waitpid(first, &status, 0), first);
	ck_ok(by__shared_join(arena, 2, path, &own));
	ck_assert_uint_eq(own, 0);
	close(second_hold[1]);
	ck_assert_int_eq(waitpid(second, &status, 0), second);
	ck_assert_int_eq(status, 0);
	remove_files(arena, path);
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_file_can_be_looked_at_without_taking_part)
{
	by_arena *arena = by_arena_new(0);
	const char *path = file_path(arena);

	reserve();
	ck_assert_ptr_null(by__shared_look(path));
	ck_ok(by__shared_create(arena, 2, path));
	work(1, 7);
	const by__shared *seen = by__shared_look(path);

	ck_assert_ptr_nonnull(seen);
	ck_assert_ptr_ne(seen, by__shared_get());
	ck_assert_uint_eq(seen->slot[1].requests, 7);
	remove_files(arena, path);
	by_arena_free(&arena);
}
END_TEST

/* ---- poison ---- */

START_TEST(a_poisoned_route_is_known_until_its_time_is_over)
{
	uint64_t key = by__poison_key("GET", "/things/{id}");

	(void)by__shared_get();
	ck_assert_uint_ne(key, by__poison_key("POST", "/things/{id}"));
	ck_assert_uint_eq(key, by__poison_key("HEAD", "/things/{id}"));
	ck_assert_uint_eq(by__poisoned(key), 0);
	by__poison_add("GET", "/things/{id}", BY_SECONDS(10));
	ck_assert_uint_ge(by__poisoned(key), 9);
	ck_assert_uint_le(by__poisoned(key), 10);
	ck_assert_uint_eq(by__poisoned(by__poison_key("POST", "/things/{id}")), 0);
	by__poison_add("GET", "/things/{id}", BY_SECONDS(0));
	ck_assert_uint_eq(by__poisoned(key), 0);
}
END_TEST

START_TEST(more_poisoned_routes_than_there_is_room_for_push_out_those_that_end_first)
{
	char route[32];

	(void)by__shared_get();
	for (int i = 0; i <= BY__SHARED_POISONS; i++) {
		snprintf(route, sizeof(route), "/r/%d", i);
		by__poison_add("GET", route, BY_SECONDS(100 + i));
	}
	ck_assert_uint_eq(by__poisoned(by__poison_key("GET", "/r/0")), 0);
	for (int i = 1; i <= BY__SHARED_POISONS; i++) {
		snprintf(route, sizeof(route), "/r/%d", i);
		ck_assert_uint_gt(by__poisoned(by__poison_key("GET", route)), 0);
	}
}
END_TEST

UNIT("shared", a_file_is_taken_over_by_the_same_program_with_all_that_is_in_it,
    a_file_of_another_layout_is_not_taken_over,
    processes_without_a_supervisor_meet_in_a_file_and_a_dead_ones_slot_is_free_again,
    a_file_can_be_looked_at_without_taking_part, a_poisoned_route_is_known_until_its_time_is_over,
    more_poisoned_routes_than_there_is_room_for_push_out_those_that_end_first,
    without_set_up_there_is_one_private_slot, slots_and_rows_begin_on_cache_lines,
    what_workers_write_the_supervisor_reads, a_worker_goes_on_from_its_predecessors_counters_but_not_its_gauges,
    the_supervisor_writes_a_row_of_its_own_and_keeps_what_it_counted,
    a_region_that_is_taken_over_gets_more_slots_and_keeps_what_was_counted, a_number_of_workers_out_of_bounds_is_refused);
