/*
 * The log: lines are formatted straight into one buffer of the process, and
 * leave it whole, in order, by write(2). What cannot be written waits there;
 * when no room is left, new lines are counted instead of kept.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <banyan/assert.h>
#include <banyan/buf.h>

#include "core/log.h"
#include "core/number.h"
#include "core/text.h"

enum {
	SIZE = 64 * 1024,
	ROOM = 4 * 1024,       /* kept free for one usual line, so that the buffer seldom grows */
	FLUSH_AT = 32 * 1024,
	PATIENCE_MS = 250,    /* with a reader who takes nothing */
	RULES = 64,
	LOGGER = 64
};

typedef struct level_rule {
	char         prefix[LOGGER]; /* "" for the default */
	size_t       len;
	by_log_level level;
} level_rule;

static char storage[SIZE];

static struct {
	pthread_mutex_t mutex; /* of everything here */
	int             fd;
	bool            pipe;
	bool            reader;  /* a pipe or a socket: somebody must take what is written */
	bool            stalled; /* and has not for a while */
	by_buf          lines; /* in `storage`; in the arena while a line is too long for that */
	_Atomic uint64_t lost;
	level_rule rules[RULES];
	size_t          rule_count;
	uint32_t        generation; /* of the rules; sites compare it without the mutex */
} out = { .mutex = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO, .generation = 1 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const level_names[] = { "debug", "info", "warning", "error", "off" };

/* ---- the buffer --------------------------------------------------------- */

static void use_storage(void)
{
	out.lines.data = storage;
	out.lines.cap = SIZE;
}

static void before_fork(void)
{
	pthread_mutex_lock(&out.mutex);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&out.mutex);
}

/* The waiting lines are the parent's to write. */
static void after_fork_in_child(void)
{
	out.lines.len = 0;
	use_storage();
	by_arena_reset(out.lines.arena);
	atomic_store(&out.lost, 0);
	pthread_mutex_unlock(&out.mutex);
}

static void look_at_fd(void)
{
	struct stat status;

	bool known = fstat(out.fd, &status) == 0;

	out.pipe = known && S_ISFIFO(status.st_mode);
	out.reader = out.pipe || (known && S_ISSOCK(status.st_mode));
	out.stalled = false;
}

static void open_log(void)
{
	out.lines = (by_buf){ .arena = by_arena_new(0) };
	use_storage();
	look_at_fd();
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
	atexit(by_log_flush);
}

static void lock(void)
{
	pthread_once(&once, open_log);
	pthread_mutex_lock(&out.mutex);
}

static void unlock(void)
{
	pthread_mutex_unlock(&out.mutex);
}

/*
 * What one write takes. A pipe that several processes write to keeps apart only
 * what fits PIPE_BUF (pipe(7)), so there it is as many whole lines as do, and a
 * longer line by itself.
 */
static size_t portion(const char *data, size_t len)
{
	if (!out.pipe || len <= PIPE_BUF)
		return len;
	const char *end = memrchr(data, '\n', PIPE_BUF);
	if (!end)
		end = memchr(data, '\n', len);
	return end ? (size_t)(end - data) + 1 : len;
}

/* A reader who takes nothing for as long as PATIENCE_MS is not waited for again until he does: lines must not stop requests. */
static bool reader_takes(void)
{
	struct pollfd ask = { .fd = out.fd, .events = POLLOUT };

	out.stalled = poll(&ask, 1, out.stalled ? 0 : PATIENCE_MS) <= 0;
	return !out.stalled;
}

/* The descriptor is shared with others, so that it is each write which is told not to wait, and not the descriptor. */
static ssize_t put_at_once(const char *data, size_t len)
{
	struct iovec piece = { (void *)(uintptr_t)data, len };
	ssize_t put = pwritev2(out.fd, &piece, 1, -1, RWF_NOWAIT);

	if (put >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
		return put;
	/* An older kernel. */
	if (reader_takes())
		return write(out.fd, data, len);
	errno = EAGAIN;
	return -1;
}

static ssize_t put_portion(const char *data, size_t len)
{
	for (;;) {
		ssize_t put = out.reader ? put_at_once(data, portion(data, len)) : write(out.fd, data, len);

		if (put >= 0 || (errno != EINTR && !(errno == EAGAIN && out.reader && reader_takes())))
			return put;
	}
}

/* Goes on at the very byte where the last write stopped, be that within a line. */
static void flush_locked(void)
{
	by_buf *lines = &out.lines;
	size_t done = 0;

	while (done < lines->len) {
		ssize_t put = put_portion(lines->data + done, lines->len - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
	lines->len -= done;
	if (lines->data != storage && lines->len <= SIZE) {
		memcpy(storage, lines->data + done, lines->len);
		use_storage();
		by_arena_reset(lines->arena);
	} else if (lines->len > 0 && done > 0) {
		memmove(lines->data, lines->data + done, lines->len);
	}
}

/* False when the line must be dropped. */
static bool begin_line(void)
{
	if (out.lines.len < SIZE - ROOM)
		return true;
	flush_locked();
	if (out.lines.len < SIZE - ROOM)
		return true;
	atomic_fetch_add(&out.lost, 1);
	return false;
}

static void end_line(by_log_level level)
{
	if (level >= BY_LOG_WARNING || out.lines.len >= FLUSH_AT)
		flush_locked();
}

void by_log_flush(void)
{
	lock();
	if (out.lines.len > 0)
		flush_locked();
	unlock();
}

void by__log_rescue(void)
{
	const char *end = out.lines.len > 0 ? memrchr(out.lines.data, '\n', out.lines.len) : NULL;
	size_t len = end ? (size_t)(end - out.lines.data) + 1 : 0;

	for (size_t done = 0; done < len;) {
		ssize_t put = put_portion(out.lines.data + done, len - done);
		if (put <= 0)
			break;
		done += (size_t)put;
	}
}

uint64_t by__log_lost(void)
{
	return atomic_load(&out.lost);
}

void by_log_line(const char *line, size_t len)
{
	BY_REQUIRE(len > 0 && line[len - 1] == '\n');
	lock();
	if (begin_line()) {
		by_put(&out.lines, line, len);
		end_line(BY_LOG_INFO);
	}
	unlock();
}

/* ---- levels ------------------------------------------------------------- */

/* "db" is a prefix of "db" and "db.pool", not of "dbx". */
static bool applies(const level_rule *rule, const char *logger)
{
	return rule->len == 0
	    || (strncmp(rule->prefix, logger, rule->len) == 0 && (logger[rule->len] == '\0' || logger[rule->len] == '.'));
}

static by_log_level level_of(const char *logger)
{
	by_log_level level = BY_LOG_INFO;
	size_t longest = 0;

	for (size_t i = 0; i < out.rule_count; i++)
		if (out.rules[i].len >= longest && applies(&out.rules[i], logger)) {
			longest = out.rules[i].len;
			level = out.rules[i].level;
		}
	return level;
}

bool by_log_enabled(by_log_site *site)
{
	uint32_t generation = __atomic_load_n(&out.generation, __ATOMIC_ACQUIRE);

	if (BY_LIKELY(__atomic_load_n(&site->generation, __ATOMIC_ACQUIRE) == generation))
		return __atomic_load_n(&site->enabled, __ATOMIC_RELAXED);
	lock();
	bool enabled = site->level >= level_of(site->logger);
	__atomic_store_n(&site->enabled, enabled, __ATOMIC_RELAXED);
	__atomic_store_n(&site->generation, out.generation, __ATOMIC_RELEASE);
	unlock();
	return enabled;
}

static bool parse_level(by_text text, by_log_level *level)
{
	for (size_t i = 0; i < BY_COUNT(level_names); i++)
		if (strlen(level_names[i]) == text.len && memcmp(level_names[i], text.ptr, text.len) == 0) {
			*level = (by_log_level)i;
			return true;
		}
	return false;
}

/* One of "info" and "db=debug". */
static by_error *parse_rule(by_arena *arena, by_text item, level_rule *rule)
{
	const char *equals = memchr(item.ptr, '=', item.len);
	by_text prefix = { item.ptr, equals ? (size_t)(equals - item.ptr) : 0 };
	by_text level = equals ? (by_text){ equals + 1, item.len - prefix.len - 1 } : item;

	prefix = by__trim(prefix);
	if (equals && prefix.len == 0)
		return by_error_new(arena, CONFIGURATION,
		    "LOG_LEVEL: no logger stands before '=' in \"%.*s\".", BY_TEXT_ARG(item));
	if (prefix.len >= LOGGER)
		return by_error_new(arena, CONFIGURATION,
		    "LOG_LEVEL: the name of a logger has at most %d characters.", LOGGER - 1);
	if (!parse_level(by__trim(level), &rule->level))
		return by_error_new(arena, CONFIGURATION,
		    "LOG_LEVEL: \"%.*s\" does not name a level: debug, info, warning, error or off.", BY_TEXT_ARG(item));
	memcpy(rule->prefix, prefix.ptr, prefix.len);
	rule->prefix[prefix.len] = '\0';
	rule->len = prefix.len;
	return BY_OK;
}

static by_error *parse_rules(by_arena *arena, const char *levels, level_rule rules[RULES], size_t *count)
{
	for (*count = 0; *levels; levels += strcspn(levels, ",") + (levels[strcspn(levels, ",")] == ',')) {
		by_text item = by__trim((by_text){ levels, strcspn(levels, ",") });
		if (item.len == 0)
			continue;
		if (*count == RULES)
			return by_error_new(arena, CONFIGURATION, "LOG_LEVEL: there can be %d entries.", RULES);
		BY_TRY(parse_rule(arena, item, &rules[(*count)++]));
	}
	return BY_OK;
}

by_error *by_log_configure(by_arena *arena, const char *levels, int fd)
{
	level_rule *rules = BY_NEW_ARRAY(arena, level_rule, RULES);
	size_t count;

	BY_TRY(parse_rules(arena, levels, rules, &count));
	lock();
	if (fd != out.fd)
		flush_locked();
	out.fd = fd;
	look_at_fd();
	memcpy(out.rules, rules, sizeof(out.rules));
	out.rule_count = count;
	__atomic_store_n(&out.generation, out.generation + 1, __ATOMIC_RELEASE);
	unlock();
	return BY_OK;
}

/* ---- formatting --------------------------------------------------------- */

/* In a well-formed document a line break is white space, and so may be a space. */
static void put_json(by_buf *buf, by_text text)
{
	for (size_t i = 0; i < text.len; i++)
		by_put_char(buf, text.ptr[i] == '\n' || text.ptr[i] == '\r' ? ' ' : text.ptr[i]);
}

/* As by_put_value, but nothing in it can fail or end the line. */
static void put_value(by_buf *buf, by_value value)
{
	if (value.tag == BY_VALUE_JSON)
		put_json(buf, value.text);
	else if (value.tag == BY_VALUE_DOUBLE && !isfinite(value.real))
		BY_PUT(buf, "null");
	else if (value.tag == BY_VALUE_DECIMAL && !by__number_is(value.text))
		by_put_json_text(buf, value.text);
	else
		by_put_value(buf, value);
}

static void put_name(by_buf *buf, const char *name)
{
	by_put_char(buf, ',');
	by_put_json_text(buf, (by_text){ name, strlen(name) });
	by_put_char(buf, ':');
}

static void put_string(by_buf *buf, const char *name, const char *value)
{
	if (!value)
		return;
	put_name(buf, name);
	by_put_json_text(buf, (by_text){ value, strlen(value) });
}

static void put_hex(by_buf *buf, const char *name, const uint8_t *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";

	put_name(buf, name);
	by_put_char(buf, '"');
	for (size_t i = 0; i < count; i++) {
		by_put_char(buf, digits[bytes[i] >> 4]);
		by_put_char(buf, digits[bytes[i] & 15]);
	}
	by_put_char(buf, '"');
}

static void put_trace(by_buf *buf, const by_trace *trace)
{
	static const uint8_t none[16];

	if (memcmp(trace->trace_id, none, sizeof(trace->trace_id)) == 0)
		return;
	put_hex(buf, "trace_id", trace->trace_id, sizeof(trace->trace_id));
	put_hex(buf, "span_id", trace->span_id, sizeof(trace->span_id));
	put_hex(buf, "trace_flags", &trace->flags, 1);
}

/* Whether a newer field of the list has the name: that one counts. */
static bool is_hidden(const by_log_field *newest, const by_log_field *field)
{
	for (; newest != field; newest = newest->next)
		if (strcmp(newest->name, field->name) == 0)
			return true;
	return false;
}

static void put_ctx(by_buf *buf, const by_ctx *ctx)
{
	if (!ctx)
		return;
	put_string(buf, "request_id", ctx->request_id);
	put_trace(buf, &ctx->trace);
	if (ctx->principal) {
		put_string(buf, "user_id", ctx->principal->subject);
		put_string(buf, "tenant_id", ctx->principal->tenant);
	}
	put_string(buf, "operation", ctx->operation);
	put_string(buf, "route", ctx->route);
	for (const by_log_field *field = ctx->log_fields; field; field = field->next) {
		if (is_hidden(ctx->log_fields, field))
			continue;
		put_name(buf, field->name);
		put_value(buf, field->value);
	}
}

static void put_head(by_buf *buf, by_log_level level, const char *logger, const char *message)
{
	char time[BY_TIME_TEXT];

	BY_PUT(buf, "{\"timestamp\":\"");
	by_put(buf, time, by_time_print(by_time_now(), time));
	BY_PUT(buf, "\",\"level\":\"");
	by_put_string(buf, level_names[level]);
	by_put_char(buf, '"');
	put_string(buf, "message", message);
	put_string(buf, "logger", logger);
}

void by_log_write(const by_log_site *site, const by_ctx *ctx, const char *message, const by_log_arg *args, size_t count)
{
	by_buf *buf = &out.lines;

	lock();
	if (begin_line()) {
		put_head(buf, site->level, site->logger, message);
		put_ctx(buf, ctx ? ctx : by_ctx_current());
		for (size_t i = 0; i < count; i++) {
			put_name(buf, args[i].name);
			put_value(buf, args[i].value);
		}
		BY_PUT(buf, "}\n");
		end_line(site->level);
	}
	unlock();
}

void by_log_with_value(by_ctx *ctx, const char *name, by_value value)
{
	by_log_field *field = BY_NEW(ctx->arena, by_log_field);

	*field = (by_log_field){ name, value, ctx->log_fields };
	ctx->log_fields = field;
}

/* ---- errors ------------------------------------------------------------- */

static void put_places(by_buf *buf, const by_error *error)
{
	if (error->trace_count == 0)
		return;
	BY_PUT(buf, ",\"trace\":[");
	for (size_t i = 0; i < error->trace_count; i++) {
		if (i > 0)
			by_put_char(buf, ',');
		by_put_char(buf, '"');
		/* Names of source files, from __FILE__. */
		by_put_string(buf, error->trace[i].file);
		by_put_char(buf, ':');
		by_put_int(buf, error->trace[i].line);
		by_put_char(buf, '"');
	}
	by_put_char(buf, ']');
}

/* Where and what, as in the answer; never the value. */
static void put_faults(by_buf *buf, const by_error *error)
{
	if (error->fault_count == 0)
		return;
	BY_PUT(buf, ",\"faults\":[");
	for (size_t i = 0; i < error->fault_count; i++) {
		by_put_string(buf, i > 0 ? ",{\"where\":" : "{\"where\":");
		by_put_json_text(buf, (by_text){ error->faults[i].where, strlen(error->faults[i].where) });
		put_string(buf, "code", error->faults[i].code);
		by_put_char(buf, '}');
	}
	by_put_char(buf, ']');
}

static void put_error(by_buf *buf, const by_error *error)
{
	put_string(buf, "detail", error->detail);
	put_string(buf, "internal", error->internal);
	put_faults(buf, error);
	put_places(buf, error);
}

static void put_causes(by_buf *buf, const by_error *error)
{
	if (!error->cause)
		return;
	BY_PUT(buf, ",\"causes\":[");
	for (const by_error *cause = error->cause; cause; cause = cause->cause) {
		by_put_string(buf, cause == error->cause ? "{\"kind\":\"" : ",{\"kind\":\"");
		by_put_string(buf, cause->kind->name);
		by_put_char(buf, '"');
		put_error(buf, cause);
		by_put_char(buf, '}');
	}
	by_put_char(buf, ']');
}

void by_log_error_as(const char *logger, const by_ctx *ctx, by_log_level level, const char *message, by_error *error)
{
	by_log_site site = { .logger = logger, .level = level };
	by_buf *buf = &out.lines;

	if (error->id[0] == '\0')
		by_ulid_print(by_ulid_new(), error->id);
	if (!by_log_enabled(&site))
		return;
	lock();
	if (begin_line()) {
		put_head(buf, level, logger, message);
		put_ctx(buf, ctx ? ctx : by_ctx_current());
		put_string(buf, "error_id", error->id);
		put_string(buf, "kind", error->kind->name);
		put_error(buf, error);
		put_causes(buf, error);
		BY_PUT(buf, "}\n");
		end_line(level);
	}
	unlock();
}
