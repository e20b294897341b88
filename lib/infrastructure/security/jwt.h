/*
 * JSON Web Tokens (RFC 7519), verified and signed by libjwt with one algorithm
 * pinned per key.
 */
#ifndef BY_SECURITY_JWT_H
#define BY_SECURITY_JWT_H

#include <banyan/identity.h>
#include <banyan/time.h>

typedef struct by__jwt_options {
	const char *algorithm;   /* HS256 HS384 HS512 RS256 RS384 RS512 ES256 ES384 ES512 */
	by_text     key;         /* HS: the secret, at least as long as its hash (RFC 7518 section 3.2); else a public key in PEM */
	const char *issuer;      /* NULL: any */
	const char *audience;    /* NULL: any */
	by_duration leeway;      /* of clocks that differ */
	const char *roles_claim; /* a list of strings, or words in one string; NULL: "roles" */
} by__jwt_options;

/*
 * A verifier in the arena. CONFIGURATION when the algorithm is not one of
 * those, or the key is not one for it.
 */
BY_MUST_CHECK by_error *by__jwt_verifier(by_arena *arena, const by__jwt_options *options, by_verifier **verifier);

/* What a token says. */
typedef struct by__jwt_claims {
	const char        *subject;
	const char        *issuer;   /* NULL: left out, as the others */
	const char        *audience;
	const char        *tenant;
	const char *const *roles;
	size_t             role_count;
	const char        *roles_claim; /* NULL: "roles" */
	by_time            issued;      /* iat */
	by_time            expires;     /* exp; us 0: left out */
	by_time            not_before;  /* nbf; us 0: left out */
} by__jwt_claims;

/* A signed token in the arena; the key is the secret, or a private key in PEM. CONFIGURATION when they do not fit. */
BY_MUST_CHECK by_error *by__jwt_sign(by_arena *arena, const char *algorithm, by_text key, const by__jwt_claims *claims,
    const char **token);

#endif
