/* An unsigned member: limits and columns are signed. expect: _Generic */
#include "common.h"

typedef struct holder {
	uint32_t number;
} holder;
const by_field rows[] = { BY_FIELD(holder, number) };
