/* ULIDs and UUIDs: 48 bits of milliseconds in front of randomness, kept increasing within the process. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <banyan/assert.h>
#include <banyan/id.h>
#include <banyan/time.h>

#include "core/text.h"

__extension__ typedef unsigned __int128 bits128;

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* One family of increasing ids. */
typedef struct sequence {
	pthread_mutex_t lock;
	int             owner; /* process; another one after fork draws anew */
	uint64_t        last_ms;
	uint8_t         bytes[16];
} sequence;

static sequence ulids = { .lock = PTHREAD_MUTEX_INITIALIZER };
static sequence uuids = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Randomness is drawn from the system in larger pieces; a system call per id would show in inserts. */
static _Thread_local struct {
	uint8_t bytes[1024];
	size_t  left;
	int     owner;
} pool;

static void system_random(uint8_t *out, size_t size)
{
	while (size > 0) {
		ssize_t got = getrandom(out, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			by_abort("no randomness", "getrandom", __FILE__, __LINE__);
		out += got;
		size -= (size_t)got;
	}
}

/* The process id as of the last fork; getpid() is a system call. */
static int current_process;

static void note_process(void)
{
	current_process = (int)getpid();
}

static void watch_forks(void)
{
	note_process();
	pthread_atfork(NULL, NULL, note_process);
}

static int process(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
	return current_process;
}

void by_random(void *out, size_t size)
{
	int self = process();

	if (size > sizeof(pool.bytes)) {
		system_random(out, size);
		return;
	}
	if (pool.left < size || pool.owner != self) {
		system_random(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
		pool.owner = self;
	}
	pool.left -= size;
	memcpy(out, pool.bytes + pool.left, size);
	memset(pool.bytes + pool.left, 0, size); /* what was handed out is not kept */
}

static void put_milliseconds(uint8_t *bytes, uint64_t ms)
{
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
}

/* Adds one to the low `count` bytes; false when they overflow. */
static bool increment(uint8_t *bytes, size_t count)
{
	for (size_t i = 16; i > 16 - count; i--)
		if (++bytes[i - 1] != 0)
			return true;
	return false;
}

/* The next of the family: `fresh` fills the bytes behind the time, `step` raises them within a millisecond. */
static void next(sequence *of, uint8_t out[16], void (*fresh)(uint8_t *), bool (*step)(uint8_t *))
{
	int      self = process();
	uint64_t ms = (uint64_t)(by_time_now().us / 1000);

	pthread_mutex_lock(&of->lock);
	bool same = of->owner == self && ms <= of->last_ms;

	if (!same || !step(of->bytes)) {
		of->last_ms = same ? of->last_ms + 1 : ms;
		of->owner = self;
		put_milliseconds(of->bytes, of->last_ms);
		fresh(of->bytes);
	}
	memcpy(out, of->bytes, 16);
	pthread_mutex_unlock(&of->lock);
}

static void ulid_fresh(uint8_t *bytes)
{
	by_random(bytes + 6, 10);
	bytes[6] &= 0x7f; /* room to count within the millisecond */
}

static bool ulid_step(uint8_t *bytes)
{
	return increment(bytes, 10);
}

by_ulid by_ulid_new(void)
{
	by_ulid id;

	next(&ulids, id.bytes, ulid_fresh, ulid_step);
	return id;
}

static uint64_t eight_bytes(const uint8_t *at)
{
	return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 | (uint64_t)at[3] << 32
	    | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 | (uint64_t)at[6] << 8 | at[7];
}

/* Four digits of five bits each; bits above the twentieth are not looked at. */
static void put_four(char *out, uint64_t bits)
{
	out[0] = crockford[bits >> 15 & 31];
	out[1] = crockford[bits >> 10 & 31];
	out[2] = crockford[bits >> 5 & 31];
	out[3] = crockford[bits & 31];
}

void by_ulid_print(by_ulid id, char out[BY_ULID_TEXT])
{
	uint64_t high = eight_bytes(id.bytes);
	uint64_t low = eight_bytes(id.bytes + 8);

	out[0] = crockford[high >> 61];
	put_four(out + 1, high >> 41);
	put_four(out + 5, high >> 21);
	put_four(out + 9, high >> 1);
	out[13] = crockford[(high << 4 | low >> 60) & 31];
	put_four(out + 14, low >> 40);
	put_four(out + 18, low >> 20);
	put_four(out + 22, low);
	out[26] = '\0';
}

/* The value of a letter, either case; I, L, O and U are not in the alphabet, and are refused. */
static int crockford_value(char c)
{
	static const int8_t letters[26] = { 10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19, -1, 20, 21, -1, 22, 23, 24, 25, 26,
		-1, 27, 28, 29, 30, 31 };

	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'z' ? letters[c - 'a'] : -1;
}

bool by_ulid_parse(by_text text, by_ulid *id)
{
	bits128 bits = 0;

	if (text.len != BY_ULID_TEXT - 1 || crockford_value(text.ptr[0]) > 7)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = crockford_value(text.ptr[i]);

		if (value < 0)
			return false;
		bits = bits << 5 | (unsigned)value;
	}
	for (int i = 15; i >= 0; i--) {
		id->bytes[i] = (uint8_t)bits;
		bits >>= 8;
	}
	return true;
}

static void set_version(uint8_t *bytes, uint8_t version)
{
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
}

by_uuid by_uuid_v4(void)
{
	by_uuid id;

	by_random(id.bytes, sizeof(id.bytes));
	set_version(id.bytes, 4);
	return id;
}

static void uuid_fresh(uint8_t *bytes)
{
	by_random(bytes + 6, 10);
	set_version(bytes, 7);
}

/* RFC 9562 section 6.2, method 2: the bits behind the variant count up. */
static bool uuid_step(uint8_t *bytes)
{
	return increment(bytes, 7);
}

by_uuid by_uuid_v7(void)
{
	by_uuid id;

	next(&uuids, id.bytes, uuid_fresh, uuid_step);
	return id;
}

void by_uuid_print(by_uuid id, char out[BY_UUID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	size_t            at = 0;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = hex[id.bytes[i] >> 4];
		out[at++] = hex[id.bytes[i] & 15];
	}
	out[at] = '\0';
}

bool by_uuid_parse(by_text text, by_uuid *id)
{
	size_t byte = 0;

	if (text.len != BY_UUID_TEXT - 1)
		return false;
	for (size_t i = 0; i < text.len;) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text.ptr[i++] != '-')
				return false;
			continue;
		}
		int high = by__hex_value(text.ptr[i]);
		int low = by__hex_value(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		id->bytes[byte++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	return true;
}
