/* Exchanging stacks. The callee-saved registers are all that a function must keep, so they are all that moves. */

/* longjmp to another stack is what _FORTIFY_SOURCE's __longjmp_chk refuses. */
#undef _FORTIFY_SOURCE

#include <stdint.h>

#include "core/switch.h"

#if BY_SWITCH_NATIVE

void by__switch_native(void **from, void *to);
void by__switch_first(void);

#if defined(__x86_64__)

/*
 * The return is a jump, since the processor's return predictor knows only the
 * stack that is left. A new stack starts in by__switch_first with the entry in
 * rbx and its argument in r12; the zero above it ends a debugger's backtrace.
 */
__asm__(
	".text\n"
	".balign 16\n"
	".globl by__switch_native\n"
	".hidden by__switch_native\n"
	".type by__switch_native, @function\n"
	"by__switch_native:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n"
	".size by__switch_native, .-by__switch_native\n"
	".balign 16\n"
	".globl by__switch_first\n"
	".hidden by__switch_first\n"
	".type by__switch_first, @function\n"
	"by__switch_first:\n"
	"	movq %r12, %rdi\n"
	"	call *%rbx\n"
	"	ud2\n"
	".size by__switch_first, .-by__switch_first\n");

/* Odd, so that what is left when seven were taken keeps the stack aligned to 16 at the call. */
enum { FRAME = 9, AT_ARGUMENT = 3, AT_ENTRY = 4, AT_RETURN = 6 };

#else /* aarch64 */

/* x19 to x28, frame pointer, link register, and the low halves of v8 to v15 (AAPCS64 section 6.1). */
__asm__(
	".text\n"
	".balign 16\n"
	".globl by__switch_native\n"
	".hidden by__switch_native\n"
	".type by__switch_native, %function\n"
	"by__switch_native:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size by__switch_native, .-by__switch_native\n"
	".balign 16\n"
	".globl by__switch_first\n"
	".hidden by__switch_first\n"
	".type by__switch_first, %function\n"
	"by__switch_first:\n"
	"	mov x0, x20\n"
	"	blr x19\n"
	"	brk #1\n"
	".size by__switch_first, .-by__switch_first\n");

enum { FRAME = 20, AT_ENTRY = 0, AT_ARGUMENT = 1, AT_RETURN = 11 };

#endif

void by__stack_prepare(by__stack *to, void *bottom, void *top, void (*entry)(void *argument), void *argument)
{
	uintptr_t *frame = (uintptr_t *)top - FRAME;

	(void)bottom;
	for (int i = 0; i < FRAME; i++)
		frame[i] = 0;
	frame[AT_ENTRY] = (uintptr_t)entry;
	frame[AT_ARGUMENT] = (uintptr_t)argument;
	frame[AT_RETURN] = (uintptr_t)by__switch_first;
	to->sp = frame;
}

void by__stack_switch(by__stack *from, by__stack *to)
{
	by__switch_native(&from->sp, to->sp);
}

#else /* not BY_SWITCH_NATIVE */

#include <ucontext.h>

/* What a new stack is told; makecontext passes int arguments only. */
static struct start {
	by__stack *self;
	ucontext_t  here, there;
	void      (*entry)(void *argument);
	void       *argument;
} *starting;

static void first(void)
{
	struct start *start = starting;
	void (*entry)(void *argument) = start->entry;
	void *argument = start->argument;

	if (_setjmp(start->self->registers) == 0)
		swapcontext(&start->there, &start->here);
	entry(argument);
}

/* The one swapcontext of a stack's life: it sets the signal mask, and costs a system call. */
void by__stack_prepare(by__stack *to, void *bottom, void *top, void (*entry)(void *argument), void *argument)
{
	struct start start = { .self = to, .entry = entry, .argument = argument };

	getcontext(&start.there);
	start.there.uc_stack.ss_sp = bottom;
	start.there.uc_stack.ss_size = (size_t)((char *)top - (char *)bottom);
	start.there.uc_link = NULL;
	makecontext(&start.there, first, 0);
	starting = &start;
	swapcontext(&start.here, &start.there);
}

void by__stack_switch(by__stack *from, by__stack *to)
{
	if (_setjmp(from->registers) == 0)
		_longjmp(to->registers, 1);
}

#endif
