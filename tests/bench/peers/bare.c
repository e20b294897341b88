/*
 * The fastest that libfcgi allows, and nothing else: one thread, kept connections parked in epoll, one fixed answer.
 * It accepts by itself and calls the library only when a connection is readable, as a framework on it has to.
 */
#define _GNU_SOURCE
#include <fcgiapp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "Content-Type: application/json\r\n\r\n"
    "{\"message\":\"pong\",\"service\":\"lab\",\"time\":\"2026-01-01T00:00:00.000000Z\"}";

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		abort();
}

/* Answers one request. False: the connection is closed. */
static int serve(FCGX_Request *request, int fd)
{
	char peek;

	if (recv(fd, &peek, 1, MSG_PEEK) <= 0) {
		close(fd);
		return 0;
	}
	request->ipcFd = fd;
	request->keepConnection = 1; /* else the library closes the descriptor before it reads */
	if (FCGX_Accept_r(request) != 0)
		return 0;
	FCGX_PutStr(answer, sizeof(answer) - 1, request->out);
	FCGX_Finish_r(request);
	return request->keepConnection;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: bare SOCKET\n");
		return 64;
	}
	FCGX_Init();
	int listener = FCGX_OpenSocket(argv[1], 1024), epoll = epoll_create1(0);
	FCGX_Request request;

	if (listener < 0 || epoll < 0)
		return 1;
	FCGX_InitRequest(&request, listener, 0);
	watch(epoll, listener);
	for (;;) {
		struct epoll_event events[64];
		int                count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				serve(&request, fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				watch(epoll, fd);
		}
	}
}
