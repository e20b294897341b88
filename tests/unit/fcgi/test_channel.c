/* The channel: what one puts in, another takes out; full, empty and absent ones say so. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fcgi/channel.h"
#include "unit/unit.h"

START_TEST(a_connection_with_what_is_unread_in_it_reaches_another_process)
{
	by_arena *arena = by_arena_new(0);
	by__channel channel = BY__NO_CHANNEL;
	int pair[2];
	int status;

	ck_ok(by__channel_open(arena, &channel));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	ck_assert_int_eq(write(pair[0], "ping", 4), 4);
	ck_assert(by__channel_give(&channel, pair[1]));
	close(pair[1]);
	pid_t child = fork();

	if (child == 0) {
		char text[4];
		int fd = by__channel_take(&channel);
		bool good = fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) && (fcntl(fd, F_GETFL) & O_NONBLOCK)
		    && read(fd, text, sizeof(text)) == 4 && memcmp(text, "ping", 4) == 0 && write(fd, "pong", 4) == 4;

		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	char answer[4];

	ck_assert_int_eq(read(pair[0], answer, sizeof(answer)), 4);
	ck_assert_mem_eq(answer, "pong", 4);
	close(pair[0]);
	by__channel_close(&channel);
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_is_in_it_is_not_lost_with_its_giver)
{
	by_arena *arena = by_arena_new(0);
	by__channel channel = BY__NO_CHANNEL;
	int pair[2];

	ck_ok(by__channel_open(arena, &channel));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t child = fork();

	if (child == 0)
		_exit(by__channel_give(&channel, pair[1]) ? 0 : 1);
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(pair[1]);
	int fd = by__channel_take(&channel);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	by__channel_close(&channel);
	by_arena_free(&arena);
}
END_TEST

START_TEST(an_empty_one_gives_nothing_and_a_full_one_takes_nothing)
{
	by_arena *arena = by_arena_new(0);
	by__channel channel = BY__NO_CHANNEL;
	unsigned in = 0, out = 0;
	int fd;

	ck_ok(by__channel_open(arena, &channel));
	ck_assert_int_eq(by__channel_take(&channel), -1);
	while (by__channel_give(&channel, STDIN_FILENO))
		ck_assert_uint_lt(++in, 100000);
	ck_assert_uint_gt(in, 0);
	while ((fd = by__channel_take(&channel)) >= 0) {
		out++;
		close(fd);
	}
	ck_assert_uint_eq(out, in);
	ck_assert(by__channel_give(&channel, STDIN_FILENO));
	by__channel_close(&channel);
	by_arena_free(&arena);
}
END_TEST

START_TEST(where_there_is_none_nothing_is_given_or_taken)
{
	const by__channel none = BY__NO_CHANNEL;

	ck_assert(!by__channel_give(&none, STDIN_FILENO));
	ck_assert_int_eq(by__channel_take(&none), -1);
}
END_TEST

UNIT("channel", a_connection_with_what_is_unread_in_it_reaches_another_process, what_is_in_it_is_not_lost_with_its_giver,
    an_empty_one_gives_nothing_and_a_full_one_takes_nothing, where_there_is_none_nothing_is_given_or_taken);
