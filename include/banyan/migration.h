/*
 * Migrations: numbered SQL steps with up and down, embedded in the binary.
 */
#ifndef BANYAN_MIGRATION_H
#define BANYAN_MIGRATION_H

#include <banyan/buf.h>
#include <banyan/ctx.h>
#include <banyan/database.h>

BY_BEGIN

/* One step in one dialect, made at build time from migrations/<dialect>/0001_name.sql by scripts/embed-migrations. */
typedef struct by_migration {
	uint32_t    number;
	const char *name;
	const char *dialect;
	const char *up;
	const char *down;   /* NULL: irreversible, and the file says so */
	const char *sha256; /* of the file; NULL, in a table written by hand: that of up and down is taken */
} by_migration;

typedef struct by_migrations {
	const by_migration *steps; /* of all dialects, by dialect and number */
	size_t              count;
} by_migrations;

/*
 * Applies the steps up to `target` (0: all), each in its own transaction with
 * its history row, under a lock that lets one process at a time. An applied
 * step that is missing or was edited stops it: CONFLICT, naming it. Parks.
 */
BY_API BY_MUST_CHECK by_error *by_migrate_up(by_ctx *ctx, by_database *database, const by_migrations *migrations,
    uint32_t target, size_t *applied);
/* Undoes the newest `steps`. CONFLICT before anything changes when one is irreversible. Parks. */
BY_API BY_MUST_CHECK by_error *by_migrate_down(by_ctx *ctx, by_database *database, const by_migrations *migrations,
    uint32_t steps, size_t *undone);
/* How many are pending. CONFLICT as above. Parks. */
BY_API BY_MUST_CHECK by_error *by_migrate_check(by_ctx *ctx, by_database *database, const by_migrations *migrations,
    size_t *pending);
/* Number, name, hash, time, duration, version and user of each applied step, as a table. Parks. */
BY_API BY_MUST_CHECK by_error *by_migrate_history(by_ctx *ctx, by_database *database, const by_migrations *migrations,
    by_buf *out);

BY_END

#endif
