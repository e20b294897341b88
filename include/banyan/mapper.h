/*
 * Mapping between models: fields of equal name and kind are copied, nested
 * models and lists included.
 */
#ifndef BANYAN_MAPPER_H
#define BANYAN_MAPPER_H

#include <banyan/model.h>

BY_BEGIN

typedef struct by_mapper by_mapper;

/*
 * A plan from one model to another, in the arena. Fields that only one side
 * has are left alone. CONFIGURATION names each pair of equal names and unequal
 * kinds, with file and line, and each value that is optional in the source and
 * not in the target. Both models must be compiled.
 */
BY_API BY_MUST_CHECK by_error *by_mapper_new(by_arena *arena, const by_model *from, const by_model *to, by_mapper **mapper);
/*
 * Copies. Strings, optional values and lists of equal elements are shared with
 * the source, which must live as long; lists of unlike models take one
 * allocation each.
 */
BY_API void by_map(const by_mapper *mapper, by_arena *arena, const void *from, void *to);
/* Copies only the fields whose bit is set: bit n is the source model's field n. */
BY_API void by_map_present(const by_mapper *mapper, by_arena *arena, by_present present, const void *from, void *to);

BY_END

#endif
