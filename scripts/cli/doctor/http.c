/*
 * HTTP for the doctor, over libcurl: no proxies, no redirects, paths as they
 * are. The library is loaded by this command alone: with all that it brings it
 * would double the time that a CGI program takes to start.
 */
#include "scripts/cli/doctor/http.h"

#include <dlfcn.h>
#include <string.h>
#include <strings.h>

#include <banyan/buf.h>

/* What follows the name of a header, up to the line's end. */
const char *by__http_header(by_arena *arena, const by__http_answer *answer, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = answer->headers; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		return by_copy_text(arena, (by_text){ line, strcspn(line, "\r\n") });
	}
	return NULL;
}

#ifdef BY_CURL

#include <curl/curl.h>

/* The functions are called through the table below, and the macros that check arguments would call the library itself. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

enum { BODY_MOST = 1024 * 1024 };

static struct {
	CURLcode (*global_init)(long flags);
	void (*global_cleanup)(void);
	CURL *(*init)(void);
	void (*cleanup)(CURL *curl);
	void (*reset)(CURL *curl);
	CURLcode (*setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*getinfo)(CURL *curl, CURLINFO info, ...);
	CURLcode (*perform)(CURL *curl);
	const char *(*strerror)(CURLcode code);
	struct curl_slist *(*append)(struct curl_slist *list, const char *text);
	void (*free_all)(struct curl_slist *list);
} lib;

static const struct { const char *name; void *function; } functions[] = {
	{ "curl_global_init", &lib.global_init }, { "curl_global_cleanup", &lib.global_cleanup },
	{ "curl_easy_init", &lib.init }, { "curl_easy_cleanup", &lib.cleanup }, { "curl_easy_reset", &lib.reset },
	{ "curl_easy_setopt", &lib.setopt }, { "curl_easy_getinfo", &lib.getinfo }, { "curl_easy_perform", &lib.perform },
	{ "curl_easy_strerror", &lib.strerror }, { "curl_slist_append", &lib.append },
	{ "curl_slist_free_all", &lib.free_all },
};

static bool load(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *library = NULL;

	for (size_t i = 0; !library && i < BY_COUNT(names); i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < BY_COUNT(functions); i++) {
		void *found = dlsym(library, functions[i].name);

		if (!found)
			return false;
		/* A pointer to a function is not one to an object in C, but POSIX has dlsym say so. */
		memcpy(functions[i].function, &found, sizeof(found));
	}
	return library != NULL;
}

struct by__http {
	by_arena *arena;
	CURL     *curl;
};

typedef struct exchange {
	by__http *http;
	by_buf    headers, body;
	uint64_t  first; /* by_clock of the first byte of body */
	size_t    left;  /* of the request's body */
} exchange;

by__http *by__http_new(by_arena *arena, const char **reason)
{
	by__http *http = BY_NEW(arena, by__http);

	*reason = "libcurl is not installed: apt-get install libcurl4 (Fedora: dnf install libcurl)";
	if (!load())
		return NULL;
	*reason = "libcurl cannot be initialised";
	if (lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	*http = (by__http){ arena, lib.init() };
	return http->curl ? http : NULL;
}

void by__http_free(by__http **http)
{
	lib.cleanup((*http)->curl);
	lib.global_cleanup();
	*http = NULL;
}

/* A redirect or an interim answer before it brings headers of its own; the last are the answer's. */
static size_t take_header(char *data, size_t size, size_t count, void *argument)
{
	exchange *x = argument;

	if (size * count > 5 && memcmp(data, "HTTP/", 5) == 0)
		x->headers.len = 0;
	by_put(&x->headers, data, size * count);
	return size * count;
}

static size_t take_body(char *data, size_t size, size_t count, void *argument)
{
	exchange *x = argument;

	if (x->first == 0)
		x->first = by_clock();
	if (x->body.len < BODY_MOST)
		by_put(&x->body, data, size * count);
	return size * count;
}

static size_t give_body(char *data, size_t size, size_t count, void *argument)
{
	exchange *x = argument;
	size_t len = size * count < x->left ? size * count : x->left;

	memset(data, 'b', len);
	x->left -= len;
	return len;
}

static struct curl_slist *list_of(const by__http_ask *ask)
{
	/* Without an Expect header the body follows at once, as most clients send it. */
	struct curl_slist *list = lib.append(NULL, "Expect:");

	for (const char *const *header = ask->headers; header && *header; header++)
		list = lib.append(list, *header);
	if (ask->chunked)
		list = lib.append(list, "Transfer-Encoding: chunked");
	return list;
}

static void set_body(CURL *curl, const by__http_ask *ask, exchange *x)
{
	if (ask->body == 0)
		return;
	x->left = ask->body;
	(void)lib.setopt(curl, CURLOPT_UPLOAD, 1L);
	(void)lib.setopt(curl, CURLOPT_READFUNCTION, give_body);
	(void)lib.setopt(curl, CURLOPT_READDATA, x);
	if (!ask->chunked)
		(void)lib.setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ask->body);
}

static void set_up(CURL *curl, const by__http_ask *ask, exchange *x, struct curl_slist *headers)
{
	lib.reset(curl);
	set_body(curl, ask, x);
	(void)lib.setopt(curl, CURLOPT_URL, ask->url);
	(void)lib.setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	(void)lib.setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method ? ask->method : "GET");
	(void)lib.setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)lib.setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	(void)lib.setopt(curl, CURLOPT_HEADERDATA, x);
	(void)lib.setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	(void)lib.setopt(curl, CURLOPT_WRITEDATA, x);
	(void)lib.setopt(curl, CURLOPT_PROXY, "");
	(void)lib.setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)lib.setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
	(void)lib.setopt(curl, CURLOPT_TIMEOUT, 30L);
	(void)lib.setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	(void)lib.setopt(curl, CURLOPT_SSL_VERIFYPEER, ask->insecure ? 0L : 1L);
	(void)lib.setopt(curl, CURLOPT_SSL_VERIFYHOST, ask->insecure ? 0L : 2L);
}

static by__http_answer answer_of(exchange *x, CURLcode code)
{
	CURL *curl = x->http->curl;
	by__http_answer answer = { .failure = lib.strerror(code), .untrusted = code == CURLE_PEER_FAILED_VERIFICATION };
	long status = 0, version = 0, connects = 1;
	char *address = NULL;

	(void)lib.getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	(void)lib.getinfo(curl, CURLINFO_HTTP_VERSION, &version);
	(void)lib.getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
	(void)lib.getinfo(curl, CURLINFO_PRIMARY_IP, &address);
	/* A server that refuses a body answers while it is sent, and may then close. */
	if (code == CURLE_OK || code == CURLE_SEND_ERROR)
		answer.status = (int)status;
	answer.headers = by_buf_string(&x->headers);
	answer.body = by_buf_string(&x->body);
	answer.body_len = x->body.len;
	answer.first_byte = x->first ? (double)(by_clock() - x->first) / 1e9 : 0;
	answer.http2 = version >= CURL_HTTP_VERSION_2_0;
	answer.reused = connects == 0;
	answer.address = by_copy(x->http->arena, address ? address : "");
	return answer;
}

by__http_answer by__http_send(by__http *http, const by__http_ask *ask)
{
	struct curl_slist *headers = list_of(ask);
	exchange x = { .http = http };

	by_buf_init(&x.headers, http->arena, 0);
	by_buf_init(&x.body, http->arena, 0);
	set_up(http->curl, ask, &x, headers);
	CURLcode code = lib.perform(http->curl);
	by__http_answer answer = answer_of(&x, code);

	lib.free_all(headers);
	return answer;
}

#else

by__http *by__http_new(by_arena *arena, const char **reason)
{
	(void)arena;
	*reason = "this program was built without libcurl: apt-get install libcurl4-openssl-dev (Fedora: dnf install "
	          "libcurl-devel), and configure --with-curl";
	return NULL;
}

void by__http_free(by__http **http)
{
	*http = NULL;
}

by__http_answer by__http_send(by__http *http, const by__http_ask *ask)
{
	(void)http;
	(void)ask;
	return (by__http_answer){ .failure = "", .headers = "", .body = "", .address = "" };
}

#endif
