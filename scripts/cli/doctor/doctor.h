/* The parts of `doctor`: this machine, and the site as its clients meet it. */
#ifndef BY_CLI_DOCTOR_H
#define BY_CLI_DOCTOR_H

#include "scripts/cli/cli.h"
#include "scripts/cli/doctor/findings.h"

/* Settings, tables and the database. False: without sound settings there is nothing else to look at. */
bool by__doctor_application(by__cli *cli, by__findings *findings, by__application **application);
/* Sockets and directories: who can reach them. */
void by__doctor_sockets(by__cli *cli, by__findings *findings, const by__application *application);
/* Limits of this machine, space and clock. */
void by__doctor_limits(by__cli *cli, by__findings *findings, const by__application *application);
/* What runs here already, from the shared region. */
void by__doctor_running(by__cli *cli, by__findings *findings, const by__application *application);

/* The live site, through its web server. `token` may be NULL; it is sent, and never printed. */
void by__doctor_site(by__cli *cli, by__findings *findings, const by__application *application, const char *url,
    const char *token);

#endif
