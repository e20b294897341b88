/* version: what this is, and of what it is made. */
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <json-c/json_c_version.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <sqlite3.h>
#include <uv.h>

#include "scripts/cli/cli.h"

static void print_features(void)
{
	char pcre2[64] = "";
	int pq = PQlibVersion();

	(void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
	printf("libfcgi      present (it does not tell its version)\n");
	printf("libuv        %s\n", uv_version_string());
	printf("json-c       %s\n", json_c_version());
	printf("libpq        %d.%d\n", pq / 10000, pq % 10000);
	printf("SQLite       %s\n", sqlite3_libversion());
	printf("libjwt       present (it does not tell its version)\n");
	printf("OpenSSL      %s\n", OpenSSL_version(OPENSSL_VERSION));
	printf("PCRE2        %s\n", pcre2);
	printf("databases    sqlite postgresql\n");
}

int by__command_version(by__cli *cli)
{
	bool features = by__cli_flag(cli, "--features");
	/* As a bare option it stands for the command. */
	(void)by__cli_flag(cli, "--version");
	int code = by__cli_end(cli);

	if (code != 0)
		return code;
	printf("%s %s (banyan %s)\n", cli->app->name, cli->app->version ? cli->app->version : "0", PACKAGE_VERSION);
	if (features)
		print_features();
	return 0;
}
