/* Walks settings models field by field, and says of each what it is called and what it expects. */
#include <ctype.h>
#include <string.h>

#include <banyan/kind.h>

#include "core/constraint.h"
#include "core/settings_leaf.h"

static void *grown(by_arena *arena, void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	size_t more = *room ? *room * 2 : 32;
	void  *bigger = by_alloc_array(arena, size, more);

	if (count > 0)
		memcpy(bigger, items, count * size);
	*room = more;
	return bigger;
}

static const char *upper(by_arena *arena, const char *text)
{
	char *copy = by_copy(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

static const char *lower(by_arena *arena, const char *text)
{
	char *copy = by_copy(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void add_leaf(by__setting_list *list, by__setting leaf)
{
	list->items = grown(list->arena, list->items, list->count, &list->room, sizeof(*list->items));
	list->items[list->count++] = leaf;
}

static void add_prefix(by__setting_list *list, const char *prefix)
{
	list->prefixes = grown(list->arena, list->prefixes, list->prefix_count, &list->prefix_room, sizeof(*list->prefixes));
	list->prefixes[list->prefix_count++] = prefix;
}

static bool is_section(const by_field *field)
{
	return field->kind == &by_kind_model;
}

static void walk(by__setting_list *list, const by_model *model, void *object, const char *prefix, const char *section)
{
	by_arena *arena = list->arena;

	for (size_t i = 0; i < model->count; i++)
		if (!is_section(&model->fields[i]))
			add_leaf(list, (by__setting){ .field = &model->fields[i], .model = model, .object = object, .section = section,
			    .variable = by_format(arena, "%s%s", prefix, upper(arena, model->fields[i].name)) });
	for (size_t i = 0; i < model->count; i++) {
		const by_field *field = &model->fields[i];

		if (!is_section(field))
			continue;
		if (field->pointer) {
			if (list->faults != NULL)
				by__settings_fault(list->faults, "%s:%d: %s.%s: a section of settings cannot be a pointer; make it a plain member",
				    model->place.file, model->place.line, model->name, field->name);
			continue;
		}
		const char *inner = by_format(arena, "%s%s_", prefix, upper(arena, field->name));

		add_prefix(list, inner);
		walk(list, field->model, object ? (char *)object + field->offset : NULL, inner,
		    by_format(arena, "%s%s%s", section, section[0] ? "." : "", field->name));
	}
}

void by__settings_list_part(by__setting_list *list, const by_settings_part *part)
{
	const char *prefix = part->model->prefix ? upper(list->arena, part->model->prefix) : "";
	size_t      len = strlen(prefix);

	if (len > 0 && prefix[len - 1] == '_')
		prefix = by_copy_text(list->arena, (by_text){ prefix, --len });
	const char *section = lower(list->arena, prefix);

	if (len > 0) {
		prefix = by_format(list->arena, "%s_", prefix);
		add_prefix(list, prefix);
	}
	walk(list, part->model, part->object, prefix, section);
}

/* What a web server sets for a CGI program (RFC 3875 section 4.1, and the usual additions): a client has its say in it. */
bool by__settings_of_request(const char *variable)
{
	static const char *const names[] = { "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "DOCUMENT_ROOT",
		"GATEWAY_INTERFACE",
		"HTTPS", "PATH", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_IDENT",
		"REMOTE_PORT", "REMOTE_USER", "REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCRIPT_FILENAME", "SCRIPT_NAME",
		"SERVER_ADDR", "SERVER_ADMIN", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SIGNATURE",
		"SERVER_SOFTWARE" };

	for (size_t i = 0; i < BY_COUNT(names); i++)
		if (strcmp(variable, names[i]) == 0)
			return true;
	return strncmp(variable, "HTTP_", 5) == 0;
}

void by__settings_list_check(by__setting_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const by__setting *a = &list->items[i];

		if (by__settings_of_request(a->variable))
			by__settings_fault(list->faults, "%s:%d: %s.%s reads %s, which a web server sets for each request; rename the field",
			    a->model->place.file, a->model->place.line, a->model->name, a->field->name, a->variable);
		for (size_t j = i + 1; j < list->count; j++) {
			const by__setting *b = &list->items[j];

			if (strcmp(a->variable, b->variable) == 0)
				by__settings_fault(list->faults, "%s:%d: %s.%s and %s:%d: %s.%s both read %s; rename one of them",
				    a->model->place.file, a->model->place.line, a->model->name, a->field->name, b->model->place.file,
				    b->model->place.line, b->model->name, b->field->name, a->variable);
		}
	}
}

/* ---- what a setting expects ---- */

static void put_limits(by_buf *out, by_arena *arena, const by_field *field)
{
	const char *low = field->minimum.set ? by__number_text(arena, &field->minimum) : NULL;
	const char *high = field->maximum.set ? by__number_text(arena, &field->maximum) : NULL;
	const char *unit = field->kind == &by_kind_duration ? "s" : "";

	if (low != NULL && high != NULL)
		by_put_format(out, " %s%s..%s%s", low, unit, high, unit);
	else if (low != NULL)
		by_put_format(out, " of at least %s%s", low, unit);
	else if (high != NULL)
		by_put_format(out, " of at most %s%s", high, unit);
	if (field->exclusive_minimum.set)
		by_put_format(out, " above %s%s", by__number_text(arena, &field->exclusive_minimum), unit);
	if (field->exclusive_maximum.set)
		by_put_format(out, " below %s%s", by__number_text(arena, &field->exclusive_maximum), unit);
	if (field->multiple_of.set)
		by_put_format(out, " in steps of %s", by__number_text(arena, &field->multiple_of));
}

static void put_lengths(by_buf *out, const char *unit, size_t least, size_t most)
{
	if (least > 0 && most > 0)
		by_put_format(out, " of %zu..%zu %s", least, most, unit);
	else if (least > 0)
		by_put_format(out, " of at least %zu %s", least, unit);
	else if (most > 0)
		by_put_format(out, " of at most %zu %s", most, unit);
}

const char *by__setting_expects(by_arena *arena, const by_field *field)
{
	const char *noun = field->kind->expects;
	by_buf      out;

	by_buf_init(&out, arena, 0);
	if (field->kind == &by_kind_enum) {
		BY_PUT(&out, "one of ");
		for (size_t i = 0; i < field->values->count; i++)
			by_put_format(&out, "%s%s", i ? ", " : "", field->values->values[i]);
		return by_buf_string(&out);
	}
	noun += strncmp(noun, "an ", 3) == 0 ? 3 : strncmp(noun, "a ", 2) == 0 ? 2 : 0;
	const char *example = strstr(noun, ", such as");

	by_put(&out, noun, example ? (size_t)(example - noun) : strlen(noun));
	put_limits(&out, arena, field);
	put_lengths(&out, field->kind == &by_kind_bytes ? "bytes" : "characters", field->min_length, field->max_length);
	put_lengths(&out, "items", field->min_items, field->max_items);
	if (field->pattern != NULL)
		by_put_format(&out, " that matches %s", field->pattern);
	if (field->format != NULL)
		by_put_format(&out, " of the format %s", field->format->name);
	if (field->items != NULL)
		by_put_format(&out, ", each %s", by__setting_expects(arena, field->items));
	if (example != NULL)
		by_put_string(&out, example);
	return by_buf_string(&out);
}

/* ---- values as people may see them ---- */

const char *by__setting_shown(by_arena *arena, const by__setting *setting)
{
	const void *value = by_field_value(setting->field, setting->object);
	by_buf      out;

	if (value == NULL)
		return "";
	by_buf_init(&out, arena, 0);
	if (setting->field->kind->print != NULL)
		setting->field->kind->print(&out, setting->field, value);
	else
		by_json_write_field(&out, setting->field, setting->object, NULL);
	return by_url_masked(arena, by_buf_string(&out));
}

const char *by__setting_key(by_arena *arena, const by__setting *setting)
{
	return by_format(arena, "%s%s%s", setting->section, setting->section[0] ? "." : "", setting->field->name);
}

/* ---- the nearest name ---- */

static size_t least_of(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Letters to change, add or drop; both names are shorter than 64, else it is a large number. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len >= BY_COUNT(row) || b_len >= BY_COUNT(row))
		return BY_COUNT(row);
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];

			row[j] = least_of(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

const by__setting *by__settings_nearest(const by__setting_list *list, const char *name)
{
	const by__setting *nearest = NULL;
	size_t             least = strlen(name) / 3 + 1; /* farther than this it is another word */

	for (size_t i = 0; i < list->count; i++) {
		size_t far = distance(name, list->items[i].variable);

		if (far <= least && (nearest == NULL || far < least)) {
			nearest = &list->items[i];
			least = far;
		}
	}
	return nearest;
}
