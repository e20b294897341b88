/* Orderings: "-created_at,name" over the sortable fields of a model. */
#include <string.h>

#include <banyan/kind.h>
#include <banyan/store.h>

enum { KEYS_MAX = 8 };

static bool is_sortable(const by_field *field)
{
	return field && field->sortable && field->kind->get && field->kind->sql != BY_SQL_NONE
	    && field->kind->sql != BY_SQL_JSON;
}

static bool is_repeated(const by_order *order, size_t count, const by_field *field)
{
	for (size_t i = 0; i < count; i++)
		if (order[i].field == field)
			return true;
	return false;
}

/* The next key: what stands before the next comma. */
static by_text next_key(by_text *rest)
{
	const char *comma = memchr(rest->ptr, ',', rest->len);
	by_text     key = { rest->ptr, comma ? (size_t)(comma - rest->ptr) : rest->len };
	size_t      used = key.len + (comma != NULL);
	rest->ptr += used;
	rest->len -= used;
	return key;
}

void by_order_read(by_faults *faults, const by_model *model, by_text text, const char *name, const by_order **order,
    size_t *count)
{
	by_order *keys = BY_NEW_ARRAY(by_faults_arena(faults), by_order, KEYS_MAX);
	*order = keys;
	*count = 0;
	if (text.len == 0)
		return;
	for (bool more = true; more;) {
		size_t  before = text.len;
		by_text key = next_key(&text);
		more = before > key.len;
		bool descending = key.len && key.ptr[0] == '-';
		if (descending)
			key = (by_text){ key.ptr + 1, key.len - 1 };
		const by_field *field = by_model_field(model, key);
		if (!is_sortable(field))
			by_fault_add(faults, BY_FAULT_QUERY, name, "unknown_field",
			    "must name fields that can be sorted by, separated by commas, each with - in front for descending order");
		else if (is_repeated(keys, *count, field))
			by_fault_add(faults, BY_FAULT_QUERY, name, "repeated", "must not name %s twice", field->name);
		else if (*count == KEYS_MAX)
			by_fault_add(faults, BY_FAULT_QUERY, name, "too_many", "must name at most %d fields", KEYS_MAX);
		else
			keys[(*count)++] = (by_order){ field, descending };
		if (by_faults_count(faults) >= 100)
			return;
	}
}
