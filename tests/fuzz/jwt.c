/*
 * Bearer tokens under a fixed key. After 's' the input is a header and, on the
 * next line, claims, which are signed here, so that the readers behind the
 * signature are reached; otherwise it is a token.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <banyan/buf.h>
#include <banyan/json.h>

#include "core/json_reader.h"
#include "fuzz/fuzz.h"
#include "infrastructure/security/jwt.h"

#define SECRET "an example secret that is long enough for HS256"

static by_verifier *the_verifier(void)
{
	static const by__jwt_options options = { .algorithm = "HS256", .key = { SECRET, sizeof(SECRET) - 1 },
		.leeway = { 30000000 } };
	static by_verifier *verifier;

	if (!verifier)
		BY_REQUIRE(by__jwt_verifier(fuzz_kept(), &options, &verifier) == BY_OK);
	return verifier;
}

static void put_signature(by_buf *out)
{
	uint8_t  mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	BY_REQUIRE(HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (const uint8_t *)out->data, out->len, mac, &len) != NULL);
	by_put_char(out, '.');
	by_put_base64url(out, (by_bytes){ mac, len });
}

static by_text signed_token(by_arena *arena, by_text header, by_text claims)
{
	by_buf out;

	by_buf_init(&out, arena, 256);
	by_put_base64url(&out, (by_bytes){ (const uint8_t *)header.ptr, header.len });
	by_put_char(&out, '.');
	by_put_base64url(&out, (by_bytes){ (const uint8_t *)claims.ptr, claims.len });
	put_signature(&out);
	return (by_text){ out.data, out.len };
}

/* Whether the token ends with the signature of what stands before it. */
static bool is_signed(by_arena *arena, by_text token)
{
	const char *dot = memrchr(token.ptr, '.', token.len);
	by_buf      out;

	if (!dot)
		return false;
	by_buf_init(&out, arena, token.len + 64);
	by_put(&out, token.ptr, (size_t)(dot - token.ptr));
	put_signature(&out);
	return out.len == token.len && memcmp(out.data, token.ptr, token.len) == 0;
}

static bool verified(by_arena *arena, by_text token)
{
	by_verifier        *verifier = the_verifier();
	const by_principal *principal = NULL;
	by_error           *error = verifier->driver->verify(verifier, by_ctx_new(arena), token, &principal);

	FUZZ_HOLDS(error == BY_OK || by_error_is(error, UNAUTHENTICATED));
	FUZZ_HOLDS((error == BY_OK) == (principal != NULL));
	return error == BY_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool      sign = fuzz_choice(&data, &size) == 's';
	by_text   rest = fuzz_text(data, size);
	by_arena *arena = by_arena_new(0);

	if (sign) {
		by_text header = fuzz_line(&rest);

		if (verified(arena, signed_token(arena, header, rest))) {
			FUZZ_HOLDS(by__json_accept(arena, header, NULL) && by__json_accept(arena, rest, NULL));
			FUZZ_HOLDS(memmem(rest.ptr, rest.len, "exp", 3) != NULL || memchr(rest.ptr, '\\', rest.len) != NULL);
		}
	} else if (verified(arena, rest)) {
		FUZZ_HOLDS(is_signed(arena, rest));
	}
	by_arena_free(&arena);
	return 0;
}
