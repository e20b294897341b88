/* serve: the supervisor and its workers. */
#include "fcgi/supervisor/supervisor.h"
#include "scripts/cli/cli.h"

int by__command_serve(by__cli *cli)
{
	by__application *application;
	int code = by__cli_end(cli);

	if (code == 0)
		code = by__cli_application(cli, false, &application);
	return code == 0 ? by__supervisor_run(application, &cli->from) : code;
}
