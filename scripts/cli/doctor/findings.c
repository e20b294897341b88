/* Findings in the order in which they were made. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/json.h>

#include "scripts/cli/doctor/findings.h"

BY_ENUM_NAMES(by__grade, BY__GRADE);

static const by_field finding_fields[] = {
	BY_FIELD_ENUM(by__finding, grade, by__grade, .doc = "ok, warn: it works but not well, or fail"),
	BY_FIELD(by__finding, check, .doc = "What was looked at"),
	BY_FIELD(by__finding, what, .doc = "What was found"),
	BY_FIELD(by__finding, mend, .optional = true, .doc = "What mends it"),
};
BY_MODEL(by__finding, finding_fields, .doc = "What the doctor found in one place");

typedef struct report {
	int64_t              failed;
	BY_LIST(by__finding) findings;
} report;
BY_DECLARE_MODEL(report);

static const by_field report_fields[] = {
	BY_FIELD(report, failed, .doc = "How many checks failed"),
	BY_FIELD_LIST(report, findings, by__finding, .doc = "All of them, the good ones too"),
};
BY_MODEL(report, report_fields, .doc = "What the doctor found");

enum { TEXT_MOST = 1024, ROOM_FIRST = 64 };

void by__found(by__findings *f, by__grade grade, const char *check, const char *mend, const char *format, ...)
{
	char text[TEXT_MOST];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (f->found.count == f->room) {
		by__finding *grown = BY_NEW_ARRAY(f->arena, by__finding, f->room * 2 + ROOM_FIRST);

		if (f->found.count > 0)
			memcpy(grown, f->found.items, f->found.count * sizeof(*grown));
		f->found.items = grown;
		f->room = f->room * 2 + ROOM_FIRST;
	}
	f->found.items[f->found.count++] = (by__finding){ grade, check, by_copy(f->arena, text), mend };
	f->failed += grade == by__grade_fail;
}

void by__findings_print(const by__findings *f, by_buf *out)
{
	for (size_t i = 0; i < f->found.count; i++) {
		const by__finding *each = &f->found.items[i];

		by_put_format(out, "%-4s  %s", by__grade_enum.values[each->grade], each->what);
		if (each->mend)
			by_put_format(out, "  \xe2\x80\x94  %s", each->mend);
		by_put_char(out, '\n');
	}
}

by_error *by__findings_json(const by__findings *f, by_buf *out)
{
	const report told = { .failed = (int64_t)f->failed, .findings = f->found };

	BY_TRY(by_model_compile(f->arena, &report_model));
	by_json_write(out, &report_model, &told, NULL);
	by_put_char(out, '\n');
	return BY_OK;
}
