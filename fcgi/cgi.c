/*
 * Serves one request as a CGI program (RFC 3875). Nothing else runs in the
 * process, so its input and output may block; they are still timed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <banyan/assert.h>
#define BY_LOG_NAME "cgi"
#include <banyan/log.h>

#include "core/runtime.h"
#include "core/shared.h"
#include "fcgi/application.h"
#include "fcgi/cgi.h"
#include "fcgi/lone.h"

enum { OUTPUT = 16 * 1024, CGI_MAGIC = 0x63676920 /* "cgi " */ };

typedef struct cgi {
	uint32_t         magic;
	by__exchange     exchange;
	by__application *application;
	bool             answered;
	size_t           len;       /* waiting in output */
	char             output[OUTPUT];
} cgi;

static cgi *of(by__exchange *exchange)
{
	return BY_CHECKED((void *)((char *)exchange - offsetof(cgi, exchange)), cgi, CGI_MAGIC);
}

/* False: not within the time. */
static bool wait_for(int fd, short events, by_duration span)
{
	struct pollfd ask = { .fd = fd, .events = events };
	int ready;

	do
		ready = poll(&ask, 1, (int)(span.us / 1000));
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

static by_error *cgi_read(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got)
{
	cgi *c = of(exchange);

	BY_TRY(by_ctx_check(ctx));
	if (!wait_for(STDIN_FILENO, POLLIN, exchange->body_timeout))
		return by_fail(ctx, REQUEST_TIMEOUT, "The body did not arrive in time.");
	ssize_t n;

	do
		n = read(STDIN_FILENO, data, capacity);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		c->exchange.gone = true;
		return by_fail(ctx, CANCELLED, "The client has gone.");
	}
	*got = (size_t)n;
	return BY_OK;
}

static by_error *write_out(cgi *c, by_ctx *ctx, const char *data, size_t len)
{
	while (len > 0 && !c->exchange.gone) {
		ssize_t n = wait_for(STDOUT_FILENO, POLLOUT, c->application->settings.write_timeout)
		    ? write(STDOUT_FILENO, data, len) : -1;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->exchange.gone = true;
			break;
		}
		data += n;
		len -= (size_t)n;
	}
	return c->exchange.gone ? by_fail(ctx, CANCELLED, "The client has gone.") : BY_OK;
}

static by_error *cgi_flush(by__exchange *exchange, by_ctx *ctx)
{
	cgi *c = of(exchange);
	size_t len = c->len;

	c->len = 0;
	return write_out(c, ctx, c->output, len);
}

static by_error *cgi_write(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len)
{
	cgi *c = of(exchange);

	c->answered = c->answered || len > 0;
	if (len > OUTPUT - c->len)
		BY_TRY(cgi_flush(exchange, ctx));
	if (len > OUTPUT)
		return write_out(c, ctx, data, len);
	memcpy(c->output + c->len, data, len);
	c->len += len;
	return BY_OK;
}

static const by__exchange_driver cgi_driver = { cgi_read, cgi_write, cgi_flush, NULL };

/*
 * Takes what is left of the body and throws it away. A web server that is still
 * sending it reads no answer yet, and where input and output are one socket
 * (Apache's mod_cgid) the answer would be lost with the unread bytes.
 */
static void drain(const cgi *c)
{
	char piece[OUTPUT];
	ssize_t n = 1;

	while (!c->exchange.gone && n != 0 && wait_for(STDIN_FILENO, POLLIN, c->application->settings.body_timeout)) {
		n = read(STDIN_FILENO, piece, sizeof(piece));
		if (n < 0 && errno != EINTR)
			return;
	}
}

/* The same for every fault of the set-up: what is wrong is for the log, not for the client. */
static void answer_failure(cgi *c, by_ctx *ctx, by_error *error)
{
	static const char unavailable[] =
	    "Status: 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n\r\n"
	    "{\"type\":\"/problems/unavailable\",\"title\":\"Service Unavailable\",\"status\":503,"
	    "\"detail\":\"The service is not available for the moment.\"}";

	(void)by__application_failed(c->application->app, error);
	BY_IGNORE(cgi_write(&c->exchange, ctx, unavailable, sizeof(unavailable) - 1), "nobody is left to be told");
}

static by_error *serve_with(by_ctx *ctx, cgi *c)
{
	const by_app *app = c->application->app;

	if (app->start)
		BY_TRY(app->start(ctx));
	(void)by__server_serve(c->application->server, ctx, &c->exchange);
	return BY_OK;
}

/*
 * lighttpd ends the program by SIGTERM as soon as it has the answer: the signal
 * waits until the log is written, and then may come.
 */
static by_error *send_last(cgi *c, by_ctx *ctx)
{
	sigset_t term;
	by_error *error;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &term, NULL);
	error = cgi_flush(&c->exchange, ctx);
	by_log_flush();
	(void)pthread_sigmask(SIG_UNBLOCK, &term, NULL);
	drain(c);
	return error;
}

static by_error *run(by_ctx *ctx, void *argument)
{
	cgi *c = argument;
	by_providers providers;
	by_error *error = by__application_open(c->application, ctx->arena, &providers);

	if (!error) {
		ctx->providers = &providers;
		error = serve_with(ctx, c);
		by__application_close(&providers);
	}
	if (error && !c->answered)
		answer_failure(c, ctx, error);
	return send_last(c, ctx);
}

int by__cgi_run(by_arena *arena, const by_app *app)
{
	cgi *c = BY_NEW(arena, cgi);
	const by__settings_from nowhere = { 0 };
	by_error *error;
	uint32_t slot;

	(void)signal(SIGPIPE, SIG_IGN);
	c->magic = CGI_MAGIC;
	c->exchange = (by__exchange){ .driver = &cgi_driver, .env = environ, .received = by_clock() };
	error = by__application_new(arena, app, &nowhere, &c->application);
	if (!error)
		error = by__application_compile(c->application);
	if (error) {
		/* Said in full in the web server's error log; its answer is a 500 of its own. */
		return by__application_failed(app, error);
	}
	by__lone_join(c->application, &slot);
	atomic_store(&by__shared_slot()->state, BY__WORKER_READY);
	atomic_store(&by__shared_get()->ready, 1);
	error = by__runtime_block_on(arena, run, c);
	atomic_store(&by__shared_slot()->state, BY__WORKER_FREE);
	by_log_flush();
	return error && !by_error_is(error, CANCELLED) ? 1 : 0;
}
