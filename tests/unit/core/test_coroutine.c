/* Coroutines: stacks that nest, are used again, give back what they grew to, and end in a guard. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/assert.h>

#include "core/coroutine.h"
#include "core/runtime.h"
#include "unit/unit.h"

static char text[64];

static void say(const char *what)
{
	strcat(text, what);
}

static void parks_twice(void *argument)
{
	say(argument);
	by__coroutine_park();
	say(argument);
	by__coroutine_park();
	say(argument);
}

static void resumes_another(void *argument)
{
	by__coroutine *inner = by__coroutine_new(parks_twice, argument);

	say("[");
	while (by__coroutine_resume(inner)) {
		say("|");
		by__coroutine_park();
	}
	say("]");
	by__coroutine_free(&inner);
}

static void run(void (*function)(void *argument), void *argument)
{
	by__coroutine *co = by__coroutine_new(function, argument);

	ck_assert_ptr_nonnull(co);
	while (by__coroutine_resume(co))
		say("-");
	by__coroutine_free(&co);
	ck_assert_ptr_null(co);
}

START_TEST(a_coroutine_parks_and_goes_on)
{
	char a[] = "a";

	by__coroutines_open(65536, 1);
	run(parks_twice, a);
	ck_assert_str_eq(text, "a-a-a");
	by__coroutines_close();
}
END_TEST

START_TEST(a_coroutine_resumes_another)
{
	char a[] = "a";

	by__coroutines_open(65536, 2);
	run(resumes_another, a);
	ck_assert_str_eq(text, "[a|-a|-a]");
	ck_assert_uint_eq(by__coroutines_mapped(), 2);
	by__coroutines_close();
	ck_assert_uint_eq(by__coroutines_mapped(), 0);
}
END_TEST

static double sum;

/* What callee-saved registers and the stack's alignment are for. */
static void computes(void *argument)
{
	_Alignas(32) double values[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	ck_assert_uint_eq((uintptr_t)values % 32, 0);
	for (int i = 0; i < 8; i++) {
		sum += values[i] * *(double *)argument;
		by__coroutine_park();
	}
}

START_TEST(registers_survive_a_switch)
{
	double factors[] = { 0.5, 3 };
	by__coroutine *a, *b;

	by__coroutines_open(65536, 2);
	a = by__coroutine_new(computes, &factors[0]);
	b = by__coroutine_new(computes, &factors[1]);
	for (int i = 0; i <= 8; i++) {
		ck_assert_int_eq(by__coroutine_resume(a), i < 8);
		ck_assert_int_eq(by__coroutine_resume(b), i < 8);
	}
	ck_assert_double_eq(sum, 126);
	by__coroutine_free(&a);
	by__coroutine_free(&b);
	by__coroutines_close();
}
END_TEST

START_TEST(no_more_stacks_are_kept_than_asked)
{
	by__coroutine *all[10];
	char none[] = "";

	by__coroutines_open(65536, 3);
	for (int i = 0; i < 10; i++) {
		all[i] = by__coroutine_new(parks_twice, none);
		while (by__coroutine_resume(all[i]))
			;
	}
	ck_assert_uint_eq(by__coroutines_mapped(), 10);
	for (int i = 0; i < 10; i++)
		by__coroutine_free(&all[i]);
	ck_assert_uint_eq(by__coroutines_mapped(), 3);
	by__coroutines_close();
}
END_TEST

#if !defined(BY_ASAN) && !defined(BY_TSAN)

static volatile char *lowest;

/* Uses that much of the stack. */
static void go_down(void *argument)
{
	volatile char page[4096];
	int *left = argument;

	for (size_t i = 0; i < sizeof(page); i += 64)
		page[i] = 1;
	lowest = page;
	if (--*left > 0)
		go_down(left);
	page[0] = 2;
}

static bool is_resident(volatile char *address)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char state;

	ck_assert_int_eq(mincore((void *)((uintptr_t)address & ~(page - 1)), page, &state), 0);
	return state & 1;
}

START_TEST(a_deeply_used_stack_gives_its_pages_back)
{
	int depth = 40;

	by__coroutines_open(262144, 1);
	run(go_down, &depth);
	ck_assert_uint_eq(by__coroutines_mapped(), 1);
	ck_assert(!is_resident(lowest));
	depth = 1;
	run(go_down, &depth);
	ck_assert(is_resident(lowest));
	by__coroutines_close();
}
END_TEST

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	_exit(by__coroutine_is_guard(info->si_addr) ? 42 : 43);
}

static void catch_faults(void)
{
	static char other[65536];
	stack_t alternative = { .ss_sp = other, .ss_size = sizeof(other) };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaltstack(&alternative, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static int exit_code_of(void (*function)(void *argument), void *argument)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		catch_faults();
		by__coroutines_open(65536, 1);
		run(function, argument);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void writes_to_zero(void *argument)
{
	*(volatile int *)argument = 1;
}

START_TEST(an_overflow_is_told_from_other_faults)
{
	int shallow = 8, deep = 1000;

	ck_assert_int_eq(exit_code_of(go_down, &shallow), 0);
	ck_assert_int_eq(exit_code_of(go_down, &deep), 42);
	ck_assert_int_eq(exit_code_of(writes_to_zero, NULL), 43);
	ck_assert(!by__coroutine_is_guard(NULL));
}
END_TEST

UNIT("coroutine", a_coroutine_parks_and_goes_on, a_coroutine_resumes_another, registers_survive_a_switch,
    no_more_stacks_are_kept_than_asked, a_deeply_used_stack_gives_its_pages_back,
    an_overflow_is_told_from_other_faults);

#else /* the sanitizers use stacks and signals in their own way */

UNIT("coroutine", a_coroutine_parks_and_goes_on, a_coroutine_resumes_another, registers_survive_a_switch,
    no_more_stacks_are_kept_than_asked);

#endif
