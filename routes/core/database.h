/* The lab's database: its migrations, embedded in the binary. DATABASE_URL says where it is. */
#ifndef LAB_CORE_DATABASE_H
#define LAB_CORE_DATABASE_H

#include <banyan/migration.h>

extern const by_migrations lab_migrations;

#endif
