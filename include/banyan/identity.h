/*
 * Bearer tokens: who calls. The implementation is in infrastructure/security.
 */
#ifndef BANYAN_IDENTITY_H
#define BANYAN_IDENTITY_H

#include <banyan/ctx.h>

BY_BEGIN

typedef struct by_verifier by_verifier;

typedef struct by_verifier_driver {
	/*
	 * The verified principal, in the context's arena. UNAUTHENTICATED with
	 * the detail "token expired" or "invalid token", and no other. May park.
	 */
	by_error *(*verify)(by_verifier *verifier, by_ctx *ctx, by_text token, const by_principal **principal);
	void (*close)(by_verifier *verifier);
} by_verifier_driver;

struct by_verifier {
	const by_verifier_driver *driver;
};

BY_END

#endif
