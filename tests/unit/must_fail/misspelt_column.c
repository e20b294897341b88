/* A column that rows do not have. expect: minimun */
#include "common.h"

typedef struct holder {
	int64_t number;
} holder;
const by_field rows[] = { BY_FIELD(holder, number, .minimun = BY_NUM(1)) };
