/*
 * Whom a request comes from, and what they called us: what the web server saw,
 * or, where that was a proxy we trust, what the proxy says it saw.
 */
#ifndef BY_INTERFACE_CLIENT_H
#define BY_INTERFACE_CLIENT_H

#include <banyan/base.h>

#include "core/network.h"

/* Which headers of trusted proxies are believed: the others may be the client's own. */
typedef struct by__proxies {
	const by__networks *trusted;  /* NULL: none */
	bool                standard; /* Forwarded (RFC 7239), not X-Forwarded-* */
} by__proxies;

typedef struct by__client {
	bool    known;  /* the rest is set */
	by_text scheme; /* ptr NULL: nothing said */
	by_text host;   /* with its port, unless that is the scheme's; ptr NULL: nothing said */
	by_text address;
	char    text[BY__ADDRESS_TEXT];
} by__client;

/* What one proxy said. Texts that are not said have a NULL ptr. */
typedef struct by__hop {
	by_text address;
	by_text scheme;
	by_text host;
} by__hop;

/*
 * Takes the last element off a Forwarded header; false: it is not well-formed.
 * An empty `rest` means that this was the first. Quoted values are without
 * their quotes.
 */
bool by__forwarded_last(by_text *rest, by__hop *hop);

#endif
