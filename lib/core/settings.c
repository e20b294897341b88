/* Settings: what the sources say is laid over the defaults, checked whole, and kept with where it came from. */
#include <ctype.h>
#include <string.h>

#include <banyan/assert.h>
#include <banyan/kind.h>

#include "core/plan.h"
#include "core/settings_leaf.h"

struct by_settings {
	by__setting_list    list;
	by__setting_entries entries;
	const char         *scopes;  /* "POOL_"; NULL: there are none */
};

typedef struct loader {
	by_arena                  *arena;
	const by_settings_sources *sources;
	by__setting_list           list;
	by__setting              **sorted; /* by variable */
	by__setting_entries        entries;
	const char                *scopes;  /* "POOL_"; NULL: there are none */
	const char                *own;     /* "POOL_WEB_"; NULL: what holds for all is loaded */
	by_buf                     faults;
} loader;

/* ---- from entries to settings ---- */

/* An insertion sort: settings are some dozens. */
static void sort_settings(loader *l)
{
	l->sorted = BY_NEW_ARRAY(l->arena, by__setting *, l->list.count + 1);
	for (size_t i = 0; i < l->list.count; i++) {
		size_t at = i;

		for (; at > 0 && strcmp(l->sorted[at - 1]->variable, l->list.items[i].variable) > 0; at--)
			l->sorted[at] = l->sorted[at - 1];
		l->sorted[at] = &l->list.items[i];
	}
}

static by__setting *find_setting(const loader *l, const char *name, size_t len)
{
	size_t low = 0;
	size_t high = l->list.count;

	while (low < high) {
		size_t      middle = low + (high - low) / 2;
		const char *variable = l->sorted[middle]->variable;
		int         order = strncmp(variable, name, len);

		if (order == 0 && variable[len] == '\0')
			return l->sorted[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* DATABASE_PORT_5432_TCP and such, which orchestrators set for every service named like a section. */
static bool set_by_orchestrator(const by__setting_entry *entry)
{
	return strstr(entry->name, "_SERVICE_HOST") != NULL || strstr(entry->name, "_SERVICE_PORT") != NULL
	    || strstr(entry->name, "_TCP") != NULL || strstr(entry->name, "_UDP") != NULL
	    || (entry->value.len > 6 && memcmp(entry->value.ptr, "tcp://", 6) == 0);
}

static bool has_known_prefix(const loader *l, const char *name)
{
	for (size_t i = 0; i < l->list.prefix_count; i++)
		if (strncmp(name, l->list.prefixes[i], strlen(l->list.prefixes[i])) == 0)
			return true;
	return false;
}

/* APP_ENV chooses a file even where no model has it. */
static bool is_ours(const loader *l, const by__setting_entry *entry)
{
	if (strcmp(entry->name, "APP_ENV") == 0)
		return false;
	if (entry->source == BY__SETTING_ENVIRONMENT && by__settings_of_request(entry->name))
		return false;
	if (entry->source == BY__SETTING_FILE || entry->source == BY__SETTING_ARGUMENT)
		return true;
	return has_known_prefix(l, entry->name) && !set_by_orchestrator(entry);
}

static void refuse_unknown(loader *l, const by__setting_entry *entry, const char *name)
{
	const by__setting *nearest = by__settings_nearest(&l->list, name);
	const char        *place = by__settings_place(l->arena, entry);

	if (nearest == NULL)
		by__settings_fault(&l->faults, "%s: not a setting, %s", entry->written, place);
	else
		by__settings_fault(&l->faults, "%s: not a setting, %s; did you mean %s?", entry->written, place,
		    entry->source == BY__SETTING_FILE ? by__setting_key(l->arena, nearest) : nearest->variable);
}

/* "POOL_WEB_" of POOL_WEB_LISTEN: how long the scope's part of a name is; 0: it has none. */
static size_t scope_length(const char *scopes, const char *name)
{
	size_t len = scopes ? strlen(scopes) : 0;

	if (len == 0 || strncmp(name, scopes, len) != 0)
		return 0;
	size_t scope = strcspn(name + len, "_");

	return scope > 0 && name[len + scope] == '_' && name[len + scope + 1] != 0 ? len + scope + 1 : 0;
}

static void assign(loader *l, const by__setting_entry *entry, const char *name, by__setting_width width)
{
	size_t       len = strlen(name);
	by__setting *setting = find_setting(l, name, len);
	bool         names_file = setting == NULL && len > 5 && strcmp(name + len - 5, "_FILE") == 0;

	if (names_file)
		setting = find_setting(l, name, len - 5);
	if (setting == NULL) {
		if (width == BY__SETTING_SCOPED ? !set_by_orchestrator(entry) : is_ours(l, entry))
			refuse_unknown(l, entry, name);
		return;
	}
	const by__setting_entry **place = names_file ? setting->in_file[width] : setting->direct[width];

	if (place[entry->source] == NULL)
		place[entry->source] = entry;
}

static void assign_entries(loader *l)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const by__setting_entry *entry = &l->entries.items[i];
		size_t                   scope = scope_length(l->scopes, entry->name);

		if (scope == 0)
			assign(l, entry, entry->name, BY__SETTING_GENERAL);
		else if (l->own && strlen(l->own) == scope && strncmp(l->own, entry->name, scope) == 0)
			assign(l, entry, entry->name + scope, BY__SETTING_SCOPED);
	}
}

/* ---- values ---- */

/* A string may be empty; anything else that is empty is not set. */
static bool says_something(const by__setting *setting, by_text value)
{
	return value.len > 0 || setting->field->kind == &by_kind_string;
}

static bool word_among(by_text text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strlen(*words) == text.len && strncasecmp(*words, text.ptr, text.len) == 0)
			return true;
	return false;
}

/* People write switches in many ways; the kind itself knows one. */
static by_text switch_text(by_text text)
{
	static const char *const on[] = { "true", "1", "yes", "on", NULL };
	static const char *const off[] = { "false", "0", "no", "off", NULL };

	return word_among(text, on) ? BY_TEXT("true") : word_among(text, off) ? BY_TEXT("false") : text;
}

static void refuse_value(loader *l, const by__setting *setting, by_text value)
{
	const char *expects = by__setting_expects(l->arena, setting->field);

	if (setting->field->kind == &by_kind_secret)
		by__settings_fault(&l->faults, "%s: %s, %s", setting->variable, expects, setting->place);
	else
		by__settings_fault(&l->faults, "%s: %s, %s: \"%.100s\"", setting->variable, expects, setting->place,
		    by_url_masked(l->arena, by_copy_text(l->arena, value)));
}

static void take_value(loader *l, by__setting *setting, by_text value, const char *place)
{
	by_faults *faults = by_faults_new(l->arena);

	setting->place = place;
	if (setting->field->kind == &by_kind_bool)
		value = switch_text(value);
	if (setting->field->kind->parse == NULL)
		by__settings_fault(&l->faults, "%s: %s has no text form, %s", setting->variable, setting->field->kind->expects,
		    place);
	else if (!by_field_parse(faults, setting->field, value, BY_FAULT_SETTING, setting->variable, setting->object))
		refuse_value(l, setting, value);
}

/* One source's word on a setting: its value, or the file that holds it. */
static bool take_from_source(loader *l, by__setting *setting, by__setting_width width, by__setting_source source)
{
	const by__setting_entry *direct = setting->direct[width][source];
	const by__setting_entry *in_file = setting->in_file[width][source];
	by_text                  value;

	if (direct != NULL && !says_something(setting, direct->value))
		direct = NULL;
	if (in_file != NULL && in_file->value.len == 0)
		in_file = NULL;
	if (direct != NULL && in_file != NULL) {
		by__settings_fault(&l->faults, "%s: set both itself and by %s, %s; remove one", setting->variable, in_file->written,
		    by__settings_place(l->arena, in_file));
		return true;
	}
	if (direct != NULL) {
		take_value(l, setting, direct->value, by__settings_place(l->arena, direct));
		return true;
	}
	if (in_file == NULL)
		return false;
	const char *path = by_copy_text(l->arena, in_file->value);

	if (by__settings_slurp(&l->entries, setting->variable, path, setting->field->kind == &by_kind_secret, false, &value))
		take_value(l, setting, value, by_format(l->arena, "file %s (%s, %s)", path, in_file->written,
		    by__settings_place(l->arena, in_file)));
	return true;
}

static bool take_from_secrets(loader *l, by__setting *setting, by__setting_width width)
{
	by_text value;

	if (l->sources->secrets == NULL)
		return false;
	const char *path = by_format(l->arena, "%s/%s%s", l->sources->secrets, width == BY__SETTING_SCOPED ? l->own : "",
	    setting->variable);
	size_t      before = l->faults.len;

	if (!by__settings_slurp(&l->entries, setting->variable, path, true, true, &value))
		return l->faults.len > before;
	if (!says_something(setting, value))
		return false;
	take_value(l, setting, value, by_format(l->arena, "secrets directory, %s", path));
	return true;
}

static const char *sources_searched(const loader *l)
{
	const by_settings_sources *s = l->sources;
	by_buf                     out;

	by_buf_init(&out, l->arena, 0);
	if (s->arguments != NULL)
		BY_PUT(&out, ", command line");
	if (s->environment != NULL)
		BY_PUT(&out, ", environment");
	if (l->entries.stage != NULL)
		by_put_format(&out, ", .env.%s", l->entries.stage);
	if (s->directory != NULL)
		BY_PUT(&out, ", .env");
	if (s->secrets != NULL)
		by_put_format(&out, ", secrets directory %s", s->secrets);
	if (s->file != NULL && s->file[0] != '\0')
		by_put_format(&out, ", %s", s->file);
	return out.len > 2 ? by_buf_string(&out) + 2 : "no source";
}

static bool fill_by(loader *l, by__setting *setting, by__setting_width width)
{
	for (by__setting_source source = BY__SETTING_ARGUMENT; source < BY__SETTING_DEFAULT; source++) {
		bool taken = source == BY__SETTING_SECRETS ? take_from_secrets(l, setting, width)
		                                           : take_from_source(l, setting, width, source);

		if (taken)
			return true;
	}
	return false;
}

static void fill(loader *l, by__setting *setting)
{
	setting->scoped = l->own != NULL && fill_by(l, setting, BY__SETTING_SCOPED);
	if (setting->scoped || fill_by(l, setting, BY__SETTING_GENERAL))
		return;
	setting->place = "default";
	if (by__field_required(setting->field))
		by__settings_fault(&l->faults, "%s: %s, missing; looked for in %s", setting->variable,
		    by__setting_expects(l->arena, setting->field), sources_searched(l));
}

/* ---- rules over several settings ---- */

/* "#/pool/max" as the variable; a rule may also name the variable itself. */
static const char *variable_of(by_arena *arena, const by_model *model, const char *where)
{
	size_t prefix_len = model->prefix ? strlen(model->prefix) : 0;
	bool   joined = prefix_len == 0 || model->prefix[prefix_len - 1] == '_';

	if (strncmp(where, "#/", 2) != 0)
		return where;
	char *name = by_format(arena, "%s%s%s", model->prefix ? model->prefix : "", joined ? "" : "_", where + 2);

	for (char *c = name; *c != '\0'; c++)
		*c = *c == '/' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

static void run_rules(loader *l, const by_settings_part *part)
{
	by_faults      *faults = by_faults_new(l->arena);
	const by_fault *fault;

	by_model_check(part->model, part->object, BY_FAULT_BODY, "", faults);
	for (size_t i = 0; (fault = by_faults_at(faults, i)) != NULL; i++)
		by__settings_fault(&l->faults, "%s: %s", variable_of(l->arena, part->model, fault->where), fault->detail);
}

/* ---- loading ---- */

/* The default of a setting named APP_ENV, or NULL. */
static const char *default_stage(const loader *l)
{
	const by__setting *setting = find_setting(l, "APP_ENV", 7);

	return setting != NULL ? setting->field->default_value : NULL;
}

static const char *capitals(by_arena *arena, const char *text)
{
	char *copy = by_copy(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

static by_error *compile_parts(loader *l, const by_settings_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		BY_TRY(by_model_compile(l->arena, parts[i].model));
		by_model_init(parts[i].model, parts[i].object);
		by__settings_list_part(&l->list, &parts[i]);
	}
	return BY_OK;
}

static void load(loader *l, const by_settings_part *parts, size_t count)
{
	by__settings_list_check(&l->list);
	if (l->faults.len > 0)
		return;
	sort_settings(l);
	by__settings_collect(&l->entries, l->sources, default_stage(l));
	assign_entries(l);
	for (size_t i = 0; i < l->list.count; i++)
		fill(l, &l->list.items[i]);
	for (size_t i = 0; i < count && l->faults.len == 0; i++)
		run_rules(l, &parts[i]);
}

by_error *by_settings_load(by_arena *arena, const by_settings_sources *sources, const by_settings_part *parts,
    size_t count, by_settings **settings)
{
	loader l = { .arena = arena, .sources = sources };

	by_buf_init(&l.faults, arena, 0);
	l.list.arena = l.entries.arena = arena;
	l.list.faults = l.entries.faults = &l.faults;
	if (sources->scopes != NULL)
		l.scopes = capitals(arena, by_format(arena, "%s_", sources->scopes));
	if (sources->scope != NULL)
		l.own = capitals(arena, by_format(arena, "%s%s_", l.scopes, sources->scope));
	BY_TRY(compile_parts(&l, parts, count));
	load(&l, parts, count);
	if (l.faults.len > 0)
		return by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&l.faults));
	by_settings *made = BY_NEW(arena, by_settings);

	*made = (by_settings){ .list = l.list, .entries = l.entries, .scopes = l.scopes };
	made->list.faults = made->entries.faults = NULL;
	*settings = made;
	return BY_OK;
}

/* ---- scopes ---- */

static bool is_scope_of(by_arena *arena, by_text scope, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i]) == scope.len && memcmp(capitals(arena, names[i]), scope.ptr, scope.len) == 0)
			return true;
	return false;
}

by_error *by_settings_scopes_check(by_arena *arena, const by_settings *settings, const char *const *names, size_t count)
{
	by_buf faults;

	by_buf_init(&faults, arena, 0);
	for (size_t i = 0; i < settings->entries.count; i++) {
		const by__setting_entry *entry = &settings->entries.items[i];
		size_t                   whole = scope_length(settings->scopes, entry->name);
		size_t                   prefix = settings->scopes ? strlen(settings->scopes) : 0;

		if (whole == 0 || set_by_orchestrator(entry)
		    || is_scope_of(arena, (by_text){ entry->name + prefix, whole - prefix - 1 }, names, count))
			continue;
		by__settings_fault(&faults, "%s: there is no %.*s of that name, %s", entry->written, (int)prefix - 1,
		    settings->scopes, by__settings_place(arena, entry));
	}
	return faults.len > 0 ? by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&faults)) : BY_OK;
}

const char *by_settings_scoped(const by_settings *settings, const char *variable)
{
	for (size_t i = 0; i < settings->list.count; i++)
		if (settings->list.items[i].scoped && strcmp(settings->list.items[i].variable, variable) == 0)
			return settings->list.items[i].place;
	return NULL;
}

/* ---- showing ---- */

void by_settings_print(const by_settings *settings, bool with_sources, by_buf *out)
{
	const by__setting_list *list = &settings->list;

	for (size_t i = 0; i < list->count; i++) {
		const by__setting *setting = &list->items[i];

		by_put_string(out, setting->variable);
		by_put_char(out, '=');
		by_put_string(out, by__setting_shown(list->arena, setting));
		if (with_sources) {
			BY_PUT(out, "  # ");
			by_put_string(out, setting->place);
		}
		by_put_char(out, '\n');
	}
}

static void put_comment(by_buf *out, const char *text)
{
	BY_PUT(out, "# ");
	for (; *text != '\0'; text++) {
		by_put_char(out, *text);
		if (*text == '\n')
			BY_PUT(out, "# ");
	}
	by_put_char(out, '\n');
}

static void put_sample(by_buf *out, by_arena *arena, const by__setting *setting)
{
	const by_field *field = setting->field;

	by_put_char(out, '\n');
	if (field->doc != NULL)
		put_comment(out, field->doc);
	by_put_format(out, "# %s: %s%s\n", setting->variable, by__setting_expects(arena, field),
	    by__field_required(field) ? "; required" : "");
	const char *value = field->default_value && field->kind != &by_kind_secret ? field->default_value : "";
	/* Spaces at its ends and comment signs would be lost without quotes. */
	const char *quote = strpbrk(value, " #\"\\") != NULL ? "'" : "";

	by_put_format(out, "#%s = %s%s%s\n", field->name, quote, value, quote);
}

void by_settings_sample(const by_settings_part *parts, size_t count, by_buf *out)
{
	by__setting_list list = { .arena = out->arena };
	const char      *section = "";

	BY_PUT(out, "# Every setting with its default. Each can also be an environment variable, by the name in capitals.\n"
	    "# A file that holds the value is named by NAME_file here, by NAME_FILE in the environment.\n");
	for (size_t i = 0; i < count; i++)
		by__settings_list_part(&list, &parts[i]);
	/* Keys that belong to no section must stand before the first one. */
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].section[0] == '\0')
			put_sample(out, out->arena, &list.items[i]);
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].section[0] == '\0')
			continue;
		if (strcmp(section, list.items[i].section) != 0)
			by_put_format(out, "\n[%s]\n", section = list.items[i].section);
		put_sample(out, out->arena, &list.items[i]);
	}
}
