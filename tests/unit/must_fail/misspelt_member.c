/* A row for a member that the struct does not have. expect: no member named */
#include "common.h"

typedef struct holder {
	int64_t number;
} holder;
const by_field rows[] = { BY_FIELD(holder, numbr) };
