/* An entity base that is none. expect: _Generic */
#include "common.h"

typedef struct holder {
	leaf base;
} holder;
const by_field rows[] = { BY_ENTITY(holder, base) };
