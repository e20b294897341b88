/*
 * Identifiers: ULID (26 characters of Crockford's base 32, sorted by time) and
 * UUID (RFC 9562, versions 4 and 7).
 */
#ifndef BANYAN_ID_H
#define BANYAN_ID_H

#include <banyan/base.h>

BY_BEGIN

typedef struct by_ulid {
	uint8_t bytes[16];
} by_ulid;

typedef struct by_uuid {
	uint8_t bytes[16];
} by_uuid;

enum { BY_ULID_TEXT = 27, BY_UUID_TEXT = 37 };

/*
 * A new ULID, greater than every one this process made before, also within a
 * millisecond and when the clock steps back. Safe from every thread and after
 * fork; takes randomness from the operating system.
 */
BY_API by_ulid by_ulid_new(void);
BY_API void by_ulid_print(by_ulid id, char out[BY_ULID_TEXT]);
/* Accepts both cases; refuses what does not fit 128 bits, and anything but 26 characters. */
BY_API BY_MUST_CHECK bool by_ulid_parse(by_text text, by_ulid *id);

BY_API by_uuid by_uuid_v4(void);
/* Time-ordered; increases within this process as by_ulid_new does. */
BY_API by_uuid by_uuid_v7(void);
BY_API void by_uuid_print(by_uuid id, char out[BY_UUID_TEXT]);
/* The canonical form with hyphens, both cases. */
BY_API BY_MUST_CHECK bool by_uuid_parse(by_text text, by_uuid *id);

/* Fills with the operating system's randomness; never fails (it aborts). */
BY_API void by_random(void *out, size_t size);

BY_END

#endif
