/*
 * Writes what the supervisor holds as lines of words into a memfd, and reads
 * it after the exec. The state is our own, yet it is read with care: a
 * descriptor that is not what a line says is left alone.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <banyan/buf.h>

#include "core/number.h"
#include "fcgi/launch.h"
#include "fcgi/supervisor/inheritance.h"
#include "fcgi/supervisor/members.h"

enum { LARGEST = 256 * 1024, WORDS = 8, POOL_WORDS = 7 };

/* ---- writing ----------------------------------------------------------------------------- */

static void on_exec(int fd, bool close_it)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, close_it ? FD_CLOEXEC : 0);
}

static void mark_all(const by__supervisor *s, bool close_them)
{
	on_exec(s->lock, close_them);
	for (uint32_t i = 0; i < s->pool_count; i++) {
		on_exec(s->pools[i].listener.fd, close_them);
		on_exec(s->pools[i].channel.take, close_them);
		on_exec(s->pools[i].channel.give, close_them);
	}
	for (uint32_t i = 0; i < s->orphan_count; i++)
		on_exec(s->orphans[i].listener.fd, close_them);
}

/* The address stands last: a path may hold spaces. */
static void put_socket(by_buf *out, const char *name, const by__listener *listener, const by__channel *channel,
    const char *address)
{
	by_put_format(out, "pool %s %d %d %d %d %s\n", name, listener->fd, listener->passed, channel->take, channel->give,
	    address);
}

static void put_sockets(by_buf *out, const by__supervisor *s)
{
	const by__channel none = BY__NO_CHANNEL;

	for (uint32_t i = 0; i < s->pool_count; i++) {
		const by__pool *pool = &s->pools[i];

		if (pool->listener.fd >= 0)
			put_socket(out, pool->name, &pool->listener, &pool->channel, by__pool_settings_of(pool)->listen);
	}
	for (uint32_t i = 0; i < s->orphan_count; i++)
		put_socket(out, s->orphans[i].name, &s->orphans[i].listener, &none, s->orphans[i].address);
}

static void put_member(by_buf *out, const by__supervisor *s, const by__member *m)
{
	by_put_format(out, "worker %d %" PRIu32 " %" PRIu32 " %d %" PRIu64 " %" PRIu64 " %s\n", (int)m->pid, m->slot,
	    m->generation, (int)m->stage, m->forked, m->kill_at, m->pool < s->pool_count ? s->pools[m->pool].name : "-");
}

static void put_all(by_buf *out, const by__supervisor *s)
{
	by_put_format(out, "generation %" PRIu32 "\nlock %d\nannounced %d\n", s->generation, s->lock, s->announced);
	put_sockets(out, s);
	for (size_t i = 0; i < BY__MEMBERS; i++)
		if (s->members[i].pid > 0)
			put_member(out, s, &s->members[i]);
}

int by__inheritance_write(const by__supervisor *s)
{
	int fd = memfd_create("banyan-inheritance", 0);
	by_buf out;

	if (fd < 0)
		return -1;
	by_buf_init(&out, s->arena, 4096);
	put_all(&out, s);
	if (out.error || write(fd, out.data, out.len) != (ssize_t)out.len) {
		close(fd);
		return -1;
	}
	mark_all(s, false);
	return fd;
}

void by__inheritance_undo(const by__supervisor *s, int fd)
{
	mark_all(s, true);
	close(fd);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* At most so many words; the last one is the rest of the line. */
static size_t split(char *line, char *words[], size_t most)
{
	size_t count = 0;

	for (char *at = line; at && count < most; count++) {
		words[count] = at;
		at = count + 1 < most ? strchr(at, ' ') : NULL;
		if (at)
			*at++ = 0;
	}
	return count;
}

static int64_t number(const char *word)
{
	int64_t value;

	return by__int_parse((by_text){ word, strlen(word) }, &value) ? value : -1;
}

static int descriptor(const char *word)
{
	int64_t fd = number(word);

	if (fd < 3 || fd > INT32_MAX || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	on_exec((int)fd, true);
	return (int)fd;
}

static void read_pool(by__supervisor *s, by__inheritance *in, char *words[], size_t count)
{
	by__inherited *pool = &in->pools[in->pool_count];
	int fd = count == POOL_WORDS ? descriptor(words[2]) : -1;

	if (fd < 0 || !by__launch_listens(fd) || in->pool_count == BY_COUNT(in->pools))
		return;
	by_error *error = by__listener_adopt(s->arena, fd, &pool->listener);

	if (error)
		return;
	(void)snprintf(pool->name, sizeof(pool->name), "%s", words[1]);
	pool->address = by_copy(s->arena, words[6]);
	pool->listener.passed = number(words[3]) == 1;
	if (!pool->listener.passed && strncmp(words[6], "unix:", 5) == 0)
		pool->listener.path = by_copy(s->arena, words[6] + 5);
	pool->channel = (by__channel){ .take = descriptor(words[4]), .give = descriptor(words[5]) };
	in->pool_count++;
}

static uint32_t pool_named(const by__supervisor *s, const char *name)
{
	for (uint32_t i = 0; i < s->pool_count; i++)
		if (strcmp(s->pools[i].name, name) == 0)
			return i;
	return BY__NO_SLOT;
}

static void read_member(by__supervisor *s, char *words[], size_t count)
{
	by__member *member = count == 8 && number(words[1]) > 1 ? by__member_take(s) : NULL;
	int64_t slot = count == 8 ? number(words[2]) : -1;

	if (!member)
		return;
	*member = (by__member){ .pid = (pid_t)number(words[1]), .slot = slot >= 0 && slot < BY__SHARED_SLOTS ? (uint32_t)slot : BY__NO_SLOT,
		.generation = (uint32_t)number(words[3]), .stage = (by__stage)number(words[4]), .forked = (uint64_t)number(words[5]),
		.kill_at = (uint64_t)number(words[6]), .pool = pool_named(s, words[7]) };
}

static void read_line(by__supervisor *s, by__inheritance *in, char *line)
{
	char *words[WORDS];
	size_t count = split(line, words, strncmp(line, "pool ", 5) == 0 ? POOL_WORDS : WORDS);

	if (count == 2 && strcmp(words[0], "generation") == 0)
		in->generation = (uint32_t)number(words[1]);
	else if (count == 2 && strcmp(words[0], "lock") == 0)
		in->lock = descriptor(words[1]);
	else if (count == 2 && strcmp(words[0], "announced") == 0)
		in->announced = number(words[1]) == 1;
	else if (count > 0 && strcmp(words[0], "pool") == 0)
		read_pool(s, in, words, count);
	else if (count > 0 && strcmp(words[0], "worker") == 0)
		read_member(s, words, count);
}

bool by__inheritance_read(by__supervisor *s, by__inheritance *in)
{
	const char *name = getenv(BY__INHERITANCE);
	int fd = name ? descriptor(name) : -1;
	char *text = fd >= 0 ? by_alloc(s->arena, LARGEST + 1) : NULL;
	char *rest = NULL;

	*in = (by__inheritance){ .lock = -1 };
	(void)unsetenv(BY__INHERITANCE);
	if (!text)
		return false;
	ssize_t got = pread(fd, text, LARGEST, 0);

	close(fd);
	for (char *line = got > 0 ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		read_line(s, in, line);
	return in->generation > 0;
}
