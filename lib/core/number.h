/* Numbers to and from text, exactly and in no locale. Internal. */
#ifndef BY_CORE_NUMBER_H
#define BY_CORE_NUMBER_H

#include <banyan/base.h>

enum { BY__INT_TEXT = 21, BY__DOUBLE_TEXT = 32 };

/* "00" to "99" in a row. */
extern const char by__digit_pairs[201];

/* Decimal digits with an optional minus; the whole text; false when it is not that or does not fit. */
bool by__int_parse(by_text text, int64_t *value);
/* The grammar of JSON's numbers, the whole text; false when it is not that or is not finite. */
bool by__double_parse(by_text text, double *value);
/* Both return the length; no NUL is written. */
size_t by__int_print(int64_t value, char out[BY__INT_TEXT]);
size_t by__uint_print(uint64_t value, char out[BY__INT_TEXT]);
/* The shortest digits that read back as the same double; the value is finite. */
size_t by__double_print(double value, char out[BY__DOUBLE_TEXT]);
/* Whether the text is JSON's number grammar. */
bool by__number_is(by_text text);

#endif
