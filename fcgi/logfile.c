/* Puts a file in the place of standard error. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fcgi/logfile.h"

bool by__logfile_reopen(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);

	if (fd < 0)
		return false;
	/* Atomic: no line of another thread finds standard error closed. */
	bool done = fd == STDERR_FILENO || dup2(fd, STDERR_FILENO) >= 0;

	int code = errno;

	if (fd != STDERR_FILENO)
		close(fd);
	errno = code;
	return done;
}

by_error *by__logfile_open(by_arena *arena, const char *path)
{
	if (by__logfile_reopen(path))
		return BY_OK;
	return by_error_new(arena, UNAVAILABLE, "LOG_FILE: %s cannot be opened: %s.", path, strerror(errno));
}
