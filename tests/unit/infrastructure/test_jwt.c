/* Tokens: what is accepted, and every forgery that must not be. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <banyan/buf.h>
#include <banyan/task.h>

#include "infrastructure/security/jwt.h"
#include "unit/unit.h"

#define SECRET "an example secret that is long enough for every hash there is, 64 bytes"

static by_arena *arena;
static by_ctx   *ctx;

static void setup(void)
{
	arena = by_arena_new(0);
	ctx = by_ctx_new(arena);
}

typedef struct key_pair {
	by_text private_pem, public_pem;
} key_pair;

static by_text pem_text(BIO *bio)
{
	char *data;
	long  len = BIO_get_mem_data(bio, &data);
	by_text text = { by_copy_text(arena, (by_text){ data, (size_t)len }), (size_t)len };

	BIO_free(bio);
	return text;
}

/* bits 0: an EC key on the curve. */
static key_pair make_keys(int bits, int curve)
{
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_id(bits ? EVP_PKEY_RSA : EVP_PKEY_EC, NULL);
	EVP_PKEY     *key = NULL;
	key_pair      pair;

	ck_assert_int_eq(EVP_PKEY_keygen_init(maker), 1);
	if (bits)
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(maker, bits), 1);
	else
		ck_assert_int_eq(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker, curve), 1);
	ck_assert_int_eq(EVP_PKEY_keygen(maker, &key), 1);
	BIO *private_bio = BIO_new(BIO_s_mem());
	BIO *public_bio = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(private_bio, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_PUBKEY(public_bio, key);
	pair.private_pem = pem_text(private_bio);
	pair.public_pem = pem_text(public_bio);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(maker);
	return pair;
}

static const by__jwt_options plain = { .algorithm = "HS256", .key = { SECRET, sizeof(SECRET) - 1 } };

static by_verifier *verifier_of(const by__jwt_options *options)
{
	by_verifier *verifier = NULL;

	ck_ok(by__jwt_verifier(arena, options, &verifier));
	return verifier;
}

static by_time in_seconds(int64_t seconds)
{
	return (by_time){ by_time_now().us + seconds * 1000000 };
}

static by_text signed_with(const char *algorithm, by_text key, const by__jwt_claims *claims)
{
	const char *token = NULL;

	ck_ok(by__jwt_sign(arena, algorithm, key, claims, &token));
	return (by_text){ token, strlen(token) };
}

static void refused(const by__jwt_options *options, by_text token, const char *detail)
{
	const by_principal *principal = NULL;
	by_verifier        *verifier = verifier_of(options);
	by_error           *error = verifier->driver->verify(verifier, ctx, token, &principal);

	ck_assert_msg(by_error_is(error, UNAUTHENTICATED), "a token was accepted: %.*s", BY_TEXT_ARG(token));
	ck_assert_str_eq(error->detail, detail);
	ck_assert_ptr_null(principal);
}

static const by_principal *accepted(const by__jwt_options *options, by_text token)
{
	const by_principal *principal = NULL;
	by_verifier        *verifier = verifier_of(options);

	ck_ok(verifier->driver->verify(verifier, ctx, token, &principal));
	return principal;
}

/* A token of any header and payload, unsigned or with a signature of HMAC-SHA256. */
static by_text forged(const char *header, const char *payload, by_text hmac_key)
{
	by_buf        out;
	unsigned char mac[EVP_MAX_MD_SIZE];
	size_t        mac_len = 0;

	by_buf_init(&out, arena, 0);
	by_put_base64url(&out, (by_bytes){ (const uint8_t *)header, strlen(header) });
	by_put_char(&out, '.');
	by_put_base64url(&out, (by_bytes){ (const uint8_t *)payload, strlen(payload) });
	if (hmac_key.len > 0) {
		EVP_PKEY   *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, (const unsigned char *)hmac_key.ptr,
		      hmac_key.len);
		EVP_MD_CTX *digest = EVP_MD_CTX_new();

		mac_len = sizeof(mac);
		ck_assert_int_eq(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key), 1);
		ck_assert_int_eq(EVP_DigestSign(digest, mac, &mac_len, (const unsigned char *)out.data, out.len), 1);
		EVP_MD_CTX_free(digest);
		EVP_PKEY_free(key);
	}
	by_put_char(&out, '.');
	by_put_base64url(&out, (by_bytes){ mac, mac_len });
	return (by_text){ by_buf_string(&out), out.len };
}

static const char *fresh_payload(void)
{
	return by_format(arena, "{\"sub\":\"u1\",\"roles\":[\"editor\"],\"exp\":%lld}",
	    (long long)(in_seconds(60).us / 1000000));
}

START_TEST(a_good_token_yields_its_subject_and_roles)
{
	const char *const     roles[] = { "editor", "viewer" };
	const by__jwt_options options = {
		.algorithm = "HS256", .key = BY_TEXT(SECRET), .issuer = "https://id.example", .audience = "lab"
	};
	setup();
	by_text token = signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada", .roles = roles,
	    .role_count = 2, .issuer = "https://id.example", .audience = "lab", .tenant = "t1", .expires = in_seconds(60),
	    .not_before = in_seconds(-5), .issued = in_seconds(-5) });
	const by_principal *who = accepted(&options, token);

	ck_assert_str_eq(who->subject, "ada");
	ck_assert_str_eq(who->tenant, "t1");
	ck_assert_uint_eq(who->role_count, 2);
	ck_assert_str_eq(who->roles[1], "viewer");
}
END_TEST

START_TEST(every_algorithm_signs_and_verifies)
{
	setup();
	key_pair rsa = make_keys(2048, 0);
	key_pair p256 = make_keys(0, NID_X9_62_prime256v1);
	key_pair p384 = make_keys(0, NID_secp384r1);
	key_pair p521 = make_keys(0, NID_secp521r1);
	key_pair secret = { BY_TEXT(SECRET), BY_TEXT(SECRET) };
	const struct { const char *name; key_pair *keys; } rows[] = {
		{ "HS256", &secret }, { "HS384", &secret }, { "HS512", &secret }, { "RS256", &rsa }, { "RS384", &rsa },
		{ "RS512", &rsa }, { "ES256", &p256 }, { "ES384", &p384 }, { "ES512", &p521 },
	};

	for (size_t i = 0; i < BY_COUNT(rows); i++) {
		by__jwt_options options = { .algorithm = rows[i].name, .key = rows[i].keys->public_pem };
		by_text token = signed_with(rows[i].name, rows[i].keys->private_pem,
		    &(by__jwt_claims){ .subject = "ada", .expires = in_seconds(60) });

		ck_assert_str_eq(accepted(&options, token)->subject, "ada");
	}
}
END_TEST

START_TEST(an_expired_token_says_so_beyond_the_leeway)
{
	by__jwt_options lenient = plain;

	setup();
	by_text token = signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada", .expires = in_seconds(-20) });

	refused(&plain, token, "token expired");
	lenient.leeway = BY_SECONDS(60);
	ck_assert_str_eq(accepted(&lenient, token)->subject, "ada");
}
END_TEST

START_TEST(a_token_without_exp_is_invalid)
{
	setup();
	refused(&plain, signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada" }), "invalid token");
}
END_TEST

START_TEST(a_forged_token_is_invalid)
{
	setup();
	by_text token = signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada", .expires = in_seconds(60) });
	char   *copy = by_copy_text(arena, token);
	char   *payload = strchr(copy, '.') + 3;

	refused(&plain, forged("{\"alg\":\"HS256\"}", fresh_payload(), BY_TEXT("another secret, long enough for HS256")),
	    "invalid token");
	*payload = *payload == 'A' ? 'B' : 'A';
	refused(&plain, (by_text){ copy, token.len }, "invalid token");
	refused(&plain, (by_text){ token.ptr, token.len - 4 }, "invalid token");
}
END_TEST

START_TEST(alg_none_is_invalid)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"NONE\"}", "{\"alg\":\"\"}", "{}", "{\"alg\":null}"
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(headers); i++)
		refused(&plain, forged(headers[i], fresh_payload(), (by_text){ NULL, 0 }), "invalid token");
}
END_TEST

START_TEST(another_algorithm_of_the_same_key_is_invalid)
{
	setup();
	refused(&plain, signed_with("HS512", BY_TEXT(SECRET), &(by__jwt_claims){ .subject = "ada", .expires = in_seconds(60) }),
	    "invalid token");
}
END_TEST

START_TEST(a_public_key_is_no_secret)
{
	setup();
	key_pair        rsa = make_keys(2048, 0);
	by__jwt_options options = { .algorithm = "RS256", .key = rsa.public_pem };

	refused(&options, forged("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", fresh_payload(), rsa.public_pem), "invalid token");
	refused(&options, forged("{\"alg\":\"RS256\",\"typ\":\"JWT\"}", fresh_payload(), rsa.public_pem), "invalid token");
	refused(&options, forged("{\"alg\":\"RS256\",\"alg\":\"HS256\"}", fresh_payload(), rsa.public_pem), "invalid token");
}
END_TEST

START_TEST(garbage_is_invalid)
{
	static const char *const garbage[] = {
		"", ".", "..", "...", "a.b.c", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.", "eyJhbGciOiJIUzI1NiJ9..",
		"eyJhbGciOiJIUzI1NiJ9.e30.", "\xff\xfe.\xff.\xff", "e30.e30.e30", "a a.b.c",
		"eyJhbGciOiJIUzI1NiJ9.bm90anNvbg.AAAA", "W10.W10.W10",
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(garbage); i++)
		refused(&plain, (by_text){ garbage[i], strlen(garbage[i]) }, "invalid token");
	char *huge = by_alloc(arena, 100000);

	memset(huge, 'a', 100000);
	refused(&plain, (by_text){ huge, 100000 }, "invalid token");
}
END_TEST

START_TEST(signed_claims_of_the_wrong_shape_are_invalid)
{
	const char *const payloads[] = {
		"[]", "{\"exp\":\"soon\"}", "{\"exp\":99999999999,\"exp\":99999999999}", "{\"sub\":1,\"exp\":99999999999}",
		"{\"roles\":[1],\"exp\":99999999999}", "{\"roles\":{},\"exp\":99999999999}", "{\"exp\":99999999999}x",
	};

	setup();
	for (size_t i = 0; i < BY_COUNT(payloads); i++)
		refused(&plain, forged("{\"alg\":\"HS256\"}", payloads[i], BY_TEXT(SECRET)), "invalid token");
}
END_TEST

START_TEST(issuer_audience_and_not_before_are_checked)
{
	by__jwt_options options = plain;

	setup();
	options.issuer = "https://id.example";
	refused(&options, signed_with("HS256", BY_TEXT(SECRET),
	    &(by__jwt_claims){ .issuer = "https://other.example", .expires = in_seconds(60) }), "invalid token");
	refused(&options, signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .expires = in_seconds(60) }), "invalid token");
	options = plain;
	options.audience = "lab";
	refused(&options, signed_with("HS256", BY_TEXT(SECRET),
	    &(by__jwt_claims){ .audience = "shop", .expires = in_seconds(60) }), "invalid token");
	accepted(&options, forged("{\"alg\":\"HS256\"}", "{\"aud\":[\"shop\",\"lab\"],\"exp\":99999999999}", BY_TEXT(SECRET)));
	refused(&plain, signed_with("HS256", BY_TEXT(SECRET),
	    &(by__jwt_claims){ .not_before = in_seconds(100), .expires = in_seconds(200) }), "invalid token");
}
END_TEST

START_TEST(an_expired_token_of_another_issuer_does_not_tell_more)
{
	by__jwt_options options = plain;

	setup();
	options.issuer = "https://id.example";
	refused(&options, signed_with("HS256", BY_TEXT(SECRET), &(by__jwt_claims){ .expires = in_seconds(-60) }), "invalid token");
}
END_TEST

START_TEST(roles_may_be_words_in_a_claim_of_any_name)
{
	by__jwt_options options = plain;

	setup();
	options.roles_claim = "https://lab.example/roles";
	const by_principal *who = accepted(&options, forged("{\"alg\":\"HS256\"}",
	    "{\"sub\":\"u\",\"https://lab.example/roles\":\"editor  viewer\",\"exp\":99999999999}", BY_TEXT(SECRET)));

	ck_assert_uint_eq(who->role_count, 2);
	ck_assert_str_eq(who->roles[0], "editor");
	ck_assert_str_eq(who->roles[1], "viewer");
	who = accepted(&plain, forged("{\"alg\":\"HS256\"}", "{\"sub\":\"u\",\"exp\":99999999999}", BY_TEXT(SECRET)));
	ck_assert_uint_eq(who->role_count, 0);
}
END_TEST

START_TEST(unfit_keys_are_refused_at_start_up)
{
	by_verifier *verifier = NULL;

	setup();
	key_pair weak = make_keys(1024, 0);
	key_pair p384 = make_keys(0, NID_secp384r1);
	const by__jwt_options unfit[] = {
		{ .algorithm = "HS256", .key = BY_TEXT("short") }, { .algorithm = "none", .key = BY_TEXT(SECRET) },
		{ .algorithm = NULL, .key = BY_TEXT(SECRET) }, { .algorithm = "RS256", .key = BY_TEXT(SECRET) },
		{ .algorithm = "RS256", .key = weak.public_pem }, { .algorithm = "RS256", .key = p384.public_pem },
		{ .algorithm = "ES256", .key = p384.public_pem }, { .algorithm = "ES384", .key = p384.private_pem },
	};

	for (size_t i = 0; i < BY_COUNT(unfit); i++)
		ck_fails(by__jwt_verifier(arena, &unfit[i], &verifier), CONFIGURATION);
}
END_TEST

UNIT("jwt", a_good_token_yields_its_subject_and_roles, every_algorithm_signs_and_verifies,
    an_expired_token_says_so_beyond_the_leeway, a_token_without_exp_is_invalid, a_forged_token_is_invalid,
    alg_none_is_invalid, another_algorithm_of_the_same_key_is_invalid, a_public_key_is_no_secret, garbage_is_invalid,
    signed_claims_of_the_wrong_shape_are_invalid, issuer_audience_and_not_before_are_checked,
    an_expired_token_of_another_issuer_does_not_tell_more, roles_may_be_words_in_a_claim_of_any_name,
    unfit_keys_are_refused_at_start_up);
