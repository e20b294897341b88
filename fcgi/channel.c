/* Passes descriptors over a pair of sockets, one in each message (unix(7), SCM_RIGHTS). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgi/channel.h"

typedef union control { /* aligned as a header wants it */
	struct cmsghdr header;
	char           space[CMSG_SPACE(sizeof(int))];
} control;

by_error *by__channel_open(by_arena *arena, by__channel *channel)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return by_error_new(arena, UNAVAILABLE, "A channel between workers cannot be made: %s.", strerror(errno));
	*channel = (by__channel){ .take = pair[0], .give = pair[1] };
	return BY_OK;
}

void by__channel_close(by__channel *channel)
{
	if (channel->take >= 0)
		close(channel->take);
	if (channel->give >= 0)
		close(channel->give);
	*channel = (by__channel)BY__NO_CHANNEL;
}

bool by__channel_give(const by__channel *channel, int fd)
{
	char byte = 0;
	control rights = { 0 };
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = rights.space,
		.msg_controllen = sizeof(rights.space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	ssize_t sent;

	if (channel->give < 0)
		return false;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	do
		sent = sendmsg(channel->give, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == 1;
}

int by__channel_take(const by__channel *channel)
{
	char byte;
	control rights = { 0 };
	struct iovec data = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = rights.space,
		.msg_controllen = sizeof(rights.space) };
	ssize_t got;
	int fd;

	if (channel->take < 0)
		return -1;
	do
		got = recvmsg(channel->take, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	const struct cmsghdr *header = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;

	if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -1;
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}
