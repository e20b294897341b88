/* The database drivers of this build, and the repositories over them. Internal. */
#ifndef BY_INFRASTRUCTURE_DB_DRIVERS_H
#define BY_INFRASTRUCTURE_DB_DRIVERS_H

#include <banyan/database.h>
#include <banyan/store.h>

extern const by_database_driver by__postgresql_driver;
extern const by_database_driver by__sqlite_driver;

/* Makes all of them known to by_database_open, and reserves their metrics. Before the workers are forked. */
void by__databases_register(void);

/* Repositories over the context's database, in either dialect. It has no state of its own. */
by_store *by__sql_store(void);

#endif
