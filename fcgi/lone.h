/* Processes that a web server starts by itself: how they find each other. */
#ifndef BY_FCGI_LONE_H
#define BY_FCGI_LONE_H

#include "fcgi/application.h"

/*
 * Joins the region that all such processes of the application share in
 * RUNTIME_DIR, so that metrics and what is refused hold for all of them, and
 * makes its own slot this process's. Where there can be none (no such
 * directory, or all slots taken) the log says so once, and this process counts
 * for itself.
 */
void by__lone_join(const by__application *application, uint32_t *slot);

#endif
