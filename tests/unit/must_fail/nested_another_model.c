/* A nested row that names another model than the member's. expect: _Generic */
#include "common.h"

typedef struct holder {
	leaf one;
} holder;
const by_field rows[] = { BY_FIELD_MODEL(holder, one, other) };
