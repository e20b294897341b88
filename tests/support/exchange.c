/* The gateway in memory, and a small parser for the CGI headers it is given. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <banyan/assert.h>
#include <banyan/task.h>

#include "core/runtime.h"
#include "support/exchange.h"

enum { VARIABLES_MAX = 64 };

typedef struct memory_exchange {
	by__exchange base;
	const char  *body;
	size_t       left;
	size_t       piece;
	bool         silent;
	bool         leaves;
	size_t       takes;
	by_buf       answer;
	unsigned     writes;
	unsigned     reads;
} memory_exchange;

static by_error *memory_read(by__exchange *exchange, by_ctx *ctx, char *data, size_t capacity, size_t *got)
{
	memory_exchange *memory = (memory_exchange *)exchange;
	size_t           count = memory->left < capacity ? memory->left : capacity;

	memory->reads++;
	if (memory->leaves) {
		exchange->gone = true;
		return by_fail(ctx, CANCELLED, "The client has gone.");
	}
	if (count == 0 && memory->silent)
		return by_sleep(ctx, BY_SECONDS(600));
	if (memory->piece > 0 && count > memory->piece)
		count = memory->piece;
	if (count > 0)
		memcpy(data, memory->body, count);
	memory->body += count;
	memory->left -= count;
	*got = count;
	return BY_OK;
}

static by_error *memory_write(by__exchange *exchange, by_ctx *ctx, const char *data, size_t len)
{
	memory_exchange *memory = (memory_exchange *)exchange;

	memory->writes++;
	if (memory->takes > 0 && memory->answer.len + len > memory->takes) {
		by_put(&memory->answer, data, memory->takes - memory->answer.len);
		memory->takes = 0;
		return by_sleep(ctx, BY_SECONDS(600));
	}
	by_put(&memory->answer, data, len);
	return BY_OK;
}

static by_error *memory_flush(by__exchange *exchange, by_ctx *ctx)
{
	(void)exchange;
	(void)ctx;
	return BY_OK;
}

static const by__exchange_driver memory_driver = { memory_read, memory_write, memory_flush, NULL };

static char **environment_of(by_arena *arena, const test_request *request, size_t body_len)
{
	char **env = BY_NEW_ARRAY(arena, char *, VARIABLES_MAX);
	size_t count = 0;

	env[count++] = by_format(arena, "REQUEST_METHOD=%s", request->method ? request->method : "GET");
	if (request->target != NULL)
		env[count++] = by_format(arena, "REQUEST_URI=%s", request->target);
	env[count++] = by_format(arena, "REMOTE_ADDR=192.0.2.7");
	if (request->body != NULL && request->content_type == NULL)
		env[count++] = by_format(arena, "CONTENT_TYPE=application/json");
	else if (request->content_type != NULL && request->content_type[0] != '\0')
		env[count++] = by_format(arena, "CONTENT_TYPE=%s", request->content_type);
	if (request->content_length != NULL)
		env[count++] = by_format(arena, "CONTENT_LENGTH=%s", request->content_length);
	else if (request->body != NULL)
		env[count++] = by_format(arena, "CONTENT_LENGTH=%zu", body_len);
	for (size_t i = 0; request->variables != NULL && request->variables[i] != NULL; i++) {
		BY_REQUIRE(count < VARIABLES_MAX - 1);
		env[count++] = by_copy(arena, request->variables[i]);
	}
	return env;
}

typedef struct serving {
	by__server         *server;
	const test_request *request;
	memory_exchange     exchange;
	bool                reusable;
	unsigned           *left; /* of a batch */
} serving;

static void serving_init(by_arena *arena, serving *to, by__server *server, const test_request *request)
{
	memory_exchange *exchange = &to->exchange;

	*to = (serving){ .server = server, .request = request };
	exchange->base.driver = &memory_driver;
	exchange->body = request->body ? request->body : "";
	exchange->left = request->body_len ? request->body_len : strlen(exchange->body);
	exchange->piece = request->piece;
	exchange->silent = request->silent;
	exchange->leaves = request->gone;
	exchange->takes = request->takes;
	exchange->base.env = environment_of(arena, request, exchange->left);
	by_buf_init(&exchange->answer, arena, 4096);
}

static void serve(by_ctx *ctx, void *argument)
{
	serving *to = argument;

	ctx->providers = to->request->providers;
	to->reusable = by__server_serve(to->server, ctx, &to->exchange.base);
}

static void parse_answer(by_arena *arena, const by_buf *raw, test_answer *answer)
{
	const char *end = memmem(raw->data, raw->len, "\r\n\r\n", 4);

	if (end == NULL)
		return;
	size_t head = (size_t)(end - raw->data) + 4;

	answer->headers = by_copy_text(arena, (by_text){ raw->data, head - 2 });
	answer->body = by_copy_text(arena, (by_text){ raw->data + head, raw->len - head });
	answer->body_len = raw->len - head;
	if (strncmp(answer->headers, "Status: ", 8) == 0)
		answer->status = atoi(answer->headers + 8);
}

by__server *test_server(by_arena *arena, const by_app *app)
{
	const by__server_options options = {
		.base_path = "", .body_max = 4096, .request_timeout = BY_SECONDS(5), .body_timeout = BY_SECONDS(5),
		.debug = true, .environment = "test"
	};
	by__server *server = NULL;
	by_error   *error = by__server_new(arena, app, &options, &server);

	if (error != BY_OK)
		by_abort("the test's tables do not compile", error->detail, __FILE__, __LINE__);
	return server;
}

static test_answer answer_of(by_arena *arena, const serving *to)
{
	test_answer answer = { .headers = "", .body = "" };

	parse_answer(arena, &to->exchange.answer, &answer);
	answer.reusable = to->reusable;
	answer.broken_off = to->exchange.base.broken_off;
	answer.writes = to->exchange.writes;
	answer.reads = to->exchange.reads;
	return answer;
}

static by_error *serve_one(by_ctx *ctx, void *argument)
{
	serve(ctx, argument);
	return BY_OK;
}

test_answer test_serve(by_arena *arena, by__server *server, const test_request *request)
{
	serving to;

	serving_init(arena, &to, server, request);
	by_error *error = by__runtime_block_on(request->arena ? request->arena : arena, serve_one, &to);

	BY_REQUIRE(error == BY_OK);
	return answer_of(arena, &to);
}

typedef struct batch {
	serving *items;
	size_t   count;
	unsigned left;
} batch;

static void one_done(void *argument)
{
	serving *to = argument;

	(*to->left)--;
}

/* Every request in a coroutine and an arena of its own, as connections have them. */
static by_error *serve_batch(by_ctx *ctx, void *argument)
{
	batch     *all = argument;
	by_arena **arenas = BY_NEW_ARRAY(ctx->arena, by_arena *, all->count);

	for (size_t i = 0; i < all->count; i++) {
		arenas[i] = by_arena_new(0);
		bool started = by__task_start(by_ctx_new(arenas[i]), serve, one_done, &all->items[i]);

		BY_REQUIRE(started);
	}
	while (all->left > 0)
		BY_TRY(by_sleep(ctx, BY_MILLISECONDS(1)));
	for (size_t i = 0; i < all->count; i++)
		by_arena_free(&arenas[i]);
	return BY_OK;
}

void test_serve_together(by_arena *arena, by__server *server, const test_request *requests, size_t count, test_answer *answers)
{
	batch all = { BY_NEW_ARRAY(arena, serving, count), count, (unsigned)count };

	for (size_t i = 0; i < count; i++) {
		serving_init(arena, &all.items[i], server, &requests[i]);
		all.items[i].left = &all.left;
	}
	by_error *error = by__runtime_block_on(arena, serve_batch, &all);

	BY_REQUIRE(error == BY_OK);
	for (size_t i = 0; i < count; i++)
		answers[i] = answer_of(arena, &all.items[i]);
}

const char *test_header(by_arena *arena, const test_answer *answer, const char *name)
{
	size_t      len = strlen(name);
	const char *line = answer->headers;

	while (*line != '\0') {
		const char *end = strstr(line, "\r\n");

		if (strncasecmp(line, name, len) == 0 && line[len] == ':')
			return by_copy_text(arena, (by_text){ line + len + 2, (size_t)(end - line) - len - 2 });
		line = end + 2;
	}
	return NULL;
}
