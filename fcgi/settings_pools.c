/* The pools: their names, and each one's settings, read anew with its own words laid over those for all. */
#include <string.h>

#include <banyan/buf.h>

#include "fcgi/settings.h"

static bool is_pool_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < 24 && *name >= 'a' && *name <= 'z'
	    && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == len && strcmp(name, "status") != 0;
}

static void check_names(by_faults *faults, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_pool_name(names[i]))
			by_fault_add(faults, BY_FAULT_SETTING, "POOLS", "format",
			    "entry %zu must be a word of small letters and digits, and not status", i + 1);
		for (size_t j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				by_fault_add(faults, BY_FAULT_SETTING, "POOLS", "unique", "entry %zu names a pool a second time", i + 1);
	}
}

/* What there is one of, however many pools. */
static void check_shared_words(by_faults *faults, const by_settings *origins, const char *pool)
{
	static const char *const words[] = { "APP_ENV", "RUNTIME_DIR", "PID_FILE", "LOG_FILE", "POOLS", "STATUS_LISTEN",
		"START_TIMEOUT", "MIGRATE_ON_START" };

	for (size_t i = 0; i < BY_COUNT(words); i++) {
		const char *place = by_settings_scoped(origins, words[i]);

		if (place)
			by_fault_add(faults, BY_FAULT_SETTING, words[i], "scope", "holds for all pools and cannot be set for %s, %s", pool,
			    place);
	}
}

static void check_addresses(by_faults *faults, const by__pool_settings *pools, size_t count, const char *status)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(pools[i].settings.listen, status) == 0)
			by_fault_add(faults, BY_FAULT_SETTING, "LISTEN", "unique", "of the pool %s is STATUS_LISTEN, too", pools[i].name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(pools[i].settings.listen, pools[j].settings.listen) == 0)
				by_fault_add(faults, BY_FAULT_SETTING, "LISTEN", "unique", "is the same for the pools %s and %s", pools[j].name,
				    pools[i].name);
	}
}

static by_error *read_pool(by_arena *arena, const by_app *app, const by__settings_from *from, bool only,
    by__pool_settings *pool)
{
	size_t size = app->settings.model ? app->settings.model->size : 0;

	BY_TRY(by__settings_read_scope(arena, app, from, &(by__settings_scope){ pool->name, only }, &pool->settings,
	    &pool->origins));
	if (size > 0) {
		pool->own = by_alloc(arena, size);
		memcpy(pool->own, app->settings.object, size);
	}
	return BY_OK;
}

/* The faults of a pool's own section, each line told with its name. */
static void add_faults(by_buf *lines, const char *pool, const by_error *error)
{
	const char *text = error->detail ? error->detail : error->kind->title;

	while (*text) {
		size_t len = strcspn(text, "\n");

		by_put_format(lines, "%spool %s: %.*s", lines->len > 0 ? "\n" : "", pool, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

static by_error *read_pools(by_arena *arena, const by_app *app, const by__settings_from *from, by__pool_settings *pools,
    size_t count)
{
	by_buf lines;

	by_buf_init(&lines, arena, 0);
	for (size_t i = 0; i < count; i++) {
		by_error *error = read_pool(arena, app, from, count == 1, &pools[i]);

		if (error)
			add_faults(&lines, pools[i].name, error);
	}
	return lines.len > 0 ? by_error_new(arena, CONFIGURATION, "%s", by_buf_string(&lines)) : BY_OK;
}

/* The pools' objects are copies; the application's own goes back to what holds for all. */
static by_error *read_and_restore(by_arena *arena, const by_app *app, const by__settings_from *from,
    by__pool_settings *pools, size_t count)
{
	size_t size = app->settings.model ? app->settings.model->size : 0;
	void *before = by_alloc(arena, size + 1);

	if (size > 0)
		memcpy(before, app->settings.object, size);
	by_error *error = read_pools(arena, app, from, pools, count);

	if (size > 0)
		memcpy(app->settings.object, before, size);
	return error;
}

by_error *by__settings_pools(by_arena *arena, const by_app *app, const by__settings_from *from,
    const by__app_settings *all, const by_settings *origins, by__pool_settings **out, size_t *count)
{
	static const char *const unnamed[] = { "web" };
	const char *const *names = all->pools.count > 0 ? all->pools.items : unnamed;
	size_t many = all->pools.count > 0 ? all->pools.count : 1;
	by__pool_settings *pools = BY_NEW_ARRAY(arena, by__pool_settings, many);
	by_faults *faults = by_faults_new(arena);

	check_names(faults, names, many);
	BY_TRY(by__settings_faults(arena, faults));
	BY_TRY(by_settings_scopes_check(arena, origins, names, many));
	for (size_t i = 0; i < many; i++)
		pools[i].name = names[i];
	BY_TRY(read_and_restore(arena, app, from, pools, many));
	for (size_t i = 0; i < many; i++)
		check_shared_words(faults, pools[i].origins, names[i]);
	check_addresses(faults, pools, many, all->status_listen);
	BY_TRY(by__settings_faults(arena, faults));
	*out = pools;
	*count = many;
	return BY_OK;
}
