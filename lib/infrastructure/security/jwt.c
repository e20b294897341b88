/*
 * Bearer tokens. libjwt checks signatures only: it would take an HS256 token
 * keyed with an RSA public key, so that the token's own header is read first
 * and must name the pinned algorithm; the claims are read and checked here.
 */
#include <stdlib.h>
#include <string.h>

#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>

#include <banyan/assert.h>
#include <banyan/json.h>

#include "infrastructure/security/jwt.h"

enum { VERIFIER_MAGIC = 0x62796a77, TOKEN_MAX = 8192, RSA_BITS = 2048, ROLES_MAX = 64 };

typedef enum key_sort { KEY_SECRET, KEY_RSA, KEY_EC } key_sort;

typedef struct algorithm {
	const char *name;
	jwt_alg_t   id;
	key_sort    sort;
	int         size; /* SECRET: bytes at least; EC: bits of the curve */
} algorithm;

static const algorithm algorithms[] = {
	{ "HS256", JWT_ALG_HS256, KEY_SECRET, 32 }, { "HS384", JWT_ALG_HS384, KEY_SECRET, 48 },
	{ "HS512", JWT_ALG_HS512, KEY_SECRET, 64 },
	{ "RS256", JWT_ALG_RS256, KEY_RSA, RSA_BITS }, { "RS384", JWT_ALG_RS384, KEY_RSA, RSA_BITS },
	{ "RS512", JWT_ALG_RS512, KEY_RSA, RSA_BITS },
	{ "ES256", JWT_ALG_ES256, KEY_EC, 256 }, { "ES384", JWT_ALG_ES384, KEY_EC, 384 },
	{ "ES512", JWT_ALG_ES512, KEY_EC, 521 },
};

typedef struct jwt_verifier {
	by_verifier      base;
	uint32_t         magic;
	const algorithm *algorithm;
	const char      *key;
	size_t           key_len;
	const char      *issuer;
	const char      *audience;
	const char      *roles_claim;
	int64_t          leeway_us;
} jwt_verifier;

/* The token's header, as far as it matters. */
typedef struct token_header {
	const char *alg;
	by_json     crit;
} token_header;
BY_DECLARE_MODEL(token_header);

static const by_field token_header_fields[] = {
	BY_FIELD(token_header, alg),
	BY_FIELD(token_header, crit, .optional = true),
};
BY_MODEL(token_header, token_header_fields, .allow_unknown = true);

typedef struct token_claims {
	const char *sub;
	const char *iss;
	const char *tenant;
	by_json     aud;
	double     *exp;
	double     *nbf;
} token_claims;
BY_DECLARE_MODEL(token_claims);

static const by_field token_claims_fields[] = {
	BY_FIELD(token_claims, sub, .optional = true),
	BY_FIELD(token_claims, iss, .optional = true),
	BY_FIELD(token_claims, tenant, .optional = true),
	BY_FIELD(token_claims, aud, .optional = true),
	BY_FIELD(token_claims, exp),
	BY_FIELD(token_claims, nbf),
};
BY_MODEL(token_claims, token_claims_fields, .allow_unknown = true);

/* A claim that is a string, or a list of them. */
typedef struct string_list {
	by_list_string items;
} string_list;
BY_DECLARE_MODEL(string_list);

static const by_field string_list_fields[] = {
	BY_FIELD(string_list, items),
};
BY_MODEL(string_list, string_list_fields);

typedef struct one_string {
	const char *item;
} one_string;
BY_DECLARE_MODEL(one_string);

static const by_field one_string_fields[] = {
	BY_FIELD(one_string, item),
};
BY_MODEL(one_string, one_string_fields);

static by_error *expired(by_ctx *ctx)
{
	return by_fail(ctx, UNAUTHENTICATED, "token expired");
}

static by_error *invalid(by_ctx *ctx, const char *why)
{
	return by_error_internal(ctx->arena, by_fail(ctx, UNAUTHENTICATED, "invalid token"), "%s", why);
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* base64url without padding (RFC 7515 section 2); false also for bits beyond the last byte. */
static bool decode_part(by_arena *arena, by_text part, by_text *out)
{
	char    *data = by_alloc_raw(arena, part.len / 4 * 3 + 3);
	uint32_t bits = 0;
	unsigned held = 0;
	size_t   len = 0;

	for (size_t i = 0; i < part.len; i++) {
		int value = sextet(part.ptr[i]);

		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t)value) & 0xffffu;
		held += 6;
		if (held >= 8) {
			held -= 8;
			data[len++] = (char)(bits >> held & 0xff);
		}
	}
	*out = (by_text){ data, len };
	return part.len > 0 && held < 6 && (bits & ((1u << held) - 1)) == 0;
}

/* The three parts of the compact form (RFC 7515 section 3.1). */
static bool split_token(by_text token, by_text parts[3])
{
	const char *at = token.ptr;
	const char *end = token.ptr + token.len;

	for (int i = 0; i < 3; i++) {
		const char *dot = memchr(at, '.', (size_t)(end - at));

		if ((dot == NULL) != (i == 2))
			return false;
		parts[i] = (by_text){ at, (size_t)((dot ? dot : end) - at) };
		at = dot ? dot + 1 : end;
	}
	return true;
}

/* Duplicate names and anything else that two parsers may read differently are refused by the strict reader. */
static bool read_part(by_arena *arena, by_text part, const by_model *model, void *object)
{
	by_faults *faults = by_faults_new(arena);
	by_text    json;

	if (!decode_part(arena, part, &json))
		return false;
	by_error *error = by_json_read(faults, json, model, object, NULL);

	return error == BY_OK && by_faults_count(faults) == 0;
}

/* The text of a claim that is a JSON string or an array of strings, as a list. */
static bool read_strings(by_arena *arena, by_json claim, by_list_string *out)
{
	by_faults      *faults = by_faults_new(arena);
	string_list     many = { .items = { NULL, 0 } };
	one_string      one = { NULL };
	bool            array = claim.len > 0 && claim.ptr[0] == '[';
	const by_model *model = array ? &string_list_model : &one_string_model;
	char           *json = by_format(arena, "{\"%s\":%.*s}", array ? "items" : "item", (int)claim.len, claim.ptr);
	by_error       *error = by_json_read(faults, (by_text){ json, strlen(json) }, model,
	          array ? (void *)&many : (void *)&one, NULL);

	if (error != BY_OK || by_faults_count(faults) > 0)
		return false;
	if (!array) {
		many.items.items = BY_NEW_ARRAY(arena, const char *, 1);
		many.items.items[0] = one.item;
		many.items.count = 1;
	}
	*out = many.items;
	return true;
}

static bool audience_fits(by_arena *arena, const char *audience, by_json claim)
{
	by_list_string list;

	if (claim.ptr == NULL || !read_strings(arena, claim, &list))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.items[i], audience) == 0)
			return true;
	return false;
}

/* "editor viewer" is two roles, as in the scope claim (RFC 8693 section 4.2). */
static void split_words(by_arena *arena, const char *text, by_list_string *out)
{
	char *copy = by_copy(arena, text);
	char *rest = copy;

	out->items = BY_NEW_ARRAY(arena, const char *, ROLES_MAX);
	out->count = 0;
	for (char *word = strtok_r(copy, " ", &rest); word != NULL && out->count < ROLES_MAX; word = strtok_r(NULL, " ", &rest))
		out->items[out->count++] = word;
}

static bool read_roles(by_arena *arena, by_json claim, by_list_string *roles)
{
	*roles = (by_list_string){ NULL, 0 };
	if (claim.ptr == NULL)
		return true;
	if (!read_strings(arena, claim, roles))
		return false;
	if (claim.ptr[0] != '[')
		split_words(arena, roles->items[0], roles);
	return true;
}

/* Also fetches the claim of the roles, whose name is a setting; it may hold what no model's field may, as a URL. */
static bool signature_holds(by_arena *arena, const jwt_verifier *v, by_text token, by_json *roles)
{
	jwt_t *jwt = NULL;
	bool   holds = jwt_decode(&jwt, by_copy_text(arena, token), (const unsigned char *)v->key, (int)v->key_len) == 0 &&
	    jwt_get_alg(jwt) == v->algorithm->id;
	char  *json = holds ? jwt_get_grants_json(jwt, v->roles_claim) : NULL;

	if (json != NULL)
		*roles = (by_json){ by_copy(arena, json), strlen(json) };
	free(json);
	jwt_free(jwt);
	return holds;
}

static by_error *check_claims(by_ctx *ctx, const jwt_verifier *v, const token_claims *claims)
{
	double now = (double)by_time_now().us;
	double leeway = (double)v->leeway_us;

	if (claims->exp == NULL)
		return invalid(ctx, "no exp");
	if (v->issuer != NULL && (claims->iss == NULL || strcmp(claims->iss, v->issuer) != 0))
		return invalid(ctx, "another issuer");
	if (v->audience != NULL && !audience_fits(ctx->arena, v->audience, claims->aud))
		return invalid(ctx, "another audience");
	if (claims->nbf != NULL && *claims->nbf * 1e6 > now + leeway)
		return invalid(ctx, "not valid yet");
	return *claims->exp * 1e6 <= now - leeway ? expired(ctx) : BY_OK;
}

static by_error *verify(by_verifier *verifier, by_ctx *ctx, by_text token, const by_principal **principal)
{
	jwt_verifier  *v = BY_CHECKED(verifier, jwt_verifier, VERIFIER_MAGIC);
	by_text        parts[3];
	token_header   header = { .alg = NULL };
	token_claims   claims = { .sub = NULL };
	by_json        roles_json = { NULL, 0 };
	by_list_string roles;

	if (token.len > TOKEN_MAX || !split_token(token, parts))
		return invalid(ctx, "not a token");
	if (!read_part(ctx->arena, parts[0], &token_header_model, &header) || strcmp(header.alg, v->algorithm->name) != 0)
		return invalid(ctx, "another algorithm");
	/* Extensions that must be understood, of which none is (RFC 7515, 4.1.11). */
	if (header.crit.ptr != NULL)
		return invalid(ctx, "a critical header");
	if (!signature_holds(ctx->arena, v, token, &roles_json))
		return invalid(ctx, "the signature does not hold");
	if (!read_part(ctx->arena, parts[1], &token_claims_model, &claims) || !read_roles(ctx->arena, roles_json, &roles))
		return invalid(ctx, "the claims cannot be read");
	BY_TRY(check_claims(ctx, v, &claims));
	by_principal *made = BY_NEW(ctx->arena, by_principal);

	*made = (by_principal){ claims.sub, claims.iss, claims.tenant, roles.items, roles.count };
	*principal = made;
	return BY_OK;
}

static void close_verifier(by_verifier *verifier)
{
	jwt_verifier *v = BY_CHECKED(verifier, jwt_verifier, VERIFIER_MAGIC);

	v->magic = 0;
}

static const algorithm *find_algorithm(const char *name)
{
	for (size_t i = 0; i < BY_COUNT(algorithms); i++)
		if (name != NULL && strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

/* NULL when the PEM is a key for the algorithm, else what is wrong. */
static const char *key_mistake(const algorithm *wanted, by_text key, bool private)
{
	if (wanted->sort == KEY_SECRET)
		return key.len >= (size_t)wanted->size ? NULL : "the secret is shorter than the algorithm's hash";
	BIO      *bio = BIO_new_mem_buf(key.ptr, (int)key.len);
	EVP_PKEY *pkey = private ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	const char *why = NULL;

	if (pkey == NULL)
		why = private ? "the key is not a private key in PEM" : "the key is not a public key in PEM";
	else if (EVP_PKEY_base_id(pkey) != (wanted->sort == KEY_RSA ? EVP_PKEY_RSA : EVP_PKEY_EC))
		why = "the key is of another kind than the algorithm";
	else if (wanted->sort == KEY_RSA ? EVP_PKEY_bits(pkey) < wanted->size : EVP_PKEY_bits(pkey) != wanted->size)
		why = wanted->sort == KEY_RSA ? "the RSA key has fewer than 2048 bits" : "the key is on another curve";
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return why;
}

static by_error *check_key(by_arena *arena, const char *name, const algorithm *found, by_text key, bool private)
{
	if (found == NULL)
		return by_error_new(arena, CONFIGURATION, "The token algorithm \"%s\" is none of HS256, HS384, HS512, RS256, RS384, "
		    "RS512, ES256, ES384 and ES512.", name ? name : "");
	const char *why = key_mistake(found, key, private);

	return why ? by_error_new(arena, CONFIGURATION, "The token key does not fit %s: %s.", found->name, why) : BY_OK;
}

static by_error *compile_models(by_arena *arena)
{
	BY_TRY(by_model_compile(arena, &token_header_model));
	BY_TRY(by_model_compile(arena, &token_claims_model));
	BY_TRY(by_model_compile(arena, &string_list_model));
	return by_model_compile(arena, &one_string_model);
}

by_error *by__jwt_verifier(by_arena *arena, const by__jwt_options *options, by_verifier **verifier)
{
	static const by_verifier_driver driver = { verify, close_verifier };
	const algorithm                *found = find_algorithm(options->algorithm);

	BY_TRY(check_key(arena, options->algorithm, found, options->key, false));
	jwt_verifier *v = BY_NEW(arena, jwt_verifier);

	*v = (jwt_verifier){
		.base = { &driver }, .magic = VERIFIER_MAGIC, .algorithm = found,
		.key = by_copy_text(arena, options->key), .key_len = options->key.len,
		.issuer = options->issuer ? by_copy(arena, options->issuer) : NULL,
		.audience = options->audience ? by_copy(arena, options->audience) : NULL,
		.roles_claim = by_copy(arena, options->roles_claim ? options->roles_claim : "roles"),
		.leeway_us = options->leeway.us
	};
	BY_TRY(compile_models(arena));
	*verifier = &v->base;
	return BY_OK;
}

static void put_text_claim(by_json_writer *w, const char *name, const char *value)
{
	if (value == NULL)
		return;
	by_json_name(w, name);
	by_json_string(w, value);
}

static void put_time_claim(by_json_writer *w, const char *name, by_time value)
{
	if (value.us == 0)
		return;
	by_json_name(w, name);
	by_json_int(w, value.us / 1000000);
}

static const char *claims_json(by_arena *arena, const by__jwt_claims *claims)
{
	by_json_writer w;
	by_buf         out;

	by_buf_init(&out, arena, 256);
	by_json_writer_init(&w, &out);
	by_json_object(&w);
	put_text_claim(&w, "sub", claims->subject);
	put_text_claim(&w, "iss", claims->issuer);
	put_text_claim(&w, "aud", claims->audience);
	put_text_claim(&w, "tenant", claims->tenant);
	put_time_claim(&w, "iat", claims->issued);
	put_time_claim(&w, "exp", claims->expires);
	put_time_claim(&w, "nbf", claims->not_before);
	by_json_name(&w, claims->roles_claim ? claims->roles_claim : "roles");
	by_json_array(&w);
	for (size_t i = 0; i < claims->role_count; i++)
		by_json_string(&w, claims->roles[i]);
	by_json_array_end(&w);
	by_json_object_end(&w);
	return by_buf_string(&out);
}

by_error *by__jwt_sign(by_arena *arena, const char *algorithm_name, by_text key, const by__jwt_claims *claims,
    const char **token)
{
	const algorithm *found = find_algorithm(algorithm_name);
	jwt_t           *jwt = NULL;
	char            *encoded = NULL;

	BY_TRY(check_key(arena, algorithm_name, found, key, true));
	const char *pem = by_copy_text(arena, key);

	if (jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, claims_json(arena, claims)) == 0 &&
	    jwt_set_alg(jwt, found->id, (const unsigned char *)pem, (int)key.len) == 0)
		encoded = jwt_encode_str(jwt);
	jwt_free(jwt);
	if (encoded == NULL)
		return by_error_new(arena, CONFIGURATION, "The token could not be signed with %s and this key.", found->name);
	*token = by_copy(arena, encoded);
	free(encoded);
	return BY_OK;
}
