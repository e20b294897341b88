/*
 * The configuration file and .env: whatever they hold, loading them either
 * succeeds or says what is wrong, the same each time. The first byte says
 * which of the two the rest is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <banyan/settings.h>

#include "fcgi/settings.h"
#include "fuzz/fuzz.h"

static char directory[64];

static void remove_directory(void)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/.env", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void make_directory(void)
{
	const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(directory, sizeof(directory), "%s/by-fuzz-XXXXXX", where);
	BY_REQUIRE(mkdtemp(directory) != NULL && atexit(remove_directory) == 0);
}

static const char *written(by_arena *arena, by_text text)
{
	const char *path = by_format(arena, "%s/.env", directory);
	int         fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	BY_REQUIRE(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
	close(fd);
	return path;
}

/* What is shown of the settings, or of what is wrong with them. */
static const char *loaded(by_arena *arena, const by_settings_sources *sources)
{
	by__app_settings settings;
	by_settings_part part = { &by__app_settings_model, &settings };
	by_settings     *origins = NULL;
	by_error        *error = by_settings_load(arena, sources, &part, 1, &origins);
	by_buf           out;

	FUZZ_HOLDS(error == BY_OK || by_error_is(error, CONFIGURATION));
	if (error)
		return error->detail;
	by_buf_init(&out, arena, 0);
	by_settings_print(origins, true, &out);
	/* A secret is long enough to be told from chance, and stands in no other setting. */
	if (settings.jwt.key.value && strncmp(settings.jwt.key.value, "hidden-", 7) == 0)
		FUZZ_HOLDS(!strstr(by_buf_string(&out), settings.jwt.key.value));
	return by_buf_string(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool                is_file = fuzz_choice(&data, &size) != '.';
	by_arena           *arena = by_arena_new(0);
	by_settings_sources sources = { 0 };

	if (directory[0] == '\0')
		make_directory();
	const char *path = written(arena, fuzz_text(data, size));

	if (is_file)
		sources.file = path;
	else
		sources.directory = directory;
	const char *first = loaded(arena, &sources);
	const char *second = loaded(arena, &sources);

	FUZZ_HOLDS(first && second && strcmp(first, second) == 0);
	FUZZ_HOLDS(by_url_masked(arena, by_copy_text(arena, fuzz_text(data, size))) != NULL);
	by_arena_free(&arena);
	return 0;
}
