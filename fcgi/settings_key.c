/* The key that tokens are verified with: as set, or, in development, made once and kept in a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <banyan/buf.h>
#include <banyan/id.h>

#include "fcgi/directory.h"
#include "fcgi/settings.h"

static by_error *file_failed(by_arena *arena, const char *path, const char *what)
{
	return by_error_new(arena, UNAVAILABLE, "%s cannot be %s: %s.", path, what, strerror(errno));
}

enum { KEY_BYTES = 32, KEY_TEXT = 43 };

static by_error *key_read(by_arena *arena, const char *path, int fd, const char **key)
{
	char *text = by_alloc(arena, KEY_TEXT + 1);
	struct stat about;
	bool good = fstat(fd, &about) == 0 && read(fd, text, KEY_TEXT) == KEY_TEXT;

	close(fd);
	if (!good)
		return by_error_new(arena, CONFIGURATION, "%s does not hold a key; remove it, and a new one is made.", path);
	if (about.st_mode & (S_IRWXG | S_IRWXO))
		return by_error_new(arena, CONFIGURATION, "%s can be read by others; remove it, and a new one is made.", path);
	*key = text;
	return BY_OK;
}

/* Written beside and linked into place: of two processes that start at once, both read the same whole file. */
static by_error *key_make(by_arena *arena, const char *path)
{
	const char *beside = by_format(arena, "%s.%d", path, (int)getpid());
	uint8_t bytes[KEY_BYTES];
	by_buf text;

	by_random(bytes, sizeof(bytes));
	by_buf_init(&text, arena, 0);
	by_put_base64url(&text, (by_bytes){ bytes, sizeof(bytes) });
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return file_failed(arena, beside, "made");
	bool written = write(fd, text.data, text.len) == (ssize_t)text.len && fsync(fd) == 0;

	close(fd);
	if (!written || (link(beside, path) != 0 && errno != EEXIST)) {
		by_error *error = file_failed(arena, path, "written");

		unlink(beside);
		return error;
	}
	unlink(beside);
	return BY_OK;
}

by_error *by__settings_key(by_arena *arena, const by__app_settings *s, by__jwt_key *out)
{
	*out = (by__jwt_key){ .algorithm = s->jwt.algorithm, .key = s->jwt.key.value };
	if ((out->key && *out->key) || s->app_env != by__app_env_dev)
		return BY_OK;
	const char *path = by_format(arena, "%s/dev-jwt.key", s->data_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		BY_TRY(by__directory_make(arena, s->data_dir, BY__DATA_DIRECTORY));
		BY_TRY(key_make(arena, path));
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return file_failed(arena, path, "read");
	out->algorithm = by__algorithm_HS256;
	out->file = path;
	return key_read(arena, path, fd, &out->key);
}
