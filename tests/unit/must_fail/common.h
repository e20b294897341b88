/* The sound part that every must-fail case shares; sound.c shows that it compiles by itself. */
#ifndef TESTS_MUST_FAIL_H
#define TESTS_MUST_FAIL_H

#include <banyan/entity.h>
#include <banyan/model.h>
#include <banyan/operation.h>
#include <banyan/store.h>

typedef struct leaf {
	int64_t count;
} leaf;
BY_DECLARE_MODEL(leaf);

typedef struct other {
	int64_t count;
} other;
BY_DECLARE_MODEL(other);

#define SHADE(X) X(shade, red) X(shade, green)
BY_ENUM(shade, SHADE);

#endif
