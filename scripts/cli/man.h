/* The manual page of an application, from the tables of commands and of settings. */
#ifndef BY_CLI_MAN_H
#define BY_CLI_MAN_H

#include "scripts/cli/cli.h"

/* NAME(1) in the macros of man(7), in the buffer. */
void by__cli_man(const by__cli *cli, by_buf *out);

#endif
