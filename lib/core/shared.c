/*
 * The one region that workers share: header and slots, then a row of metric
 * cells for each worker and one for the supervisor. Making it, taking it over
 * from an earlier process, and looking into it from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <banyan/assert.h>
#include <banyan/time.h>

#include "core/metrics.h"
#include "core/shared.h"
#include "core/text.h"

/* Of the private region, whose pages are only taken when touched: room for thousands of endpoints. */
enum { PRIVATE_CELLS = 1024 * 1024 };

static struct {
	by__shared       *region;
	size_t            size;
	uint32_t          rows;
	uint32_t          own; /* slot and row */
	_Atomic uint64_t *own_cells;
	int               file; /* of by__shared_join, whose lock holds the slot; else -1 */
} shared = { .file = -1 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static size_t lines(size_t bytes)
{
	return (bytes + BY__SHARED_LINE - 1) & ~(size_t)(BY__SHARED_LINE - 1);
}

static size_t row_size(uint32_t cells)
{
	return lines(cells * sizeof(_Atomic uint64_t));
}

static size_t region_size(uint32_t rows, uint32_t cells)
{
	return lines(sizeof(by__shared)) + rows * row_size(cells);
}

static uint64_t layout_of(uint32_t cells)
{
	const uint64_t sizes[] = { BY__SHARED_MAGIC, sizeof(by__shared), cells, by__metrics_layout() };

	return by__hash(BY__HASH_START, sizes, sizeof(sizes));
}

static void describe(by__shared *region, uint32_t slots, uint32_t cells)
{
	region->slots = slots;
	region->cells = cells;
	region->layout = layout_of(cells);
	atomic_store(&region->started, (uint64_t)by_time_now().us);
	/* Last: whoever looks into the file meanwhile sees that it is not ready. */
	region->magic = BY__SHARED_MAGIC;
}

static void use_map(by__shared *region, size_t size, uint32_t rows)
{
	if (shared.region)
		munmap(shared.region, shared.size);
	shared.region = region;
	shared.size = size;
	shared.rows = rows;
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
	size_t size = region_size(1, PRIVATE_CELLS);
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		by_abort("out of memory", "metric cells", __FILE__, __LINE__);
	describe(map, 1, PRIVATE_CELLS);
	use_map(map, size, 1);
	own(0);
}

/* ---- making it ------------------------------------------------------------ */

static by_error *cannot(by_arena *arena, const char *path, const char *what)
{
	return by_error_new(arena, UNAVAILABLE, "The workers' shared memory %s%scannot be %s: %s.", path ? path : "",
	    path ? " " : "", what, strerror(errno));
}

/*
 * The file has all its blocks before anybody maps it: on a full disk touching
 * a page that has none would be a SIGBUS.
 */
static by_error *make_file(by_arena *arena, const char *path, size_t size, const char **beside, int *fd)
{
	*beside = by_format(arena, "%s.%d", path, (int)getpid());
	*fd = open(*beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (*fd < 0)
		return cannot(arena, *beside, "made");
	int code = posix_fallocate(*fd, 0, (off_t)size);

	if (code == 0)
		return BY_OK;
	(void)unlink(*beside);
	close(*fd);
	errno = code;
	return cannot(arena, path, "made");
}

static by_error *map_file(by_arena *arena, const char *path, size_t size, uint32_t slots, uint32_t cells, void **map)
{
	const char *beside;
	int fd;

	BY_TRY(make_file(arena, path, size, &beside, &fd));
	*map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (*map != MAP_FAILED) {
		describe(*map, slots, cells);
		if (rename(beside, path) == 0)
			return BY_OK;
		munmap(*map, size);
	}
	by_error *error = cannot(arena, path, "mapped");

	(void)unlink(beside);
	return error;
}

by_error *by__shared_create(by_arena *arena, uint32_t slots, const char *path)
{
	if (slots < 1 || slots >= BY__SHARED_SLOTS)
		return by_error_new(arena, CONFIGURATION, "There can be 1 to %d workers, with those that replace others.",
		    BY__SHARED_SLOTS - 1);
	by__metrics_standard();
	(void)by__shared_get();
	uint32_t cells = by__metrics_cells();
	size_t size = region_size(slots + 1, cells);
	uint64_t *counted = BY_NEW_ARRAY(arena, uint64_t, cells);
	void *map = NULL;

	for (uint32_t i = 0; i < cells; i++)
		counted[i] = atomic_load_explicit(&shared.own_cells[i], memory_order_relaxed);
	if (path) {
		BY_TRY(map_file(arena, path, size, slots, cells, &map));
	} else {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1, 0);
		if (map == MAP_FAILED)
			return cannot(arena, NULL, "made");
		describe(map, slots, cells);
	}
	use_map(map, size, slots + 1);
	own(slots);
	for (uint32_t i = 0; i < cells; i++)
		atomic_store_explicit(&shared.own_cells[i], counted[i], memory_order_relaxed);
	return BY_OK;
}

/* ---- taking it over --------------------------------------------------------- */

/* Maps a file whose head says that it is a whole region. NULL: it is none. */
static by__shared *map_existing(int fd, int protection, size_t *size)
{
	struct stat about;
	by__shared *region;

	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < (off_t)sizeof(by__shared))
		return NULL;
	*size = (size_t)about.st_size;
	region = mmap(NULL, *size, protection, MAP_SHARED, fd, 0);
	if (region == MAP_FAILED)
		return NULL;
	if (region->magic == BY__SHARED_MAGIC && region->slots >= 1 && region->slots < BY__SHARED_SLOTS
	    && region->cells <= *size / sizeof(uint64_t) && region_size(region->slots + 1, region->cells) <= *size)
		return region;
	munmap(region, *size);
	return NULL;
}

/*
 * Makes room for more workers behind those of the region, whose own processes
 * may go on with it as they mapped it. Its maker's row stays the last one.
 */
static by__shared *grow(int fd, by__shared *region, size_t *size, uint32_t slots)
{
	size_t whole = region_size(slots + 1, region->cells), row = row_size(region->cells);

	if (slots >= BY__SHARED_SLOTS || posix_fallocate(fd, 0, (off_t)whole) != 0)
		return region;
	by__shared *larger = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (larger == MAP_FAILED)
		return region;
	char *rows = (char *)larger + lines(sizeof(by__shared));

	munmap(region, *size);
	*size = whole;
	memcpy(rows + slots * row, rows + larger->slots * row, row);
	memset(rows + larger->slots * row, 0, row);
	larger->slots = slots;
	return larger;
}

static bool take_over(int fd, uint32_t slots)
{
	size_t size;
	by__shared *region = map_existing(fd, PROT_READ | PROT_WRITE, &size);

	if (!region)
		return false;
	if (region->layout == layout_of(by__metrics_cells()) && region->slots < slots)
		region = grow(fd, region, &size, slots);
	if (region->layout != layout_of(by__metrics_cells()) || region->slots < slots) {
		munmap(region, size);
		return false;
	}
	use_map(region, size, region->slots + 1);
	own(region->slots);
	return true;
}

bool by__shared_adopt(const char *path, uint32_t slots)
{
	by__metrics_standard();
	(void)by__shared_get();
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool taken = fd >= 0 && take_over(fd, slots);

	if (fd >= 0)
		close(fd);
	return taken;
}

const by__shared *by__shared_look(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size;

	if (fd < 0)
		return NULL;
	const by__shared *region = map_existing(fd, PROT_READ, &size);

	close(fd);
	return region;
}

/* ---- without a supervisor ------------------------------------------------------ */

enum { SETUP_BYTE = 1 << 30 }; /* beyond the file's end, where nothing but locks is */

/* Of this open file: it goes when the process does, whatever ends it. */
static bool lock_byte(int fd, off_t byte, bool wait)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int code;

	do
		code = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
	while (code != 0 && errno == EINTR);
	return code == 0;
}

static void unlock_byte(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* Whoever had the slot is dead; what it counted stays, what it was doing does not. */
static void bury(by__slot *slot)
{
	atomic_store(&slot->state, BY__WORKER_FREE);
	atomic_store(&slot->pid, 0);
	atomic_store(&slot->active, 0);
	atomic_store(&slot->queued, 0);
	atomic_store(&slot->connections, 0);
	atomic_store(&slot->rss, 0);
}

/* The first that is free; others of the dead are cleared on the way. */
static bool take_slot(int fd, uint32_t *slot)
{
	bool taken = false;

	for (uint32_t i = 0; i < shared.region->slots; i++) {
		if (!lock_byte(fd, (off_t)i, false))
			continue;
		bury(&shared.region->slot[i]);
		if (taken)
			unlock_byte(fd, (off_t)i);
		else
			*slot = i;
		taken = true;
	}
	return taken;
}

/* Whether the path still names the open file. */
static bool is_current(int fd, const char *path)
{
	struct stat open_one, named;

	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 && open_one.st_ino == named.st_ino
	    && open_one.st_dev == named.st_dev;
}

/* One that fits stands there afterwards: one process makes it, the others wait for its lock. */
static by_error *settle_file(by_arena *arena, uint32_t slots, const char *path)
{
	const char *lock_path = by_format(arena, "%s.lock", path);
	int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	by_error *error = BY_OK;

	if (lock < 0 || !lock_byte(lock, SETUP_BYTE, true)) {
		error = cannot(arena, lock_path, "locked");
	} else if (!by__shared_adopt(path, slots)) {
		error = by__shared_create(arena, slots, path);
	}
	if (lock >= 0)
		close(lock);
	return error;
}

by_error *by__shared_join(by_arena *arena, uint32_t slots, const char *path, uint32_t *slot)
{
	BY_REQUIRE(shared.file < 0);
	/* A file may be replaced between the two steps, by the first process of a newer program. */
	for (int attempt = 0; attempt < 8; attempt++) {
		BY_TRY(settle_file(arena, slots, path));
		int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0 && is_current(fd, path) && take_over(fd, slots)) {
			if (!take_slot(fd, slot)) {
				close(fd);
				return by_error_new(arena, UNAVAILABLE, "All %u slots of %s are taken.", shared.region->slots, path);
			}
			shared.file = fd;
			return BY_OK;
		}
		if (fd >= 0)
			close(fd);
	}
	errno = EAGAIN;
	return cannot(arena, path, "joined");
}

/* ---- this process's part ---------------------------------------------------------- */

by__shared *by__shared_get(void)
{
	pthread_once(&once, open_private);
	return shared.region;
}

void by__shared_use(uint32_t slot)
{
	BY_REQUIRE(slot < by__shared_get()->slots);
	own(slot);
	uint32_t used = atomic_load(&shared.region->used);

	while (used <= slot && !atomic_compare_exchange_weak(&shared.region->used, &used, slot + 1))
		;
	by__metrics_restart();
}

by__slot *by__shared_slot(void)
{
	return &by__shared_get()->slot[shared.own];
}

bool by__shared_draining(void)
{
	const by__shared *region = by__shared_get();

	if (atomic_load(&region->draining) != 0)
		return true;
	return atomic_load(&region->supervisor) == 0 && atomic_load(&by__shared_slot()->state) == BY__WORKER_DRAINING;
}

by__pool_row *by__shared_pool(void)
{
	uint32_t pool = atomic_load_explicit(&by__shared_slot()->pool, memory_order_relaxed);

	return &shared.region->pool[pool < BY__SHARED_POOLS ? pool : 0];
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

uint32_t by__shared_row_after(uint32_t row)
{
	uint32_t used = atomic_load_explicit(&by__shared_get()->used, memory_order_relaxed);

	if (row + 1 < used)
		return row + 1;
	return row + 1 < shared.rows ? shared.rows - 1 : shared.rows;
}

_Atomic uint64_t *by__shared_own(void)
{
	return shared.own_cells;
}

const char *by__worker_state_name(uint32_t state)
{
	static const char *const names[BY__WORKER_STATES] = {
		"free", "starting", "prepared", "ready", "draining", "gone"
	};

	return state < BY__WORKER_STATES ? names[state] : "unknown";
}

/* ---- poisoned routes ---------------------------------------------------------------- */

uint64_t by__poison_key(const char *method, const char *route)
{
	/* A HEAD is served as the GET of its route. */
	if (strncmp(method, "HEAD", sizeof("HEAD")) == 0)
		method = "GET";
	uint64_t hash = by__hash(BY__HASH_START, method, strnlen(method, sizeof(((by__slot *)0)->method) - 1));

	hash = by__hash(hash, "\n", 1);
	hash = by__hash(hash, route, strnlen(route, BY__SHARED_ROUTE - 1));
	return hash ? hash : 1;
}

uint32_t by__poisoned(uint64_t key)
{
	const by__shared *region = shared.region;

	if (BY_LIKELY(atomic_load_explicit(&region->poisons, memory_order_relaxed) == 0))
		return 0;
	uint64_t now = by_clock();

	for (size_t i = 0; i < BY__SHARED_POISONS; i++) {
		uint64_t until = atomic_load_explicit(&region->poison[i].until, memory_order_relaxed);

		if (atomic_load_explicit(&region->poison[i].route, memory_order_acquire) == key && until > now)
			return (uint32_t)((until - now) / 1000000000 + 1);
	}
	return 0;
}

/* The row of the key; else the one whose time is, or will be, over first. */
static by__poison *poison_row(by__shared *region, uint64_t key)
{
	by__poison *oldest = &region->poison[0];

	for (size_t i = 0; i < BY__SHARED_POISONS; i++) {
		by__poison *each = &region->poison[i];

		if (atomic_load(&each->route) == key)
			return each;
		if (atomic_load(&each->until) < atomic_load(&oldest->until))
			oldest = each;
	}
	return oldest;
}

void by__poison_add(const char *method, const char *route, by_duration span)
{
	by__shared *region = by__shared_get();
	uint64_t key = by__poison_key(method, route);
	by__poison *row = poison_row(region, key);

	atomic_store(&row->route, 0);
	/* Both may be what a dying worker left, without an end. */
	(void)snprintf(row->name, sizeof(row->name), "%.*s %.*s", (int)sizeof(((by__slot *)0)->method) - 1, method,
	    BY__SHARED_ROUTE - 1, route);
	atomic_store(&row->until, by_clock() + (uint64_t)span.us * 1000);
	atomic_store(&row->route, key);
	atomic_store(&region->poisons, 1);
}
