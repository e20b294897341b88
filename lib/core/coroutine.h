/*
 * Stackful coroutines: mapped stacks with a guard below, pooled. Mechanism
 * only: what runs when is task.c's business.
 */
#ifndef BY_CORE_COROUTINE_H
#define BY_CORE_COROUTINE_H

#include <banyan/base.h>

typedef struct by__coroutine by__coroutine;

/* `stack_size` bytes of address space each (rounded up to pages), at most `kept` unused ones kept. */
void by__coroutines_open(size_t stack_size, unsigned kept);
/* Unmaps the kept stacks; none may be in use. */
void by__coroutines_close(void);
/* Stacks mapped now, in use and kept. */
uint32_t by__coroutines_mapped(void);
/* Switches made, there and back counting one. */
uint64_t by__coroutines_switches(void);

/* One that will call run(argument) when first resumed; NULL when no stack can be mapped. */
BY_MUST_CHECK by__coroutine *by__coroutine_new(void (*run)(void *argument), void *argument);
/* Runs it until it parks or `run` returns; true while it has not returned. From the loop or another coroutine. */
bool by__coroutine_resume(by__coroutine *coroutine);
/* Back to whoever resumed the running coroutine. */
void by__coroutine_park(void);
/* Gives the stack of one whose `run` has returned back to the pool, and nulls the owner's pointer. */
void by__coroutine_free(by__coroutine **coroutine);

#endif
