/* One datagram per notice to the socket that NOTIFY_SOCKET names. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/number.h"
#include "fcgi/supervisor/notify.h"

/* False: none, or not one that can be. */
static bool address_of(struct sockaddr_un *address, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size = path ? strlen(path) : 0;

	if (size < 2 || size >= sizeof(address->sun_path) || (*path != '/' && *path != '@'))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, path, size);
	/* An abstract one begins with a NUL, and has no NUL at its end (unix(7)). */
	if (*path == '@')
		address->sun_path[0] = 0;
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*path == '/'));
	return true;
}

void by__notify(const char *lines)
{
	struct sockaddr_un address;
	socklen_t len;

	if (!address_of(&address, &len))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	(void)!sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
	close(fd);
}

void by__notify_reloading(void)
{
	struct timespec now;
	char lines[96];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	by__notify(lines);
}

static bool number_of(const char *name, int64_t *number)
{
	const char *text = getenv(name);

	return text && by__int_parse((by_text){ text, strlen(text) }, number);
}

uint64_t by__notify_watchdog(void)
{
	int64_t microseconds, pid;

	if (!number_of("WATCHDOG_USEC", &microseconds) || microseconds <= 0)
		return 0;
	if (number_of("WATCHDOG_PID", &pid) && pid != getpid())
		return 0;
	return (uint64_t)microseconds * 1000;
}

void by__notify_forget(void)
{
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}
