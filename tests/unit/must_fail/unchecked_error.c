/* An error that is dropped. expect: unused */
#include "common.h"

void drop(by_arena *arena);
void drop(by_arena *arena)
{
	by_model_compile(arena, &leaf_model);
}
