/*
 * Holds many streams of events open from one thread, and counts what comes.
 *
 *	streams fastcgi SOCKET URI STREAMS SECONDS
 *	streams http PORT URI STREAMS SECONDS
 *
 * Prints "open" when each stream has had its first event, counts for that many
 * seconds from then on, and prints a line of JSON: streams that were open at the
 * end, those that were refused or broken off, and events.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, REQUEST = 1024, EVENTS = 256, PIECE = 65536, PATIENCE_MS = 60000, BATCH = 200 };

static const char mark[] = "data:"; /* begins each event's only line of data */

typedef struct stream {
	int      fd;
	unsigned matched; /* of the mark, at the end of what came so far */
	uint64_t events;
} stream;

static char     request[REQUEST];
static size_t   request_len;
static int      epoll_fd;
static stream  *streams;
static unsigned wanted, begun, ended; /* streams: all, with an event, closed */
static uint64_t events;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fatal(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- the request ----------------------------------------------------------- */

static void put(const void *data, size_t len)
{
	if (request_len + len > sizeof(request)) {
		fprintf(stderr, "streams: the URI is too long\n");
		exit(64);
	}
	memcpy(request + request_len, data, len);
	request_len += len;
}

static void put_record(int type, const void *content, size_t len)
{
	const unsigned char header[HEADER] = { 1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len };

	put(header, sizeof(header));
	if (len > 0)
		put(content, len);
}

static void make_fastcgi(const char *uri)
{
	static const char *const pairs[] = { "REQUEST_METHOD", "GET", "SERVER_PROTOCOL", "HTTP/1.1", "REMOTE_ADDR", "127.0.0.1",
		"HTTP_HOST", "localhost", "REQUEST_URI" };
	const char begin[8] = { 0, 1, 0 };
	char       params[512];
	size_t     len = 0, count = sizeof(pairs) / sizeof(pairs[0]);

	for (size_t i = 0; i < count; i += 2) {
		const char *value = i + 1 < count ? pairs[i + 1] : uri;

		params[len++] = (char)strlen(pairs[i]);
		params[len++] = (char)(strlen(value) & 127);
		len += (size_t)snprintf(params + len, sizeof(params) - len, "%s%.127s", pairs[i], value);
	}
	put_record(1, begin, sizeof(begin));
	put_record(4, params, len);
	put_record(4, NULL, 0);
	put_record(5, NULL, 0);
}

static void make_http(const char *uri)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "GET %.127s HTTP/1.1\r\nHost: localhost\r\n\r\n", uri);
	put(text, strlen(text));
}

/* ---- the streams ------------------------------------------------------------- */

static void lose(stream *s)
{
	close(s->fd);
	s->fd = -1;
	ended++;
}

/* Blocking, so that a full backlog is waited for; then watched. */
static void open_stream(stream *s, const struct sockaddr *address, socklen_t len)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

	s->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		fatal("socket");
	if (connect(s->fd, address, len) != 0)
		fatal("connect");
	if (send(s->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		lose(s);
	else if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s->fd, &event) != 0)
		fatal("epoll_ctl");
}

static void count(stream *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		s->matched = data[i] == mark[s->matched] ? s->matched + 1 : data[i] == mark[0];
		if (s->matched < sizeof(mark) - 1)
			continue;
		s->matched = 0;
		begun += s->events++ == 0;
		events++;
	}
}

static void readable(stream *s)
{
	static char piece[PIECE];
	ssize_t     got = recv(s->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (got > 0)
		count(s, piece, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		lose(s);
}

static void turn(int wait_ms)
{
	struct epoll_event found[EVENTS];
	int                ready = epoll_wait(epoll_fd, found, EVENTS, wait_ms);

	for (int i = 0; i < ready; i++)
		readable(found[i].data.ptr);
}

static void open_all(const struct sockaddr *address, socklen_t len)
{
	uint64_t until = now_ms() + PATIENCE_MS;

	for (unsigned i = 0; i < wanted; i++) {
		open_stream(&streams[i], address, len);
		if (i % BATCH == 0)
			turn(0);
	}
	while (begun + ended < wanted && now_ms() < until)
		turn(100);
	printf("open\n");
	(void)fflush(stdout);
}

static unsigned count_open(void)
{
	unsigned open = 0;

	for (unsigned i = 0; i < wanted; i++)
		open += streams[i].fd >= 0 && streams[i].events > 0;
	return open;
}

static void hold(unsigned seconds)
{
	uint64_t begins = now_ms(), until = begins + seconds * 1000;

	events = 0;
	while (now_ms() < until)
		turn(50);
	unsigned open = count_open();

	printf("{\"open\":%u,\"lost\":%u,\"events\":%" PRIu64 ",\"milliseconds\":%" PRIu64 "}\n", open, wanted - open,
	    events, now_ms() - begins);
}

static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct sockaddr_un unix_address = { .sun_family = AF_UNIX };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	if (argc != 6 || strlen(argv[2]) >= sizeof(unix_address.sun_path)) {
		fprintf(stderr, "usage: streams fastcgi|http SOCKET|PORT URI STREAMS SECONDS\n");
		return 64;
	}
	bool http = strcmp(argv[1], "http") == 0;

	(http ? make_http : make_fastcgi)(argv[3]);
	memcpy(unix_address.sun_path, argv[2], strlen(argv[2]) + 1);
	address.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	wanted = (unsigned)strtoul(argv[4], NULL, 10);
	streams = calloc(wanted, sizeof(*streams));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!streams || epoll_fd < 0)
		fatal("streams");
	raise_limit();
	if (http)
		open_all((const struct sockaddr *)&address, sizeof(address));
	else
		open_all((const struct sockaddr *)&unix_address, sizeof(unix_address));
	hold((unsigned)strtoul(argv[5], NULL, 10));
	free(streams);
	return 0;
}
