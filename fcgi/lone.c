/* Joins the shared region under a name of its own, beside that of a supervisor which may run as well. */
#include <stdio.h>
#include <unistd.h>

#include <banyan/assert.h>
#define BY_LOG_NAME "fcgi"
#include <banyan/log.h>

#include "core/shared.h"
#include "fcgi/directory.h"
#include "fcgi/lone.h"

enum { SLOTS = 96 };

static by_error *join(by_arena *arena, const by__application *application, uint32_t *slot)
{
	const char *directory = application->settings.runtime_dir;

	BY_TRY(by__directory_make(arena, directory, BY__SOCKET_DIRECTORY));
	return by__shared_join(arena, SLOTS, by_format(arena, "%s/%s.lone", directory, application->app->name), slot);
}

static void describe(const by__application *application)
{
	by__shared *region = by__shared_get();
	by__pool_row *row = &region->pool[0];

	(void)snprintf(region->application, sizeof(region->application), "%s", application->app->name);
	(void)snprintf(region->version, sizeof(region->version), "%s", application->app->version);
	(void)snprintf(row->name, sizeof(row->name), "web");
	(void)snprintf(row->listen, sizeof(row->listen), "the web server");
	(void)snprintf(row->scaling, sizeof(row->scaling), "external");
	region->pools = 1;
	atomic_store(&region->generation, 1);
	atomic_store(&row->requests_max, (uint32_t)application->settings.requests_max);
}

void by__lone_join(const by__application *application, uint32_t *slot)
{
	by_arena *arena = by_arena_new(0);
	by_error *error = join(arena, application, slot);

	if (error) {
		by_log_error(NULL, BY_LOG_WARNING, "this process counts for itself", error);
		*slot = 0;
		error = by__shared_create(arena, 1, NULL);
		BY_INVARIANT(error == BY_OK);
	}
	describe(application);
	by__shared_use(*slot);
	by__slot *own = by__shared_slot();

	atomic_store(&own->pid, (int32_t)getpid());
	atomic_store(&own->pool, 0);
	atomic_store(&own->generation, 1);
	atomic_store(&own->started, (uint64_t)by_time_now().us);
	by_arena_free(&arena);
}
