/* What the doctor has found: a list that is told at the end, as lines or as JSON. */
#ifndef BY_CLI_DOCTOR_FINDINGS_H
#define BY_CLI_DOCTOR_FINDINGS_H

#include <banyan/buf.h>
#include <banyan/model.h>

#define BY__GRADE(X) X(by__grade, ok) X(by__grade, warn) X(by__grade, fail)
BY_ENUM(by__grade, BY__GRADE);

typedef struct by__finding {
	by__grade   grade;
	const char *check;  /* its name, which stays the same: "authorization" */
	const char *what;
	const char *mend;   /* the line that mends it; NULL: there is nothing to mend, or no one line does */
} by__finding;
BY_DECLARE_MODEL(by__finding);

typedef struct by__findings {
	by_arena *arena;
	BY_LIST(by__finding) found;
	size_t    room;
	size_t    failed;
} by__findings;

/* `check` and `mend` live as long as the findings. */
void by__found(by__findings *findings, by__grade grade, const char *check, const char *mend, const char *format, ...)
    BY_PRINTF(5, 6);
void by__findings_print(const by__findings *findings, by_buf *out);
BY_MUST_CHECK by_error *by__findings_json(const by__findings *findings, by_buf *out);

#endif
