/* How a process was started: each launch by what it really passes. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/launch.h"

/* An abstract address: no file to clean up. */
static void listen_on(int fd, char name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int made = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "by-test-launch-%d-%c", (int)getpid(), name);
	ck_assert_int_eq(bind(made, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(made, 1), 0);
	ck_assert_int_eq(dup2(made, fd), fd);
	if (made != fd)
		close(made);
}

static void no_socket_on_stdin(void)
{
	int fd = open("/dev/null", O_RDONLY);

	ck_assert_int_eq(dup2(fd, 0), 0);
	if (fd != 0)
		close(fd);
}

static void forget_environment(void)
{
	static const char *const names[] = { "LISTEN_PID", "LISTEN_FDS", "GATEWAY_INTERFACE", "REQUEST_METHOD" };

	for (size_t i = 0; i < BY_COUNT(names); i++)
		ck_assert_int_eq(unsetenv(names[i]), 0);
}

static void set_passed(int pid, const char *count)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	ck_assert_int_eq(setenv("LISTEN_PID", text, 1), 0);
	ck_assert_int_eq(setenv("LISTEN_FDS", count, 1), 0);
}

START_TEST(nothing_at_all_asks_for_help)
{
	forget_environment();
	no_socket_on_stdin();
	ck_assert_int_eq(by__launch_tell(1).kind, BY__LAUNCH_HELP);
}
END_TEST

START_TEST(a_listening_socket_on_descriptor_0_makes_a_worker)
{
	forget_environment();
	listen_on(0, 'a');
	/* mod_fcgid leaves the request it was started for in the environment. */
	ck_assert_int_eq(setenv("GATEWAY_INTERFACE", "CGI/1.1", 1), 0);
	ck_assert_int_eq(setenv("REQUEST_METHOD", "GET", 1), 0);
	by__launch launch = by__launch_tell(1);

	ck_assert_int_eq(launch.kind, BY__LAUNCH_WORKER);
	ck_assert_int_eq(launch.listener, 0);
}
END_TEST

START_TEST(a_connected_socket_on_descriptor_0_is_no_listener)
{
	int pair[2];

	forget_environment();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(dup2(pair[0], 0), 0);
	ck_assert(!by__launch_listens(0));
	ck_assert_int_eq(by__launch_tell(1).kind, BY__LAUNCH_HELP);
}
END_TEST

START_TEST(a_socket_that_systemd_passes_makes_a_worker)
{
	forget_environment();
	no_socket_on_stdin();
	listen_on(3, 'b');
	set_passed((int)getpid(), "1");
	ck_assert_int_eq(by__launch_tell(1).kind, BY__LAUNCH_WORKER);
	ck_assert_int_eq(by__launch_passed(), 3);
}
END_TEST

START_TEST(sockets_passed_to_another_process_are_not_ours)
{
	forget_environment();
	no_socket_on_stdin();
	listen_on(3, 'c');
	set_passed((int)getppid(), "1");
	ck_assert_int_eq(by__launch_passed(), -1);
	set_passed((int)getpid(), "0");
	ck_assert_int_eq(by__launch_passed(), -1);
	set_passed((int)getpid(), "one");
	ck_assert_int_eq(by__launch_passed(), -1);
}
END_TEST

START_TEST(a_request_in_the_environment_makes_cgi)
{
	forget_environment();
	no_socket_on_stdin();
	ck_assert_int_eq(setenv("GATEWAY_INTERFACE", "CGI/1.1", 1), 0);
	ck_assert_int_eq(by__launch_tell(1).kind, BY__LAUNCH_HELP);
	ck_assert_int_eq(setenv("REQUEST_METHOD", "GET", 1), 0);
	ck_assert_int_eq(by__launch_tell(1).kind, BY__LAUNCH_CGI);
}
END_TEST

START_TEST(the_words_of_a_clients_query_are_no_command)
{
	forget_environment();
	no_socket_on_stdin();
	ck_assert_int_eq(setenv("GATEWAY_INTERFACE", "CGI/1.1", 1), 0);
	ck_assert_int_eq(setenv("REQUEST_METHOD", "GET", 1), 0);
	/* GET /lab?db+downgrade starts "lab db downgrade". */
	ck_assert_int_eq(by__launch_tell(3).kind, BY__LAUNCH_CGI);
}
END_TEST

START_TEST(a_subcommand_wins_over_a_socket)
{
	forget_environment();
	listen_on(0, 'd');
	ck_assert_int_eq(setenv("GATEWAY_INTERFACE", "CGI/1.1", 1), 0);
	ck_assert_int_eq(by__launch_tell(2).kind, BY__LAUNCH_COMMAND);
}
END_TEST

UNIT("launch", nothing_at_all_asks_for_help, a_listening_socket_on_descriptor_0_makes_a_worker,
    a_connected_socket_on_descriptor_0_is_no_listener, a_socket_that_systemd_passes_makes_a_worker,
    sockets_passed_to_another_process_are_not_ours, a_request_in_the_environment_makes_cgi,
    the_words_of_a_clients_query_are_no_command, a_subcommand_wins_over_a_socket);
