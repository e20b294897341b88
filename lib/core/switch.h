/*
 * The raw exchange of one stack for another, without a system call. On x86-64
 * and aarch64 a few instructions of our own (a sixth of the time that
 * _setjmp/_longjmp take, measured on x86-64), elsewhere _setjmp and _longjmp.
 */
#ifndef BY_CORE_SWITCH_H
#define BY_CORE_SWITCH_H

#include <stddef.h>

#if (defined(__x86_64__) && !defined(__ILP32__)) || defined(__aarch64__)
#define BY_SWITCH_NATIVE 1
#else
#define BY_SWITCH_NATIVE 0
#endif
/* -DBY_SWITCH_PORTABLE: the way of all other processors, for its tests. */
#ifdef BY_SWITCH_PORTABLE
#undef BY_SWITCH_NATIVE
#define BY_SWITCH_NATIVE 0
#endif

#if BY_SWITCH_NATIVE

/* Where a stack that is not running goes on: the registers lie on top of it. */
typedef struct by__stack {
	void *sp;
} by__stack;

#else

#include <setjmp.h>

typedef struct by__stack {
	jmp_buf registers;
} by__stack;

#endif

/*
 * Makes `to` a stack that, when first switched to, calls entry(argument). The
 * entry never returns. `top` is aligned to 16.
 */
void by__stack_prepare(by__stack *to, void *bottom, void *top, void (*entry)(void *argument), void *argument);

/* Leaves the running stack in `from` and goes on with `to`; returns when something switches to `from`. */
void by__stack_switch(by__stack *from, by__stack *to);

#endif
