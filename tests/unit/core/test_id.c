/* Identifiers: text forms, order within a millisecond, over threads and over fork. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <banyan/id.h>

#include "unit/unit.h"

static by_text text(const char *string)
{
	return (by_text){ string, strlen(string) };
}

START_TEST(ulids_rise_strictly_and_read_back)
{
	by_ulid before = by_ulid_new();
	char    out[BY_ULID_TEXT];

	for (int i = 0; i < 200000; i++) {
		by_ulid now = by_ulid_new();
		by_ulid back;

		ck_assert_int_lt(memcmp(before.bytes, now.bytes, 16), 0);
		by_ulid_print(now, out);
		ck_assert(by_ulid_parse(text(out), &back));
		ck_assert_int_eq(memcmp(back.bytes, now.bytes, 16), 0);
		before = now;
	}
}
END_TEST

START_TEST(ulids_have_one_text_form_and_lenient_case)
{
	by_ulid id;
	char    out[BY_ULID_TEXT];

	ck_assert(by_ulid_parse(text("01arz3ndektsv4rrffq69g5fav"), &id));
	by_ulid_print(id, out);
	ck_assert_str_eq(out, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	ck_assert(by_ulid_parse(text("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &id));
	ck_assert(!by_ulid_parse(text("8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), &id)); /* 129 bits */
	ck_assert(!by_ulid_parse(text("01ARZ3NDEKTSV4RRFFQ69G5FA"), &id));
	ck_assert(!by_ulid_parse(text("01ARZ3NDEKTSV4RRFFQ69G5FAVV"), &id));
	ck_assert(!by_ulid_parse(text("01ARZ3NDEKTSV4RRFFQ69G5FAU"), &id)); /* U is not in the alphabet */
	ck_assert(!by_ulid_parse(text(""), &id));
}
END_TEST

enum { THREADS = 4, EACH = 20000 };
static by_ulid made[THREADS][EACH];

static void *make(void *row)
{
	by_ulid *out = row;

	for (int i = 0; i < EACH; i++)
		out[i] = by_ulid_new();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

START_TEST(threads_never_make_the_same)
{
	pthread_t threads[THREADS];
	by_ulid  *all = &made[0][0];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, make, made[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(all, (size_t)THREADS * EACH, sizeof(*all), compare);
	for (int i = 1; i < THREADS * EACH; i++)
		ck_assert_int_ne(compare(&all[i - 1], &all[i]), 0);
}
END_TEST

START_TEST(a_forked_child_draws_its_own)
{
	int     ends[2];
	by_uuid ours, theirs;

	(void)by_uuid_v4(); /* leaves randomness in the pool */
	(void)by_ulid_new();
	ck_assert_int_eq(pipe(ends), 0);
	pid_t child = fork();

	if (child == 0) {
		by_uuid id = by_uuid_v4();

		_exit(write(ends[1], &id, sizeof(id)) == sizeof(id) ? 0 : 1);
	}
	ck_assert_int_eq(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
	waitpid(child, NULL, 0);
	ours = by_uuid_v4();
	ck_assert_int_ne(memcmp(&ours, &theirs, 16), 0);
}
END_TEST

START_TEST(uuids_carry_version_and_variant)
{
	char    out[BY_UUID_TEXT];
	by_uuid back, before = by_uuid_v7();

	for (int i = 0; i < 10000; i++) {
		by_uuid id = by_uuid_v7();

		ck_assert_int_lt(memcmp(before.bytes, id.bytes, 16), 0);
		by_uuid_print(id, out);
		ck_assert_int_eq(out[14], '7');
		ck_assert_ptr_nonnull(strchr("89ab", out[19]));
		ck_assert(by_uuid_parse(text(out), &back));
		ck_assert_int_eq(memcmp(&back, &id, 16), 0);
		before = id;
	}
	by_uuid_print(by_uuid_v4(), out);
	ck_assert_int_eq(out[14], '4');
	ck_assert(!by_uuid_parse(text("f81d4fae7dec11d0a76500a0c91e6bf6"), &back));
	ck_assert(!by_uuid_parse(text("f81d4fae-7dec-11d0-a765-00a0c91e6bfg"), &back));
	ck_assert(by_uuid_parse(text("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), &back));
}
END_TEST

UNIT("id", ulids_rise_strictly_and_read_back, ulids_have_one_text_form_and_lenient_case, threads_never_make_the_same,
    a_forked_child_draws_its_own, uuids_carry_version_and_variant);
