/* Binds parameters: one pass over the query, then each field by its own kind's text form. */
#include <string.h>

#include "core/utf8.h"
#include "interface/bind.h"
#include "interface/uri.h"

/* The values found so far, one per binding. */
typedef struct bound {
	by_text values[BY__BINDINGS_MAX]; /* ptr NULL: absent */
} bound;

static const by__binding *query_binding(const by__endpoint *endpoint, by_text name, size_t *index)
{
	for (size_t i = 0; i < endpoint->binding_count; i++) {
		const by__binding *binding = &endpoint->bindings[i];

		if (binding->from == BY_FROM_QUERY && strlen(binding->name) == name.len &&
		    memcmp(binding->name, name.ptr, name.len) == 0) {
			*index = i;
			return binding;
		}
	}
	return NULL;
}

/* A list may be given as a=1,2 and as a=1&a=2, and as both. */
static by_text joined(by_arena *arena, by_text first, by_text second)
{
	char *out = by_alloc_raw(arena, first.len + 1 + second.len);

	memcpy(out, first.ptr, first.len);
	out[first.len] = ',';
	memcpy(out + first.len + 1, second.ptr, second.len);
	return (by_text){ out, first.len + 1 + second.len };
}

static void take_pair(by_ctx *ctx, const by__endpoint *endpoint, by_faults *faults, by_text name, by_text value, bound *to)
{
	size_t             index = 0;
	const by__binding *binding = query_binding(endpoint, name, &index);

	if (binding == NULL) {
		by_fault_add(faults, BY_FAULT_QUERY, by_copy_text(ctx->arena, name), "unknown_parameter", "is not known here");
		return;
	}
	if (to->values[index].ptr == NULL)
		to->values[index] = value;
	else if (binding->field->items != NULL)
		to->values[index] = joined(ctx->arena, to->values[index], value);
	else
		by_fault_add(faults, BY_FAULT_QUERY, binding->name, "duplicate", "may be given only once");
}

static by_error *take_query(by_ctx *ctx, const by__endpoint *endpoint, by_faults *faults, bound *to)
{
	by_text     query = by__request(ctx)->query;
	const char *at = query.ptr;
	const char *end = query.ptr + query.len;

	while (at < end) {
		const char *amp = memchr(at, '&', (size_t)(end - at));
		const char *last = amp ? amp : end;
		const char *equals = memchr(at, '=', (size_t)(last - at));
		const char *name_end = equals ? equals : last;
		const char *value_start = equals ? equals + 1 : last;
		by_text     name, value;

		if (!by__uri_decode(ctx->arena, (by_text){ at, (size_t)(name_end - at) }, true, &name) ||
		    !by__uri_decode(ctx->arena, (by_text){ value_start, (size_t)(last - value_start) }, true, &value))
			return by_fail(ctx, BAD_REQUEST, "The query is not percent-encoded UTF-8.");
		if (last > at)
			take_pair(ctx, endpoint, faults, name, value, to);
		at = last + 1;
	}
	return BY_OK;
}

static by_text value_of(by_ctx *ctx, const by__binding *binding, by_text from_query)
{
	if (binding->from == BY_FROM_PATH)
		return by__request(ctx)->routed.parameters[binding->segment];
	if (binding->from == BY_FROM_HEADER)
		return by_request_header(ctx, binding->name);
	return from_query;
}

static void set_field(by_faults *faults, const by__binding *binding, by_text value, void *in)
{
	static const by_fault_in places[] = {
		[BY_FROM_PATH] = BY_FAULT_PATH, [BY_FROM_QUERY] = BY_FAULT_QUERY, [BY_FROM_HEADER] = BY_FAULT_HEADER
	};
	const by_field *field = binding->field;
	by_fault_in     place = places[binding->from];

	if (value.ptr == NULL) {
		if (!field->optional && !field->pointer && field->default_value == NULL)
			by_fault_add(faults, place, binding->name, "required", "is missing");
	} else if (binding->from == BY_FROM_HEADER && !by__utf8_valid(value)) {
		by_fault_add(faults, place, binding->name, "encoding", "must be UTF-8");
	} else {
		bool stored = by_field_parse(faults, field, value, place, binding->name, in);

		(void)stored; /* what was wrong is among the faults */
	}
}

by_error *by__bind(by_ctx *ctx, const by__endpoint *endpoint, by_faults *faults, void *in)
{
	bound found;

	memset(found.values, 0, endpoint->binding_count * sizeof(found.values[0]));
	BY_TRY(take_query(ctx, endpoint, faults, &found));
	for (size_t i = 0; i < endpoint->binding_count; i++)
		set_field(faults, &endpoint->bindings[i], value_of(ctx, &endpoint->bindings[i], found.values[i]), in);
	return BY_OK;
}
