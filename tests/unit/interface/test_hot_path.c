/* The small JSON answer with the whole chain on: what it allocates, and what it costs. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <banyan/log.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "interface/server.h"
#include "unit/unit.h"

/* Sanitizers have an allocator of their own, which cannot be counted this way. */
#if defined(__GLIBC__) && !defined(BY_ASAN) && !defined(BY_TSAN) && !defined(BY_ARENA_DEBUG)
#define COUNTED 1

static bool          counting;
static unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	allocations += counting;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations += counting;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	allocations += counting;
	return __libc_realloc(old, size);
}
#endif

typedef struct greeting { const char *message; int64_t number; bool done; } greeting;
BY_DECLARE_MODEL(greeting);
static const by_field greeting_fields[] = {
	BY_FIELD(greeting, message),
	BY_FIELD(greeting, number),
	BY_FIELD(greeting, done),
};
BY_MODEL(greeting, greeting_fields);

typedef struct greet_in { const char *name; int32_t number; } greet_in;
BY_DECLARE_MODEL(greet_in);
static const by_field greet_in_fields[] = {
	BY_FIELD(greet_in, name, .max_length = 40),
	BY_FIELD(greet_in, number, .default_value = "7"),
};
BY_MODEL(greet_in, greet_in_fields);

static by_error *greet(by_ctx *ctx, const greet_in *in, greeting *out)
{
	(void)ctx;
	*out = (greeting){ in->name, in->number, true };
	return BY_OK;
}
BY_OPERATION(greet, greet_in, greeting);

static const by_route rows[] = { BY_ROUTE(GET, "/greetings/{name}", greet, .access = BY_PUBLIC) };
static BY_ROUTES(greetings, "Greetings", rows);
static const by_routes *const groups[] = { &greetings };
static const by_version       versions[] = { { "v1", "/api/v1", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

/* The variables that nginx sends with its stock fastcgi_params. */
static char *variables[] = {
	(char[]){ "QUERY_STRING=" }, (char[]){ "REQUEST_METHOD=GET" }, (char[]){ "CONTENT_TYPE=" }, (char[]){ "CONTENT_LENGTH=" },
	(char[]){ "SCRIPT_NAME=/api/v1/greetings/world" }, (char[]){ "REQUEST_URI=/api/v1/greetings/world" },
	(char[]){ "DOCUMENT_URI=/api/v1/greetings/world" }, (char[]){ "DOCUMENT_ROOT=/usr/share/nginx/html" },
	(char[]){ "SERVER_PROTOCOL=HTTP/1.1" }, (char[]){ "REQUEST_SCHEME=http" }, (char[]){ "GATEWAY_INTERFACE=CGI/1.1" },
	(char[]){ "SERVER_SOFTWARE=nginx/1.22.1" }, (char[]){ "REMOTE_ADDR=127.0.0.1" }, (char[]){ "REMOTE_PORT=54321" },
	(char[]){ "SERVER_ADDR=127.0.0.1" }, (char[]){ "SERVER_PORT=80" }, (char[]){ "SERVER_NAME=localhost" },
	(char[]){ "REDIRECT_STATUS=200" }, (char[]){ "HTTP_HOST=localhost" }, (char[]){ "HTTP_ACCEPT=*/*" },
	(char[]){ "HTTP_USER_AGENT=test" }, NULL
};

static size_t written;

static by_error *no_body(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got)
{
	(void)exchange;
	(void)ctx;
	(void)data;
	(void)capacity;
	*got = 0;
	return BY_OK;
}

static by_error *count_written(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len)
{
	(void)exchange;
	(void)ctx;
	(void)data;
	written += len;
	return BY_OK;
}

static by_error *flush_nothing(by__exchange *exchange, by_ctx *ctx)
{
	(void)exchange;
	(void)ctx;
	return BY_OK;
}

static const by__exchange_driver driver = { no_body, count_written, flush_nothing, NULL };

enum { WARM_UP = 100, ROUNDS = 20000, BLOCK = 4096 };

static by_arena *arena;

static void serve_one(by__server *server, by_ctx *outer)
{
	by__exchange exchange = { .driver = &driver, .env = variables };
	by_ctx      *ctx = by_ctx_new(arena);

	ctx->task = outer->task;
	by__server_serve(server, ctx, &exchange);
}

static by_error *serve_many(by_ctx *outer, void *server)
{
	for (int i = 0; i < WARM_UP; i++) {
		by_arena_reset(arena);
		serve_one(server, outer);
	}
#ifdef COUNTED
	counting = true;
#endif
	uint64_t start = by_clock();

	for (int i = 0; i < ROUNDS; i++) {
		by_arena_reset(arena);
		serve_one(server, outer);
	}
	uint64_t each = (by_clock() - start) / ROUNDS;

#ifdef COUNTED
	counting = false;
#endif
	by_arena_usage used = by_arena_used(arena);

	fprintf(stderr, "# one request took %llu ns, %zu arena allocations and %zu of their bytes\n", (unsigned long long)each,
	    used.allocations, used.bytes);
	return BY_OK;
}

START_TEST(a_small_answer_allocates_nothing_from_the_heap)
{
	const by__server_options options = {
		.body_max = 1 << 20, .request_timeout = BY_SECONDS(30), .body_timeout = BY_SECONDS(10), .access_log = true
	};
	by_arena   *own = by_arena_new(0);
	by__server *server = NULL;
	int         null = open("/dev/null", O_WRONLY);

	arena = by_arena_new(BLOCK);
	ck_ok(by_log_configure(own, "info", null));
	ck_ok(by__server_new(own, &app, &options, &server));
	ck_ok(by__runtime_block_on(own, serve_many, server));
	ck_assert_uint_gt(written, (size_t)ROUNDS * 200);
#ifdef COUNTED
	ck_assert_uint_eq(allocations, 0);
#else
	fprintf(stderr, "# not counted: this build has another allocator\n");
#endif
	close(null);
}
END_TEST

UNIT("hot_path", a_small_answer_allocates_nothing_from_the_heap);
