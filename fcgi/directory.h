/* Directories that settings name and that need not exist yet. */
#ifndef BY_FCGI_DIRECTORY_H
#define BY_FCGI_DIRECTORY_H

#include <banyan/error.h>

/* Makes the directory and those above it, unless they exist. UNAVAILABLE names the one that cannot be made. */
BY_MUST_CHECK by_error *by__directory_make(by_arena *arena, const char *path);
/* The same for the directory that a file is to stand in. */
BY_MUST_CHECK by_error *by__directory_of(by_arena *arena, const char *file);

#endif
