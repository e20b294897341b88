/*
 * A loader that loses no count: many kept FastCGI connections to one unix
 * socket, each with one request at a time, from one thread. What becomes of
 * every request is told at the end as a line of JSON, and of those that were
 * lost, whose connection it was.
 *
 *	load SOCKET URI REQUESTS CONNECTIONS SECONDS [again]
 *
 * REQUESTS 0: as many as fit in SECONDS, which bound it in any case. URI is one
 * that answers {"pid":…}. With "again" a request on a connection that has
 * answered before, and that ends without a byte of an answer, is sent once more
 * on a new one, as web servers do: the worker may have closed it while idle.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 8, ANSWER = 16 * 1024, EVENTS = 64, PIDS = 65536, REQUEST = 2048, SLOW_MS = 1000 };

typedef struct connection {
	int      fd;
	bool     outstanding; /* a request was sent and its end has not come */
	bool     again;       /* it is being sent for the second time */
	unsigned answers;     /* on this connection */
	long     pid;         /* who answered last on it; 0: nobody yet */
	uint64_t sent;        /* when */
	size_t   len;
	char     answer[ANSWER];
} connection;

typedef struct counts {
	uint64_t sent, ok, lost, failed, again, connects, refused, slowest_us;
} counts;

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char       request[REQUEST];
static size_t     request_len;
static counts     count;
static uint64_t   wanted;  /* requests; 0: no bound */
static uint64_t   until;   /* on the monotonic clock, in microseconds */
static bool       resend;
static int        events_fd;
static bool       answered_by[4 * 1024 * 1024]; /* by pid */
static uint64_t   pids;
static long       lost_of[PIDS]; /* the pid of each lost request; 0: not known */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void fatal(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- the request --------------------------------------------------------- */

static void put(const void *data, size_t len)
{
	if (request_len + len > sizeof(request)) {
		fprintf(stderr, "load: the URI is too long\n");
		exit(2);
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

static size_t put_pair(char *out, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);

	if (value_len > 127)
		fatal("load: the URI is too long");
	out[0] = (char)name_len;
	out[1] = (char)value_len;
	memcpy(out + 2, name, name_len);
	memcpy(out + 2 + name_len, value, value_len);
	return 2 + name_len + value_len;
}

static void make_request(const char *uri)
{
	static const char *const names[][2] = { { "REQUEST_METHOD", "GET" }, { "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "REMOTE_ADDR", "127.0.0.1" }, { "HTTP_HOST", "localhost" }, { "CONTENT_LENGTH", "" } };
	const char begin[8] = { 0, 1, 1 };
	char params[1024];
	size_t len = put_pair(params, "REQUEST_URI", uri);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		len += put_pair(params + len, names[i][0], names[i][1]);
	put_record(1, begin, sizeof(begin));
	put_record(4, params, len);
	put_record(4, NULL, 0);
	put_record(5, NULL, 0);
}

/* ---- connections --------------------------------------------------------- */

static bool more_to_send(void)
{
	return (wanted == 0 || count.sent < wanted) && now_us() < until;
}

static void lose(const connection *c)
{
	if (count.lost < PIDS)
		lost_of[count.lost] = c->pid;
	count.lost++;
}

static void end(connection *c)
{
	close(c->fd);
	c->fd = -1;
	c->outstanding = false;
}

/* A listening socket whose queue is full refuses; it is asked again. */
static void open_connection(connection *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		fatal("socket");
	while (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED && errno != ENOENT)
			fatal("connect");
		count.refused++;
		if (now_us() > until + 30000000)
			fatal("connect");
		(void)usleep(1000);
	}
	count.connects++;
	c->answers = 0;
	c->pid = 0;
	if (epoll_ctl(events_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		fatal("epoll_ctl");
}

/* What is not sent whole finds out when it reads. */
static void send_request(connection *c, bool again)
{
	if (c->fd < 0)
		open_connection(c);
	c->outstanding = true;
	c->again = again;
	c->len = 0;
	c->sent = now_us();
	count.sent += !again;
	count.again += again;
	(void)!send(c->fd, request, request_len, MSG_NOSIGNAL);
}

static void next(connection *c)
{
	if (more_to_send())
		send_request(c, false);
	else if (c->fd >= 0)
		end(c);
}

static void broken(connection *c)
{
	bool outstanding = c->outstanding;
	bool again = outstanding && resend && !c->again && c->answers > 0 && c->len == 0;

	if (outstanding && !again)
		lose(c);
	end(c);
	if (again)
		send_request(c, true);
	else
		next(c);
}

/* ---- answers --------------------------------------------------------------- */

static void judge(connection *c, const char *out, size_t len)
{
	const char *pid = memmem(out, len, "\"pid\":", 6);
	uint64_t took = now_us() - c->sent;

	if (len < 11 || memcmp(out, "Status: 200", 11) != 0 || !pid) {
		count.failed++;
	} else {
		count.ok++;
		c->pid = strtol(pid + 6, NULL, 10);
		if (c->pid > 0 && (size_t)c->pid < sizeof(answered_by) && !answered_by[c->pid]) {
			answered_by[c->pid] = true;
			pids++;
		}
	}
	if (took > count.slowest_us)
		count.slowest_us = took;
	c->answers++;
	c->outstanding = false;
}

/* Whether the answer is whole; then it has been counted. */
static bool take_answer(connection *c)
{
	char out[ANSWER];
	size_t len = 0, at = 0;

	while (c->len - at >= HEADER) {
		const unsigned char *header = (const unsigned char *)c->answer + at;
		size_t content = (size_t)header[4] << 8 | header[5];
		size_t whole = HEADER + content + header[6];

		if (c->len - at < whole)
			return false;
		if (header[1] == 3) {
			judge(c, out, len);
			return true;
		}
		if (header[1] == 6) {
			memcpy(out + len, header + HEADER, content);
			len += content;
		}
		at += whole;
	}
	return false;
}

static void readable(connection *c)
{
	ssize_t got;

	if (c->fd < 0)
		return;
	while ((got = recv(c->fd, c->answer + c->len, sizeof(c->answer) - c->len, MSG_DONTWAIT)) > 0) {
		c->len += (size_t)got;
		if (c->outstanding && take_answer(c)) {
			/* As a web server does: a connection that was closed behind its answer is not used again. */
			char none;

			if (recv(c->fd, &none, 1, MSG_DONTWAIT | MSG_PEEK) == 0)
				end(c);
			next(c);
			return;
		}
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		broken(c);
}

/* ---- the whole -------------------------------------------------------------- */

static unsigned open_count(const connection *all, unsigned number)
{
	unsigned open = 0;

	for (unsigned i = 0; i < number; i++)
		open += all[i].fd >= 0;
	return open;
}

static void run(connection *all, unsigned number)
{
	struct epoll_event found[EVENTS];

	for (unsigned i = 0; i < number; i++) {
		all[i].fd = -1;
		next(&all[i]);
	}
	while (open_count(all, number) > 0) {
		int ready = epoll_wait(events_fd, found, EVENTS, SLOW_MS);

		for (int i = 0; i < ready; i++)
			readable(found[i].data.ptr);
		/* Nothing was answered long after the end: what is still outstanding is lost. */
		if (ready == 0 && now_us() > until + 30000000)
			for (unsigned i = 0; i < number; i++)
				if (all[i].fd >= 0)
					broken(&all[i]);
	}
}

static void report(uint64_t begun)
{
	printf("{\"sent\":%" PRIu64 ",\"ok\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"again\":%" PRIu64
	       ",\"connects\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"workers\":%" PRIu64 ",\"seconds\":%.2f,\"slowest_ms\":%.1f"
	       ",\"lost_of\":[",
	    count.sent, count.ok, count.lost, count.failed, count.again, count.connects, count.refused, pids,
	    (double)(now_us() - begun) / 1e6, (double)count.slowest_us / 1e3);
	for (uint64_t i = 0; i < count.lost && i < PIDS; i++)
		printf("%s%ld", i > 0 ? "," : "", lost_of[i]);
	printf("]}\n");
}

int main(int argc, char **argv)
{
	uint64_t begun = now_us();

	if (argc < 6 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: load SOCKET URI REQUESTS CONNECTIONS SECONDS [again]\n");
		return 64;
	}
	unsigned number = (unsigned)strtoul(argv[4], NULL, 10);
	connection *all = calloc(number, sizeof(*all));

	memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	make_request(argv[2]);
	wanted = strtoull(argv[3], NULL, 10);
	until = begun + strtoull(argv[5], NULL, 10) * 1000000;
	resend = argc > 6;
	events_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!all || events_fd < 0)
		fatal("load");
	run(all, number);
	report(begun);
	free(all);
	return 0;
}
