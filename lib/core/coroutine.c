/*
 * Coroutine stacks: mapped with a guard below, handed out newest first, and
 * told to sanitizers and valgrind, which otherwise take a switch for chaos.
 */
#include <sys/mman.h>
#include <unistd.h>

#include <banyan/assert.h>

#include "core/coroutine.h"
#include "core/runtime.h"
#include "core/switch.h"

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

#if defined(BY_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(BY_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

enum {
	MAGIC = 0x636f726f, /* "coro" */
	GUARD = 64 * 1024,  /* no page of it is ever touched; wide, so that a large local array does not step over it */
	WARM = 32 * 1024,   /* what a kept stack may hold on to */
	PROBE = 1024        /* how much of the page below WARM is looked at */
};

/*
 * Lies at the top of its own mapping, above the stack:
 * map | guard | stack, growing down | by__coroutine |
 */
struct by__coroutine {
	uint32_t magic;
	bool     alive;   /* between new and the return of `run` */
	bool     retired; /* leave for good when next resumed */
	by__stack self;
	by__stack resumer;
	struct by__coroutine *outer; /* the one that resumed it, NULL: the loop */
	struct by__coroutine *next;  /* in the pool */
	void (*run)(void *argument);
	void  *argument;
	char  *map;
#if defined(BY_ASAN)
	void       *fake_stack;
	const void *resumer_bottom;
	size_t      resumer_size;
#endif
#if defined(BY_TSAN)
	void *fiber, *resumer_fiber;
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
	unsigned valgrind_id;
#endif
};

static struct {
	size_t         size; /* of a mapping, guard included */
	unsigned       keep;
	unsigned       kept;
	uint32_t       mapped;
	uint64_t       switches;
	by__coroutine *pool;
} stacks;

/* Of this thread: coroutines run on the loop's only, and a fault on another is none of theirs. */
static _Thread_local by__coroutine *volatile running __attribute__((tls_model("initial-exec")));

static char *stack_bottom(const by__coroutine *co)
{
	return co->map + GUARD;
}

/*
 * The sanitizers are told before each switch, ASan also after it. ASan's fake
 * stack of whoever stops running is kept meanwhile: a coroutine's in its
 * struct, its resumer's in a local of by__coroutine_resume.
 */
static inline void entering(by__coroutine *co, void **fake_stack)
{
#if defined(BY_ASAN)
	__sanitizer_start_switch_fiber(fake_stack, stack_bottom(co), (size_t)((char *)co - stack_bottom(co)));
#endif
#if defined(BY_TSAN)
	co->resumer_fiber = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(co->fiber, 0);
#endif
	running = co;
	(void)fake_stack;
}

static inline void entered(by__coroutine *co)
{
#if defined(BY_ASAN)
	__sanitizer_finish_switch_fiber(co->fake_stack, &co->resumer_bottom, &co->resumer_size);
#endif
	(void)co;
}

static inline void leaving(by__coroutine *co, bool for_good)
{
	running = co->outer;
#if defined(BY_ASAN)
	/* Without a place to keep it, the fake stack is freed. */
	__sanitizer_start_switch_fiber(for_good ? NULL : &co->fake_stack, co->resumer_bottom, co->resumer_size);
#endif
#if defined(BY_TSAN)
	__tsan_switch_to_fiber(co->resumer_fiber, 0);
#endif
	(void)for_good;
}

static inline void left(void *fake_stack)
{
#if defined(BY_ASAN)
	__sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
	(void)fake_stack;
}

/* The life of a stack: one job after another, so that it is prepared only once. */
static void live(void *self)
{
	by__coroutine *co = self;

	entered(co);
	while (!co->retired) {
		co->run(co->argument);
		co->alive = false;
		by__coroutine_park();
	}
	leaving(co, true);
	by__stack_switch(&co->self, &co->resumer);
	BY_IMPOSSIBLE("a retired coroutine was resumed");
}

static by__coroutine *map_stack(void)
{
	char *map = mmap(NULL, stacks.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map + GUARD, stacks.size - GUARD, PROT_READ | PROT_WRITE) != 0) {
		munmap(map, stacks.size);
		return NULL;
	}
	size_t head = (sizeof(by__coroutine) + 63) & ~(size_t)63;
	by__coroutine *co = (by__coroutine *)(void *)(map + stacks.size - head);
	*co = (by__coroutine){ .magic = MAGIC, .map = map };
#ifdef HAVE_VALGRIND_VALGRIND_H
	co->valgrind_id = VALGRIND_STACK_REGISTER(map + GUARD, co);
#endif
#if defined(BY_TSAN)
	co->fiber = __tsan_create_fiber(0);
#endif
	by__stack_prepare(&co->self, stack_bottom(co), co, live, co);
	stacks.mapped++;
	return co;
}

static void unmap_stack(by__coroutine *co)
{
	co->retired = true;
	by__coroutine_resume(co);
#if defined(BY_TSAN)
	__tsan_destroy_fiber(co->fiber);
#endif
#ifdef HAVE_VALGRIND_VALGRIND_H
	VALGRIND_STACK_DEREGISTER(co->valgrind_id);
#endif
#if defined(BY_ASAN)
	/* The next mapping at this address must not inherit the shadow of frames that were left, not returned from. */
	ASAN_UNPOISON_MEMORY_REGION(stack_bottom(co), stacks.size - GUARD);
#endif
	munmap(co->map, stacks.size);
	stacks.mapped--;
}

/*
 * A stack that went below WARM gives the pages there back. Whether it did is
 * read from the page below: fresh pages are zero, and reading one maps the
 * kernel's shared zero page, which counts for nothing.
 */
#if defined(BY_ASAN)
__attribute__((no_sanitize_address))
#endif
static void trim(by__coroutine *co)
{
	if (stacks.size <= GUARD + WARM + PROBE)
		return;
	const uint64_t *probe = (const uint64_t *)(const void *)(co->map + stacks.size - WARM - PROBE);
	uint64_t used = 0;
#ifdef HAVE_VALGRIND_VALGRIND_H
	VALGRIND_MAKE_MEM_DEFINED(probe, PROBE);
#endif
	for (size_t i = 0; i < PROBE / sizeof(*probe); i++)
		used |= probe[i];
	if (used)
		madvise(stack_bottom(co), stacks.size - GUARD - WARM, MADV_DONTNEED);
}

void by__coroutines_open(size_t stack_size, unsigned kept)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	BY_REQUIRE(stacks.mapped == 0);
	stacks.size = GUARD + ((stack_size + page - 1) & ~(page - 1));
	stacks.keep = kept;
	stacks.switches = 0;
}

void by__coroutines_close(void)
{
	BY_REQUIRE(stacks.mapped == stacks.kept);
	while (stacks.pool) {
		by__coroutine *co = stacks.pool;
		stacks.pool = co->next;
		stacks.kept--;
		unmap_stack(co);
	}
}

uint32_t by__coroutines_mapped(void)
{
	return stacks.mapped;
}

uint64_t by__coroutines_switches(void)
{
	return stacks.switches;
}

by__coroutine *by__coroutine_new(void (*run)(void *argument), void *argument)
{
	by__coroutine *co = stacks.pool;

	if (co) {
		stacks.pool = co->next;
		stacks.kept--;
	} else {
		co = map_stack();
		if (!co)
			return NULL;
	}
	co->run = run;
	co->argument = argument;
	co->alive = true;
	return co;
}

bool by__coroutine_resume(by__coroutine *coroutine)
{
	by__coroutine *co = BY_CHECKED(coroutine, by__coroutine, MAGIC);
	void *fake_stack = NULL;

	co->outer = running;
	stacks.switches++;
	entering(co, &fake_stack);
	by__stack_switch(&co->resumer, &co->self);
	left(fake_stack);
	return co->alive;
}

void by__coroutine_park(void)
{
	by__coroutine *co = running;

	BY_REQUIRE(co != NULL);
	leaving(co, false);
	by__stack_switch(&co->self, &co->resumer);
	entered(co);
}

void by__coroutine_free(by__coroutine **coroutine)
{
	by__coroutine *co = BY_CHECKED(*coroutine, by__coroutine, MAGIC);

	BY_REQUIRE(!co->alive);
	*coroutine = NULL;
	if (stacks.kept >= stacks.keep) {
		unmap_stack(co);
		return;
	}
	trim(co);
	co->next = stacks.pool;
	stacks.pool = co;
	stacks.kept++;
}

bool by__coroutine_is_guard(const void *address)
{
	const by__coroutine *co = running;
	const char *at = address;

	return co && at >= co->map && at < co->map + GUARD;
}
