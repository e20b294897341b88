/* The other end of `doctor --url`: tells who can prove to be the administrator what the web server made of a request. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <banyan/http.h>
#include <banyan/identity.h>
#include <banyan/json.h>
#include <banyan/provider.h>
#include <banyan/task.h>

#include "interface/builtin.h"
#include "interface/doctor.h"
#include "interface/request.h"

enum { STREAM_MOST = 10, FILLER_MOST = 64 * 1024, HEADER_MOST = 3400, DIGEST = 32 };

static const by_field echo_fields[] = {
	BY_FIELD(by__doctor_echo, method, .doc = "REQUEST_METHOD"),
	BY_FIELD(by__doctor_echo, target, .doc = "REQUEST_URI"),
	BY_FIELD(by__doctor_echo, script_name, .optional = true, .doc = "SCRIPT_NAME"),
	BY_FIELD(by__doctor_echo, path_info, .optional = true, .doc = "PATH_INFO"),
	BY_FIELD(by__doctor_echo, query, .optional = true, .doc = "QUERY_STRING"),
	BY_FIELD(by__doctor_echo, scheme, .optional = true, .doc = "https when HTTPS is on, else REQUEST_SCHEME"),
	BY_FIELD(by__doctor_echo, host, .optional = true, .doc = "The header Host"),
	BY_FIELD(by__doctor_echo, remote, .optional = true, .doc = "REMOTE_ADDR"),
	BY_FIELD(by__doctor_echo, protocol, .optional = true, .doc = "SERVER_PROTOCOL"),
	BY_FIELD(by__doctor_echo, software, .optional = true, .doc = "SERVER_SOFTWARE"),
	BY_FIELD(by__doctor_echo, authorization, .doc = "Whether the header Authorization arrived"),
	BY_FIELD(by__doctor_echo, token_accepted, .doc = "Whether its token is one that the application takes; asked for only"),
	BY_FIELD(by__doctor_echo, httpoxy, .doc = "Whether the header Proxy arrived as HTTP_PROXY"),
	BY_FIELD(by__doctor_echo, body_declared, .doc = "CONTENT_LENGTH"),
	BY_FIELD(by__doctor_echo, body_received, .doc = "Bytes of body"),
	BY_FIELD(by__doctor_echo, body_max, .doc = "Most bytes of body that the application takes"),
	BY_FIELD(by__doctor_echo, headers, .doc = "Variables of the headers that arrived"),
	BY_FIELD(by__doctor_echo, filler, .optional = true, .doc = "As much text as was asked for"),
};
BY_MODEL(by__doctor_echo, echo_fields, .doc = "A request as it arrived behind the web server");

const char *by__doctor_path(by_arena *arena, const char *runtime_dir, const char *application)
{
	return by_format(arena, "%s/%s.doctor", runtime_dir, application);
}

bool by__doctor_prove(const char *secret, size_t len, char proof[BY__DOCTOR_PROOF + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[DIGEST];
	unsigned int size = 0;

	if (EVP_Digest(secret, len, digest, &size, EVP_sha256(), NULL) != 1 || size != DIGEST)
		return false;
	for (size_t i = 0; i < DIGEST; i++) {
		proof[2 * i] = digits[digest[i] >> 4];
		proof[2 * i + 1] = digits[digest[i] & 15];
	}
	proof[BY__DOCTOR_PROOF] = 0;
	return true;
}

/* ---- who may ask -------------------------------------------------------------------------- */

/* A small file that a doctor has just written: it is read on the loop, and only when somebody sends the header. */
static bool read_proof(const char *path, char proof[BY__DOCTOR_PROOF + 1])
{
	struct stat about;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return false;
	bool good = fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && !(about.st_mode & (S_IWGRP | S_IWOTH))
	    && about.st_mtim.tv_sec + BY__DOCTOR_SECONDS > time(NULL) && read(fd, proof, BY__DOCTOR_PROOF) == BY__DOCTOR_PROOF;

	close(fd);
	return good;
}

static bool is_doctor(const by__server *server, const by_ctx *ctx)
{
	by_text secret = by_request_header(ctx, BY__DOCTOR_HEADER);
	const char *path = by__server_doctor(server);
	char stored[BY__DOCTOR_PROOF + 1], shown[BY__DOCTOR_PROOF + 1];

	return path && secret.len >= BY__DOCTOR_SECRET && read_proof(path, stored)
	    && by__doctor_prove(secret.ptr, secret.len, shown) && CRYPTO_memcmp(stored, shown, BY__DOCTOR_PROOF) == 0;
}

/* ---- what is asked -------------------------------------------------------------------------- */

/* The number of "name=number" in the query, at most `most`; 0 without. */
static long asked(const by_ctx *ctx, const char *name, long most)
{
	by_text query = by_request_query(ctx);
	size_t len = strlen(name);
	char *copy = by_copy_text(ctx->arena, query), *rest = NULL;

	for (char *part = strtok_r(copy, "&", &rest); part; part = strtok_r(NULL, "&", &rest)) {
		if (strncmp(part, name, len) != 0 || part[len] != '=')
			continue;
		long number = strtol(part + len + 1, NULL, 10);

		return number < 0 ? 0 : number > most ? most : number;
	}
	return 0;
}

static const char *variable(const by_ctx *ctx, const char *name)
{
	by_text value = by__request_variable(by__request(ctx), name);

	return value.ptr ? by_copy_text(ctx->arena, value) : NULL;
}

static const char *scheme_of(const by_ctx *ctx)
{
	by_text https = by__request_variable(by__request(ctx), "HTTPS");

	return https.len > 0 && !by__same_word(https, "off") ? "https" : variable(ctx, "REQUEST_SCHEME");
}

static const char *filler(const by_ctx *ctx, long len)
{
	char *text = by_alloc(ctx->arena, (size_t)len + 1);

	memset(text, 'x', (size_t)len);
	text[len] = 0;
	return text;
}

static void list_headers(const by_ctx *ctx, by__doctor_echo *echo)
{
	char *const *env = by__request(ctx)->exchange->env;
	size_t count = 0;

	while (env[count])
		count++;
	echo->headers.items = BY_NEW_ARRAY(ctx->arena, const char *, count + 1);
	for (size_t i = 0; i < count; i++)
		if (strncmp(env[i], "HTTP_", 5) == 0)
			echo->headers.items[echo->headers.count++] = by_copy_text(ctx->arena,
			    (by_text){ env[i], strcspn(env[i], "=") });
}

static void read_variables(const by_ctx *ctx, by__doctor_echo *echo)
{
	const by_request *request = by__request(ctx);

	*echo = (by__doctor_echo){
		.method = variable(ctx, "REQUEST_METHOD"),
		.target = by_copy_text(ctx->arena, request->target),
		.script_name = variable(ctx, "SCRIPT_NAME"),
		.path_info = variable(ctx, "PATH_INFO"),
		.query = variable(ctx, "QUERY_STRING"),
		.scheme = scheme_of(ctx),
		.host = variable(ctx, "HTTP_HOST"),
		.remote = variable(ctx, "REMOTE_ADDR"),
		.protocol = variable(ctx, "SERVER_PROTOCOL"),
		.software = variable(ctx, "SERVER_SOFTWARE"),
		.authorization = by_request_header(ctx, "Authorization").len > 0,
		.httpoxy = by__request_variable(request, "HTTP_PROXY").len > 0,
		.body_max = (int64_t)request->body_max,
	};
	list_headers(ctx, echo);
}

static void try_token(by_ctx *ctx, by__doctor_echo *echo)
{
	static const char scheme[] = "Bearer ";
	by_text header = by_request_header(ctx, "Authorization");
	by_verifier *verifier = ctx->providers ? ctx->providers->verifier : NULL;
	const by_principal *principal;

	echo->token_accepted = BY_NEW(ctx->arena, bool);
	if (!verifier || header.len < sizeof(scheme) || strncasecmp(header.ptr, scheme, sizeof(scheme) - 1) != 0)
		return;
	by_text token = { header.ptr + sizeof(scheme) - 1, header.len - (sizeof(scheme) - 1) };

	*echo->token_accepted = verifier->driver->verify(verifier, ctx, token, &principal) == BY_OK;
}

static by_error *read_body(by_ctx *ctx, by__doctor_echo *echo)
{
	const by_request *request = by__request(ctx);
	char *piece = by_alloc(ctx->arena, 16 * 1024);
	size_t got;

	do
		BY_TRY(by_request_read(ctx, piece, 16 * 1024, &got));
	while (got > 0);
	echo->body_received = (int64_t)request->received;
	if (request->length_kind == BY__LENGTH_DECLARED) {
		echo->body_declared = BY_NEW(ctx->arena, int64_t);
		*echo->body_declared = (int64_t)request->length;
	}
	return BY_OK;
}

/* An event at once and one in each further second: who hears the first only with the last sits behind a buffer. */
static by_error *stream(by_ctx *ctx, long seconds)
{
	by_respond_header(ctx, "Content-Type", "text/event-stream");
	by_respond_header(ctx, "Cache-Control", "no-store");
	by_respond_header(ctx, "X-Accel-Buffering", "no");
	for (long i = 0; i <= seconds; i++) {
		const char *event = by_format(ctx->arena, "data: %ld\n\n", i);

		if (i > 0)
			BY_TRY(by_sleep(ctx, BY_SECONDS(1)));
		BY_TRY(by_respond_write(ctx, event, strlen(event)));
		BY_TRY(by_respond_flush(ctx));
	}
	return BY_OK;
}

static by_error *answer(by_ctx *ctx, by__doctor_echo *echo)
{
	long header = asked(ctx, "header", HEADER_MOST), body = asked(ctx, "body", FILLER_MOST);
	by_buf *out;

	if (header > 0)
		by_respond_header(ctx, BY__DOCTOR_FILLER, filler(ctx, header));
	if (body > 0)
		echo->filler = filler(ctx, body);
	if (asked(ctx, "token", 1) > 0)
		try_token(ctx, echo);
	BY_TRY(read_body(ctx, echo));
	if (asked(ctx, "problem", 1) > 0)
		return by_fail(ctx, VALIDATION, "This is what the doctor asked for.");
	out = by__response_body(ctx);
	by_json_write(out, &by__doctor_echo_model, echo, NULL);
	by_respond_header(ctx, "Content-Type", "application/json");
	by_respond_header(ctx, "Cache-Control", "no-store");
	return by_buf_finish(out);
}

static by_error *doctor_call(const by_operation *operation, by_ctx *ctx, const void *in, void *out)
{
	const by__builtin *builtin = (const by__builtin *)operation;
	by__doctor_echo echo;

	(void)in;
	(void)out;
	if (!is_doctor(builtin->server, ctx))
		return by_fail(ctx, NOT_FOUND, "There is nothing at this address.");
	long seconds = asked(ctx, "stream", STREAM_MOST);

	if (seconds > 0)
		return stream(ctx, seconds);
	read_variables(ctx, &echo);
	return answer(ctx, &echo);
}

size_t by__doctor_endpoints(by_arena *arena, by__server *server, by__endpoint *endpoints)
{
	static const by_method methods[] = { BY_GET, BY_POST };

	for (size_t i = 0; i < BY_COUNT(methods); i++) {
		by__builtin *builtin = BY_NEW(arena, by__builtin);

		builtin->operation = (by_operation){ "doctor", NULL, NULL, doctor_call, BY_HERE_INIT };
		builtin->server = server;
		endpoints[i] = (by__endpoint){
			.method = methods[i], .path = "/doctor/{case...}", .name = "doctor", .operation = &builtin->operation,
			.access = BY_PUBLIC, .summary = "For the command doctor, which proves itself; to others it is not there",
			.status = 200
		};
	}
	return BY_COUNT(methods);
}
