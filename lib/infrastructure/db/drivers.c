/* Registers the database drivers of this build. */
#include "infrastructure/db/drivers.h"
#include "infrastructure/db/postgresql.h"
#include "infrastructure/db/sqlite.h"

void by__databases_register(void)
{
	by__pg_metrics();
	by__lite_metrics();
	by_database_register(&by__sqlite_driver);
	by_database_register(&by__postgresql_driver);
}
