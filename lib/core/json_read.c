/*
 * Reading JSON straight into structs: containers, duplicate names, models and
 * their faults, in one pass over the text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <banyan/assert.h>

#include "core/json_reader.h"
#include "core/plan.h"

enum { SEEN_WORDS = 4 }; /* fields of a model that need no memory to be remembered: 256 */

by_arena *by_json_arena(by_json_reader *r)
{
	return r->arena;
}

by_faults *by_json_faults(by_json_reader *r)
{
	return r->faults;
}

const char *by_json_pointer(by_json_reader *r)
{
	return by_where_text(r->arena, r->where);
}

void by_json_fault(by_json_reader *r, const char *code, const char *detail, ...)
{
	char    text[400];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	by_fault_at(r->faults, r->where, code, "%s", text);
}

bool by_json_wrong_type(by_json_reader *r, const by_field *field)
{
	by_text raw;

	if (by_json_skip(r, &raw))
		by_json_fault(r, "type", "must be %s", field->kind->expects);
	return false;
}

/* ---- containers ---- */

static bool enter(by_json_reader *r, char bracket)
{
	by__json_space(r);
	if (r->at == r->end || *r->at != bracket)
		return by__json_break(r, r->at, bracket == '{' ? "an object is missing" : "an array is missing");
	if (r->depth >= r->max_depth)
		return by__json_break(r, r->at, "nested too deep");
	r->at++;
	r->frames[r->depth++] = (by__json_frame){ .names = r->name_count };
	return true;
}

/* At the next item or member, behind its comma; false at the closing bracket, which is consumed, and on error. */
static bool advance(by_json_reader *r, char bracket)
{
	BY_REQUIRE(r->depth > 0);
	by__json_frame *frame = &r->frames[r->depth - 1];

	by__json_space(r);
	if (r->broken != NULL)
		return false;
	if (r->at == r->end)
		return by__json_break(r, r->at, bracket == '}' ? "an object does not end" : "an array does not end");
	if (*r->at == bracket) {
		r->at++;
		r->depth--;
		return false;
	}
	if (frame->begun) {
		if (*r->at != ',')
			return by__json_break(r, r->at, "a comma is missing");
		r->at++;
		by__json_space(r);
	}
	frame->begun = true;
	return true;
}

bool by_json_enter_array(by_json_reader *r)
{
	return enter(r, '[');
}

bool by_json_next_item(by_json_reader *r)
{
	return advance(r, ']');
}

bool by_json_enter_object(by_json_reader *r)
{
	return enter(r, '{');
}

/* A member's name and its colon. */
static bool read_name(by_json_reader *r, by_text *name)
{
	if (r->at == r->end || *r->at != '"')
		return by__json_break(r, r->at, "a member name is missing");
	if (!by_json_read_string(r, name))
		return false;
	by__json_space(r);
	if (r->at == r->end || *r->at != ':')
		return by__json_break(r, r->at, "a colon is missing");
	r->at++;
	return true;
}

/* ---- duplicate names: kept per object, sorted when it ends, so that no choice of names makes it slow ---- */

static bool keep_name(by_json_reader *r, by_text name, const char *at)
{
	if (r->name_count == r->name_room) {
		uint32_t       room = r->name_room ? r->name_room * 2 : 16;
		by__json_name *grown = by_try_alloc(r->arena, room * sizeof(*grown));

		if (grown == NULL) {
			r->exhausted = true;
			return by__json_break(r, at, "too many members");
		}
		if (r->name_count > 0)
			memcpy(grown, r->names, r->name_count * sizeof(*grown));
		r->names = grown;
		r->name_room = room;
	}
	r->names[r->name_count++] = (by__json_name){ name, (size_t)(at - r->begin) };
	return true;
}

static int name_order(const by__json_name *a, const by__json_name *b)
{
	if (a->text.len != b->text.len)
		return a->text.len < b->text.len ? -1 : 1;
	return memcmp(a->text.ptr, b->text.ptr, a->text.len);
}

static void sift_down(by__json_name *names, size_t root, size_t count)
{
	for (size_t child; (child = root * 2 + 1) < count; root = child) {
		if (child + 1 < count && name_order(&names[child], &names[child + 1]) < 0)
			child++;
		if (name_order(&names[root], &names[child]) >= 0)
			return;
		by__json_name other = names[root];

		names[root] = names[child];
		names[child] = other;
	}
}

static void sort_names(by__json_name *names, size_t count)
{
	for (size_t i = count / 2; i > 0; i--)
		sift_down(names, i - 1, count);
	for (size_t i = count; i > 1; i--) {
		by__json_name last = names[i - 1];

		names[i - 1] = names[0];
		names[0] = last;
		sift_down(names, 0, i - 1);
	}
}

bool by__find_twice(by__json_name *names, size_t count, size_t *at)
{
	if (count < 2)
		return false;
	sort_names(names, count);
	for (size_t i = 1; i < count; i++)
		if (name_order(&names[i - 1], &names[i]) == 0) {
			*at = names[i - 1].at > names[i].at ? names[i - 1].at : names[i].at;
			return true;
		}
	return false;
}

/* Lets go of the ended object's names; breaks the text when two are equal. */
static bool release_names(by_json_reader *r, uint32_t kept_before)
{
	size_t count = r->name_count - kept_before;
	size_t twice;

	r->name_count = kept_before;
	if (count < 2 || !by__find_twice(r->names + kept_before, count, &twice))
		return true;
	return by__json_break(r, r->begin + twice, "a member name appears twice");
}

bool by_json_next_member(by_json_reader *r, by_text *name)
{
	BY_REQUIRE(r->depth > 0);
	uint32_t kept_before = r->frames[r->depth - 1].names;

	if (!advance(r, '}')) {
		if (r->broken == NULL)
			release_names(r, kept_before);
		return false;
	}
	const char *at = r->at;

	return read_name(r, name) && keep_name(r, *name, at);
}

static bool skip_object(by_json_reader *r)
{
	by_text name;
	by_text raw;

	if (!by_json_enter_object(r))
		return false;
	while (by_json_next_member(r, &name))
		if (!by_json_skip(r, &raw))
			return false;
	return r->broken == NULL;
}

static bool skip_array(by_json_reader *r)
{
	by_text raw;

	if (!by_json_enter_array(r))
		return false;
	while (by_json_next_item(r))
		if (!by_json_skip(r, &raw))
			return false;
	return r->broken == NULL;
}

bool by_json_skip(by_json_reader *r, by_text *raw)
{
	by_json_type type = by_json_peek(r);
	const char  *start = r->at;
	by_text      text;
	bool         flag;
	bool         sound = false;

	switch (type) {
	case BY_JSON_ERROR: return false;
	case BY_JSON_NULL: sound = by_json_read_null(r); break;
	case BY_JSON_BOOL: sound = by_json_read_bool(r, &flag); break;
	case BY_JSON_NUMBER: sound = by_json_read_number(r, &text); break;
	case BY_JSON_STRING: sound = by__json_scan_string(r, &text, &flag); break;
	case BY_JSON_OBJECT: sound = skip_object(r); break;
	case BY_JSON_ARRAY: sound = skip_array(r); break;
	}
	if (sound)
		*raw = (by_text){ start, (size_t)(r->at - start) };
	return sound;
}

/* ---- models ---- */

typedef struct model_state { /* of one object being read into one struct */
	const by_plan *plan;
	char          *object;
	uint64_t      *seen;   /* a bit per member */
	size_t         guess;  /* the member that is likely next */
	bool           partial;
} model_state;

/* Null where it is allowed: nothing, or for a kind that cannot be nothing its default. */
static void set_absent(const model_state *s, const by_field *field)
{
	void *place = s->object + field->offset;

	if (field->pointer || field->kind->nullable)
		memset(place, 0, field->size);
	else
		memcpy(place, (const char *)s->plan->image + field->offset, field->size);
}

static void read_member(by_json_reader *r, const model_state *s, const by__member *member)
{
	const by_field *field = member->field;
	by_text         raw;

	if (field->read_only && !r->accept_read_only) {
		if (by_json_skip(r, &raw))
			by_json_fault(r, "read_only", "cannot be set");
	} else if (by_json_peek(r) == BY_JSON_NULL) {
		if (!by_json_read_null(r))
			return;
		if (member->nullable)
			set_absent(s, field);
		else
			by_json_fault(r, "null", "must not be null");
	} else {
		field->kind->read(r, field, by__field_place(r->arena, field, s->object));
	}
}

static void read_unknown(by_json_reader *r, const model_state *s, by_text name, const char *at)
{
	by_text raw;

	if (keep_name(r, name, at) && by_json_skip(r, &raw) && !s->plan->model->allow_unknown)
		by_json_fault(r, "unknown_member", "is not known here");
}

/* Which member comes next: usually the one behind the last, as our own writer and most clients send them. */
static int next_index(by_json_reader *r, const model_state *s, by_text *name)
{
	if (BY_LIKELY(s->guess < s->plan->count)) {
		const by__member *likely = &s->plan->members[s->guess];
		size_t            len = likely->prefix_len - 1;

		if ((size_t)(r->end - r->at) > len && memcmp(r->at, likely->prefix + 1, len) == 0) {
			r->at += len;
			return (int)s->guess;
		}
	}
	return read_name(r, name) ? by__plan_find(s->plan, *name) : -1;
}

static void read_next(by_json_reader *r, model_state *s, by_where *here)
{
	const char *at = r->at;
	by_text     name;
	int         index = next_index(r, s, &name);

	if (r->broken != NULL)
		return;
	if (index < 0) {
		here->name = name;
		read_unknown(r, s, name, at);
		return;
	}
	const by__member *member = &s->plan->members[index];
	uint64_t          bit = (uint64_t)1 << (index & 63);

	if (s->seen[index >> 6] & bit) {
		by__json_break(r, at, "a member name appears twice");
		return;
	}
	s->seen[index >> 6] |= bit;
	s->guess = (size_t)index + 1;
	here->name = (by_text){ member->field->name, member->name_len };
	read_member(r, s, member);
}

static void require_members(by_json_reader *r, const model_state *s, by_where *here)
{
	for (size_t word = 0; word < s->plan->words; word++) {
		uint64_t missing = s->plan->required[word] & ~s->seen[word];

		for (; missing != 0; missing &= missing - 1) {
			const by__member *member = &s->plan->members[word * 64 + (size_t)__builtin_ctzll(missing)];

			here->name = (by_text){ member->field->name, member->name_len };
			by_json_fault(r, "required", "is missing");
		}
	}
}

static bool read_object(by_json_reader *r, model_state *s)
{
	by_where here = { .up = r->where };
	size_t   faults_before = by_faults_count(r->faults);
	uint32_t kept_before = r->name_count;

	if (!by_json_enter_object(r))
		return false;
	r->where = &here;
	while (advance(r, '}')) {
		read_next(r, s, &here);
		if (r->broken != NULL)
			break;
	}
	if (r->broken == NULL && release_names(r, kept_before) && !s->partial)
		require_members(r, s, &here);
	r->where = here.up;
	bool sound = r->broken == NULL && by_faults_count(r->faults) == faults_before;

	if (sound && !s->partial)
		by__model_rules(s->plan->model, s->object, r->where, r->faults);
	return sound;
}

static bool read_into(by_json_reader *r, const by_model *model, void *object, bool partial, by_present *present)
{
	uint64_t    few[SEEN_WORDS] = { 0 };
	model_state s = { .plan = by__plan(model), .object = object, .seen = few, .partial = partial };

	if (by_json_peek(r) != BY_JSON_OBJECT) {
		by_text raw;

		if (by_json_skip(r, &raw))
			by_json_fault(r, "type", "must be an object");
		return false;
	}
	if (s.plan->words > SEEN_WORDS)
		s.seen = BY_NEW_ARRAY(r->arena, uint64_t, s.plan->words);
	if (!partial)
		by_model_init(model, object);
	bool sound = read_object(r, &s);

	if (present != NULL)
		present->bits = s.seen[0];
	return sound;
}

bool by_json_read_model(by_json_reader *r, const by_model *model, void *object)
{
	return read_into(r, model, object, false, NULL);
}

bool by__json_read_partial(by_json_reader *r, const by_model *model, void *object, by_present *present)
{
	BY_REQUIRE(model->count <= 64);
	return read_into(r, model, object, true, present);
}

/* ---- documents ---- */

void by__json_reader_init(by_json_reader *r, by_faults *faults, by_text json, const by_where *root)
{
	r->begin = r->at = json.len > 0 ? json.ptr : "";
	r->end = r->begin + json.len;
	r->broken = NULL;
	r->broken_at = 0;
	r->exhausted = false;
	r->accept_read_only = false;
	r->depth = 0;
	r->max_depth = BY_JSON_DEPTH;
	r->arena = by_faults_arena(faults);
	r->faults = faults;
	r->where = root;
	r->names = NULL;
	r->name_count = r->name_room = 0;
}

by_error *by__json_reader_finish(by_json_reader *r)
{
	if (r->broken == NULL) {
		by__json_space(r);
		if (r->at < r->end)
			by__json_break(r, r->at, "something follows the value");
	}
	if (r->broken == NULL)
		return BY_OK;
	if (r->exhausted)
		return by_error_new(r->arena, OVERLOADED, "There is not enough memory to read the input.");
	return by_error_new(r->arena, MALFORMED, "The JSON is not well-formed: %s at byte %zu.", r->broken, r->broken_at);
}

by_error *by_json_read(by_faults *faults, by_text json, const by_model *model, void *object,
    const by_json_options *options)
{
	static const by_json_options zero;
	by_json_reader               r;

	if (options == NULL)
		options = &zero;
	by_where root = { .name = { "", 0 }, .in = options->in };

	by__json_reader_init(&r, faults, json, &root);
	r.accept_read_only = options->accept_read_only;
	if (options->max_depth > 0 && options->max_depth < BY_JSON_DEPTH)
		r.max_depth = options->max_depth;
	BY_REQUIRE(options->present == NULL || model->count <= 64);
	read_into(&r, model, object, options->partial, options->present);
	return by__json_reader_finish(&r);
}

by_text by__json_compact(by_arena *arena, by_text json)
{
	char  *out = by_alloc_raw(arena, json.len + 1);
	size_t len = 0;
	bool   inside = false;

	for (size_t i = 0; i < json.len; i++) {
		char c = json.ptr[i];

		if (inside && c == '\\') {
			out[len++] = c;
			c = json.ptr[++i];
		} else if (c == '"') {
			inside = !inside;
		} else if (!inside && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) {
			continue;
		}
		out[len++] = c;
	}
	out[len] = '\0';
	return (by_text){ out, len };
}

bool by__json_accept(by_arena *arena, by_text json, by_text *compact)
{
	by_json_reader r;
	by_where       root = { .name = { "", 0 } };
	by_text        raw;

	by__json_reader_init(&r, by_faults_new(arena), json, &root);
	if (!by_json_skip(&r, &raw))
		return false;
	by__json_space(&r);
	if (r.at < r.end)
		return false;
	if (compact != NULL)
		*compact = by__json_compact(arena, raw);
	return true;
}
