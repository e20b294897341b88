/* doctor: what is not as it should be, here and, with --url, on the way through the web server; and what mends it. */
#include <stdio.h>
#include <string.h>

#include "scripts/cli/doctor/doctor.h"

static int tell(const by__cli *cli, const by__findings *findings, bool json)
{
	by_buf out;
	int code;

	by_buf_init(&out, cli->arena, 4096);
	if (json) {
		by_error *error = by__findings_json(findings, &out);

		if (error)
			return by__application_failed(cli->app, error);
	} else {
		by__findings_print(findings, &out);
	}
	code = by__cli_print(cli, &out);
	return code == 0 && findings->failed > 0 ? 1 : code;
}

int by__command_doctor(by__cli *cli)
{
	by__findings findings = { .arena = cli->arena };
	bool json = by__cli_flag(cli, "--json");
	by__application *application;
	const char *url, *token;
	int code;

	if (!by__cli_value(cli, "--url", &url) || (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
		return by__cli_usage(cli, "--url needs an address such as https://example.org");
	if (!by__cli_value(cli, "--token", &token) || (token && !url))
		return by__cli_usage(cli, "--token needs a bearer token, and --url");
	if ((code = by__cli_end(cli)) != 0)
		return code;
	if (by__doctor_application(cli, &findings, &application)) {
		by__doctor_sockets(cli, &findings, application);
		by__doctor_limits(cli, &findings, application);
		by__doctor_running(cli, &findings, application);
		if (url)
			by__doctor_site(cli, &findings, application, url, token);
	}
	return tell(cli, &findings, json);
}
