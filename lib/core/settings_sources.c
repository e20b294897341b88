/* The sources of settings: command line, environment, .env files, the configuration file, files of secrets. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/settings_sources.h"

enum { LARGEST_FILE = 1024 * 1024 };

void by__settings_fault(by_buf *faults, const char *format, ...)
{
	char    line[1500];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (faults->len > 0)
		by_put_char(faults, '\n');
	by_put_string(faults, line);
}

const char *by__settings_place(by_arena *arena, const by__setting_entry *entry)
{
	return entry->line > 0 ? by_format(arena, "%s line %d", entry->origin, entry->line) : entry->origin;
}

const by__setting_entry *by__settings_find(const by__setting_entries *entries, by__setting_source source,
    const char *name)
{
	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].source == source && strcmp(entries->items[i].name, name) == 0)
			return &entries->items[i];
	return NULL;
}

static void add_entry(by__setting_entries *entries, by__setting_entry entry)
{
	const by__setting_entry *same = entry.line > 0 ? by__settings_find(entries, entry.source, entry.name) : NULL;

	if (same != NULL) {
		by__settings_fault(entries->faults, "%s: set twice, %s line %d and line %d", entry.written, entry.origin, same->line,
		    entry.line);
		return;
	}
	if (entries->count == entries->room) {
		size_t             room = entries->room ? entries->room * 2 : 64;
		by__setting_entry *grown = BY_NEW_ARRAY(entries->arena, by__setting_entry, room);

		if (entries->count > 0)
			memcpy(grown, entries->items, entries->count * sizeof(*grown));
		entries->items = grown;
		entries->room = room;
	}
	entries->items[entries->count++] = entry;
}

/* ---- command line and environment ---- */

static void collect_pairs(by__setting_entries *entries, const char *const *pairs, by__setting_source source,
    const char *origin)
{
	for (; pairs != NULL && *pairs != NULL; pairs++) {
		const char *equals = strchr(*pairs, '=');

		if (equals == NULL || equals == *pairs) {
			if (source == BY__SETTING_ARGUMENT)
				by__settings_fault(entries->faults, "%s: not NAME=value, %s", *pairs, origin);
			continue;
		}
		const char *name = by_copy_text(entries->arena, (by_text){ *pairs, (size_t)(equals - *pairs) });

		add_entry(entries, (by__setting_entry){ .source = source, .name = name, .written = name,
		    .value = { equals + 1, strlen(equals + 1) }, .origin = origin });
	}
}

/* ---- files ---- */

/* Reads at most LARGEST_FILE bytes; -1 with errno set. */
static ssize_t read_whole(int fd, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t got = read(fd, out + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

static bool slurp_open(by__setting_entries *entries, const char *name, const char *path, int fd, bool private,
    by_text *contents)
{
	struct stat about;

	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
		by__settings_fault(entries->faults, "%s: %s is not a regular file", name, path);
		return false;
	}
	if (private && (about.st_mode & S_IROTH)) {
		by__settings_fault(entries->faults, "%s: other users may read the secrets file %s; chmod o-r it", name, path);
		return false;
	}
	if (about.st_size > LARGEST_FILE) {
		by__settings_fault(entries->faults, "%s: %s is larger than 1 MiB", name, path);
		return false;
	}
	char   *text = by_alloc_raw(entries->arena, (size_t)about.st_size + 1);
	ssize_t len = read_whole(fd, text, (size_t)about.st_size);

	if (len < 0) {
		by__settings_fault(entries->faults, "%s: %s cannot be read: %s", name, path, strerror(errno));
		return false;
	}
	*contents = (by_text){ text, (size_t)len };
	return true;
}

bool by__settings_slurp(by__setting_entries *entries, const char *name, const char *path, bool private, bool missing_ok,
    by_text *contents)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		if (errno != ENOENT || !missing_ok)
			by__settings_fault(entries->faults, "%s: %s cannot be read: %s", name, path, strerror(errno));
		return false;
	}
	bool had = slurp_open(entries, name, path, fd, private, contents);

	close(fd);
	if (had && contents->len > 0 && contents->ptr[contents->len - 1] == '\n')
		contents->len--;
	if (had && contents->len > 0 && contents->ptr[contents->len - 1] == '\r')
		contents->len--;
	return had;
}

typedef struct line_reader { /* of .env and of the configuration file */
	by__setting_entries *entries;
	by__setting_source   source;
	const char          *origin;
	const char          *section; /* "database.pool", or "" */
	int                  line;
} line_reader;

static by_text trim(by_text text)
{
	while (text.len > 0 && isspace((unsigned char)text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && isspace((unsigned char)text.ptr[text.len - 1]))
		text.len--;
	return text;
}

static void bad_line(const line_reader *r, const char *why)
{
	by__settings_fault(r->entries->faults, "%s line %d: %s", r->origin, r->line, why);
}

/* Without quotes: up to a # that follows white space. */
static by_text bare_value(by_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '#' && (i == 0 || isspace((unsigned char)text.ptr[i - 1])))
			text.len = i;
	return trim(text);
}

/* Behind a closing quote only white space and a comment may stand. */
static bool nothing_more(by_text rest)
{
	return bare_value(rest).len == 0;
}

static char unescaped(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
}

/* 'literal', or "with \n \t \r \" \\ \$". */
static bool quoted_value(const line_reader *r, by_text text, by_text *value)
{
	char   quote = text.ptr[0];
	char  *out = by_alloc_raw(r->entries->arena, text.len);
	size_t len = 0;
	size_t at = 1;

	for (; at < text.len && text.ptr[at] != quote; at++) {
		char c = text.ptr[at];

		if (quote == '"' && c == '\\' && at + 1 < text.len)
			c = unescaped(text.ptr[++at]);
		out[len++] = c;
	}
	if (at >= text.len) {
		bad_line(r, "the quote does not end on this line");
		return false;
	}
	if (!nothing_more((by_text){ text.ptr + at + 1, text.len - at - 1 })) {
		bad_line(r, "something follows the closing quote");
		return false;
	}
	*value = (by_text){ out, len };
	return true;
}

static bool read_value(const line_reader *r, by_text text, by_text *value)
{
	text = trim(text);
	if (text.len > 0 && (text.ptr[0] == '"' || text.ptr[0] == '\''))
		return quoted_value(r, text, value);
	*value = bare_value(text);
	return true;
}

static bool name_text(by_text text, const char *more)
{
	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '\0' || (!isalnum(c) && c != '_' && strchr(more, c) == NULL))
			return false;
	}
	return true;
}

/* DATABASE_POOL_MAX of "database.pool.max". */
static const char *variable_name(by_arena *arena, const char *path)
{
	char *name = by_copy(arena, path);

	for (char *c = name; *c != '\0'; c++)
		*c = *c == '.' || *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return name;
}

static void read_pair(const line_reader *r, by_text line)
{
	by_arena   *arena = r->entries->arena;
	bool        is_file = r->source == BY__SETTING_FILE;
	const char *equals = memchr(line.ptr, '=', line.len);
	by_text     name = trim((by_text){ line.ptr, equals ? (size_t)(equals - line.ptr) : line.len });
	by_text     value;

	if (!is_file && name.len > 7 && memcmp(name.ptr, "export ", 7) == 0)
		name = trim((by_text){ name.ptr + 7, name.len - 7 });
	if (equals == NULL || !name_text(name, is_file ? ".-" : "")) {
		bad_line(r, is_file ? "neither [section] nor key = value" : "not NAME=value");
		return;
	}
	if (!read_value(r, (by_text){ equals + 1, (size_t)(line.ptr + line.len - equals - 1) }, &value))
		return;
	const char *written = by_format(arena, "%s%s%.*s", r->section, r->section[0] ? "." : "", BY_TEXT_ARG(name));

	add_entry(r->entries, (by__setting_entry){ .source = r->source, .written = written,
	    .name = is_file ? variable_name(arena, written) : written, .value = value, .origin = r->origin, .line = r->line });
}

static void read_section(line_reader *r, by_text line)
{
	line = bare_value(line);
	by_text name = { line.ptr + 1, line.len > 1 ? line.len - 2 : 0 };

	if (line.ptr[line.len - 1] != ']' || !name_text(name, ".-"))
		bad_line(r, "not a section's name in brackets");
	else
		r->section = by_copy_text(r->entries->arena, name);
}

static void read_lines(line_reader *r, by_text text)
{
	r->section = "";
	while (text.len > 0) {
		const char *newline = memchr(text.ptr, '\n', text.len);
		size_t      len = newline ? (size_t)(newline - text.ptr) : text.len;
		by_text     line = trim((by_text){ text.ptr, len });

		r->line++;
		if (line.len > 0 && line.ptr[0] == '[' && r->source == BY__SETTING_FILE)
			read_section(r, line);
		else if (line.len > 0 && line.ptr[0] != '#' && !(line.ptr[0] == ';' && r->source == BY__SETTING_FILE))
			read_pair(r, line);
		len += newline != NULL;
		text.ptr += len;
		text.len -= len;
	}
}

static void collect_file(by__setting_entries *entries, const char *path, const char *origin, by__setting_source source,
    bool missing_ok)
{
	line_reader r = { .entries = entries, .source = source, .origin = origin };
	by_text     text;

	if (by__settings_slurp(entries, origin, path, false, missing_ok, &text))
		read_lines(&r, text);
}

/* A stage is part of a file's name, so it is a plain word or nothing. */
static const char *stage_of(const by__setting_entries *entries, const char *otherwise)
{
	static const by__setting_source sources[] = { BY__SETTING_ARGUMENT, BY__SETTING_ENVIRONMENT, BY__SETTING_ENV };

	for (size_t i = 0; i < BY_COUNT(sources); i++) {
		const by__setting_entry *entry = by__settings_find(entries, sources[i], "APP_ENV");

		if (entry != NULL && entry->value.len > 0)
			return name_text(entry->value, "-") ? by_copy_text(entries->arena, entry->value) : NULL;
	}
	return otherwise;
}

void by__settings_collect(by__setting_entries *entries, const by_settings_sources *sources, const char *stage)
{
	by_arena *arena = entries->arena;

	collect_pairs(entries, sources->arguments, BY__SETTING_ARGUMENT, "command line");
	collect_pairs(entries, sources->environment, BY__SETTING_ENVIRONMENT, "environment");
	if (sources->directory != NULL) {
		collect_file(entries, by_format(arena, "%s/.env", sources->directory), ".env", BY__SETTING_ENV, true);
		entries->stage = stage_of(entries, stage);
	}
	if (entries->stage != NULL)
		collect_file(entries, by_format(arena, "%s/.env.%s", sources->directory, entries->stage),
		    by_format(arena, ".env.%s", entries->stage), BY__SETTING_ENV_OF_STAGE, true);
	if (sources->file != NULL && sources->file[0] != '\0')
		collect_file(entries, sources->file, sources->file, BY__SETTING_FILE, false);
}
