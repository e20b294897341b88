/*
 * doctor --url: asks the live site through its web server. The application
 * echoes what arrived (lib/interface/doctor.c), once the doctor has proved by
 * a file in RUNTIME_DIR that it may know.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <banyan/id.h>
#include <banyan/json.h>

#include "fcgi/directory.h"
#include "interface/doctor.h"
#include "scripts/cli/doctor/doctor.h"
#include "scripts/cli/doctor/http.h"
#include "scripts/cli/doctor/mend.h"

enum { HEADERS = 8, SECRET_BYTES = 32, BODY_MOST = 64 * 1024 * 1024, COMPRESSIBLE = 20000, LONG_HEADER = 3000 };

typedef struct site {
	by__findings         *f;
	const by__application *application;
	by__http             *http;
	const char           *base;   /* without a slash at its end */
	const char           *proof;  /* path of the file */
	const char           *secret; /* the header that shows it */
	const char           *token;  /* the header Authorization */
	bool                  token_given;
	bool                  insecure;
	by__front             front;
} site;

#define FOUND(s, grade, check, ...) by__found((s)->f, by__grade_##grade, (check), NULL, __VA_ARGS__)
#define ILL(s, grade, check, ill, ...) \
	by__found((s)->f, by__grade_##grade, (check), by__mend((s)->f->arena, BY__ILL_##ill, (s)->front), __VA_ARGS__)

/* ---- the proof ------------------------------------------------------------------------- */

static bool leave_proof(site *s, const char *secret)
{
	char proof[BY__DOCTOR_PROOF + 1];
	int fd = -1;
	bool left = false;

	BY_IGNORE(by__directory_make(s->f->arena, s->application->settings.runtime_dir, BY__SOCKET_DIRECTORY),
	    "that the file cannot be made says it");
	(void)unlink(s->proof);
	if (by__doctor_prove(secret, strlen(secret), proof))
		fd = open(s->proof, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd >= 0) {
		left = fchmod(fd, 0644) == 0 && write(fd, proof, BY__DOCTOR_PROOF) == BY__DOCTOR_PROOF;
		close(fd);
	}
	if (!left)
		by__found(s->f, by__grade_fail, "proof", "run as the user of RUNTIME_DIR, or as root", "%s cannot be written: %s",
		    s->proof, strerror(errno));
	return left;
}

static bool prove(site *s)
{
	uint8_t bytes[SECRET_BYTES];
	by_buf secret;

	by_random(bytes, sizeof(bytes));
	by_buf_init(&secret, s->f->arena, 0);
	by_put_base64url(&secret, (by_bytes){ bytes, sizeof(bytes) });
	s->secret = by_format(s->f->arena, BY__DOCTOR_HEADER ": %s", by_buf_string(&secret));
	return leave_proof(s, by_buf_string(&secret));
}

/* ---- asking ------------------------------------------------------------------------------ */

static by__http_answer send_to(site *s, const char *path, by__http_ask ask, const char *header)
{
	const char *headers[HEADERS] = { s->token, s->secret, header };

	ask.url = by_format(s->f->arena, "%s%s", s->base, path);
	ask.headers = headers;
	ask.insecure = s->insecure;
	/* A proof is good for a minute since it was last touched. */
	(void)utimensat(AT_FDCWD, s->proof, NULL, AT_SYMLINK_NOFOLLOW);
	return by__http_send(s->http, &ask);
}

static by__http_answer get(site *s, const char *path, const char *header)
{
	return send_to(s, path, (by__http_ask){ 0 }, header);
}

static by__http_answer post(site *s, size_t body, bool chunked)
{
	return send_to(s, "/doctor/body", (by__http_ask){ .method = "POST", .body = body, .chunked = chunked },
	    "Content-Type: application/octet-stream");
}

/* Whether the answer is the application's echo. */
static bool read_echo(const site *s, const by__http_answer *answer, by__doctor_echo *echo)
{
	by_faults *faults = by_faults_new(s->f->arena);

	*echo = (by__doctor_echo){ 0 };
	return answer->status == 200
	    && by_json_read(faults, (by_text){ answer->body, answer->body_len }, &by__doctor_echo_model, echo, NULL) == BY_OK
	    && by_faults_count(faults) == 0;
}

static bool is_problem(const site *s, const by__http_answer *answer, int status, const char *slug)
{
	const char *type = by__http_header(s->f->arena, answer, "Content-Type");

	return answer->status == status && type && strncasecmp(type, "application/problem+json", 24) == 0
	    && strstr(answer->body, slug);
}

static const char *said(const site *s, const by__http_answer *answer)
{
	return answer->status ? by_format(s->f->arena, "the answer is %d", answer->status) : answer->failure;
}

/* ---- whether it is there ---------------------------------------------------------------------- */

static bool check_reach(site *s)
{
	by__http_answer answer = get(s, "/live", NULL);

	if (answer.untrusted) {
		by__found(s->f, by__grade_fail, "certificate", "a certificate of a known authority for this name, with its chain",
		    "the certificate of %s is not to be trusted: %s", s->base, answer.failure);
		s->insecure = true;
		answer = get(s, "/live", NULL);
	}
	const char *server = by__http_header(s->f->arena, &answer, "Server");

	s->front = by__front_of(server, NULL, NULL);
	if (answer.status == 200 && strstr(answer.body, "\"status\"")) {
		FOUND(s, ok, "reach", "%s answers, through %s", s->base, by__front_name(s->front));
		return true;
	}
	if (answer.status >= 300 && answer.status < 400)
		by__found(s->f, by__grade_fail, "reach", "--url with the address it leads to", "%s leads elsewhere (%d)", s->base,
		    answer.status);
	else if (answer.status >= 502 && answer.status <= 504)
		by__found(s->f, by__grade_fail, "reach", "the socket that its configuration names must be LISTEN's",
		    "%s does not reach the application (%d)", by__front_name(s->front), answer.status);
	else
		by__found(s->f, by__grade_fail, "reach", "--url with the address, and BASE_PATH, of the application",
		    "%s/live is not the application: %s", s->base, said(s, &answer));
	return false;
}

static void check_token(site *s, const by__doctor_echo *echo)
{
	if (!echo->authorization)
		ILL(s, fail, "authorization", AUTHORIZATION, "the header Authorization is taken out by %s", by__front_name(s->front));
	else if (s->token_given && !(echo->token_accepted && *echo->token_accepted))
		by__found(s->f, by__grade_fail, "authorization", "JWT_ALGORITHM, JWT_KEY, JWT_ISSUER and JWT_AUDIENCE of the issuer",
		    "the token arrives, and the application refuses it");
	else
		FOUND(s, ok, "authorization", s->token_given ? "the token arrives and is accepted" : "the header Authorization arrives");
}

static void check_scheme(site *s, const by__doctor_echo *echo)
{
	bool tls = strncmp(s->base, "https:", 6) == 0;
	const char *asked = tls ? "https" : "http";

	if (echo->scheme && strcmp(echo->scheme, asked) == 0)
		FOUND(s, ok, "scheme", "the application sees the scheme %s", asked);
	else if (tls || (echo->scheme && *echo->scheme))
		ILL(s, warn, "scheme", SCHEME, "the application sees the scheme %s of a request over %s",
		    echo->scheme ? echo->scheme : "none", asked);
}

static void check_arrival(site *s, const by__doctor_echo *echo)
{
	const char *host = strstr(s->base, "://") + 3;
	size_t len = strcspn(host, "/");

	check_token(s, echo);
	check_scheme(s, echo);
	if (echo->httpoxy)
		ILL(s, warn, "httpoxy", HTTPOXY, "the request header Proxy arrives as HTTP_PROXY; the application ignores it, other programs "
		    "may not");
	else
		FOUND(s, ok, "httpoxy", "the request header Proxy is kept away");
	if (echo->host && (strlen(echo->host) != len || strncasecmp(echo->host, host, len) != 0))
		by__found(s->f, by__grade_warn, "host", "proxy_set_header Host $http_host;   (in the proxy before it)",
		    "the application sees another host name than was asked for");
}

/* Also finds out what stands before the application. False: the application there is not ours to ask. */
static bool check_echo(site *s)
{
	by__http_answer answer = get(s, s->token_given ? "/doctor/echo?token=1" : "/doctor/echo", "Proxy: http://doctor.invalid");
	by__doctor_echo echo;

	if (!read_echo(s, &answer, &echo)) {
		by__found(s->f, by__grade_fail, "echo", "run doctor where and with what settings the application runs",
		    "the application at %s does not know this doctor (%s): it uses another RUNTIME_DIR", s->base, said(s, &answer));
		return false;
	}
	s->front = by__front_of(by__http_header(s->f->arena, &answer, "Server"), echo.software, echo.script_name);
	check_arrival(s, &echo);
	return true;
}

/* ---- what becomes of requests --------------------------------------------------------------------- */

static void check_path(site *s, const char *path, bool slash)
{
	by__http_answer answer = get(s, path, NULL);
	by__doctor_echo echo;
	size_t len = strlen(path);
	bool sound = read_echo(s, &answer, &echo) && strlen(echo.target) >= len
	    && strcmp(echo.target + strlen(echo.target) - len, path) == 0;

	if (sound)
		FOUND(s, ok, "path", "%s arrives as it is", path);
	else if (slash)
		ILL(s, warn, "path", SLASH, "%s does not arrive as it is: %s", path, said(s, &answer));
	else
		ILL(s, warn, "path", PATH, "%s does not arrive as it is: %s", path, said(s, &answer));
}

/* Within BODY_MAX a body must arrive whole. */
static bool check_body(site *s, size_t len)
{
	by__http_answer answer = post(s, len, false);
	by__doctor_echo echo;

	if (read_echo(s, &answer, &echo) && echo.body_received == (int64_t)len) {
		FOUND(s, ok, "body", "a body of %zu bytes arrives", len);
		return true;
	}
	ILL(s, fail, "body_limit", BODY_LIMIT, "a body of %zu bytes, which BODY_MAX allows, does not arrive: %s", len,
	    said(s, &answer));
	return false;
}

/* The largest body that any route takes. */
static size_t largest_body(const by__application *application)
{
	size_t most = application->settings.body_max.bytes;
	const by__endpoints *all = application->server ? by__server_endpoints(application->server) : NULL;

	for (size_t i = 0; all && i < all->count; i++)
		if (all->items[i].route && all->items[i].route->max_body > most)
			most = all->items[i].route->max_body;
	return most;
}

/* Beyond BODY_MAX the application itself must be the one that refuses, also of what only some routes take. */
static void check_refusal(site *s, size_t len)
{
	by__http_answer answer = post(s, len, false);

	if (is_problem(s, &answer, 413, "payload-too-large"))
		FOUND(s, ok, "body_limit", "a body of %zu bytes is refused by the application itself, with a problem document", len);
	else
		ILL(s, warn, "body_limit", BODY_LIMIT, "a body of %zu bytes is refused before the application can: %s", len,
		    said(s, &answer));
}

static void check_bodies(site *s)
{
	static const size_t sizes[] = { 1000, 140000 };
	size_t max = s->application->settings.body_max.bytes, largest = largest_body(s->application);
	bool good = true;
	by__doctor_echo echo;

	for (size_t i = 0; good && i < BY_COUNT(sizes); i++)
		if (sizes[i] < max)
			good = check_body(s, sizes[i]);
	if (!good || max >= BODY_MOST || !check_body(s, max))
		return;
	check_refusal(s, max + 1);
	if (largest > max + 1 && largest <= BODY_MOST)
		check_refusal(s, largest);
	size_t len = max < 100000 ? max : 100000;
	by__http_answer answer = post(s, len, true);

	if (read_echo(s, &answer, &echo) && echo.body_received == (int64_t)len)
		FOUND(s, ok, "chunked", "a body whose length is not said beforehand arrives");
	else
		ILL(s, fail, "chunked", CHUNKED, "a body whose length is not said beforehand does not arrive: %s", said(s, &answer));
}

static void check_methods(site *s)
{
	static const char *const methods[] = { "PUT", "PATCH", "DELETE", "OPTIONS" };

	for (size_t i = 0; i < BY_COUNT(methods); i++) {
		by__http_answer answer = send_to(s, "/doctor/method", (by__http_ask){ .method = methods[i] }, NULL);
		const char *allow = by__http_header(s->f->arena, &answer, "Allow");

		/* The echo takes GET and POST only: that it says so shows that the method has come so far. */
		if (!allow || !strstr(allow, "POST") || strstr(allow, "DELETE"))
			ILL(s, fail, "methods", METHODS, "%s does not reach the application: %s", methods[i], said(s, &answer));
	}
}

/* ---- what becomes of answers -------------------------------------------------------------------------- */

static void check_stream(site *s)
{
	by__http_answer answer = get(s, "/doctor/stream?stream=2", NULL);

	if (answer.status != 200 || !strstr(answer.body, "data: 2"))
		ILL(s, fail, "stream", BUFFERED, "a stream does not arrive whole: %s", said(s, &answer));
	else if (answer.first_byte < 1)
		ILL(s, warn, "stream", BUFFERED, "streams are buffered: the first event comes with the last");
	else
		FOUND(s, ok, "stream", "the first event of a stream comes at once");
}

static void check_headers(site *s)
{
	by__http_answer answer = get(s, by_format(s->f->arena, "/doctor/header?header=%d", LONG_HEADER), NULL);
	const char *filler = by__http_header(s->f->arena, &answer, BY__DOCTOR_FILLER);

	if (answer.status == 200 && filler && strlen(filler) == LONG_HEADER)
		FOUND(s, ok, "headers", "answers with %d bytes of headers arrive", LONG_HEADER);
	else
		ILL(s, warn, "headers", HEADERS, "answers with %d bytes of headers do not arrive: %s", LONG_HEADER, said(s, &answer));
}

static void check_compression(site *s)
{
	by__http_answer answer = get(s, by_format(s->f->arena, "/doctor/body?body=%d", COMPRESSIBLE), "Accept-Encoding: gzip");
	const char *coding = by__http_header(s->f->arena, &answer, "Content-Encoding");

	if (answer.status == 200 && coding)
		FOUND(s, ok, "compression", "JSON is compressed (%s)", coding);
	else
		ILL(s, warn, "compression", UNCOMPRESSED, "JSON leaves uncompressed");
}

static void check_errors(site *s)
{
	by__http_answer invalid = get(s, "/doctor/problem?problem=1", NULL);
	by__http_answer absent = send_to(s, "/doctor-finds-nothing-here", (by__http_ask){ 0 }, NULL);

	if (is_problem(s, &invalid, 422, "validation-failed") && is_problem(s, &absent, 404, "not-found"))
		FOUND(s, ok, "errors", "problem documents pass untouched");
	else
		ILL(s, fail, "errors", ERRORS, "the application's problem documents are replaced (422: %s; 404: %s)",
		    said(s, &invalid), said(s, &absent));
}

static bool is_this_machine(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void check_private(site *s)
{
	static const char *const paths[] = { "/metrics", "/status" };

	for (size_t i = 0; i < BY_COUNT(paths); i++) {
		by__http_answer answer = get(s, paths[i], NULL);

		if (!is_this_machine(answer.address) && answer.status == 200)
			ILL(s, warn, "private", PUBLIC, "%s may be read from everywhere, and tells much", paths[i]);
	}
}

static void check_transport(site *s)
{
	by__http_answer answer = get(s, "/live", NULL);

	if (answer.status == 200 && !answer.reused)
		ILL(s, warn, "keep_alive", KEEP_ALIVE, "the web server closes each connection after one request");
	if (strncmp(s->base, "https:", 6) != 0) {
		if (!is_this_machine(answer.address))
			ILL(s, warn, "tls", TLS, "requests, and the tokens in them, travel unencrypted");
		return;
	}
	if (!answer.http2)
		ILL(s, warn, "http2", HTTP2, "clients are not offered HTTP/2");
	if (!by__http_header(s->f->arena, &answer, "Strict-Transport-Security"))
		ILL(s, warn, "hsts", HSTS, "clients are not told to come back over TLS only");
}

static void check_docs(site *s)
{
	by__http_answer answer = get(s, "/docs", NULL);
	const char *type = by__http_header(s->f->arena, &answer, "Content-Type");

	if (answer.status == 200 && type && strncasecmp(type, "text/html", 9) == 0)
		FOUND(s, ok, "docs", "the documentation pages are served");
	else
		by__found(s->f, by__grade_warn, "docs", "docs-assets, and the web server's lines for /docs",
		    "the documentation pages are not there: %s", said(s, &answer));
}

static void check_all(site *s)
{
	check_path(s, "/doctor/a%2Fb", true);
	check_path(s, "/doctor/a//b", false);
	check_path(s, "/doctor/%C3%A9", false);
	check_bodies(s);
	check_methods(s);
	check_headers(s);
	check_compression(s);
	check_errors(s);
	check_stream(s);
	check_private(s);
	check_transport(s);
	check_docs(s);
}

void by__doctor_site(by__cli *cli, by__findings *findings, const by__application *application, const char *url,
    const char *token)
{
	size_t len = strlen(url);
	const char *reason;
	site s = { .f = findings, .application = application, .http = by__http_new(cli->arena, &reason) };

	while (url[len - 1] == '/')
		len--;
	s.base = by_copy_text(cli->arena, (by_text){ url, len });
	s.proof = by__doctor_path(cli->arena, application->settings.runtime_dir, cli->app->name);
	s.token_given = token != NULL;
	s.token = by_format(cli->arena, "Authorization: Bearer %s", token ? token : "doctor");
	if (!s.http) {
		by__found(findings, by__grade_fail, "url", NULL, "%s", reason);
		return;
	}
	if (prove(&s) && check_reach(&s) && check_echo(&s))
		check_all(&s);
	(void)unlink(s.proof);
	by__http_free(&s.http);
}
