/*
 * Where the server is. libpq would resolve a host's name while everyone waits,
 * so the loop's threads resolve it first, and libpq gets the addresses beside
 * the names (which TLS still checks).
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infrastructure/db/postgresql.h"

enum { KEYWORDS_MAX = 64 };

struct by__pg_address {
	const char *keywords[KEYWORDS_MAX];
	const char *values[KEYWORDS_MAX];
	size_t      count;   /* without host, hostaddr and port */
	const char *host;    /* as the URL says, a list by commas; NULL: libpq's default */
	const char *port;    /* the same; NULL: libpq's default */
	bool        resolve; /* false: host, and hostaddr among the keywords, go to libpq as they are */
	char       *hosts, *addresses, *ports; /* lists of equal length, of the last lookup */
};

/* Looks one name after another up. */
typedef struct by__pg_lookup {
	uv_getaddrinfo_t   request; /* first */
	by__pg            *database;
	by__pg_connection *connection; /* NULL: nobody waits any more */
	by_arena          *arena;
	const char        *host, *port; /* what is left of the lists */
	by_buf             hosts, addresses, ports;
	void             (*done)(by__pg_connection *connection, const char *wrong);
} by__pg_lookup;

/* ---- the URL ---- */

static bool needs_lookup(const char *host, size_t len)
{
	char    name[256];
	uint8_t address[16];
	if (len == 0 || len >= sizeof name || host[0] == '/' || host[0] == '@')
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return inet_pton(AF_INET, name, address) != 1 && inet_pton(AF_INET6, name, address) != 1;
}

static bool any_needs_lookup(const char *hosts)
{
	while (hosts && *hosts) {
		size_t len = strcspn(hosts, ",");
		if (needs_lookup(hosts, len))
			return true;
		hosts += len + (hosts[len] == ',');
	}
	return false;
}

static void set(by__pg_address *address, const char *keyword, const char *value)
{
	for (size_t i = 0; i < address->count; i++)
		if (strcmp(address->keywords[i], keyword) == 0)
			return;
	if (address->count < KEYWORDS_MAX - 4) {
		address->keywords[address->count] = keyword;
		address->values[address->count++] = value;
	}
}

/* Our own parameter `prepare` is no keyword of libpq's: takes it out of the URL. */
static const char *without_prepare(by_arena *arena, const char *url, bool *prepare)
{
	static const char name[] = "prepare=";
	char *copy = by_copy(arena, url), *query = strchr(copy, '?');
	*prepare = true;
	for (char *p = query; p && *p; p = strpbrk(p + 1, "&")) {
		if (strncmp(p + 1, name, sizeof name - 1) != 0)
			continue;
		char  *value = p + sizeof name;
		size_t len = strcspn(value, "&");
		*prepare = !(len == 3 && memcmp(value, "off", 3) == 0);
		if (value[len])
			memmove(p + 1, value + len + 1, strlen(value + len + 1) + 1);
		else
			*p = '\0';
		break;
	}
	return copy;
}

/* A pooler passes few settings on, so that without prepared statements none is set. */
static const char *session_options(const by__pg *database, const char *given)
{
	if (!database->prepare)
		return given;
	const char *limit = "";
	int64_t     ms = database->options.statement_timeout.us / 1000;
	if (ms > 0)
		limit = by_format(database->arena, " -c statement_timeout=%lld", (long long)ms);
	return by_format(database->arena, "-c TimeZone=UTC%s%s%s", limit, given ? " " : "", given ? given : "");
}

static void keep(by__pg *database, const PQconninfoOption *option)
{
	by__pg_address *address = database->address;
	const char     *value = by_copy(database->arena, option->val);
	if (strcmp(option->keyword, "host") == 0)
		address->host = value;
	else if (strcmp(option->keyword, "port") == 0)
		address->port = value;
	else
		set(address, by_copy(database->arena, option->keyword), value);
	if (strcmp(option->keyword, "hostaddr") == 0)
		address->resolve = false;
}

/* Of the user database, which may be a server, libpq would ask this for each connection; here it is asked once, at the start. */
static void set_user(by__pg *database)
{
	char           text[4096];
	struct passwd  entry;
	struct passwd *who = NULL;
	if (getpwuid_r(geteuid(), &entry, text, sizeof text, &who) != 0 || !who)
		return;
	if (!getenv("PGUSER") && !getenv("PGSERVICE"))
		set(database->address, "user", by_copy(database->arena, who->pw_name));
	(void)setenv("HOME", who->pw_dir, 0);
}

static void set_defaults(by__pg *database)
{
	by__pg_address *address = database->address;
	const char     *given = NULL;
	for (size_t i = 0; i < address->count; i++)
		if (strcmp(address->keywords[i], "options") == 0) {
			given = address->values[i];
			address->keywords[i] = address->keywords[--address->count];
			address->values[i] = address->values[address->count];
			break;
		}
	const char *options = session_options(database, given);
	if (options)
		set(address, "options", options);
	set_user(database);
	set(address, "client_encoding", "UTF8");
	set(address, "fallback_application_name", "banyan");
	set(address, "gssencmode", "disable"); /* asks the ticket cache, which may wait */
	set(address, "keepalives_idle", "30");
	set(address, "keepalives_interval", "5");
	set(address, "keepalives_count", "3");
	set(address, "tcp_user_timeout", "20000");
}

by_error *by__pg_address_new(by_arena *arena, const char *url, by__pg *database)
{
	const char *plain = without_prepare(database->arena, url, &database->prepare);
	char       *wrong = NULL;
	PQconninfoOption *options = PQconninfoParse(plain, &wrong);
	if (!options) {
		/* libpq may repeat the whole URL, password included. */
		bool      secret = wrong && strstr(wrong, plain);
		by_error *error = by_error_new(arena, CONFIGURATION, "The database URL is not valid for PostgreSQL%s%s",
		    wrong && !secret ? ": " : ".", wrong && !secret ? wrong : "");
		PQfreemem(wrong);
		return error;
	}
	database->address = BY_NEW(database->arena, by__pg_address);
	database->address->resolve = true;
	for (const PQconninfoOption *option = options; option->keyword; option++)
		if (option->val)
			keep(database, option);
	PQconninfoFree(options);
	if (!database->address->host)
		database->address->host = getenv("PGHOST");
	database->address->resolve = database->address->resolve && any_needs_lookup(database->address->host);
	set_defaults(database);
	return BY_OK;
}

/* ---- names ---- */

/* One more element of the three lists. */
static void put_target(by__pg_lookup *lookup, const char *host, size_t host_len, const char *address, bool first)
{
	size_t port_len = lookup->port ? strcspn(lookup->port, ",") : 0;
	if (!first) {
		by_put_char(&lookup->hosts, ',');
		by_put_char(&lookup->addresses, ',');
		by_put_char(&lookup->ports, ',');
	}
	by_put(&lookup->hosts, host, host_len);
	by_put_string(&lookup->addresses, address);
	by_put(&lookup->ports, lookup->port ? lookup->port : "", port_len);
}

/* Moves to the next name. A single port stands for all. */
static void next_host(by__pg_lookup *lookup)
{
	lookup->host += strcspn(lookup->host, ",");
	lookup->host += *lookup->host == ',';
	if (lookup->port && strchr(lookup->port, ','))
		lookup->port = strchr(lookup->port, ',') + 1;
}

static void replace(char **list, by_buf *with)
{
	free(*list);
	*list = strdup(by_buf_string(with));
}

/* Ends the lookup, and tells the connection unless it has gone. */
static void finish(by__pg_lookup *lookup, const char *wrong)
{
	by__pg_connection *connection = lookup->connection;
	by__pg            *database = lookup->database;
	void (*done)(by__pg_connection *, const char *) = lookup->done;
	if (connection && !wrong) {
		replace(&database->address->hosts, &lookup->hosts);
		replace(&database->address->addresses, &lookup->addresses);
		replace(&database->address->ports, &lookup->ports);
	}
	by_arena_free(&lookup->arena);
	free(lookup);
	if (connection) {
		connection->lookup = NULL;
		done(connection, wrong);
	}
	by__pg_handle_gone(database);
}

static void look_up(by__pg_lookup *lookup);

static void on_address(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	by__pg_lookup *lookup = (by__pg_lookup *)request;
	size_t         len = strcspn(lookup->host, ",");
	bool           first = lookup->hosts.len == 0;
	for (const struct addrinfo *at = found; status == 0 && at; at = at->ai_next) {
		char text[NI_MAXHOST];
		if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		put_target(lookup, lookup->host, len, text, first);
		first = false;
	}
	uv_freeaddrinfo(found);
	if (status != 0) {
		finish(lookup, "the host's name could not be resolved");
		return;
	}
	next_host(lookup);
	look_up(lookup);
}

/* Goes through the names until one has to be asked for, or all are done. */
static void look_up(by__pg_lookup *lookup)
{
	static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	while (lookup->connection && *lookup->host) {
		size_t len = strcspn(lookup->host, ",");
		if (needs_lookup(lookup->host, len)) {
			const char *name = by_copy_text(lookup->arena, (by_text){ lookup->host, len });
			if (uv_getaddrinfo(lookup->database->loop, &lookup->request, on_address, name, NULL, &hints) != 0)
				finish(lookup, "the host's name could not be looked up");
			return;
		}
		put_target(lookup, lookup->host, len, "", lookup->hosts.len == 0);
		next_host(lookup);
	}
	finish(lookup, NULL);
}

void by__pg_address_resolve(by__pg_connection *connection,
    void (*done)(by__pg_connection *connection, const char *wrong))
{
	const by__pg_address *address = connection->database->address;
	if (!address->resolve) {
		done(connection, NULL);
		return;
	}
	by__pg_lookup *lookup = calloc(1, sizeof *lookup);
	if (!lookup) {
		done(connection, "out of memory");
		return;
	}
	lookup->database = connection->database;
	lookup->connection = connection;
	lookup->arena = by_arena_new(0);
	lookup->host = address->host;
	lookup->port = address->port;
	lookup->done = done;
	by_buf_init(&lookup->hosts, lookup->arena, 0);
	by_buf_init(&lookup->addresses, lookup->arena, 0);
	by_buf_init(&lookup->ports, lookup->arena, 0);
	connection->lookup = lookup;
	connection->database->handles++;
	look_up(lookup);
}

void by__pg_address_forget(by__pg_connection *connection)
{
	if (!connection->lookup)
		return;
	connection->lookup->connection = NULL;
	uv_cancel((uv_req_t *)&connection->lookup->request);
	connection->lookup = NULL;
}

void by__pg_address_free(by__pg *database)
{
	free(database->address->hosts);
	free(database->address->addresses);
	free(database->address->ports);
}

PGconn *by__pg_address_connect(const by__pg *database)
{
	by__pg_address own = *database->address, *address = &own;
	const char    *host = address->hosts ? address->hosts : address->host;
	const char    *port = address->hosts ? address->ports : address->port;
	if (host)
		set(address, "host", host);
	if (port && *port)
		set(address, "port", port);
	if (address->addresses)
		set(address, "hostaddr", address->addresses);
	address->keywords[address->count] = NULL;
	address->values[address->count] = NULL;
	return PQconnectStartParams(address->keywords, address->values, 0);
}
