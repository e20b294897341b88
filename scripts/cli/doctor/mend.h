/* For what a web server does wrong, the one line of its configuration that mends it. */
#ifndef BY_CLI_DOCTOR_MEND_H
#define BY_CLI_DOCTOR_MEND_H

#include <banyan/arena.h>

typedef enum by__front { /* what stands in front of the application */
	BY__FRONT_UNKNOWN,
	BY__FRONT_NGINX,
	BY__FRONT_APACHE,   /* mod_proxy_fcgi, or CGI */
	BY__FRONT_FCGID,    /* Apache's mod_fcgid */
	BY__FRONT_LIGHTTPD,
	BY__FRONTS
} by__front;

typedef enum by__ill {
	BY__ILL_AUTHORIZATION,
	BY__ILL_SLASH,         /* %2F in a path is refused or decoded */
	BY__ILL_PATH,          /* the path arrives changed */
	BY__ILL_BODY_LIMIT,
	BY__ILL_CHUNKED,
	BY__ILL_BUFFERED,
	BY__ILL_HEADERS,       /* 3 kB of response headers are refused */
	BY__ILL_UNCOMPRESSED,
	BY__ILL_ERRORS,        /* problem documents are replaced */
	BY__ILL_METHODS,
	BY__ILL_HTTPOXY,
	BY__ILL_SCHEME,
	BY__ILL_TLS,
	BY__ILL_HTTP2,
	BY__ILL_HSTS,
	BY__ILL_KEEP_ALIVE,
	BY__ILL_PUBLIC,        /* /metrics and /status are readable from everywhere */
	BY__ILLS
} by__ill;

/* From the header Server, SERVER_SOFTWARE and SCRIPT_NAME; each may be NULL. */
by__front by__front_of(const char *server, const char *software, const char *script);
const char *by__front_name(by__front front);
/* Never NULL: for an unknown server, those of all. */
const char *by__mend(by_arena *arena, by__ill ill, by__front front);

#endif
