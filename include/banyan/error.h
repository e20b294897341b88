/*
 * The one error channel.
 *
 * A fallible function returns `by_error *`: NULL (BY_OK) is success, and then
 * its out parameters are set; otherwise they are untouched. Errors live in an
 * arena, are never freed by hand, and cannot be ignored.
 */
#ifndef BANYAN_ERROR_H
#define BANYAN_ERROR_H

#include <banyan/arena.h>
#include <banyan/base.h>
#include <banyan/error_kinds.h>

BY_BEGIN

/*
 * One kind of error. The framework's are the rows of BY_ERROR_KINDS; an
 * application adds its own with BY_DEFINE_ERROR_KIND.
 */
typedef struct by_error_kind {
	const char                 *name;      /* as logs say it: "NOT_FOUND" */
	const struct by_error_kind *parent;    /* NULL for the root only */
	int                         status;    /* of the HTTP answer */
	const char                 *slug;      /* the last part of the problem type (RFC 9457): "not-found" */
	const char                 *title;     /* the problem's title */
	bool                        retryable; /* the same request may succeed later */
} by_error_kind;

#define BY__DECLARE_KIND(NAME, PARENT, STATUS, SLUG, TITLE, RETRYABLE) \
	extern BY_API const by_error_kind by_error_kind_##NAME;
BY_ERROR_KINDS(BY__DECLARE_KIND)
#undef BY__DECLARE_KIND

#define BY_ERROR_KIND(NAME) (&by_error_kind_##NAME)

#define BY_DEFINE_ERROR_KIND(NAME, PARENT, STATUS, SLUG, TITLE, RETRYABLE) \
	const by_error_kind by_error_kind_##NAME = { \
		#NAME, &by_error_kind_##PARENT, STATUS, SLUG, TITLE, RETRYABLE }

/* Where in the request a fault lies. */
typedef enum by_fault_in {
	BY_FAULT_BODY,
	BY_FAULT_PATH,
	BY_FAULT_QUERY,
	BY_FAULT_HEADER,
	BY_FAULT_SETTING
} by_fault_in;

/* One thing wrong with an input. The rejected value is never part of it. */
typedef struct by_fault {
	by_fault_in in;
	const char *where;  /* BODY: a JSON pointer as URI fragment, "#/frames/3/width" (RFC 6901); else the name */
	const char *code;   /* stable, for programs: "required", "max_length" */
	const char *detail; /* for people: "must hold at most 200 characters" */
} by_fault;

/* The fault list of an input: every fault at once, up to a bound. */
typedef struct by_faults by_faults;

enum { BY_ERROR_TRACE = 8 };

typedef struct by_error { /* read-only, but through the functions below */
	const by_error_kind *kind;
	const char          *detail; /* safe to show to a client; may be NULL */
	const char          *internal; /* for the log only: driver texts, names of hosts; may be NULL */
	const by_fault      *faults;
	size_t               fault_count;
	const struct by_error *cause; /* logged, never shown */
	char                 id[27];  /* ULID; one id in answer and log */
	uint32_t             retry_after; /* seconds, for 429 and 503; 0: not said */
	uint8_t              trace_count;
	by_place             trace[BY_ERROR_TRACE]; /* origin first, then each BY_TRY it passed */
} by_error;

#define BY_OK ((by_error *)0)

/* Returns from the calling function with the error, if `expression` yields one. */
#define BY_TRY(expression) \
	do { \
		by_error *by_try_error_ = (expression); \
		if (BY_UNLIKELY(by_try_error_ != BY_OK)) \
			return by_error_pass(by_try_error_, BY_HERE); \
	} while (0)

/* A new error in the arena. The detail is shown to clients, so it names no table, host or rejected value. */
#define by_error_new(arena, KIND, ...) by_error_make((arena), BY_ERROR_KIND(KIND), BY_HERE, __VA_ARGS__)
BY_API BY_MUST_CHECK by_error *by_error_make(by_arena *arena, const by_error_kind *kind, by_place place,
    const char *detail, ...) BY_PRINTF(4, 5) __attribute__((returns_nonnull));

/* Adds a place to the trace; what BY_TRY does. Returns its argument. */
BY_API BY_MUST_CHECK by_error *by_error_pass(by_error *error, by_place place)
    __attribute__((nonnull, returns_nonnull));
/* Sets the text that only the log shows. Returns its argument. */
BY_API by_error *by_error_internal(by_arena *arena, by_error *error, const char *format, ...) BY_PRINTF(3, 4)
    __attribute__((nonnull, returns_nonnull));
/* Makes `cause` the reason of `error`. Returns `error`. */
BY_API by_error *by_error_because(by_error *error, const by_error *cause)
    __attribute__((nonnull(1), returns_nonnull));

/* Whether the error's kind is `KIND` or descends from it. BY_OK is of no kind. */
#define by_error_is(error, KIND) by_error_is_kind((error), BY_ERROR_KIND(KIND))
BY_API bool by_error_is_kind(const by_error *error, const by_error_kind *kind);

/* Deliberately drops an error; the reader is told why. */
#define BY_IGNORE(expression, why) \
	do { \
		by_error *by_ignored_ BY_UNUSED = (expression); \
		(void)sizeof(why); \
	} while (0)

/* A fault list in the arena; it keeps the first 100 and counts the rest. */
BY_API by_faults *by_faults_new(by_arena *arena) __attribute__((returns_nonnull));
/* `where` and `code` must outlive the arena or be in it; the detail is formatted into it. */
BY_API void by_fault_add(by_faults *faults, by_fault_in in, const char *where, const char *code,
    const char *detail, ...) BY_PRINTF(5, 6);
BY_API size_t by_faults_count(const by_faults *faults);
BY_API const by_fault *by_faults_at(const by_faults *faults, size_t index);
BY_API by_arena *by_faults_arena(const by_faults *faults);
/* VALIDATION with all faults, or BY_OK when there is none. */
#define by_faults_error(faults) by_faults_raise((faults), BY_HERE)
BY_API BY_MUST_CHECK by_error *by_faults_raise(by_faults *faults, by_place place);

BY_END

#endif
