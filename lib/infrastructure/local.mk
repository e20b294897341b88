libbanyan_all_la_SOURCES += \
	lib/infrastructure/db/drivers.c \
	lib/infrastructure/db/drivers.h \
	lib/infrastructure/db/migration.c \
	lib/infrastructure/db/postgresql.c \
	lib/infrastructure/db/postgresql.h \
	lib/infrastructure/db/postgresql_address.c \
	lib/infrastructure/db/postgresql_connection.c \
	lib/infrastructure/db/postgresql_pool.c \
	lib/infrastructure/db/postgresql_results.c \
	lib/infrastructure/db/postgresql_value.c \
	lib/infrastructure/db/sql_plan.c \
	lib/infrastructure/db/sql_plan.h \
	lib/infrastructure/db/sql_store.c \
	lib/infrastructure/db/sql_text.c \
	lib/infrastructure/db/sqlite.c \
	lib/infrastructure/db/sqlite.h \
	lib/infrastructure/db/sqlite_connection.c \
	lib/infrastructure/security/jwt.c \
	lib/infrastructure/security/jwt.h
