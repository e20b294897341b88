/*
 * All that a web server may send on a connection: through the gate, the guard,
 * libfcgi and the body's reader to a handler, and its answer back. The input
 * is a byte that says how it is sent and handled, and then the stream itself.
 */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <banyan/log.h>

#include "core/runtime.h"
#include "fcgi/worker/gate.h"
#include "fcgi/worker/library.h"
#include "fcgi/protocol.h"
#include "fuzz/fuzz.h"

/* The bits of the first byte. */
enum {
	PIECES = 0x0f,     /* 0: all in one write; else in pieces of so many times PIECE bytes */
	HALF_CLOSED = 0x10, /* the web server still reads when it has sent all */
	UNREAD = 0x20,     /* the handler leaves the body alone */
	LATE = 0x40,       /* it reads only after it has let others run */
	LARGE = 0x80       /* its answer is larger than libfcgi's buffer */
};
enum { PIECE = 5, TURNS_MOST = 20000, ANSWER_MOST = 4 * 1024 * 1024 };

static by__gate *gate;
static struct sockaddr_un address;
static socklen_t address_len;
static uint8_t how;
static unsigned served;

static by_error *read_all(by_ctx *ctx, by__exchange *exchange)
{
	char piece[700];
	size_t got;

	do {
		BY_TRY(exchange->driver->read(exchange, ctx, piece, sizeof(piece), &got));
		FUZZ_HOLDS(got <= sizeof(piece));
	} while (got > 0);
	return BY_OK;
}

static by_error *handle(by_ctx *ctx, by__exchange *exchange)
{
	static const char head[] = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n";
	static const char filler[3001];

	for (char *const *variable = exchange->env; *variable; variable++)
		FUZZ_HOLDS(strchr(*variable, '=') != NULL);
	if (how & LATE)
		BY_TRY(by_yield(ctx));
	if (!(how & UNREAD))
		BY_TRY(read_all(ctx, exchange));
	BY_TRY(exchange->driver->write(exchange, ctx, head, sizeof(head) - 1));
	for (int i = 0; i < (how & LARGE ? 7 : 1); i++)
		BY_TRY(exchange->driver->write(exchange, ctx, filler, sizeof(filler)));
	return how & LATE ? exchange->driver->flush(exchange, ctx) : BY_OK;
}

static bool serve(void *server, by_ctx *ctx, by__exchange *exchange)
{
	(void)server;
	served++;
	return handle(ctx, exchange) == BY_OK;
}

static bool is_urgent(void *server, by_text target)
{
	(void)server;
	return target.len > 0 && target.ptr[0] == '!';
}

/* A listening socket without a name in any folder. */
static int listen_somewhere(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	address.sun_family = AF_UNIX;
	BY_REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)) == 0 && listen(fd, 8) == 0);
	address_len = sizeof(address);
	BY_REQUIRE(getsockname(fd, (struct sockaddr *)&address, &address_len) == 0);
	return fd;
}

/* What a worker does at its start, once. */
static void open_gate(void)
{
	by_arena *arena = fuzz_kept();
	const by__gate_options options = { .serve = serve, .head_timeout = BY_SECONDS(60), .body_timeout = BY_SECONDS(60),
		.write_timeout = BY_SECONDS(60), .listener = listen_somewhere(), .channel = BY__NO_CHANNEL, .slot = by__shared_slot(),
		.urgent = is_urgent, .requests_max = 1000, .queue_max = 1000, .queue_timeout = BY_SECONDS(60) };

	(void)signal(SIGPIPE, SIG_IGN);
	BY_REQUIRE(by_log_configure(arena, "off", STDERR_FILENO) == BY_OK);
	BY_REQUIRE(by__fcgx_open(arena) == BY_OK);
	BY_REQUIRE(by__runtime_open(arena, NULL) == BY_OK);
	BY_REQUIRE(by__gate_open(arena, &options, &gate) == BY_OK);
}

typedef struct peer {
	int      fd;
	uint8_t *answer;
	size_t   len;
} peer;

/* Takes what has been answered, while the loop turns once. */
static void turn(peer *p)
{
	ssize_t got;

	uv_run(by__loop(), UV_RUN_NOWAIT);
	while (p->fd >= 0 && (got = recv(p->fd, p->answer + p->len, ANSWER_MOST - p->len, MSG_DONTWAIT)) > 0)
		p->len += (size_t)got;
}

static void send_all(peer *p, const uint8_t *data, size_t size)
{
	size_t most = how & PIECES ? (how & PIECES) * PIECE : size;

	for (int turns = 0; size > 0 && turns < TURNS_MOST; turns++) {
		ssize_t sent = send(p->fd, data, size < most ? size : most, MSG_DONTWAIT | MSG_NOSIGNAL);

		turn(p);
		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
	}
}

/* Records of the types that an application may send, each whole but perhaps the last. */
static void check_answer(const uint8_t *at, size_t left)
{
	while (left >= BY__FCGI_HEADER) {
		size_t whole = BY__FCGI_HEADER + (size_t)(at[4] << 8 | at[5]) + at[6];

		FUZZ_HOLDS(at[0] == BY__FCGI_VERSION);
		FUZZ_HOLDS(at[1] == BY__FCGI_END || at[1] == BY__FCGI_STDOUT || at[1] == 7 || at[1] == BY__FCGI_GET_VALUES_RESULT
		    || at[1] == BY__FCGI_UNKNOWN_TYPE);
		if (whole > left)
			break;
		at += whole;
		left -= whole;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t answer[ANSWER_MOST];
	peer p = { .answer = answer };
	int turns = 0;

	if (!gate)
		open_gate();
	how = fuzz_choice(&data, &size);
	p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BY_REQUIRE(p.fd >= 0 && connect(p.fd, (struct sockaddr *)&address, address_len) == 0);
	turn(&p);
	send_all(&p, data, size);
	if (how & HALF_CLOSED) {
		BY_REQUIRE(shutdown(p.fd, SHUT_WR) == 0 || errno == ENOTCONN);
		for (int i = 0; i < 6; i++)
			turn(&p);
	}
	close(p.fd);
	p.fd = -1;
	/* With the web server gone nothing is waited for, whatever it had sent. */
	while (by__gate_count(gate) > 0 && turns++ < TURNS_MOST)
		turn(&p);
	FUZZ_HOLDS(by__gate_count(gate) == 0);
	FUZZ_HOLDS(by__runtime_used().coroutines == 0);
	check_answer(answer, p.len);
	return 0;
}
