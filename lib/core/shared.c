/*
 * The one region that workers share: header and slots, then a row of metric
 * cells for each worker and one for the supervisor.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <banyan/assert.h>
#include <banyan/time.h>

#include "core/metrics.h"
#include "core/shared.h"

/* Of the private region, whose pages are only taken when touched: room for thousands of endpoints. */
enum { PRIVATE_CELLS = 1024 * 1024 };

static struct {
	by__shared       *region;
	size_t            size;
	uint32_t          rows;
	uint32_t          own; /* slot and row */
	_Atomic uint64_t *own_cells;
} shared;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t lines(size_t bytes)
{
	return (bytes + BY__SHARED_LINE - 1) & ~(size_t)(BY__SHARED_LINE - 1);
}

static size_t row_size(uint32_t cells)
{
	return lines(cells * sizeof(_Atomic uint64_t));
}

static bool map_region(uint32_t slots, uint32_t rows, uint32_t cells, int flags)
{
	size_t size = lines(sizeof(by__shared)) + rows * row_size(cells);
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (map == MAP_FAILED)
		return false;
	if (shared.region)
		munmap(shared.region, shared.size);
	shared.region = map;
	shared.size = size;
	shared.rows = rows;
	shared.region->magic = BY__SHARED_MAGIC;
	shared.region->slots = slots;
	shared.region->cells = cells;
	atomic_store(&shared.region->started, (uint64_t)by_time_now().us);
	return true;
}

static void own(uint32_t row)
{
	shared.own = row;
	shared.own_cells = (_Atomic uint64_t *)(void *)((char *)shared.region + lines(sizeof(by__shared))
	    + row * row_size(shared.region->cells));
}

static void open_private(void)
{
	if (shared.region)
		return;
	if (!map_region(1, 1, PRIVATE_CELLS, MAP_PRIVATE | MAP_NORESERVE))
		by_abort("out of memory", "metric cells", __FILE__, __LINE__);
	own(0);
}

by_error *by__shared_create(by_arena *arena, uint32_t slots)
{
	if (slots < 1 || slots >= BY__SHARED_SLOTS)
		return by_error_new(arena, CONFIGURATION, "There can be 1 to %d workers.", BY__SHARED_SLOTS - 1);
	by__metrics_standard();
	uint32_t cells = by__metrics_cells();
	uint64_t *counted = BY_NEW_ARRAY(arena, uint64_t, cells);
	for (uint32_t i = 0; i < cells; i++)
		counted[i] = atomic_load_explicit(&shared.own_cells[i], memory_order_relaxed);
	if (!map_region(slots, slots + 1, cells, MAP_SHARED))
		return by_error_internal(arena, by_error_new(arena, IO, "The workers' shared memory could not be made."),
		    "mmap: %s", strerror(errno));
	own(slots);
	for (uint32_t i = 0; i < cells; i++)
		atomic_store_explicit(&shared.own_cells[i], counted[i], memory_order_relaxed);
	return BY_OK;
}

by__shared *by__shared_get(void)
{
	pthread_once(&once, open_private);
	return shared.region;
}

void by__shared_use(uint32_t slot)
{
	BY_REQUIRE(slot < by__shared_get()->slots);
	own(slot);
	by__metrics_restart();
}

by__slot *by__shared_slot(void)
{
	return &by__shared_get()->slot[shared.own];
}

_Atomic uint64_t *by__shared_cells(uint32_t slot)
{
	by__shared *region = by__shared_get();

	BY_REQUIRE(slot < shared.rows);
	return (_Atomic uint64_t *)(void *)((char *)region + lines(sizeof(by__shared)) + slot * row_size(region->cells));
}

uint32_t by__shared_rows(void)
{
	by__shared_get();
	return shared.rows;
}

_Atomic uint64_t *by__shared_own(void)
{
	return shared.own_cells;
}
