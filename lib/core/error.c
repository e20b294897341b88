/* Errors and fault lists: made in an arena, carried up unchanged, each with the places it passed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/error.h>

#include "core/fault.h"

/* The root is its own parent in the table, so that the table has no special row. */
#define KIND_ROW(NAME, PARENT, STATUS, SLUG, TITLE, RETRYABLE) \
	const by_error_kind by_error_kind_##NAME = { #NAME, &by_error_kind_##PARENT, STATUS, SLUG, TITLE, RETRYABLE };
BY_ERROR_KINDS(KIND_ROW)

enum { FAULTS_KEPT = 100 };

struct by_faults {
	by_arena *arena;
	by_fault *kept;
	size_t    kept_count;
	size_t    room;
	size_t    count;
};

/* vasprintf into the arena; NULL for NULL. */
BY_PRINTF(2, 0)
static const char *format_into(by_arena *arena, const char *format, va_list args)
{
	char    first[256];
	va_list again;

	if (format == NULL)
		return NULL;
	va_copy(again, args);
	int len = vsnprintf(first, sizeof(first), format, args);

	BY_REQUIRE(len >= 0);
	char *text = by_alloc_raw(arena, (size_t)len + 1);

	if ((size_t)len < sizeof(first))
		memcpy(text, first, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

by_error *by_error_make(by_arena *arena, const by_error_kind *kind, by_place place, const char *detail, ...)
{
	by_error *error = BY_NEW(arena, by_error);
	va_list   args;

	va_start(args, detail);
	error->kind = kind;
	error->detail = format_into(arena, detail, args);
	va_end(args);
	error->trace[0] = place;
	error->trace_count = 1;
	return error;
}

by_error *by_error_pass(by_error *error, by_place place)
{
	if (error->trace_count < BY_ERROR_TRACE)
		error->trace[error->trace_count++] = place;
	return error;
}

by_error *by_error_internal(by_arena *arena, by_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error->internal = format_into(arena, format, args);
	va_end(args);
	return error;
}

by_error *by_error_because(by_error *error, const by_error *cause)
{
	error->cause = cause;
	return error;
}

bool by_error_is_kind(const by_error *error, const by_error_kind *kind)
{
	if (error == BY_OK)
		return false;
	for (const by_error_kind *each = error->kind;; each = each->parent) {
		if (each == kind)
			return true;
		if (each->parent == each || each->parent == NULL)
			return false;
	}
}

by_faults *by_faults_new(by_arena *arena)
{
	by_faults *faults = BY_NEW(arena, by_faults);

	faults->arena = arena;
	return faults;
}

static void faults_grow(by_faults *faults)
{
	size_t    room = faults->room ? faults->room * 2 : 4;
	by_fault *grown = BY_NEW_ARRAY(faults->arena, by_fault, room);

	if (faults->kept_count > 0)
		memcpy(grown, faults->kept, faults->kept_count * sizeof(*grown));
	faults->kept = grown;
	faults->room = room;
}

void by_fault_add(by_faults *faults, by_fault_in in, const char *where, const char *code, const char *detail, ...)
{
	va_list args;

	if (faults->count++ >= FAULTS_KEPT)
		return;
	if (faults->kept_count == faults->room)
		faults_grow(faults);
	va_start(args, detail);
	faults->kept[faults->kept_count++] = (by_fault){
		.in = in, .where = where, .code = code, .detail = format_into(faults->arena, detail, args)
	};
	va_end(args);
}

size_t by_faults_count(const by_faults *faults)
{
	return faults->count;
}

const by_fault *by_faults_at(const by_faults *faults, size_t index)
{
	return index < faults->kept_count ? &faults->kept[index] : NULL;
}

by_fault *by__faults_kept(by_faults *faults, size_t index)
{
	return index < faults->kept_count ? &faults->kept[index] : NULL;
}

by_arena *by_faults_arena(const by_faults *faults)
{
	return faults->arena;
}

by_error *by_faults_raise(by_faults *faults, by_place place)
{
	if (faults->count == 0)
		return BY_OK;
	by_error *error = faults->count == 1
	    ? by_error_make(faults->arena, BY_ERROR_KIND(VALIDATION), place, "One value of the input is not valid.")
	    : by_error_make(faults->arena, BY_ERROR_KIND(VALIDATION), place, "%zu values of the input are not valid.",
	          faults->count);

	error->faults = faults->kept;
	error->fault_count = faults->kept_count;
	return error;
}
