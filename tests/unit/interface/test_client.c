/* The client's address, scheme and host: what proxies say counts only from those that are trusted. */
#include <string.h>

#include <banyan/task.h>

#include "support/exchange.h"
#include "unit/unit.h"

typedef struct caller { const char *client, *scheme, *host, *url; } caller;
BY_DECLARE_MODEL(caller);
static const by_field caller_fields[] = {
	BY_FIELD(caller, client), BY_FIELD(caller, scheme), BY_FIELD(caller, host), BY_FIELD(caller, url)
};
BY_MODEL(caller, caller_fields);

typedef struct tell_in { const char *rest; int64_t q; } tell_in;
BY_DECLARE_MODEL(tell_in);
static const by_field tell_in_fields[] = { BY_FIELD(tell_in, rest), BY_FIELD(tell_in, q) };
BY_MODEL(tell_in, tell_in_fields);

static by_error *tell(by_ctx *ctx, const tell_in *in, caller *out)
{
	(void)in;
	out->client = by_copy_text(ctx->arena, by_request_client(ctx));
	out->scheme = by_copy_text(ctx->arena, by_request_scheme(ctx));
	out->host = by_copy_text(ctx->arena, by_request_host(ctx));
	out->url = by_request_url(ctx);
	return BY_OK;
}
BY_OPERATION(tell, tell_in, caller);

static const by_route rows[] = { BY_ROUTE(GET, "/caller/{rest...}", tell, .access = BY_PUBLIC) };
static BY_ROUTES(callers, "Callers", rows);
static const by_routes *const groups[] = { &callers };
static const by_version       versions[] = { { "v1", "/api", groups, 1 } };
static const by_app           app = { .name = "test", .version = "1", .versions = versions, .version_count = 1 };

static by_arena *arena;

/* The gateway in memory says that the peer is 192.0.2.7. */
static const char *const trusted[] = { "192.0.2.7", "10.0.0.0/8", "2001:db8:1::/48" };

static const char *told(bool standard, size_t trust, const char *const *variables)
{
	by__server_options options = { .base_path = "/lab", .body_max = 4096, .request_timeout = BY_SECONDS(5),
		.body_timeout = BY_SECONDS(5), .environment = "test", .proxies.standard = standard };
	by__server        *server;

	ck_ok(by__networks_parse(arena, "TRUSTED_PROXIES", trusted, trust, &options.proxies.trusted));
	ck_ok(by__server_new(arena, &app, &options, &server));
	test_answer answer = test_serve(arena, server, &(test_request){ .target = "/lab/api/caller/x%2Fy?q=1",
	    .variables = variables });

	ck_assert_msg(answer.status == 200, "%s", answer.body);
	return answer.body;
}

static const char *of(const char *client, const char *scheme, const char *host)
{
	return by_format(arena, "{\"client\":\"%s\",\"scheme\":\"%s\",\"host\":\"%s\",\"url\":\"%s://%s/lab/api/caller/x%%2Fy?q=1\"}",
	    client, scheme, host, scheme, host);
}

#define VARIABLES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(without_trusted_proxies_only_the_web_servers_word_counts)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTP_HOST=lab.example", "HTTP_X_FORWARDED_FOR=198.51.100.1",
	    "HTTP_X_FORWARDED_PROTO=https", "HTTP_X_FORWARDED_HOST=evil.example", "HTTP_FORWARDED=for=198.51.100.1")),
	    of("192.0.2.7", "http", "lab.example"));
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTPS=on", "HTTP_HOST=lab.example:8443")),
	    of("192.0.2.7", "https", "lab.example:8443"));
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTPS=off", "REQUEST_SCHEME=https", "SERVER_NAME=lab.local", "SERVER_PORT=443")),
	    of("192.0.2.7", "https", "lab.local"));
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTP_HOST=a/b", "SERVER_NAME=lab.local", "SERVER_PORT=8080")),
	    of("192.0.2.7", "http", "lab.local:8080"));
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTP_HOST=[2001:db8::1]:81")), of("192.0.2.7", "http", "[2001:db8::1]:81"));
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTP_HOST=")), of("192.0.2.7", "http", "localhost"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(x_forwarded_is_read_from_the_right_up_to_the_first_that_is_not_trusted)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=203.0.113.9, 198.51.100.1, 10.1.2.3",
	    "HTTP_X_FORWARDED_PROTO=https", "HTTP_X_FORWARDED_HOST=lab.example", "HTTP_X_FORWARDED_PORT=443")),
	    of("198.51.100.1", "https", "lab.example"));
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=[2001:db8:2::5]:4711",
	    "HTTP_X_FORWARDED_PORT=8443", "HTTP_X_FORWARDED_HOST=lab.example", "HTTP_X_FORWARDED_PROTO=https")),
	    of("2001:db8:2::5", "https", "lab.example:8443"));
	/* All are trusted: the first of them is the client. */
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=10.0.0.1, 10.0.0.2:99")),
	    of("10.0.0.1", "http", "inner"));
	/* Of lists the element of the same hop. */
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=198.51.100.1, 10.0.0.2",
	    "HTTP_X_FORWARDED_PROTO=ftp, https, http", "HTTP_X_FORWARDED_HOST=made.up, lab.example, inner")),
	    of("198.51.100.1", "https", "lab.example"));
	/* A peer that is not trusted, however much it says. */
	ck_assert_str_eq(told(false, 0, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=198.51.100.1")),
	    of("192.0.2.7", "http", "inner"));
	/* The other header may be the client's own. */
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_FORWARDED=for=198.51.100.1;proto=https")),
	    of("192.0.2.7", "http", "inner"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(forwarded_is_read_as_rfc_7239_has_it)
{
	arena = by_arena_new(0);
	ck_assert_str_eq(told(true, 3, VARIABLES("HTTP_HOST=inner",
	    "HTTP_FORWARDED=for=203.0.113.9, For=\"[2001:db8:2::5]:4711\";proto=https;host=\"lab.example:8443\" , "
	    "for=10.0.0.2;by=10.0.0.3")),
	    of("2001:db8:2::5", "https", "lab.example:8443"));
	ck_assert_str_eq(told(true, 3, VARIABLES("HTTP_HOST=inner", "HTTP_FORWARDED=for=\"198.51.100.1\";ext=\"a,b;c\";PROTO=HTTPS")),
	    of("198.51.100.1", "https", "inner"));
	ck_assert_str_eq(told(true, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=198.51.100.1")),
	    of("192.0.2.7", "http", "inner"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(what_is_malformed_is_ignored_as_a_whole)
{
	static const char *const common[] = {
		"HTTP_X_FORWARDED_FOR=", "HTTP_X_FORWARDED_FOR=unknown", "HTTP_X_FORWARDED_FOR=198.51.100.1,", "HTTP_X_FORWARDED_FOR=,",
		"HTTP_X_FORWARDED_FOR=198.51.100.1 198.51.100.2", "HTTP_X_FORWARDED_FOR=198.51.100.1:", "HTTP_X_FORWARDED_FOR=[::1",
		"HTTP_X_FORWARDED_FOR=198.51.100.256", "HTTP_X_FORWARDED_FOR=[]", "HTTP_X_FORWARDED_FOR=198.51.100.1:70000",
	};
	static const char *const standard[] = {
		"HTTP_FORWARDED=", "HTTP_FORWARDED=for=unknown", "HTTP_FORWARDED=for=_hidden", "HTTP_FORWARDED=for", "HTTP_FORWARDED=for=",
		"HTTP_FORWARDED=for=\"198.51.100.1", "HTTP_FORWARDED=for=198.51.100.1;for=198.51.100.2", "HTTP_FORWARDED=proto=https",
		"HTTP_FORWARDED=for=198.51.100.1,", "HTTP_FORWARDED=for=198.51.100.1;proto=ftp", "HTTP_FORWARDED=for=198.51.100.1;host=\"a b\"",
		"HTTP_FORWARDED=for = 198.51.100.1", "HTTP_FORWARDED=for=\"198.51.100.\\1\"", "HTTP_FORWARDED=,for=198.51.100.1",
	};

	arena = by_arena_new(0);
	for (size_t i = 0; i < BY_COUNT(common); i++)
		ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", common[i], "HTTP_X_FORWARDED_PROTO=https")),
		    of("192.0.2.7", "http", "inner"));
	for (size_t i = 0; i < BY_COUNT(standard); i++)
		ck_assert_str_eq(told(true, 3, VARIABLES("HTTP_HOST=inner", standard[i])), of("192.0.2.7", "http", "inner"));
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=198.51.100.1",
	    "HTTP_X_FORWARDED_PROTO=gopher")), of("192.0.2.7", "http", "inner"));
	ck_assert_str_eq(told(false, 3, VARIABLES("HTTP_HOST=inner", "HTTP_X_FORWARDED_FOR=198.51.100.1",
	    "HTTP_X_FORWARDED_HOST=a@b")), of("192.0.2.7", "http", "inner"));
	by_arena_free(&arena);
}
END_TEST

UNIT("client", without_trusted_proxies_only_the_web_servers_word_counts,
    x_forwarded_is_read_from_the_right_up_to_the_first_that_is_not_trusted, forwarded_is_read_as_rfc_7239_has_it,
    what_is_malformed_is_ignored_as_a_whole);
