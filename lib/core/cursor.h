/*
 * Cursors: where a page ended, as opaque text. It holds the values that the
 * last row was ordered by, bound to one model and one ordering; a checksum
 * tells a cursor from other text. A forged one only asks for another place of
 * the same list, which its sender may read anyway. Internal.
 */
#ifndef BY_CORE_CURSOR_H
#define BY_CORE_CURSOR_H

#include <banyan/store.h>

/* The sort values of `row`, and its key's last. */
const char *by__cursor_write(by_arena *arena, const by_model *model, const by_order *order, size_t count,
    const by_field *key, const void *row);
/*
 * Reads them back: count + 1 values, in the arena. VALIDATION with a fault at
 * the query parameter `cursor` when it was not made for this ordering.
 */
BY_MUST_CHECK by_error *by__cursor_read(by_arena *arena, const by_model *model, const by_order *order, size_t count,
    const by_field *key, const char *cursor, by_value *values);

#endif
