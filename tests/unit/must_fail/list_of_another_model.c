/* A list row that names another model than the member's. expect: _Generic */
#include "common.h"

typedef struct holder {
	BY_LIST(leaf) leaves;
} holder;
const by_field rows[] = { BY_FIELD_LIST(holder, leaves, other) };
