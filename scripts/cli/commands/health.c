/* health: asks the running application over its own socket, as a web server would; for probes and scripts. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fcgi/protocol.h"
#include "scripts/cli/cli.h"

enum { PATIENCE_MS = 3000, ANSWER = 64 * 1024 };

/* ---- connecting ------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return fd;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int connect_tcp(by_arena *arena, const char *address)
{
	char *host = by_copy(arena, address);
	char *colon = strrchr(host, ':');
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int fd;

	*colon = 0;
	if (*host == '[' && colon[-1] == ']') {
		colon[-1] = 0;
		host++;
	}
	if (getaddrinfo(*host && strcmp(host, "*") != 0 ? host : NULL, colon + 1, &wanted, &found) != 0)
		return -1;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

/* ---- one request ------------------------------------------------------------------- */

static void put_record(by_buf *out, uint8_t type, const char *content, size_t len)
{
	const char header[BY__FCGI_HEADER] = { BY__FCGI_VERSION, (char)type, 0, 1, (char)(len >> 8), (char)(len & 0xff), 0, 0 };

	by_put(out, header, sizeof(header));
	by_put(out, content, len);
}

static void put_pair(by_buf *out, const char *name, const char *value)
{
	by_put_char(out, (char)strlen(name));
	by_put_char(out, (char)strlen(value));
	by_put_string(out, name);
	by_put_string(out, value);
}

static bool ask(int fd, by_arena *arena, const char *uri)
{
	static const char begin[8] = { 0, BY__FCGI_RESPONDER, 0, 0, 0, 0, 0, 0 };
	by_buf params, out;

	by_buf_init(&params, arena, 0);
	put_pair(&params, "REQUEST_METHOD", "GET");
	put_pair(&params, "REQUEST_URI", uri);
	put_pair(&params, "SERVER_PROTOCOL", "HTTP/1.1");
	put_pair(&params, "REMOTE_ADDR", "127.0.0.1");
	by_buf_init(&out, arena, 0);
	put_record(&out, BY__FCGI_BEGIN, begin, sizeof(begin));
	put_record(&out, BY__FCGI_PARAMS, params.data, params.len);
	put_record(&out, BY__FCGI_PARAMS, "", 0);
	put_record(&out, BY__FCGI_STDIN, "", 0);
	return send(fd, out.data, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

/* All there is until the application closes, since the request did not ask to keep the connection. */
static size_t hear(int fd, char *answer)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (len < ANSWER && poll(&wait, 1, PATIENCE_MS) == 1 && (n = recv(fd, answer + len, ANSWER - len, 0)) > 0)
		len += (size_t)n;
	return len;
}

/* The status of the answer, whose header stands in the first record; 0: it is none. */
static int status_of(const char *answer, size_t len)
{
	static const char field[] = "Status: ";
	const char *at = len > BY__FCGI_HEADER ? memmem(answer, len, field, sizeof(field) - 1) : NULL;

	return at ? (int)strtol(at + sizeof(field) - 1, NULL, 10) : 0;
}

int by__command_health(by__cli *cli)
{
	const char *word = by__cli_word(cli);
	bool live = word && strcmp(word, "live") == 0;
	by__application *application;
	int code = by__cli_end(cli);

	if (code != 0)
		return code;
	if (!word || (!live && strcmp(word, "ready") != 0))
		return by__cli_usage(cli, "health of what?");
	if ((code = by__cli_application(cli, false, &application)) != 0)
		return code;
	const by__app_settings *s = &application->settings;
	bool is_unix = strncmp(s->listen, "unix:", 5) == 0;
	int fd = is_unix ? connect_unix(s->listen + 5) : connect_tcp(cli->arena, s->listen);
	char *answer = by_alloc(cli->arena, ANSWER + 1);
	const char *uri = by_format(cli->arena, "%s/%s", s->base_path, word);
	size_t len = fd >= 0 && ask(fd, cli->arena, uri) ? hear(fd, answer) : 0;

	if (fd < 0)
		by__cli_say(cli, "nothing listens at %s: %s", s->listen, strerror(errno));
	else
		close(fd);
	int status = status_of(answer, len);

	if (fd >= 0 && status != 200)
		by__cli_say(cli, status ? "not %s: it answers %d" : "not %s: it does not answer (%d)", word, status);
	return status == 200 ? 0 : 1;
}
