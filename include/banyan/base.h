/*
 * What every other header needs: visibility, attributes, places in the
 * source, and text from outside as pointer and length.
 */
#ifndef BANYAN_BASE_H
#define BANYAN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BY_BEGIN extern "C" {
#define BY_END }
#else
#define BY_BEGIN
#define BY_END
#endif

/* Exported from libbanyan; everything else is hidden. */
#define BY_API __attribute__((visibility("default")))
#define BY_MUST_CHECK __attribute__((warn_unused_result))
#define BY_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define BY_NORETURN __attribute__((noreturn))
#define BY_UNUSED __attribute__((unused))
#define BY_LIKELY(x) __builtin_expect(!!(x), 1)
#define BY_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define BY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where a declaration or an error was written. */
typedef struct by_place {
	const char *file;
	int         line;
} by_place;

#define BY_HERE_INIT { __FILE__, __LINE__ }
#define BY_HERE ((by_place)BY_HERE_INIT)

/*
 * Text from outside: not NUL-terminated, may hold any byte, and belongs to
 * whoever made it. NUL-terminated `const char *` is for literals, for members
 * of models, and for C interfaces.
 */
typedef struct by_text {
	const char *ptr;
	size_t      len;
} by_text;

#define BY_TEXT(literal) ((by_text){ "" literal, sizeof(literal) - 1 })
/* Arguments of printf's "%.*s". */
#define BY_TEXT_ARG(text) (int)(text).len, (text).ptr

#endif
