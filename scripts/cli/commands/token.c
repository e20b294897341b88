/* token: a bearer token for trying things out, signed with the secret that the workers verify with. */
#include <stdio.h>
#include <string.h>

#include "infrastructure/security/jwt.h"
#include "scripts/cli/cli.h"

enum { ROLES = 16 };

/* What the options ask for. 0, or 64 after saying what is wrong with them. */
static int read_claims(by__cli *cli, by__jwt_claims *claims, const char **roles)
{
	const char *value;
	by_duration expires = { INT64_C(3600) * 1000000 };

	if (!by__cli_value(cli, "--subject", &value))
		return by__cli_usage(cli, "--subject needs a name");
	claims->subject = value ? value : "developer";
	if (!by__cli_value(cli, "--expires", &value)
	    || (value && (!by_duration_parse((by_text){ value, strlen(value) }, &expires) || expires.us <= 0)))
		return by__cli_usage(cli, "--expires needs a duration such as 30m or 8h");
	for (;;) {
		if (!by__cli_value(cli, "--role", &value))
			return by__cli_usage(cli, "--role needs a name");
		if (!value)
			break;
		if (claims->role_count == ROLES)
			return by__cli_usage(cli, "at most %d roles fit", ROLES);
		roles[claims->role_count++] = value;
	}
	claims->roles = roles;
	claims->issued = by_time_now();
	claims->expires = (by_time){ claims->issued.us + expires.us };
	return by__cli_end(cli);
}

static int refuse(const by__cli *cli, const by__app_settings *settings, const by__jwt_key *key)
{
	const char *name = by__algorithm_enum.values[key->algorithm];

	if (settings->app_env == by__app_env_prod)
		by__cli_say(cli, "tokens are not made here when APP_ENV is prod; ask your identity provider");
	else if (!key->key)
		by__cli_say(cli, "no key is configured: set JWT_ALGORITHM and JWT_KEY");
	else if (strncmp(name, "HS", 2) != 0)
		by__cli_say(cli, "with %s only the issuer has the key that signs; tokens can be made here with HS256", name);
	else
		return 0;
	return BY__EXIT_CONFIGURATION;
}

int by__command_token(by__cli *cli)
{
	const char *roles[ROLES];
	by__jwt_claims claims = { 0 };
	by__application *application;
	by__jwt_key key = { 0 };
	const char *token = NULL;
	by_error *error;
	int code = read_claims(cli, &claims, roles);

	if (code != 0 || (code = by__cli_application(cli, false, &application)) != 0)
		return code;
	const by__jwt_settings *jwt = &application->settings.jwt;

	error = by__settings_key(cli->arena, &application->settings, &key);
	if (!error && (code = refuse(cli, &application->settings, &key)) != 0)
		return code;
	claims.issuer = jwt->issuer;
	claims.audience = jwt->audience;
	claims.roles_claim = jwt->role_claim;
	if (!error)
		error = by__jwt_sign(cli->arena, by__algorithm_enum.values[key.algorithm], (by_text){ key.key, strlen(key.key) },
		    &claims, &token);
	if (error)
		return by__application_failed(cli->app, error);
	puts(token);
	return 0;
}
