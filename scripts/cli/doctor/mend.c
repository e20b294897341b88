/* The table of remedies: a row per illness, a column per web server. */
#include <string.h>
#include <strings.h>

#include <banyan/buf.h>

#include "scripts/cli/doctor/mend.h"

/* nginx, Apache, Apache with mod_fcgid, lighttpd; NULL: as Apache. */
static const char *const remedies[BY__ILLS][BY__FRONTS] = {
	[BY__ILL_AUTHORIZATION] = { NULL, "fastcgi_param HTTP_AUTHORIZATION $http_authorization;", "CGIPassAuth On", NULL,
	    "no setenv.set-request-header of Authorization" },
	[BY__ILL_SLASH] = { NULL, "fastcgi_param REQUEST_URI $request_uri;   (and no URI in proxy_pass)",
	    "AllowEncodedSlashes NoDecode   (in the virtual host)", NULL,
	    "server.http-parseopts = ( \"url-path-2f-reject\" => \"disable\", \"url-path-2f-decode\" => \"disable\" )" },
	[BY__ILL_PATH] = { NULL, "fastcgi_param REQUEST_URI $request_uri;", "MergeSlashes Off", NULL,
	    "server.http-parseopts = ( \"url-normalize\" => \"disable\" )" },
	[BY__ILL_BODY_LIMIT] = { NULL, "client_max_body_size 64m;", "LimitRequestBody 67108864",
	    "FcgidMaxRequestLen 67108864", "server.max-request-size = 65536   (kB)" },
	[BY__ILL_CHUNKED] = { NULL, "fastcgi_request_buffering on;", "SetEnv proxy-sendcl 1", NULL,
	    "server.stream-request-body = 0" },
	[BY__ILL_BUFFERED] = { NULL, "fastcgi_buffering off;   (and no fastcgi_ignore_headers X-Accel-Buffering)",
	    "flushpackets=on   (in the ProxyPass line of the streams' paths)", "FcgidOutputBufferSize 0",
	    "server.stream-response-body = 1" },
	[BY__ILL_HEADERS] = { NULL, "fastcgi_buffer_size 16k;", "no Header directive that adds much", NULL,
	    "no setenv.add-response-header that adds much" },
	[BY__ILL_UNCOMPRESSED] = { NULL, "gzip on; gzip_types application/json application/problem+json;",
	    "AddOutputFilterByType DEFLATE application/json application/problem+json", NULL,
	    "deflate.mimetypes = ( \"application/json\", \"application/problem+json\" )" },
	[BY__ILL_ERRORS] = { NULL, "fastcgi_intercept_errors off;", "ProxyErrorOverride Off", "no ErrorDocument for these",
	    "server.error-intercept = \"disable\"" },
	[BY__ILL_METHODS] = { NULL, "no limit_except around the application", "no <LimitExcept> around the application", NULL,
	    "no url.access-deny by $HTTP[\"request-method\"]" },
	[BY__ILL_HTTPOXY] = { NULL, "fastcgi_param HTTP_PROXY \"\";", "RequestHeader unset Proxy early", NULL,
	    "setenv.set-request-header = ( \"Proxy\" => \"\" )" },
	[BY__ILL_SCHEME] = { NULL, "fastcgi_param HTTPS $https if_not_empty;",
	    "TRUSTED_PROXIES = the address of what ends TLS   (a setting of ours)", NULL,
	    "TRUSTED_PROXIES = the address of what ends TLS   (a setting of ours)" },
	[BY__ILL_TLS] = { NULL, "listen 443 ssl http2; with ssl_certificate", "SSLEngine on, with SSLCertificateFile", NULL,
	    "ssl.engine = \"enable\", with ssl.pemfile" },
	[BY__ILL_HTTP2] = { NULL, "listen 443 ssl http2;", "Protocols h2 http/1.1", NULL,
	    "server.feature-flags += ( \"server.h2proto\" => \"enable\" )" },
	[BY__ILL_HSTS] = { NULL, "add_header Strict-Transport-Security \"max-age=31536000\" always;",
	    "Header always set Strict-Transport-Security \"max-age=31536000\"", NULL,
	    "setenv.add-response-header = ( \"Strict-Transport-Security\" => \"max-age=31536000\" )" },
	[BY__ILL_KEEP_ALIVE] = { NULL, "keepalive_timeout 65s;", "KeepAlive On", NULL, "server.max-keep-alive-requests = 1000" },
	[BY__ILL_PUBLIC] = { NULL, "location = /status { allow 127.0.0.1; deny all; fastcgi_pass banyan; }   (and /metrics)",
	    "<LocationMatch \"^/(status|metrics)$\"> Require local </LocationMatch>", NULL,
	    "$HTTP[\"remoteip\"] != \"127.0.0.1\" { url.access-deny = ( \"/status\", \"/metrics\" ) }" },
};

static bool holds(const char *text, const char *word)
{
	return text && strcasestr(text, word);
}

by__front by__front_of(const char *server, const char *software, const char *script)
{
	static const struct { const char *word; by__front front; } rows[] = {
		{ "nginx", BY__FRONT_NGINX }, { "openresty", BY__FRONT_NGINX }, { "lighttpd", BY__FRONT_LIGHTTPD },
		{ "apache", BY__FRONT_APACHE }, { "httpd", BY__FRONT_APACHE },
	};
	by__front found = BY__FRONT_UNKNOWN;

	/* What speaks to the application knows better than what speaks to the client, which may be a proxy before it. */
	for (size_t i = 0; i < BY_COUNT(rows) && found == BY__FRONT_UNKNOWN; i++)
		if (holds(software, rows[i].word))
			found = rows[i].front;
	for (size_t i = 0; i < BY_COUNT(rows) && found == BY__FRONT_UNKNOWN; i++)
		if (holds(server, rows[i].word))
			found = rows[i].front;
	return found == BY__FRONT_APACHE && holds(script, ".fcgi") ? BY__FRONT_FCGID : found;
}

const char *by__front_name(by__front front)
{
	static const char *const names[BY__FRONTS] = {
		"a web server that does not tell its name", "nginx", "Apache", "Apache with mod_fcgid", "lighttpd"
	};

	return names[front];
}

static const char *remedy(by__ill ill, by__front front)
{
	return remedies[ill][front] ? remedies[ill][front] : remedies[ill][BY__FRONT_APACHE];
}

const char *by__mend(by_arena *arena, by__ill ill, by__front front)
{
	if (front != BY__FRONT_UNKNOWN)
		return remedy(ill, front);
	return by_format(arena, "nginx: %s  Apache: %s  lighttpd: %s", remedy(ill, BY__FRONT_NGINX),
	    remedy(ill, BY__FRONT_APACHE), remedy(ill, BY__FRONT_LIGHTTPD));
}
