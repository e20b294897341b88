/* Making directories, from the outermost in. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fcgi/directory.h"

by_error *by__directory_make(by_arena *arena, const char *path, mode_t mode)
{
	char *part = by_copy(arena, path);

	for (char *at = part + (*part != 0); ; at++) {
		char end = *at;

		if (end != '/' && end != 0)
			continue;
		*at = 0;
		if (*part && mkdir(part, mode) != 0 && errno != EEXIST)
			return by_error_new(arena, UNAVAILABLE, "The directory %s cannot be made: %s.", part, strerror(errno));
		if (end == 0)
			return BY_OK;
		*at = end;
	}
}

by_error *by__directory_of(by_arena *arena, const char *file, mode_t mode)
{
	char *directory = by_copy(arena, file);
	char *slash = strrchr(directory, '/');

	if (!slash || slash == directory)
		return BY_OK;
	*slash = 0;
	return by__directory_make(arena, directory, mode);
}
