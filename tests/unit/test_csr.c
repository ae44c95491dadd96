/* Certificate requests: which are taken, and why the others are not. Requests are made by OpenSSL and then spoilt by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "hostd/ca/request.h"
#include "schemas/errors.h"
#include "tests/unit/ca_fixture.h"

static EVP_PKEY *rsa2048, *p256, *p384;

static int
make_keys(void **state)
{
	(void)state;
	rsa2048 = EVP_RSA_gen(2048);
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	return rsa2048 && p256 && p384 ? 0 : -1;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa2048);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	return 0;
}

static int
read_blob(struct blob csr, unsigned allowed, struct request_key *key, struct reason *reason)
{
	/* A copy of exactly this size: a sanitizer sees a byte read too far. */
	uint8_t *copy = malloc(csr.length ? csr.length : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, csr.data, csr.length);
	*reason = (struct reason){ .error = 0 };
	r = request_read(key, (struct blob){ copy, csr.length }, allowed, reason);
	free(copy);
	return r;
}

static int
error_of(struct blob csr, unsigned allowed)
{
	struct request_key key;
	struct reason reason = { .error = 0 };
	int r = read_blob(csr, allowed, &key, &reason);

	assert_int_equal(r, reason.error);
	assert_true(r == 0 || reason.text[0]);
	if (r == 0)
		request_key_clear(&key);
	return r;
}

static int
error_of_key(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *digest, unsigned allowed)
{
	struct blob csr = fixture_request(key, signer, digest);
	int r = error_of(csr, allowed);

	OPENSSL_free((void *)(uintptr_t)csr.data);
	return r;
}

static void
request_of_an_allowed_type_gives_its_key(void **state)
{
	const struct { EVP_PKEY *key; unsigned type; const char *name; } rows[] = {
		{ rsa2048, KEY_RSA2048, "rsa2048" }, { p256, KEY_P256, "p256" }, { p384, KEY_P384, "p384" },
	};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct blob csr = fixture_request(rows[i].key, rows[i].key, EVP_sha256());
		uint8_t digest[32], *spki = NULL;
		struct request_key key;
		struct reason reason = { .error = 0 };
		int length = i2d_PUBKEY(rows[i].key, &spki);

		assert_int_equal(read_blob(csr, rows[i].type, &key, &reason), 0);
		assert_int_equal(key.type, rows[i].type);
		assert_int_equal(key_type_by_name(rows[i].name), rows[i].type);
		assert_string_equal(key_type_name(key.type), rows[i].name);
		assert_int_equal(EVP_PKEY_eq(key.key, rows[i].key), 1);
		assert_int_equal(EVP_Digest(spki, (size_t)length, digest, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(key.spki_sha256, digest, 32);
		request_key_clear(&key);
		OPENSSL_free(spki);
		OPENSSL_free((void *)(uintptr_t)csr.data);
	}
}

static void
key_type_that_the_profile_does_not_allow_is_refused(void **state)
{
	EVP_PKEY *rsa1024 = EVP_RSA_gen(1024), *p521 = EVP_EC_gen("P-521"), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	assert_int_equal(error_of_key(rsa2048, rsa2048, EVP_sha256(), KEY_P256), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(p256, p256, EVP_sha256(), KEY_ALL & ~KEY_P256), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(rsa1024, rsa1024, EVP_sha256(), KEY_ALL), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(p521, p521, EVP_sha256(), KEY_ALL), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(ed, ed, NULL, KEY_ALL), MINT_CA_REFUSED);
	EVP_PKEY_free(rsa1024);
	EVP_PKEY_free(p521);
	EVP_PKEY_free(ed);
}

static void
request_signed_by_another_key_is_refused(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");

	(void)state;
	assert_int_equal(error_of_key(p256, other, EVP_sha256(), KEY_ALL), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(rsa2048, p256, EVP_sha256(), KEY_ALL), MINT_CA_REFUSED);
	EVP_PKEY_free(other);
}

static void
request_signed_with_sha1_is_refused(void **state)
{
	(void)state;
	assert_int_equal(error_of_key(rsa2048, rsa2048, EVP_sha1(), KEY_ALL), MINT_CA_REFUSED);
	assert_int_equal(error_of_key(rsa2048, rsa2048, EVP_sha512(), KEY_ALL), 0);
}

static void
request_cut_short_anywhere_or_with_bytes_behind_it_is_no_request(void **state)
{
	struct blob csr = fixture_request(p256, p256, EVP_sha256());
	uint8_t longer[1024];

	(void)state;
	for (uint32_t length = 0; length < csr.length; length++)
		assert_int_equal(error_of((struct blob){ csr.data, length }, KEY_ALL), MINT_SYNTAX);
	memcpy(longer, csr.data, csr.length);
	longer[csr.length] = 0;
	assert_int_equal(error_of((struct blob){ longer, csr.length + 1 }, KEY_ALL), MINT_SYNTAX);
	OPENSSL_free((void *)(uintptr_t)csr.data);
}

static void
request_with_any_bit_turned_is_refused(void **state)
{
	struct blob csr = fixture_request(p256, p256, EVP_sha256());
	uint8_t spoilt[1024];

	(void)state;
	for (uint32_t at = 0; at < csr.length; at++) {
		memcpy(spoilt, csr.data, csr.length);
		spoilt[at] ^= 1;
		assert_int_not_equal(error_of((struct blob){ spoilt, csr.length }, KEY_ALL), 0);
	}
	OPENSSL_free((void *)(uintptr_t)csr.data);
}

static void
one_key_has_one_encoding(void **state)
{
	EVP_PKEY *compressed = EVP_EC_gen("P-256"), *explicit_curve = EVP_EC_gen("P-256");

	(void)state;
	assert_int_equal(EVP_PKEY_set_utf8_string_param(compressed, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"), 1);
	assert_int_equal(error_of_key(compressed, compressed, EVP_sha256(), KEY_ALL), MINT_SYNTAX);
	assert_int_equal(EVP_PKEY_set_utf8_string_param(explicit_curve, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), 1);
	assert_int_equal(error_of_key(explicit_curve, explicit_curve, EVP_sha256(), KEY_ALL), MINT_CA_REFUSED);
	EVP_PKEY_free(compressed);
	EVP_PKEY_free(explicit_curve);
}

static EVP_PKEY *
rsa_from(BIGNUM *modulus, unsigned long exponent)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	BIGNUM *e = BN_new();
	OSSL_PARAM *params;

	assert_true(BN_set_word(e, exponent) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
	params = OSSL_PARAM_BLD_to_param(build);
	assert_true(EVP_PKEY_fromdata_init(context) > 0 && EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	BN_free(e);
	return key;
}

static void
small_exponent_is_weak(void **state)
{
	BIGNUM *modulus = NULL;
	EVP_PKEY *key;

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(rsa2048, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
	key = rsa_from(modulus, 3);
	assert_int_equal(error_of_key(key, rsa2048, EVP_sha256(), KEY_ALL), MINT_KEY_WEAK);
	EVP_PKEY_free(key);
	BN_free(modulus);
}

static void
modulus_with_a_small_factor_is_weak(void **state)
{
	BIGNUM *modulus = BN_new();
	EVP_PKEY *key;

	(void)state;
	/* Odd, 2048 bits, a multiple of 3. */
	assert_true(BN_rand(modulus, 2046, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) && BN_mul_word(modulus, 3));
	assert_int_equal(BN_num_bits(modulus), 2048);
	key = rsa_from(modulus, 65537);
	assert_int_equal(error_of_key(key, rsa2048, EVP_sha256(), KEY_ALL), MINT_KEY_WEAK);
	EVP_PKEY_free(key);
	BN_free(modulus);
}

/* A modulus as an Infineon chip made it: modulo the product of the first primes it is a power of 65537 (the paper's section 2.1). */
static void
modulus_of_a_roca_chip_is_weak(void **state)
{
	static const unsigned char primes[] = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
		97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167 };
	BN_CTX *context = BN_CTX_new();
	BIGNUM *product = BN_new(), *power = BN_new(), *exponent = BN_new(), *modulus = BN_new(), *rest = BN_new();
	struct request_key out;
	struct reason reason = { .error = 0 };
	struct blob csr;
	EVP_PKEY *key;

	(void)state;
	BN_one(product);
	for (size_t i = 0; i < sizeof primes; i++)
		assert_true(BN_mul_word(product, primes[i]));
	assert_true(BN_set_word(power, 65537) && BN_set_word(exponent, 123456789) &&
	    BN_mod_exp(power, power, exponent, product, context) && BN_rand(modulus, 2048, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY) &&
	    BN_mod(rest, modulus, product, context) && BN_sub(modulus, modulus, rest) && BN_add(modulus, modulus, power));
	assert_int_equal(BN_num_bits(modulus), 2048);
	key = rsa_from(modulus, 65537);
	csr = fixture_request(key, rsa2048, EVP_sha256());
	assert_int_equal(read_blob(csr, KEY_ALL, &out, &reason), MINT_KEY_WEAK);
	assert_non_null(strstr(reason.text, "ROCA"));
	OPENSSL_free((void *)(uintptr_t)csr.data);
	EVP_PKEY_free(key);
	BN_free(product);
	BN_free(power);
	BN_free(exponent);
	BN_free(modulus);
	BN_free(rest);
	BN_CTX_free(context);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_an_allowed_type_gives_its_key),
		cmocka_unit_test(key_type_that_the_profile_does_not_allow_is_refused),
		cmocka_unit_test(request_signed_by_another_key_is_refused),
		cmocka_unit_test(request_signed_with_sha1_is_refused),
		cmocka_unit_test(request_cut_short_anywhere_or_with_bytes_behind_it_is_no_request),
		cmocka_unit_test(request_with_any_bit_turned_is_refused),
		cmocka_unit_test(one_key_has_one_encoding),
		cmocka_unit_test(small_exponent_is_weak),
		cmocka_unit_test(modulus_with_a_small_factor_is_weak),
		cmocka_unit_test(modulus_of_a_roca_chip_is_weak),
	};

	return cmocka_run_group_tests_name("csr", tests, make_keys, free_keys);
}
