/*
 * Statements are interned by their text: the table only grows, readers follow
 * atomic pointers without a lock, and writers take turns.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <banyan/assert.h>

#include "core/statement.h"
#include "core/text.h"

enum { BUCKETS = 1024 };

static _Atomic(by__statement *) buckets[BUCKETS];
static pthread_mutex_t          writing = PTHREAD_MUTEX_INITIALIZER;
static uint32_t                 next_id;
static uint32_t                 dynamic_count;

static const char *const verbs[BY__VERB_COUNT] = {
	[BY__VERB_SELECT] = "select", [BY__VERB_INSERT] = "insert", [BY__VERB_UPDATE] = "update",
	[BY__VERB_DELETE] = "delete", [BY__VERB_WITH] = "with",
};

static uint64_t hash_of(by_text sql)
{
	uint64_t hash = by__hash(BY__HASH_START, sql.ptr, sql.len);
	return hash ^ hash >> 29;
}

static by__verb verb_of(by_text sql)
{
	size_t start = 0;
	while (start < sql.len && memchr(" \t\r\n(", sql.ptr[start], 5))
		start++;
	for (int verb = 0; verb < BY__VERB_OTHER; verb++) {
		size_t len = strlen(verbs[verb]);
		if (sql.len - start > len && strncasecmp(sql.ptr + start, verbs[verb], len) == 0)
			return (by__verb)verb;
	}
	return BY__VERB_OTHER;
}

/* Where the quoted text or comment that starts at `i` ends; `i` itself when none starts there. */
static size_t skip_quoted(by_text sql, size_t i)
{
	const char *p = sql.ptr;
	if (p[i] == '\'' || p[i] == '"') {
		const char *end = memchr(p + i + 1, p[i], sql.len - i - 1);
		return end ? (size_t)(end - p) + 1 : sql.len;
	}
	if (p[i] == '-' && i + 1 < sql.len && p[i + 1] == '-') {
		const char *end = memchr(p + i, '\n', sql.len - i);
		return end ? (size_t)(end - p) + 1 : sql.len;
	}
	if (p[i] == '/' && i + 1 < sql.len && p[i + 1] == '*') {
		const char *end = memmem(p + i + 2, sql.len - i - 2, "*/", 2);
		return end ? (size_t)(end - p) + 2 : sql.len;
	}
	return i;
}

/* The highest $n outside quotes and comments. */
static size_t arguments_of(by_text sql)
{
	size_t highest = 0;
	for (size_t i = 0; i < sql.len;) {
		size_t after = skip_quoted(sql, i);
		if (after > i) {
			i = after;
			continue;
		}
		if (sql.ptr[i++] != '$')
			continue;
		size_t number = 0;
		for (; i < sql.len && sql.ptr[i] >= '0' && sql.ptr[i] <= '9' && number <= 65535; i++)
			number = number * 10 + (size_t)(sql.ptr[i] - '0');
		highest = number > highest ? number : highest;
	}
	return highest;
}

static by__statement *find(uint64_t hash, by_text sql)
{
	by__statement *statement = atomic_load_explicit(&buckets[hash % BUCKETS], memory_order_acquire);
	for (; statement; statement = statement->next)
		if (statement->hash == hash && strlen(statement->base.sql) == sql.len
		    && memcmp(statement->base.sql, sql.ptr, sql.len) == 0)
			break;
	return statement;
}

static void fill(by__statement *statement, uint64_t hash, const char *name, const char *sql, size_t len)
{
	by_text text = { sql, len };
	statement->base.sql = sql;
	statement->base.arguments = arguments_of(text);
	statement->base.name = name;
	statement->verb = verb_of(text);
	statement->hash = hash;
}

/* One block that holds the statement, its text and its name; it lives as long as the process. */
static by__statement *make(uint64_t hash, const char *name, by_text sql)
{
	size_t         name_size = strlen(name) + 1;
	by__statement *statement = malloc(sizeof *statement + sql.len + 1 + name_size);
	if (!statement)
		BY_IMPOSSIBLE("out of memory for a statement");
	char *text = (char *)(statement + 1);
	memcpy(text, sql.ptr, sql.len);
	text[sql.len] = '\0';
	memcpy(text + sql.len + 1, name, name_size);
	fill(statement, hash, text + sql.len + 1, text, sql.len);
	statement->base.id = next_id++;
	statement->next = atomic_load_explicit(&buckets[hash % BUCKETS], memory_order_relaxed);
	atomic_store_explicit(&buckets[hash % BUCKETS], statement, memory_order_release);
	return statement;
}

/* NULL when the text is new, dynamic, and there are enough of those. */
static by__statement *intern(uint64_t hash, const char *name, by_text sql, bool dynamic)
{
	pthread_mutex_lock(&writing);
	by__statement *statement = find(hash, sql);
	if (!statement && (!dynamic || dynamic_count < BY__STATEMENT_DYNAMIC_MAX)) {
		statement = make(hash, name, sql);
		dynamic_count += dynamic;
	}
	pthread_mutex_unlock(&writing);
	return statement;
}

const by_statement *by_statement_of(const char *name, const char *sql)
{
	by_text        text = { sql, strlen(sql) };
	uint64_t       hash = hash_of(text);
	by__statement *statement = find(hash, text);
	if (!statement)
		statement = intern(hash, name, text, false);
	return &statement->base;
}

const by_statement *by__statement_dynamic(by_arena *arena, const char *name, by_text sql)
{
	uint64_t       hash = hash_of(sql);
	by__statement *statement = find(hash, sql);
	if (!statement)
		statement = intern(hash, name, sql, true);
	if (!statement) {
		statement = BY_NEW(arena, by__statement);
		fill(statement, hash, by_copy(arena, name), by_copy_text(arena, sql), sql.len);
		statement->base.id = BY__STATEMENT_TRANSIENT;
	}
	return &statement->base;
}

const char *by__script_line(by_arena *arena, const char *script, int line)
{
	for (int at = 1; at < line && *script; script++)
		at += *script == '\n';
	script += strspn(script, " \t");
	return by_copy_text(arena, (by_text){ script, strcspn(script, "\r\n") });
}
