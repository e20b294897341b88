/* Percent-encoding in request targets (RFC 3986). */
#ifndef BY_INTERFACE_URI_H
#define BY_INTERFACE_URI_H

#include <banyan/arena.h>
#include <banyan/base.h>

/*
 * Decodes %XX, and '+' to a space where `plus` is set (forms and queries).
 * Without anything to decode the result is the text itself, else it is in the
 * arena. False: a bad escape, a NUL or another control character, or not UTF-8.
 */
bool by__uri_decode(by_arena *arena, by_text text, bool plus, by_text *decoded);

#endif
