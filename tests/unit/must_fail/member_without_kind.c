/* A member of a type that is no kind. expect: _Generic */
#include "common.h"

typedef struct holder {
	float number;
} holder;
const by_field rows[] = { BY_FIELD(holder, number) };
