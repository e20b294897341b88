/*
 * The main() of a fuzz target in a build without libFuzzer: gives it files,
 * each whole and then cut at every length, as far as there are not too many.
 * Without arguments these are all of its corpus. Prints TAP.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { CUTS = 64, LARGEST = 1024 * 1024 };

/* In memory of just that size, so that a byte read behind it is seen. */
static void give(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	BY_REQUIRE(exact != NULL);
	if (size > 0)
		memcpy(exact, data, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void give_cut(const uint8_t *data, size_t size)
{
	size_t step = size / CUTS + 1;

	give(data, size);
	for (size_t len = 0; len < size; len += step)
		give(data, len);
}

static bool replay(const char *path)
{
	FILE    *file = fopen(path, "rb");
	uint8_t *data = malloc(LARGEST);
	size_t   size;

	BY_REQUIRE(data != NULL);
	if (!file) {
		free(data);
		return false;
	}
	size = fread(data, 1, LARGEST, file);
	fclose(file);
	give_cut(data, size);
	free(data);
	return true;
}

static int plain_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A crash ends the program before the file's line; the line above it names the file. */
static int replay_all(const char *folder, int count, const char *const *names)
{
	int failed = 0;

	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s%s%s", folder ? folder : "", folder ? "/" : "", names[i]);
		printf("# %s\n", path);
		(void)fflush(stdout);
		bool had = replay(path);

		printf("%sok %d - %s\n", had ? "" : "not ", i + 1, names[i]);
		failed += !had;
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char     *source = getenv("BY_SRCDIR");
	const char     *slash = strrchr(argv[0], '/');
	struct dirent **entries = NULL;
	char            folder[PATH_MAX];

	if (argc > 1)
		return replay_all(NULL, argc - 1, (const char *const *)argv + 1);
	(void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", source ? source : ".", slash ? slash + 1 : argv[0]);
	int count = scandir(folder, &entries, plain_name, alphasort);

	if (count <= 0) {
		printf("1..1\nnot ok 1 - no corpus in %s\n", folder);
		return EXIT_FAILURE;
	}
	const char **names = calloc((size_t)count, sizeof(*names));

	BY_REQUIRE(names != NULL);
	for (int i = 0; i < count; i++)
		names[i] = entries[i]->d_name;
	int code = replay_all(folder, count, names);

	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(names);
	return code;
}
