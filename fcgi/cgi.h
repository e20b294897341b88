/* Plain CGI: one request in the environment and on standard input, one answer on standard output. */
#ifndef BY_FCGI_CGI_H
#define BY_FCGI_CGI_H

#include <banyan/app.h>

/* Serves it. Returns the exit code: 0 whenever there was an answer, be it a 500. */
int by__cgi_run(by_arena *arena, const by_app *app);

#endif
