/* Settings: their sources and strengths, the faults all at once, and what is shown of them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <banyan/settings.h>

#include "tests/unit/unit.h"

#define STAGE(X) X(stage, dev) X(stage, staging) X(stage, prod)
BY_ENUM(stage, STAGE);
BY_ENUM_NAMES(stage, STAGE);

typedef struct pool {
	int64_t     min;
	int64_t     max;
	by_duration timeout;
} pool;
BY_DECLARE_MODEL(pool);
static const by_field pool_fields[] = {
	BY_FIELD(pool, min, .minimum = BY_NUM(0), .maximum = BY_NUM(1000), .default_value = "1"),
	BY_FIELD(pool, max, .minimum = BY_NUM(1), .maximum = BY_NUM(1000), .default_value = "10", .doc = "Most connections"),
	BY_FIELD(pool, timeout, .minimum = BY_NUM(1), .maximum = BY_NUM(60), .default_value = "5s"),
};
static void check_pool(by_faults *faults, const pool *p)
{
	if (p->min > p->max)
		by_fault_add(faults, BY_FAULT_BODY, "#/min", "order", "must not be above max");
}
BY_RULES(pool, check_pool);
BY_MODEL(pool, pool_fields, .rules = check_pool_rules);

typedef struct database {
	const char *url;
	by_secret   password;
	pool        pool;
} database;
BY_DECLARE_MODEL(database);
static const by_field database_fields[] = {
	BY_FIELD(database, url, .default_value = "sqlite:lab.db"),
	BY_FIELD(database, password, .optional = true),
	BY_FIELD_MODEL(database, pool, pool),
};
BY_MODEL(database, database_fields);

typedef struct config {
	stage           app_env;
	bool            debug;
	by_size         body_max;
	const char     *title;
	BY_LIST(string) origins;
	database        database;
} config;
BY_DECLARE_MODEL(config);
static const by_field config_fields[] = {
	BY_FIELD_ENUM(config, app_env, stage, .default_value = "dev"),
	BY_FIELD(config, debug, .default_value = "false"),
	BY_FIELD(config, body_max, .default_value = "1MiB"),
	BY_FIELD(config, title, .optional = true),
	BY_FIELD(config, origins, .optional = true),
	BY_FIELD_MODEL(config, database, database),
};
BY_MODEL(config, config_fields);

typedef struct lab {
	const char *name;
	int64_t     lens;
} lab;
BY_DECLARE_MODEL(lab);
static const by_field lab_fields[] = { BY_FIELD(lab, name), BY_FIELD(lab, lens, .default_value = "3") };
BY_MODEL(lab, lab_fields, .prefix = "LAB_");

static by_arena *arena;
static char      directory[64];
static config    c;
static by_settings *settings;

static void begin(void)
{
	arena = by_arena_new(0);
	snprintf(directory, sizeof(directory), "banyan-settings-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static const char *path_of(const char *name)
{
	return by_format(arena, "%s/%s", directory, name);
}

static const char *put_file(const char *name, const char *text, mode_t mode)
{
	const char *path = path_of(name);
	FILE       *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

static void end(void)
{
	static const char *const names[] = { ".env", ".env.prod", ".env.staging", "lab.conf", "DATABASE_PASSWORD", "DATABASE_URL", "value" };

	for (size_t i = 0; i < BY_COUNT(names); i++)
		unlink(path_of(names[i]));
	ck_assert_int_eq(rmdir(directory), 0);
	by_arena_free(&arena);
}

static by_error *load(by_settings_sources sources)
{
	by_settings_part part = { &config_model, &c };

	return by_settings_load(arena, &sources, &part, 1, &settings);
}

static const char *lines_of(by_error *error)
{
	ck_assert(by_error_is(error, CONFIGURATION));
	return error->detail;
}

static const char *printed(bool with_sources)
{
	by_buf out;

	by_buf_init(&out, arena, 0);
	by_settings_print(settings, with_sources, &out);
	return by_buf_string(&out);
}

START_TEST(without_any_source_the_defaults_hold)
{
	begin();
	ck_ok(load((by_settings_sources){ 0 }));
	ck_assert_int_eq(c.app_env, stage_dev);
	ck_assert_uint_eq(c.body_max.bytes, 1048576);
	ck_assert_ptr_null(c.title);
	ck_assert_str_eq(c.database.url, "sqlite:lab.db");
	ck_assert_int_eq(c.database.pool.max, 10);
	ck_assert_int_eq(c.database.pool.timeout.us, 5000000);
	end();
}
END_TEST

START_TEST(the_strongest_source_that_says_something_wins)
{
	const char *arguments[] = { "DATABASE_POOL_MAX=7", NULL };
	const char *environment[] = { "DATABASE_POOL_MAX=6", "APP_ENV=prod", "HOME=/home/lab", "DATABASE_PASSWORD=", NULL };
	const char *expect[] = { "DATABASE_POOL_MAX=7  # command line", "DATABASE_POOL_MAX=6  # environment",
		"DATABASE_POOL_MAX=5  # .env.prod line 2", "DATABASE_POOL_MAX=4  # .env line 3",
		"DATABASE_POOL_MAX=3  # ", "DATABASE_POOL_MAX=10  # default" };

	begin();
	put_file(".env.prod", "# stage\nDATABASE_POOL_MAX=5\n", 0644);
	put_file(".env", "\n\nexport DATABASE_POOL_MAX='4' # four\nTITLE=\"a \\\"b\\\" #c\"\n", 0644);
	put_file("DATABASE_PASSWORD", "hush\n", 0600);
	const char         *file = put_file("lab.conf", "title = from file\n[database.pool]\nmax = 3\n", 0644);
	by_settings_sources sources = { .arguments = arguments, .environment = environment, .directory = directory,
		.secrets = directory, .file = file };

	for (size_t i = 0; i < BY_COUNT(expect); i++) {
		if (i == 1)
			sources.arguments = NULL;
		if (i == 2)
			environment[0] = "UNRELATED=1";
		if (i == 3)
			environment[1] = "APP_ENV=staging";
		if (i == 4)
			sources.directory = NULL;
		if (i == 5)
			sources.file = "";
		ck_ok(load(sources));
		ck_assert_msg(strstr(printed(true), expect[i]) != NULL, "%s\n%s", expect[i], printed(true));
		ck_assert_str_eq(c.database.password.value, "hush");
		if (i < 4)
			ck_assert_str_eq(c.title, "a \"b\" #c");
	}
	end();
}
END_TEST

START_TEST(every_fault_is_a_line_with_name_expectation_and_source)
{
	const char *environment[] = { "APP_ENV=live", "BODY_MAX=much", "DATABASE_POOLMAX=3", "DATABASE_PORT_5432_TCP=tcp://1.2.3.4:5",
		"DEBUGGING=1", "DATABASE_POOL_TIMEOUT=2m", NULL };

	begin();
	put_file(".env", "DEBUG=perhaps\n\nNOT A LINE\nDATABASE_POOL_MAX=5000\nTITLE='open\n", 0644);
	const char *file = put_file("lab.conf", "tittle = x\n[database]\nurl = a\nurl = b\n[data base]\n", 0644);
	const char *lines = lines_of(load((by_settings_sources){ .environment = environment, .directory = directory,
	    .file = file }));

	ck_assert_str_eq(lines, by_format(arena,
	    ".env line 3: not NAME=value\n"
	    ".env line 5: the quote does not end on this line\n"
	    "database.url: set twice, %s line 3 and line 4\n"
	    "%s line 5: not a section's name in brackets\n"
	    "DATABASE_POOLMAX: not a setting, environment; did you mean DATABASE_POOL_MAX?\n"
	    "tittle: not a setting, %s line 1; did you mean title?\n"
	    "APP_ENV: one of dev, staging, prod, environment: \"live\"\n"
	    "DEBUG: true or false, .env line 1: \"perhaps\"\n"
	    "BODY_MAX: number of bytes, such as 64KiB, environment: \"much\"\n"
	    "DATABASE_POOL_MAX: integer 1..1000, .env line 4: \"5000\"\n"
	    "DATABASE_POOL_TIMEOUT: duration 1s..60s, such as 250ms, 30s or 1h30m, environment: \"2m\"", file, file, file));
	end();
}
END_TEST

START_TEST(a_missing_setting_names_every_source_searched)
{
	const char         *none[] = { NULL };
	lab                 l;
	by_settings_part    part = { &lab_model, &l };
	by_settings_sources sources = { .arguments = none, .environment = none, .directory = ".", .secrets = "/nowhere" };

	arena = by_arena_new(0);
	ck_assert_str_eq(lines_of(by_settings_load(arena, &sources, &part, 1, &settings)),
	    "LAB_NAME: string, missing; looked for in command line, environment, .env, secrets directory /nowhere");
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_parts_prefix_is_its_own_and_typos_below_it_are_found)
{
	const char         *environment[] = { "LAB_NAME=x", "LAB_LENSE=4", "LABEL=1", NULL };
	lab                 l;
	by_settings_part    parts[] = { { &config_model, &c }, { &lab_model, &l } };
	by_settings_sources sources = { .environment = environment };

	arena = by_arena_new(0);
	ck_assert_str_eq(lines_of(by_settings_load(arena, &sources, parts, 2, &settings)),
	    "LAB_LENSE: not a setting, environment; did you mean LAB_LENS?");
	environment[1] = "LAB_LENS=4";
	ck_ok(by_settings_load(arena, &sources, parts, 2, &settings));
	ck_assert_int_eq(l.lens, 4);
	by_arena_free(&arena);
}
END_TEST

START_TEST(two_fields_that_claim_one_variable_are_refused)
{
	typedef struct clash { const char *name; } clash;
	static const by_field rows[] = { { .name = "lab_name", .kind = &by_kind_string, .size = sizeof(char *), .optional = true } };
	static by_plan       *plan;
	static const by_model clash_model = { .name = "clash", .size = sizeof(clash), .fields = rows, .count = 1, .plan = &plan,
		.place = BY_HERE_INIT };
	lab                 l;
	clash               other;
	by_settings_part    parts[] = { { &lab_model, &l }, { &clash_model, &other } };
	by_settings_sources sources = { 0 };

	arena = by_arena_new(0);
	const char *lines = lines_of(by_settings_load(arena, &sources, parts, 2, &settings));

	ck_assert_ptr_nonnull(strstr(lines, "test_settings.c:"));
	ck_assert_ptr_nonnull(strstr(lines, "lab.name and "));
	ck_assert_ptr_nonnull(strstr(lines, "both read LAB_NAME; rename one of them"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(variables_that_clients_can_set_are_refused)
{
	typedef struct proxy { const char *proxy; } proxy;
	static const by_field rows[] = { { .name = "proxy", .kind = &by_kind_string, .size = sizeof(char *), .optional = true } };
	static by_plan       *plan;
	static const by_model proxy_model = { .name = "proxy", .size = sizeof(proxy), .fields = rows, .count = 1, .plan = &plan,
		.place = BY_HERE_INIT, .prefix = "HTTP" };
	proxy               p;
	by_settings_part    part = { &proxy_model, &p };
	by_settings_sources sources = { 0 };

	arena = by_arena_new(0);
	ck_assert_ptr_nonnull(strstr(lines_of(by_settings_load(arena, &sources, &part, 1, &settings)),
	    "proxy.proxy reads HTTP_PROXY, which a web server sets for each request"));
	by_arena_free(&arena);
}
END_TEST

START_TEST(a_file_may_hold_any_value_and_secrets_files_are_private)
{
	begin();
	const char *path = put_file("value", "postgresql://u:p@h/d\n", 0644);
	const char *environment[] = { by_format(arena, "DATABASE_URL_FILE=%s", path), NULL, NULL };

	ck_ok(load((by_settings_sources){ .environment = environment }));
	ck_assert_str_eq(c.database.url, "postgresql://u:p@h/d");
	environment[1] = "DATABASE_URL=x";
	ck_assert_str_eq(lines_of(load((by_settings_sources){ .environment = environment })),
	    "DATABASE_URL: set both itself and by DATABASE_URL_FILE, environment; remove one");
	environment[1] = by_format(arena, "DATABASE_PASSWORD_FILE=%s", path);
	ck_assert_str_eq(lines_of(load((by_settings_sources){ .environment = environment })),
	    by_format(arena, "DATABASE_PASSWORD: other users may read the secrets file %s; chmod o-r it", path));
	environment[1] = "TITLE_FILE=/nowhere/at/all";
	ck_assert_str_eq(lines_of(load((by_settings_sources){ .environment = environment })),
	    "TITLE: /nowhere/at/all cannot be read: No such file or directory");
	const char *open_secret = put_file("DATABASE_PASSWORD", "x", 0644);

	ck_assert_str_eq(lines_of(load((by_settings_sources){ .secrets = directory })),
	    by_format(arena, "DATABASE_PASSWORD: other users may read the secrets file %s; chmod o-r it", open_secret));
	end();
}
END_TEST

START_TEST(secrets_and_passwords_are_never_shown)
{
	const char *environment[] = { "DATABASE_PASSWORD=SECRET1", "DATABASE_URL=postgresql://user:SECRET2@host/db?sslpassword=SECRET3",
		"ORIGINS=https://a:SECRET4@b, https://c", NULL };

	begin();
	ck_ok(load((by_settings_sources){ .environment = environment }));
	ck_assert_str_eq(c.database.password.value, "SECRET1");
	ck_assert_uint_eq(c.origins.count, 2);
	ck_assert_ptr_null(strstr(printed(true), "SECRET"));
	ck_assert_ptr_nonnull(strstr(printed(false), "DATABASE_URL=postgresql://user:***@host/db?sslpassword=***\n"));
	ck_assert_ptr_nonnull(strstr(printed(false), "DATABASE_PASSWORD=***\n"));
	environment[0] = "DATABASE_POOL_MAX=x://a:SECRET5@h";
	ck_assert_ptr_null(strstr(lines_of(load((by_settings_sources){ .environment = environment })), "SECRET"));
	end();
}
END_TEST

START_TEST(passwords_in_urls_are_masked_rather_too_much_than_too_little)
{
	static const char *const cases[][2] = {
		{ "sqlite:lab.db", "sqlite:lab.db" },
		{ "redis://host:6379/0", "redis://host:6379/0" },
		{ "redis://:pw@host:6379/0", "redis://:***@host:6379/0" },
		{ "postgresql://u:p/w:d@x@host/d", "postgresql://u:***@host/d" },
		{ "amqp://user@host", "amqp://user@host" },
		{ "host=h password='a b' user=u", "host=h password=*** user=u" },
		{ "https://h/?a=1&access_token=abc&b=2", "https://h/?a=1&access_token=***&b=2" },
		{ "", "" },
	};

	arena = by_arena_new(0);
	for (size_t i = 0; i < BY_COUNT(cases); i++)
		ck_assert_str_eq(by_url_masked(arena, cases[i][0]), cases[i][1]);
	by_arena_free(&arena);
}
END_TEST

START_TEST(rules_over_several_settings_run_last)
{
	const char *environment[] = { "DATABASE_POOL_MIN=20", NULL };

	begin();
	ck_assert_str_eq(lines_of(load((by_settings_sources){ .environment = environment })),
	    "DATABASE_POOL_MIN: must not be above max");
	end();
}
END_TEST

START_TEST(switches_lists_and_empty_values_are_understood)
{
	const char *environment[] = { "DEBUG=Yes", "ORIGINS=[\"a,b\",\"c\"]", "BODY_MAX=", "TITLE=", NULL };

	begin();
	ck_ok(load((by_settings_sources){ .environment = environment }));
	ck_assert(c.debug);
	ck_assert_uint_eq(c.origins.count, 2);
	ck_assert_str_eq(c.origins.items[0], "a,b");
	ck_assert_uint_eq(c.body_max.bytes, 1048576);
	ck_assert_str_eq(c.title, "");
	end();
}
END_TEST

START_TEST(the_sample_file_loads_once_its_comments_are_removed)
{
	by_settings_part part = { &config_model, &c };
	by_buf           sample;
	by_buf           live;

	begin();
	by_buf_init(&sample, arena, 0);
	by_settings_sample(&part, 1, &sample);
	const char *text = by_buf_string(&sample);

	ck_assert_ptr_nonnull(strstr(text, "\n[database.pool]\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n# Most connections\n# DATABASE_POOL_MAX: integer 1..1000\n#max = 10\n"));
	by_buf_init(&live, arena, 0);
	for (const char *at = text; *at != '\0'; at++)
		if (!(*at == '#' && at[1] != ' ' && (at == text || at[-1] == '\n')))
			by_put_char(&live, *at);
	const char *file = put_file("lab.conf", by_buf_string(&live), 0644);

	ck_ok(load((by_settings_sources){ .file = file }));
	ck_assert_int_eq(c.database.pool.max, 10);
	ck_assert_ptr_nonnull(strstr(printed(true), "DATABASE_POOL_MAX=10  # banyan-settings-"));
	end();
}
END_TEST

START_TEST(what_a_scope_says_goes_before_what_holds_for_all)
{
	const char *environment[] = { "DATABASE_POOL_MAX=6", "POOL_WEB_TITLE=of the web", "POOL_JOBS_TITLE=of jobs", NULL };
	const char *names[] = { "web", "jobs" };

	begin();
	const char         *file = put_file("lab.conf", "[pool.web]\ndatabase.pool.max = 3\n[pool.wbe]\ntitle = x\n", 0644);
	by_settings_sources sources = { .environment = environment, .file = file, .scopes = "pool" };

	ck_ok(load(sources));
	ck_assert_int_eq(c.database.pool.max, 6);
	ck_assert_ptr_null(by_settings_scoped(settings, "DATABASE_POOL_MAX"));
	sources.scope = "web";
	ck_ok(load(sources));
	ck_assert_int_eq(c.database.pool.max, 3);
	ck_assert_str_eq(c.title, "of the web");
	ck_assert_str_eq(by_settings_scoped(settings, "TITLE"), "environment");
	sources.scope = "jobs";
	ck_ok(load(sources));
	ck_assert_int_eq(c.database.pool.max, 6);
	ck_assert_str_eq(c.title, "of jobs");
	by_error *error = by_settings_scopes_check(arena, settings, names, 2);

	ck_assert(by_error_is(error, CONFIGURATION));
	ck_assert_msg(strstr(error->detail, "pool.wbe.title: there is no POOL of that name") != NULL, "%s", error->detail);
	ck_assert_ptr_null(strstr(error->detail, "JOBS"));
	end();
}
END_TEST

START_TEST(a_typo_within_a_scope_is_found)
{
	const char *environment[] = { "POOL_WEB_TITEL=x", NULL };

	begin();
	by_error *error = load((by_settings_sources){ .environment = environment, .scopes = "pool", .scope = "web" });

	ck_assert(by_error_is(error, CONFIGURATION));
	ck_assert_msg(strstr(error->detail, "did you mean TITLE") != NULL, "%s", error->detail);
	end();
}
END_TEST

UNIT("settings", what_a_scope_says_goes_before_what_holds_for_all, a_typo_within_a_scope_is_found, without_any_source_the_defaults_hold, the_strongest_source_that_says_something_wins,
    every_fault_is_a_line_with_name_expectation_and_source, a_missing_setting_names_every_source_searched,
    a_parts_prefix_is_its_own_and_typos_below_it_are_found, two_fields_that_claim_one_variable_are_refused,
    variables_that_clients_can_set_are_refused, a_file_may_hold_any_value_and_secrets_files_are_private,
    secrets_and_passwords_are_never_shown, passwords_in_urls_are_masked_rather_too_much_than_too_little,
    rules_over_several_settings_run_last, switches_lists_and_empty_values_are_understood,
    the_sample_file_loads_once_its_comments_are_removed);
