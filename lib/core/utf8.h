/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Internal. */
#ifndef BY_CORE_UTF8_H
#define BY_CORE_UTF8_H

#include <banyan/base.h>

/* Bytes of the character that begins here, or 0 when it is not valid. `left` is at least 1. */
size_t by__utf8_length(const unsigned char *at, size_t left);
bool by__utf8_valid(by_text text);
/* Code points of valid UTF-8. */
size_t by__utf8_count(by_text text);
/* Writes the character (1 to 4 bytes) and returns its length. */
size_t by__utf8_put(uint32_t code_point, char *out);

#endif
