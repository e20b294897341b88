/*
 * The framework's own settings, one model: what an administrator can set for
 * every application. Applications add theirs with by_app.settings.
 */
#ifndef BY_FCGI_SETTINGS_H
#define BY_FCGI_SETTINGS_H

#include <banyan/app.h>
#include <banyan/model.h>

#define BY__APP_ENV(X) X(by__app_env, dev) X(by__app_env, staging) X(by__app_env, prod)
BY_ENUM(by__app_env, BY__APP_ENV);

#define BY__ALGORITHM(X) \
	X(by__algorithm, none) \
	X(by__algorithm, HS256) X(by__algorithm, HS384) X(by__algorithm, HS512) \
	X(by__algorithm, RS256) X(by__algorithm, RS384) X(by__algorithm, RS512) \
	X(by__algorithm, ES256) X(by__algorithm, ES384) X(by__algorithm, ES512)
BY_ENUM(by__algorithm, BY__ALGORITHM);

/* How the number of a pool's workers follows its load. */
#define BY__SCALING(X) X(by__scaling, static) X(by__scaling, dynamic) X(by__scaling, on_demand)
BY_ENUM(by__scaling, BY__SCALING);
#define BY__FORWARDED(X) X(by__forwarded, x_forwarded) X(by__forwarded, forwarded)
BY_ENUM(by__forwarded, BY__FORWARDED);

typedef struct by__database_settings {
	int64_t     pipelines;
	int64_t     pool_min;
	int64_t     pool_max;
	by_duration pool_timeout;
	by_duration pool_idle;
	by_duration pool_lifetime;
	by_duration connect_timeout;
	by_duration statement_timeout;
	int64_t     queue_max;
	by_duration start_timeout;
} by__database_settings;

typedef struct by__jwt_settings {
	by__algorithm algorithm;
	by_secret     key;
	const char   *issuer;
	const char   *audience;
	by_duration   leeway;
	const char   *role_claim;
} by__jwt_settings;

typedef struct by__app_settings {
	by__app_env           app_env;
	const char           *data_dir;
	const char           *database_url;
	by__database_settings database;
	const char           *runtime_dir;
	const char           *pid_file;
	const char           *log_file;
	by_list_string        pools;
	const char           *status_listen;
	by_duration           start_timeout;
	const char           *listen;
	by_list_string        listen_allow;
	const char           *listen_owner;
	const char           *listen_mode;
	int64_t               listen_backlog;
	const char           *worker_user;
	const char           *worker_group;
	by_list_string        worker_environment;
	by__scaling           scaling;
	int64_t               workers;
	int64_t               workers_min;
	int64_t               worker_target;
	by_duration           idle_timeout;
	int64_t               worker_max_requests;
	by_size               worker_max_memory;
	int64_t               requests_max;
	int64_t               queue_max;
	by_duration           queue_timeout;
	by_duration           slow_request;
	by_duration           stall_report;
	by_duration           stall_limit;
	int64_t               poison_crashes;
	by_duration           poison_time;
	by_duration           head_timeout;
	by_duration           request_timeout;
	by_duration           body_timeout;
	by_duration           write_timeout;
	by_size               body_max;
	by_size               body_rate_min;
	by_list_string        trusted_proxies;
	by__forwarded         forwarded_headers;
	by_duration           drain_delay;
	by_duration           shutdown_timeout;
	const char           *base_path;
	const char           *log_level;
	bool                  access_log;
	by__jwt_settings      jwt;
	bool                  migrate_on_start;
} by__app_settings;

BY_DECLARE_MODEL(by__database_settings);
BY_DECLARE_MODEL(by__jwt_settings);
BY_DECLARE_MODEL(by__app_settings);

/* What the command line gave before the subcommand. */
typedef struct by__settings_from {
	const char *const *arguments; /* "NAME=value", NULL at the end; may be NULL */
	const char        *file;      /* --config; NULL: none */
} by__settings_from;

/*
 * Loads and checks the framework's and the application's settings, and fills
 * in what depends on others: the database and the socket below DATA_DIR, the
 * number of workers. CONFIGURATION lists all faults. Makes no file.
 */
BY_MUST_CHECK by_error *by__settings_read(by_arena *arena, const by_app *app, const by__settings_from *from,
    by__app_settings *settings, by_settings **origins);

/* Whose settings are read. */
typedef struct by__settings_scope {
	const char *pool;  /* NULL: those that hold for all */
	bool        alone; /* it is the only pool: its socket is named after the application alone */
} by__settings_scope;
/* As by__settings_read, with what is said for a pool laid over. */
BY_MUST_CHECK by_error *by__settings_read_scope(by_arena *arena, const by_app *app, const by__settings_from *from,
    const by__settings_scope *scope, by__app_settings *settings, by_settings **origins);
/* One CONFIGURATION error with a line per fault, as by_settings_load makes it; BY_OK when there is none. */
BY_MUST_CHECK by_error *by__settings_faults(by_arena *arena, const by_faults *faults);

/*
 * The settings of each pool: those for all, with what its section or its
 * variables say laid over. CONFIGURATION lists the faults of all pools. The
 * application's own object holds the settings for all afterwards.
 */
typedef struct by__pool_settings {
	const char      *name;
	by__app_settings settings;
	by_settings     *origins;
	void            *own;     /* a copy of the application's settings as this pool has them; NULL: it has none */
} by__pool_settings;
enum { BY__POOLS_MAX = 15 };
BY_MUST_CHECK by_error *by__settings_pools(by_arena *arena, const by_app *app, const by__settings_from *from,
    const by__app_settings *all, const by_settings *origins, by__pool_settings **pools, size_t *count);

/*
 * The key that tokens are verified with: JWT_KEY or, in dev, one made at
 * the first start and kept in DATA_DIR with mode 0600. NULL key: no tokens.
 */
typedef struct by__jwt_key {
	by__algorithm algorithm;
	const char   *key; /* a secret, or PEM */
	const char   *file; /* of a made one, to tell the administrator; else NULL */
} by__jwt_key;
BY_MUST_CHECK by_error *by__settings_key(by_arena *arena, const by__app_settings *settings, by__jwt_key *key);

#endif
