/* LOG_FILE: the log goes to it by way of standard error. */
#ifndef BY_FCGI_LOGFILE_H
#define BY_FCGI_LOGFILE_H

#include <banyan/error.h>

/* Opens the file for appending, made with mode 0640 when there is none, as standard error. UNAVAILABLE. */
BY_MUST_CHECK by_error *by__logfile_open(by_arena *arena, const char *path);

/* The same by name anew, after the file was moved away. False: it cannot be opened, and the log stays where it was. */
BY_MUST_CHECK bool by__logfile_reopen(const char *path);

#endif
