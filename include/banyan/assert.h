/*
 * Assertions. They stay on in release builds and are graded, so that a reader
 * and a search can tell a broken invariant from a gap in the programme.
 */
#ifndef BANYAN_ASSERT_H
#define BANYAN_ASSERT_H

#include <banyan/base.h>

BY_BEGIN

/* Prints grade, text and place to standard error and aborts. */
BY_API BY_NORETURN void by_abort(const char *grade, const char *what, const char *file, int line);

/* Must hold by the programme's own construction. */
#define BY_INVARIANT(expression) \
	(BY_LIKELY(expression) ? (void)0 : by_abort("broken invariant", #expression, __FILE__, __LINE__))
/* Control cannot come here. */
#define BY_IMPOSSIBLE(what) by_abort("impossible", what, __FILE__, __LINE__)
/* A caller broke the contract written at the prototype. */
#define BY_REQUIRE(expression) \
	(BY_LIKELY(expression) ? (void)0 : by_abort("broken contract", #expression, __FILE__, __LINE__))

/*
 * Structs that travel through `void *` begin with a magic tag, and are taken
 * back with a checked cast.
 */
#define BY_CHECKED(pointer, type, magic_value) \
	(BY_LIKELY((pointer) && ((const type *)(pointer))->magic == (magic_value)) \
		? (type *)(pointer) \
		: (by_abort("wrong object", #type, __FILE__, __LINE__), (type *)0))

BY_END

#endif
