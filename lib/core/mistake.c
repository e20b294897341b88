/* Rows of models that make no sense: each is refused at start-up, with what is wrong and how to mend it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/constraint.h"
#include "core/pattern.h"
#include "core/plan.h"

void by__mistake(by_buf *out, const by_model *model, const by_field *field, const char *format, ...)
{
	char    text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (out->len > 0)
		by_put_char(out, '\n');
	by_put_format(out, "%s:%d: %s", model->place.file, model->place.line, model->name);
	if (field != NULL)
		by_put_format(out, ".%s", field->name ? field->name : "(unnamed)");
	by_put_format(out, ": %s", text);
}

static void fit_mistakes(by_buf *out, const by_model *model, const by_field *field)
{
	unsigned takes = field->kind->takes;
	const struct {
		bool        used;
		unsigned    needs;
		const char *names;
	} uses[] = {
		{ field->min_length > 0 || field->max_length > 0, BY_TAKES_LENGTH, ".min_length and .max_length" },
		{ by__has_limits(field), BY_TAKES_LIMITS, ".minimum, .maximum and the exclusive limits" },
		{ field->multiple_of.set, BY_TAKES_MULTIPLE, ".multiple_of" },
		{ field->pattern != NULL || field->format != NULL, BY_TAKES_PATTERN, ".pattern and .format" },
		{ field->min_items > 0 || field->max_items > 0 || field->unique_items, BY_TAKES_ITEMS,
		    ".min_items, .max_items and .unique_items" },
	};

	for (size_t i = 0; i < BY_COUNT(uses); i++)
		if (uses[i].used && !(takes & uses[i].needs))
			by__mistake(out, model, field, "%s do not apply to the kind %s; remove them", uses[i].names,
			    field->kind->name);
}

static double limit_real(const by_number *number)
{
	return number->is_integer ? (double)number->integer : number->real;
}

static void order_mistakes(by_buf *out, const by_model *model, const by_field *field)
{
	const by_number *low[] = { &field->minimum, &field->exclusive_minimum };
	const by_number *high[] = { &field->maximum, &field->exclusive_maximum };

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 2; j++) {
			bool   either_exclusive = i + j > 0;
			double gap = limit_real(high[j]) - limit_real(low[i]);

			if (low[i]->set && high[j]->set && (gap < 0 || (gap == 0 && either_exclusive)))
				by__mistake(out, model, field, "no number is between %s and %s; correct the limits", low[i]->text,
				    high[j]->text);
		}
	if (field->max_length > 0 && field->min_length > field->max_length)
		by__mistake(out, model, field, ".min_length is above .max_length; correct one of them");
	if (field->max_items > 0 && field->min_items > field->max_items)
		by__mistake(out, model, field, ".min_items is above .max_items; correct one of them");
}

/* So few that a remainder is told with 64 bits. */
static bool few_digits(const by_number *step)
{
	return strlen(step->text) <= 18 && limit_real(step) <= 1e9 && limit_real(step) >= 1e-9;
}

static void step_mistakes(by_buf *out, const by_model *model, const by_field *field)
{
	const by_number *step = &field->multiple_of;

	if (!step->set)
		return;
	if (!(limit_real(step) > 0))
		by__mistake(out, model, field, ".multiple_of must be greater than 0; correct it");
	else if (field->kind->sql == BY_SQL_NUMERIC && !few_digits(step))
		by__mistake(out, model, field, ".multiple_of of a decimal must lie between 1e-9 and 1e9; correct it");
	else if (field->kind->sql == BY_SQL_BIGINT && !step->is_integer)
		by__mistake(out, model, field, ".multiple_of of an integer must be an integer; correct it");
}

static void nesting_mistakes(by_buf *out, const by_model *model, const by_field *field)
{
	if (field->kind == &by_kind_list && field->items == NULL)
		by__mistake(out, model, field,
		    "is a list without items; write the row with BY_FIELD, BY_FIELD_ITEMS or BY_FIELD_LIST");
	if (field->kind == &by_kind_model && field->model == NULL)
		by__mistake(out, model, field, "nests no model; write the row with BY_FIELD_MODEL");
	if (field->kind == &by_kind_enum && (field->values == NULL || field->values->count == 0))
		by__mistake(out, model, field, "is an enum without values; write the row with BY_FIELD_ENUM");
	if (field->kind == &by_kind_enum && !field->pointer && field->size != sizeof(int))
		by__mistake(out, model, field, "is an enum of %zu bytes; build without -fshort-enums", field->size);
	if (field->partial && (field->kind != &by_kind_model || field->pointer))
		by__mistake(out, model, field, "is partial, which only a nested model in place can be; remove .partial");
	if (field->read_only && field->write_only)
		by__mistake(out, model, field, "is both read-only and write-only; choose one");
}

void by__field_mistakes(by_buf *out, by_arena *arena, const by_model *model, const by_field *field)
{
	size_t before = out->len;

	fit_mistakes(out, model, field);
	order_mistakes(out, model, field);
	step_mistakes(out, model, field);
	nesting_mistakes(out, model, field);
	if (field->pattern != NULL) {
		const char *wrong = by__pattern_compile(arena, field->pattern);

		if (wrong != NULL)
			by__mistake(out, model, field, "the pattern does not compile: %s; correct .pattern", wrong);
	}
	if (field->items == NULL || out->len > before)
		return;
	by_field item = *field->items;

	item.name = by_format(arena, "%s[]", field->name);
	if (item.kind != NULL)
		by__field_mistakes(out, arena, model, &item);
	else
		by__mistake(out, model, field, "its items have no kind; use by_items_... or M_items");
}
