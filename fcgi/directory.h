/* Directories that settings name and that need not exist yet. */
#ifndef BY_FCGI_DIRECTORY_H
#define BY_FCGI_DIRECTORY_H

#include <sys/types.h>

#include <banyan/error.h>

/* What holds data is the owner's and the group's; what holds sockets can be entered by the web server's user. */
#define BY__DATA_DIRECTORY 0750
#define BY__SOCKET_DIRECTORY 0755

/* Makes the directory and those above it, unless they exist. UNAVAILABLE names the one that cannot be made. */
BY_MUST_CHECK by_error *by__directory_make(by_arena *arena, const char *path, mode_t mode);
/* The same for the directory that a file is to stand in. */
BY_MUST_CHECK by_error *by__directory_of(by_arena *arena, const char *file, mode_t mode);

#endif
