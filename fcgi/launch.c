/*
 * Telling the launches apart. A web server that starts FastCGI programs passes
 * them a listening socket as descriptor 0 and perhaps a leftover CGI
 * environment, so the socket is looked at first.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/number.h"
#include "fcgi/launch.h"
#include "fcgi/protocol.h"

enum { PASSED_FIRST = 3 }; /* sd_listen_fds(3): the first passed descriptor */

bool by__launch_listens(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}

static bool number_of(const char *name, int64_t *number)
{
	const char *text = getenv(name);

	return text && by__int_parse((by_text){ text, strlen(text) }, number);
}

/* How many were passed to this process. */
static int passed_count(void)
{
	int64_t pid, count;

	if (!number_of("LISTEN_PID", &pid) || pid != getpid() || !number_of("LISTEN_FDS", &count) || count < 1 || count > 1000)
		return 0;
	return (int)count;
}

int by__launch_passed(void)
{
	return passed_count() > 0 && by__launch_listens(PASSED_FIRST) ? PASSED_FIRST : -1;
}

int by__launch_passed_as(const char *name, bool only)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = passed_count();

	for (int i = 0; names && i < count; i++) {
		size_t len = strcspn(names, ":");

		if (len == strlen(name) && strncmp(names, name, len) == 0 && by__launch_listens(PASSED_FIRST + i))
			return PASSED_FIRST + i;
		names = names[len] ? names + len + 1 : NULL;
	}
	return only && count == 1 ? by__launch_passed() : -1;
}

/* RFC 3875: both are always set. */
static bool is_request(void)
{
	return getenv("GATEWAY_INTERFACE") && getenv("REQUEST_METHOD");
}

by__launch by__launch_tell(int argc)
{
	int passed = by__launch_passed();

	/* A client's query without "=" is passed as a CGI program's words (RFC 3875 section 4.4): they are no command. */
	if (argc > 1 && !is_request())
		return (by__launch){ .kind = BY__LAUNCH_COMMAND, .listener = -1 };
	if (by__launch_listens(BY__FCGI_LISTEN))
		return (by__launch){ .kind = BY__LAUNCH_WORKER, .listener = BY__FCGI_LISTEN };
	if (passed >= 0)
		return (by__launch){ .kind = BY__LAUNCH_WORKER, .listener = passed };
	if (is_request())
		return (by__launch){ .kind = BY__LAUNCH_CGI, .listener = -1 };
	return (by__launch){ .kind = BY__LAUNCH_HELP, .listener = -1 };
}
