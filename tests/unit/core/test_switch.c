/* The portable exchange of stacks, which processors without one of our own use: tested on this one too. */
#define BY_SWITCH_PORTABLE
#define by__stack_prepare portable_prepare
#define by__stack_switch portable_switch
#include "core/switch.c"

#include "unit/unit.h"

static by__stack here, there;
static _Alignas(64) char stack[65536];
static int turns;

static void count(void *argument)
{
	int *step = argument;

	for (;;) {
		turns += *step;
		portable_switch(&there, &here);
	}
}

START_TEST(two_stacks_take_turns)
{
	int step = 3;

	portable_prepare(&there, stack, stack + sizeof(stack), count, &step);
	ck_assert_int_eq(turns, 0);
	for (int i = 1; i <= 1000; i++) {
		portable_switch(&here, &there);
		ck_assert_int_eq(turns, i * step);
	}
}
END_TEST

UNIT("switch", two_stacks_take_turns);
