/* The policy of .access: who may call. The token is checked before anything is read or any connection taken. */
#include <strings.h>

#include <banyan/identity.h>
#include <banyan/provider.h>

#include "interface/chain.h"

typedef struct access_config {
	const char *role; /* NULL: anyone who is known */
} access_config;

static bool access_configure(const by__setup *setup, access_config *config)
{
	config->role = setup->endpoint->access.kind == BY_ACCESS_ROLE ? setup->endpoint->access.role : NULL;
	return setup->endpoint->access.kind != BY_ACCESS_PUBLIC;
}

/* The token of "Bearer <token>" (RFC 6750 section 2.1); ptr NULL when the header is of another scheme or absent. */
static by_text bearer_token(by_text header)
{
	if (header.len < 6 || strncasecmp(header.ptr, "Bearer", 6) != 0 || (header.len > 6 && header.ptr[6] != ' '))
		return (by_text){ NULL, 0 };
	by_text token = { header.ptr + 6, header.len - 6 };

	while (token.len > 0 && token.ptr[0] == ' ') {
		token.ptr++;
		token.len--;
	}
	while (token.len > 0 && token.ptr[token.len - 1] == ' ')
		token.len--;
	return token;
}

static by_error *identify(by__call *call, const by_principal **principal)
{
	by_ctx      *ctx = call->ctx;
	by_text      token = bearer_token(call->request->authorization);
	by_verifier *verifier = ctx->providers ? ctx->providers->verifier : NULL;

	if (token.ptr == NULL)
		return by_fail(ctx, UNAUTHENTICATED, "Authentication is required.");
	call->request->token_sent = true;
	if (verifier == NULL || token.len == 0)
		return by_fail(ctx, UNAUTHENTICATED, "invalid token");
	return verifier->driver->verify(verifier, ctx, token, principal);
}

static by_error *access_around(by__call *call, const access_config *config, by__nothing *state)
{
	by_ctx             *ctx = call->ctx;
	const by_principal *principal = NULL;

	(void)state;
	BY_TRY(identify(call, &principal));
	ctx->principal = principal;
	if (config->role != NULL && !by_ctx_has_role(ctx, config->role))
		return by_fail(ctx, FORBIDDEN, "This needs the role \"%s\".", config->role);
	return by__next(call);
}

BY__INTERCEPTOR(access, access_config, by__nothing);
