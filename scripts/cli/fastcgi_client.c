/* The smallest FastCGI client that there can be: one request, one connection, no options. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <banyan/buf.h>

#include "fcgi/protocol.h"
#include "scripts/cli/fastcgi_client.h"

enum { PATIENCE_MS = 3000, ANSWER_MOST = 1024 * 1024 };

/* ---- connecting ------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int reason = errno;

	close(fd);
	errno = reason;
	return -1;
}

static int connect_first(const struct addrinfo *found)
{
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) == 0)
		return fd;
	int reason = errno;

	close(fd);
	errno = reason;
	return -1;
}

static int connect_tcp(by_arena *arena, const char *address)
{
	char *host = by_copy(arena, address);
	char *colon = strrchr(host, ':');
	const struct addrinfo wanted = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int fd;

	errno = EINVAL;
	if (!colon)
		return -1;
	*colon = 0;
	if (*host == '[' && colon[-1] == ']') {
		colon[-1] = 0;
		host++;
	}
	if (getaddrinfo(*host && strcmp(host, "*") != 0 ? host : NULL, colon + 1, &wanted, &found) != 0)
		return -1;
	fd = connect_first(found);
	int reason = errno;

	freeaddrinfo(found);
	errno = reason;
	return fd;
}

int by__fastcgi_connect(by_arena *arena, const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? connect_unix(address + 5) : connect_tcp(arena, address);
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
static void hear(int fd, by_buf *answer)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char piece[16 * 1024];
	ssize_t n;

	while (answer->len < ANSWER_MOST && poll(&wait, 1, PATIENCE_MS) == 1 && (n = recv(fd, piece, sizeof(piece), 0)) > 0)
		by_put(answer, piece, (size_t)n);
}

/* The contents of the STDOUT records, one behind the other. */
static void unpack(const by_buf *records, by_buf *out)
{
	size_t at = 0;

	while (records->len - at >= BY__FCGI_HEADER) {
		const unsigned char *header = (const unsigned char *)records->data + at;
		size_t content = (size_t)header[4] << 8 | header[5], padding = header[6];

		at += BY__FCGI_HEADER;
		if (content + padding > records->len - at)
			return;
		if (header[1] == BY__FCGI_STDOUT)
			by_put(out, records->data + at, content);
		at += content + padding;
	}
}

by__fastcgi_answer by__fastcgi_get(by_arena *arena, int fd, const char *uri)
{
	static const char field[] = "Status: ", gap[] = "\r\n\r\n";
	by__fastcgi_answer answer = { .body = "" };
	by_buf records, out;

	by_buf_init(&records, arena, 0);
	by_buf_init(&out, arena, 0);
	if (ask(fd, arena, uri))
		hear(fd, &records);
	close(fd);
	unpack(&records, &out);
	const char *text = by_buf_string(&out), *body = strstr(text, gap);

	if (!body || strncmp(text, field, sizeof(field) - 1) != 0)
		return answer;
	answer.status = (int)strtol(text + sizeof(field) - 1, NULL, 10);
	answer.body = body + sizeof(gap) - 1;
	answer.len = out.len - (size_t)(answer.body - text);
	return answer;
}
