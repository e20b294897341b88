/*
 * What a worker is given to work with. Each family is a small vtable, declared
 * here or in its own core header, and its URL picks the implementation.
 */
#ifndef BANYAN_PROVIDER_H
#define BANYAN_PROVIDER_H

#include <banyan/ctx.h>
#include <banyan/database.h>
#include <banyan/identity.h>
#include <banyan/store.h>

BY_BEGIN

typedef struct by_providers {
	by_database *database; /* DATABASE_URL */
	by_store    *store;    /* repositories, over the database */
	by_verifier *verifier; /* bearer tokens; NULL: none are accepted */
} by_providers;

BY_END

#endif
