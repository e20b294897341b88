/* Finds the path of the program as a shell would have: as written when it holds a slash, else along PATH. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fcgi/program.h"

static struct {
	char *const *words;
	const char  *path;
} program;

static const char *absolute(by_arena *arena, const char *path)
{
	char here[4096];

	if (*path == '/' || !getcwd(here, sizeof(here)))
		return by_copy(arena, path);
	return by_format(arena, "%s/%s", here, path);
}

static const char *along_path(by_arena *arena, const char *name)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");
		const char *path = by_format(arena, "%.*s/%s", (int)(len ? len : 1), len ? at : ".", name);

		if (access(path, X_OK) == 0)
			return absolute(arena, path);
		at += len + (at[len] == ':');
	}
	return NULL;
}

void by__program_note(by_arena *arena, char **argv)
{
	const char *path = argv[0] ? (strchr(argv[0], '/') ? absolute(arena, argv[0]) : along_path(arena, argv[0])) : NULL;

	/* Executed by /proc/self/exe, it would be listed as "exe". */
	if (argv[0])
		(void)prctl(PR_SET_NAME, strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
	program.words = argv;
	program.path = path ? path : BY__PROGRAM_SELF;
}

char *const *by__program_words(void)
{
	return program.words;
}

const char *by__program_path(void)
{
	return program.path;
}
