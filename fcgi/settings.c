/*
 * The framework's settings: their table, and the few that follow from others.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <banyan/buf.h>

#include "fcgi/settings.h"

BY_ENUM_NAMES(by__app_env, BY__APP_ENV);
BY_ENUM_NAMES(by__algorithm, BY__ALGORITHM);
BY_ENUM_NAMES(by__scaling, BY__SCALING);
BY_ENUM_NAMES(by__forwarded, BY__FORWARDED);

enum { WORKERS_MAX = 120 };

static const by_field database_fields[] = {
	BY_FIELD(by__database_settings, pipelines, .minimum = BY_NUM(1), .maximum = BY_NUM(64), .default_value = "2",
	    .doc = "Connections a worker shares among statements outside transactions"),
	BY_FIELD(by__database_settings, pool_min, .minimum = BY_NUM(0), .maximum = BY_NUM(1000), .default_value = "0",
	    .doc = "Connections for transactions that a worker keeps open, also while nothing needs them"),
	BY_FIELD(by__database_settings, pool_max, .minimum = BY_NUM(1), .maximum = BY_NUM(1000), .default_value = "10",
	    .doc = "Most connections a worker opens for transactions; with SQLite, for reading, and at most 4"),
	BY_FIELD(by__database_settings, pool_timeout, .default_value = "5s",
	    .doc = "How long a transaction waits for a connection before the answer is 503"),
	BY_FIELD(by__database_settings, pool_idle, .default_value = "10m",
	    .doc = "A connection above DATABASE_POOL_MIN that no transaction needs for so long is closed; 0: none is"),
	BY_FIELD(by__database_settings, pool_lifetime, .default_value = "1h",
	    .doc = "A connection of this age is replaced as soon as it is free, no statement of it fails; 0: none is"),
	BY_FIELD(by__database_settings, connect_timeout, .default_value = "5s",
	    .doc = "How long connecting may take"),
	BY_FIELD(by__database_settings, statement_timeout, .default_value = "0",
	    .doc = "Longest a statement may run; 0: only until the request's own deadline"),
	BY_FIELD(by__database_settings, queue_max, .minimum = BY_NUM(1), .maximum = BY_NUM(100000), .default_value = "1000",
	    .doc = "Requests of a worker that may wait for a connection; the next is answered 503 at once"),
	BY_FIELD(by__database_settings, start_timeout, .default_value = "0",
	    .doc = "How long `serve` waits, trying again, for a database that cannot be reached, before it exits with 69. "
	           "0: it starts without; /ready and requests that need the database answer 503 until it is there"),
};
BY_MODEL(by__database_settings, database_fields, .doc = "Database connections");

static const by_field jwt_fields[] = {
	BY_FIELD_ENUM(by__jwt_settings, algorithm, by__algorithm, .default_value = "none",
	    .doc = "The one algorithm that tokens may be signed with. none: no token is accepted, but in dev, where HS256 "
	           "with a key made at the first start is used"),
	BY_FIELD(by__jwt_settings, key, .optional = true,
	    .doc = "HS256 and its kin: the shared secret, at least as long as the hash (32 bytes for HS256). RS256, ES256 and theirs: the "
	           "public key in PEM. "
	           "JWT_KEY_FILE names a file that holds it"),
	BY_FIELD(by__jwt_settings, issuer, .optional = true, .doc = "When set, the iss claim must equal it"),
	BY_FIELD(by__jwt_settings, audience, .optional = true, .doc = "When set, the aud claim must hold it"),
	BY_FIELD(by__jwt_settings, leeway, .default_value = "30s",
	    .doc = "How far the clocks of this machine and of the issuer may differ"),
	BY_FIELD(by__jwt_settings, role_claim, .default_value = "roles", .min_length = 1,
	    .doc = "The claim that lists the roles: a list of strings, or one string"),
};
BY_MODEL(by__jwt_settings, jwt_fields, .doc = "Bearer tokens");

static const by_field app_fields[] = {
	BY_FIELD_ENUM(by__app_settings, app_env, by__app_env, .default_value = "dev",
	    .doc = "dev, staging or prod. dev needs no other setting; prod makes up nothing: it asks for DATABASE_URL and a key"),
	BY_FIELD(by__app_settings, data_dir, .default_value = "data", .min_length = 1,
	    .doc = "Directory of the database file and of the made key, relative to the working directory"),
	BY_FIELD(by__app_settings, database_url, .optional = true,
	    .doc = "sqlite:path or postgresql://user@host/name. Unset, in dev: sqlite:<DATA_DIR>/<name>.db"),
	BY_FIELD_MODEL(by__app_settings, database, by__database_settings),
	BY_FIELD(by__app_settings, runtime_dir, .default_value = "run", .min_length = 1,
	    .doc = "Directory of sockets and of the memory that all processes share; best on a tmpfs, as /run is"),
	BY_FIELD(by__app_settings, pid_file, .optional = true, .doc = "File that `serve` writes its process id to; unset: none"),
	BY_FIELD(by__app_settings, log_file, .optional = true,
	    .doc = "File that the log is appended to; SIGUSR1 to `serve` reopens it. Unset: standard error"),
	BY_FIELD(by__app_settings, pools, .optional = true, .max_items = 15,
	    .doc = "Names of the pools, each a word of small letters and digits. What a section [pool.NAME] sets, or a variable "
	           "POOL_NAME_SETTING, holds for that pool alone. Unset: one, named web"),
	BY_FIELD(by__app_settings, status_listen, .optional = true,
	    .doc = "Where a small process of its own answers /live, /ready, /startup, /health, /metrics and /status, however busy "
	           "the pools are. Unset: unix:<RUNTIME_DIR>/<name>-status.sock; off: there is none"),
	BY_FIELD(by__app_settings, start_timeout, .default_value = "60s",
	    .doc = "How long a worker may take to start, and a reload to prepare the new generation, before it is given up"),
	BY_FIELD(by__app_settings, listen, .optional = true,
	    .doc = "Where the web server connects: unix:path, or host:port. Unset: unix:<RUNTIME_DIR>/<name>.sock, for further "
	           "pools unix:<RUNTIME_DIR>/<name>-<pool>.sock"),
	BY_FIELD(by__app_settings, listen_allow, .optional = true,
	    .doc = "Who may connect. Unix socket: users; unset: whoever the socket's mode lets in. "
	           "TCP: addresses and networks, and there it must be set"),
	BY_FIELD(by__app_settings, listen_owner, .optional = true,
	    .doc = "user, user:group or :group that owns the unix socket, so that the web server can open it"),
	BY_FIELD(by__app_settings, listen_mode, .default_value = "0660", .pattern = "^0?[0-7]{3}$",
	    .doc = "Mode of the unix socket"),
	BY_FIELD(by__app_settings, listen_backlog, .minimum = BY_NUM(1), .maximum = BY_NUM(65535), .default_value = "4096",
	    .doc = "Connections that may wait in the kernel; it takes at most net.core.somaxconn of it"),
	BY_FIELD(by__app_settings, worker_user, .optional = true,
	    .doc = "User that workers run as; `serve` must have been started by root. Unset: the user of `serve`"),
	BY_FIELD(by__app_settings, worker_group, .optional = true, .doc = "Group that workers run as; unset: that of WORKER_USER"),
	BY_FIELD(by__app_settings, worker_environment, .optional = true, .max_items = 64,
	    .doc = "Variables for the workers' environment: NAME=value, ..."),
	BY_FIELD_ENUM(by__app_settings, scaling, by__scaling, .default_value = "static",
	    .doc = "static: WORKERS run. dynamic: WORKERS_MIN to WORKERS, as the load asks. on_demand: none until a web server "
	           "connects"),
	BY_FIELD(by__app_settings, workers, .minimum = BY_NUM(0), .maximum = BY_NUM(120), .default_value = "0",
	    .doc = "Most worker processes; 0: one per core"),
	BY_FIELD(by__app_settings, workers_min, .minimum = BY_NUM(1), .maximum = BY_NUM(120), .default_value = "1",
	    .doc = "dynamic: workers that always run"),
	BY_FIELD(by__app_settings, worker_target, .minimum = BY_NUM(1), .maximum = BY_NUM(100000), .default_value = "16",
	    .doc = "dynamic, on_demand: another worker is started while each has more running requests than this, or is late"),
	BY_FIELD(by__app_settings, idle_timeout, .default_value = "10s",
	    .doc = "dynamic, on_demand: a worker with nothing to do for so long ends"),
	BY_FIELD(by__app_settings, worker_max_requests, .minimum = BY_NUM(0), .default_value = "0",
	    .doc = "A worker that has served so many is replaced; 0: never"),
	BY_FIELD(by__app_settings, worker_max_memory, .default_value = "0",
	    .doc = "A worker whose resident memory is larger is replaced; 0: never"),
	BY_FIELD(by__app_settings, requests_max, .minimum = BY_NUM(1), .maximum = BY_NUM(100000), .default_value = "1000",
	    .doc = "Requests that run at a time in a worker, streams of events not counted; further ones wait"),
	BY_FIELD(by__app_settings, queue_max, .minimum = BY_NUM(0), .maximum = BY_NUM(100000), .default_value = "1000",
	    .doc = "Requests that may wait in a worker; the next is answered 503 at once"),
	BY_FIELD(by__app_settings, queue_timeout, .default_value = "5s",
	    .doc = "How long a request may wait before it is answered 503"),
	BY_FIELD(by__app_settings, slow_request, .default_value = "0",
	    .doc = "A request that takes longer is logged with where it stands; 0: none is"),
	BY_FIELD(by__app_settings, stall_report, .default_value = "1s",
	    .doc = "A worker whose loop does not turn for so long is logged with what it does; 0: none is"),
	BY_FIELD(by__app_settings, stall_limit, .default_value = "30s",
	    .doc = "A worker whose loop does not turn for so long answers 504 to all it has, and is replaced; 0: never"),
	BY_FIELD(by__app_settings, poison_crashes, .minimum = BY_NUM(0), .maximum = BY_NUM(1000), .default_value = "3",
	    .doc = "A route that has crashed so many workers within POISON_TIME is answered 503 for POISON_TIME; 0: never"),
	BY_FIELD(by__app_settings, poison_time, .default_value = "1m", .doc = "See POISON_CRASHES"),
	BY_FIELD(by__app_settings, head_timeout, .default_value = "5s",
	    .doc = "How long a new connection may be silent, and a request's parameters may take to arrive"),
	BY_FIELD(by__app_settings, request_timeout, .default_value = "30s",
	    .doc = "How long a request may take; routes can set their own"),
	BY_FIELD(by__app_settings, body_timeout, .default_value = "30s",
	    .doc = "How long a request's body may be silent while it is read"),
	BY_FIELD(by__app_settings, write_timeout, .default_value = "30s",
	    .doc = "How long the web server may take nothing of an answer"),
	BY_FIELD(by__app_settings, body_max, .default_value = "1MiB",
	    .doc = "Largest request body; routes can set their own"),
	BY_FIELD(by__app_settings, body_rate_min, .default_value = "256B",
	    .doc = "Bytes a second that a request's body must come in, on average and after its first 10 seconds; 0: any. "
	           "Routes can set their own"),
	BY_FIELD(by__app_settings, trusted_proxies, .optional = true,
	    .doc = "Addresses and networks of proxies in front of the web server, whose word on the client's address, scheme "
	           "and host is taken. Unset: what the web server itself saw counts"),
	BY_FIELD_ENUM(by__app_settings, forwarded_headers, by__forwarded, .default_value = "x_forwarded",
	    .doc = "Which headers those proxies set: x_forwarded (X-Forwarded-For, -Proto, -Host and -Port) or forwarded "
	           "(RFC 7239). The others may come from clients and are never read"),
	BY_FIELD(by__app_settings, drain_delay, .default_value = "0",
	    .doc = "How long workers go on accepting after SIGTERM while /ready already fails"),
	BY_FIELD(by__app_settings, shutdown_timeout, .default_value = "30s",
	    .doc = "How long running requests may take after SIGTERM; then they are answered 503"),
	BY_FIELD(by__app_settings, base_path, .optional = true, .max_length = 100, .pattern = "^(/[^/?#]+)+$",
	    .doc = "Path below which the web server mounts the application, taken off each request's path: /lab"),
	BY_FIELD(by__app_settings, log_level, .default_value = "info",
	    .doc = "debug, info, warning, error or off; for one logger: info,fcgi=debug"),
	BY_FIELD(by__app_settings, access_log, .default_value = "true", .doc = "One log line per request"),
	BY_FIELD_MODEL(by__app_settings, jwt, by__jwt_settings),
	BY_FIELD(by__app_settings, migrate_on_start, .default_value = "false",
	    .doc = "Whether `serve` applies pending migrations, before any worker starts. false: it refuses to start while "
	           "some are pending, and `db upgrade` applies them"),
};

/* Durations and sizes have no bounds of their own kind, so the rules say them. */
static void positive(by_faults *faults, const char *name, by_duration value)
{
	if (value.us <= 0)
		by_fault_add(faults, BY_FAULT_SETTING, name, "minimum", "must be longer than 0");
}

static void at_most(by_faults *faults, const char *name, by_duration value, int64_t hours)
{
	if (value.us > hours * 3600 * 1000000)
		by_fault_add(faults, BY_FAULT_SETTING, name, "maximum", "must not be longer than %dh", (int)hours);
}

static void check_database(by_faults *faults, const by__database_settings *s)
{
	positive(faults, "DATABASE_POOL_TIMEOUT", s->pool_timeout);
	positive(faults, "DATABASE_CONNECT_TIMEOUT", s->connect_timeout);
	at_most(faults, "DATABASE_POOL_TIMEOUT", s->pool_timeout, 1);
	at_most(faults, "DATABASE_CONNECT_TIMEOUT", s->connect_timeout, 1);
	at_most(faults, "DATABASE_STATEMENT_TIMEOUT", s->statement_timeout, 24);
	at_most(faults, "DATABASE_POOL_IDLE", s->pool_idle, 24 * 7);
	at_most(faults, "DATABASE_POOL_LIFETIME", s->pool_lifetime, 24 * 7);
	if (s->pool_min > s->pool_max)
		by_fault_add(faults, BY_FAULT_SETTING, "DATABASE_POOL_MIN", "maximum", "must not be more than DATABASE_POOL_MAX");
}

static void check_settings(by_faults *faults, const by__app_settings *s)
{
	positive(faults, "HEAD_TIMEOUT", s->head_timeout);
	positive(faults, "REQUEST_TIMEOUT", s->request_timeout);
	positive(faults, "BODY_TIMEOUT", s->body_timeout);
	positive(faults, "WRITE_TIMEOUT", s->write_timeout);
	positive(faults, "START_TIMEOUT", s->start_timeout);
	positive(faults, "IDLE_TIMEOUT", s->idle_timeout);
	positive(faults, "QUEUE_TIMEOUT", s->queue_timeout);
	positive(faults, "POISON_TIME", s->poison_time);
	check_database(faults, &s->database);
	if (s->body_max.bytes == 0)
		by_fault_add(faults, BY_FAULT_SETTING, "BODY_MAX", "minimum", "must be larger than 0");
}

BY_RULES(by__app_settings, check_settings);
BY_MODEL(by__app_settings, app_fields, .rules = check_settings_rules, .doc = "Every application's settings");

/* ---- what follows from others --------------------------------------------------------- */

static bool is_text(const char *text)
{
	return text && *text;
}

/* Placeholders that stand in documentation and that nobody may go into production with. */
static bool is_known_secret(const char *key)
{
	static const char *const known[] = { "secret", "changeme", "change-me", "password", "dev-secret", "development" };

	for (size_t i = 0; i < BY_COUNT(known); i++)
		if (strncasecmp(key, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

static bool is_listen(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (strncmp(text, "unix:", 5) == 0)
		return text[5] != 0;
	return colon && colon != text && colon[1] != 0 && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

/* RFC 7518 section 3.2: as long as the hash. */
static size_t secret_least(by__algorithm algorithm)
{
	switch (algorithm) {
	case by__algorithm_HS256:
		return 32;
	case by__algorithm_HS384:
		return 48;
	case by__algorithm_HS512:
		return 64;
	default:
		return 0;
	}
}

static void check_key(by_faults *faults, const by__app_settings *s)
{
	const char *key = s->jwt.key.value;
	bool strict = s->app_env == by__app_env_prod;

	if (s->jwt.algorithm == by__algorithm_none) {
		if (strict)
			by_fault_add(faults, BY_FAULT_SETTING, "JWT_ALGORITHM", "required",
			    "must be an algorithm such as HS256, RS256 or ES256 when APP_ENV is prod");
		else if (is_text(key))
			by_fault_add(faults, BY_FAULT_SETTING, "JWT_ALGORITHM", "required",
			    "must be an algorithm such as HS256, RS256 or ES256 when JWT_KEY is set");
		return;
	}
	if (!is_text(key)) {
		if (s->app_env != by__app_env_dev || s->jwt.algorithm != by__algorithm_HS256)
			by_fault_add(faults, BY_FAULT_SETTING, "JWT_KEY", "required",
			    "must be set (or JWT_KEY_FILE), because JWT_ALGORITHM needs a key");
		return;
	}
	size_t least = secret_least(s->jwt.algorithm);

	if (strlen(key) < least)
		by_fault_add(faults, BY_FAULT_SETTING, "JWT_KEY", "min_length", "must be a secret of at least %zu bytes for %s",
		    least, by__algorithm_enum.values[s->jwt.algorithm]);
	if (strict && is_known_secret(key))
		by_fault_add(faults, BY_FAULT_SETTING, "JWT_KEY", "known_secret",
		    "is a placeholder; APP_ENV=prod needs a secret of its own");
}

/* It tells about everything: a socket of this machine only. */
static void check_status_listen(by_faults *faults, const by__app_settings *s)
{
	if (is_text(s->status_listen) && strcmp(s->status_listen, "off") != 0
	    && (strncmp(s->status_listen, "unix:", 5) != 0 || s->status_listen[5] == 0))
		by_fault_add(faults, BY_FAULT_SETTING, "STATUS_LISTEN", "format", "must be unix:path or off");
}

static void check_environment(by_faults *faults, const by__app_settings *s)
{
	for (size_t i = 0; i < s->worker_environment.count; i++) {
		const char *equals = strchr(s->worker_environment.items[i], '=');

		if (!equals || equals == s->worker_environment.items[i])
			by_fault_add(faults, BY_FAULT_SETTING, "WORKER_ENVIRONMENT", "format", "entry %zu must be NAME=value", i + 1);
	}
}

static void check_together(by_faults *faults, const by__app_settings *s)
{
	if (s->app_env != by__app_env_dev && !is_text(s->database_url))
		by_fault_add(faults, BY_FAULT_SETTING, "DATABASE_URL", "required", "must be set unless APP_ENV is dev");
	if (is_text(s->listen) && !is_listen(s->listen))
		by_fault_add(faults, BY_FAULT_SETTING, "LISTEN", "format", "must be unix:path or host:port");
	else if (is_text(s->listen) && strncmp(s->listen, "unix:", 5) != 0 && s->listen_allow.count == 0)
		by_fault_add(faults, BY_FAULT_SETTING, "LISTEN_ALLOW", "required",
		    "must list the web servers' addresses, because LISTEN is a TCP address");
	check_status_listen(faults, s);
	check_environment(faults, s);
	check_key(faults, s);
}

/* `pool` is NULL for the settings that hold for all, and for the one pool that nobody named. */
static void fill(by_arena *arena, const by_app *app, const char *pool, by__app_settings *s)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (!is_text(s->database_url))
		s->database_url = by_format(arena, "sqlite:%s/%s.db", s->data_dir, app->name);
	if (!is_text(s->listen))
		s->listen = by_format(arena, "unix:%s/%s%s%s.sock", s->runtime_dir, app->name, pool ? "-" : "", pool ? pool : "");
	if (!is_text(s->status_listen))
		s->status_listen = by_format(arena, "unix:%s/%s-status.sock", s->runtime_dir, app->name);
	if (s->workers == 0)
		s->workers = cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : cores;
	if (s->workers_min > s->workers)
		s->workers_min = s->workers;
	if (!s->base_path)
		s->base_path = "";
}

by_error *by__settings_faults(by_arena *arena, const by_faults *faults)
{
	by_buf lines;

	if (by_faults_count(faults) == 0)
		return BY_OK;
	by_buf_init(&lines, arena, 0);
	for (size_t i = 0; i < by_faults_count(faults); i++) {
		const by_fault *fault = by_faults_at(faults, i);

		by_put_format(&lines, "%s%s: %s", i > 0 ? "\n" : "", fault->where, fault->detail);
	}
	return by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&lines));
}

by_error *by__settings_read_scope(by_arena *arena, const by_app *app, const by__settings_from *from,
    const by__settings_scope *scope, by__app_settings *settings, by_settings **origins)
{
	const by_settings_sources sources = {
		.arguments = from->arguments,
		.environment = (const char *const *)environ,
		.directory = ".",
		.secrets = getenv("SECRETS_DIR"),
		.file = from->file,
		.scopes = "pool",
		.scope = scope->pool,
	};
	const by_settings_part parts[] = { { &by__app_settings_model, settings }, app->settings };
	by_faults *faults = by_faults_new(arena);

	BY_TRY(by_settings_load(arena, &sources, parts, app->settings.model ? 2 : 1, origins));
	check_together(faults, settings);
	BY_TRY(by__settings_faults(arena, faults));
	fill(arena, app, scope->alone ? NULL : scope->pool, settings);
	return BY_OK;
}

by_error *by__settings_read(by_arena *arena, const by_app *app, const by__settings_from *from, by__app_settings *settings,
    by_settings **origins)
{
	return by__settings_read_scope(arena, app, from, &(by__settings_scope){ 0 }, settings, origins);
}
