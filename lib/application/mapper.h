/* The mapper's inside: what services ask of it beyond the public functions. */
#ifndef BY_APPLICATION_MAPPER_H
#define BY_APPLICATION_MAPPER_H

#include <banyan/mapper.h>

/*
 * As by_mapper_new, for an input as the source: its read-only fields are left
 * alone, because a client can never have set them.
 */
BY_MUST_CHECK by_error *by__mapper_of_input(by_arena *arena, const by_model *from, const by_model *to, by_mapper **mapper);

#endif
