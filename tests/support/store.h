/*
 * Repositories in memory, and transactions over them: services and lists are
 * tested without a database. Rows are compared by value; a transaction that is
 * rolled back leaves no trace.
 */
#ifndef TESTS_SUPPORT_STORE_H
#define TESTS_SUPPORT_STORE_H

#include <banyan/provider.h>

typedef struct test_store test_store;

/* Empty, in the arena, where its rows live too. */
test_store *test_store_new(by_arena *arena);
/* For ctx->providers. */
by_providers *test_store_providers(test_store *store);

typedef struct test_store_usage {
	unsigned begun, committed, rolled_back; /* transactions */
	unsigned finds, lists, writes;
} test_store_usage;
test_store_usage test_store_used(const test_store *store);

/* Has the next update fail with CONFLICT, as if somebody else had been faster; as often as `times`. */
void test_store_lose(test_store *store, unsigned times);

#endif
