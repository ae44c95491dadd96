/* Keys written from outside, and RSA operations, checked by OpenSSL's own half. */
#include "schemas/errors.h"
#include "tests/unit/vtoken_dialogue.h"
#include "tools/vtoken/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <string.h>

static void
add_number(struct key_parts *parts, enum key_part part, EVP_PKEY *from, const char *name)
{
	uint8_t bytes[KEY_DATA_MAX + 1] = { 0 }; /* a sign byte in front, as hosts send it */
	BIGNUM *number = NULL;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(from, name, &number), 1);
	len = BN_bn2bin(number, bytes + 1);
	assert_int_equal(key_parts_add(parts, part, bytes, (size_t)len + 1), 0);
	BN_clear_free(number);
}

static struct key_parts *
rsa_parts(EVP_PKEY *from)
{
	struct key_parts *parts = key_parts_new();

	add_number(parts, KEY_PART_P, from, OSSL_PKEY_PARAM_RSA_FACTOR1);
	add_number(parts, KEY_PART_Q, from, OSSL_PKEY_PARAM_RSA_FACTOR2);
	add_number(parts, KEY_PART_DP, from, OSSL_PKEY_PARAM_RSA_EXPONENT1);
	add_number(parts, KEY_PART_DQ, from, OSSL_PKEY_PARAM_RSA_EXPONENT2);
	add_number(parts, KEY_PART_QINV, from, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
	add_number(parts, KEY_PART_MODULUS, from, OSSL_PKEY_PARAM_RSA_N);
	assert_false(key_parts_complete(parts, KEY_RSA));
	add_number(parts, KEY_PART_EXPONENT, from, OSSL_PKEY_PARAM_RSA_E);
	assert_true(key_parts_complete(parts, KEY_RSA));
	return parts;
}

static void
an_rsa_key_of_parts_deciphers_and_signs(void **state)
{
	static const uint8_t message[] = "sixteen bytes ..";
	EVP_PKEY *outside = EVP_RSA_gen(1024);
	struct key_parts *parts = rsa_parts(outside);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(outside, NULL);
	uint8_t cryptogram[128], out[KEY_DATA_MAX];
	size_t len = sizeof cryptogram;
	struct key *key;

	(void)state;
	assert_int_equal(key_parts_join(parts, KEY_RSA, 1024, &key), 0);
	assert_int_equal(EVP_PKEY_encrypt_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_encrypt(context, cryptogram, &len, message, sizeof message), 1);
	assert_int_equal(key_decipher(key, KEY_ALGORITHM_PKCS1, cryptogram, len, out), sizeof message);
	assert_memory_equal(out, message, sizeof message);
	assert_int_equal(key_sign(key, KEY_ALGORITHM_PKCS1, message, sizeof message, out), 128);
	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
	assert_int_equal(EVP_PKEY_verify(context, out, 128, message, sizeof message), 1);
	assert_int_equal(key_sign(key, KEY_ALGORITHM_RAW, message, sizeof message, out), MINT_ARGUMENT);
	assert_int_equal(key_sign(key, KEY_ALGORITHM_EC, message, sizeof message, out), MINT_ARGUMENT);
	assert_int_equal(key_decipher(key, KEY_ALGORITHM_RAW, message, sizeof message, out), MINT_ARGUMENT);
	assert_int_equal(key_point(key, out), MINT_REFUSED);
	key_free(&key);
	key_parts_free(&parts);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(outside);
}

static void
parts_that_do_not_belong_together_make_no_key(void **state)
{
	EVP_PKEY *outside = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024);
	struct key_parts *parts = rsa_parts(outside);
	struct key *key;

	(void)state;
	assert_int_equal(key_parts_join(parts, KEY_RSA, 2048, &key), MINT_CRYPTO);
	assert_null(key);
	add_number(parts, KEY_PART_MODULUS, other, OSSL_PKEY_PARAM_RSA_N);
	assert_int_equal(key_parts_join(parts, KEY_RSA, 1024, &key), MINT_CRYPTO);
	assert_null(key);
	key_parts_free(&parts);
	EVP_PKEY_free(outside);
	EVP_PKEY_free(other);
}

static void
a_key_on_a_curve_is_taken_with_both_halves(void **state)
{
	static const struct { const char *name; unsigned bits; } curves[] = {
		{ "P-256", 256 }, { "P-384", 384 }, { "P-521", 521 },
	};
	uint8_t *point, out[KEY_DATA_MAX];
	struct key_parts *parts;
	struct key *key;
	size_t len;

	(void)state;
	for (size_t n = 0; n < sizeof curves / sizeof curves[0]; n++) {
		EVP_PKEY *outside = EVP_EC_gen(curves[n].name);

		parts = key_parts_new();
		add_number(parts, KEY_PART_QINV, outside, OSSL_PKEY_PARAM_PRIV_KEY);
		len = EVP_PKEY_get1_encoded_public_key(outside, &point);
		assert_int_equal(key_parts_add(parts, KEY_PART_DQ, point, len), 0);
		assert_true(key_parts_complete(parts, KEY_EC));
		assert_int_equal(key_parts_join(parts, KEY_EC, curves[n].bits, &key), 0);
		assert_int_equal(key_point(key, out), len);
		assert_memory_equal(out, point, len);
		key_free(&key);
		key_parts_free(&parts);
		OPENSSL_free(point);
		EVP_PKEY_free(outside);
	}
}

/* The driver pads a SHA-512 digest with zeroes in front to the 66 bytes of the field. */
static void
a_digest_padded_to_the_field_of_p521_is_signed_as_its_number(void **state)
{
	uint8_t padded[66] = { 0 }, out[KEY_DATA_MAX], point[KEY_DATA_MAX];
	EVP_PKEY *public = EVP_EC_gen("P-521");
	EVP_PKEY_CTX *context;
	struct key *key;
	int len;

	(void)state;
	memset(padded + 2, 0xA5, 64);
	assert_int_equal(key_generate(&key, KEY_EC, 521), 0);
	len = key_point(key, point);
	assert_int_equal(EVP_PKEY_set1_encoded_public_key(public, point, (size_t)len), 1);
	len = key_sign(key, KEY_ALGORITHM_EC, padded, sizeof padded, out);
	assert_true(len > 0);
	context = EVP_PKEY_CTX_new(public, NULL);
	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	assert_int_equal(EVP_PKEY_verify(context, out, (size_t)len, padded + 2, 64), 1);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(public);
	key_free(&key);
}

/* Stored keys are decoded late: what is not the key it is said to be must fail then, and not crash. */
static void
stored_bytes_that_are_not_the_key_fail_when_used(void **state)
{
	static const uint8_t digest[32] = { 1 };
	const uint8_t *der;
	uint8_t out[KEY_DATA_MAX];
	struct key *key, *stored;
	size_t len;

	(void)state;
	assert_int_equal(key_generate(&key, KEY_EC, 256), 0);
	assert_int_equal(key_to_der(key, &der, &len), 0);
	assert_int_equal(key_from_stored(&stored, KEY_EC, 256, der, len), 0);
	assert_true(key_sign(stored, KEY_ALGORITHM_EC, digest, sizeof digest, out) > 0);
	key_free(&stored);
	assert_int_equal(key_from_stored(&stored, KEY_EC, 384, der, len), 0);
	assert_int_equal(key_sign(stored, KEY_ALGORITHM_EC, digest, sizeof digest, out), MINT_CRYPTO);
	assert_int_equal(key_point(stored, out), MINT_CRYPTO);
	key_free(&stored);
	assert_int_equal(key_from_stored(&stored, KEY_EC, 256, der, len - 1), 0);
	assert_int_equal(key_point(stored, out), MINT_CRYPTO);
	assert_int_equal(key_derive(stored, digest, sizeof digest, out), MINT_CRYPTO);
	key_free(&stored);
	key_free(&key);
}

static void
sizes_that_the_card_does_not_have_are_refused(void **state)
{
	struct key *key;

	(void)state;
	assert_int_equal(key_generate(&key, KEY_RSA, 8192), MINT_ARGUMENT);
	assert_int_equal(key_generate(&key, KEY_RSA, 256), MINT_ARGUMENT);
	assert_int_equal(key_generate(&key, KEY_RSA, 1025), MINT_ARGUMENT);
	assert_int_equal(key_generate(&key, KEY_EC, 224), MINT_ARGUMENT);
	assert_null(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_rsa_key_of_parts_deciphers_and_signs),
		cmocka_unit_test(parts_that_do_not_belong_together_make_no_key),
		cmocka_unit_test(a_key_on_a_curve_is_taken_with_both_halves),
		cmocka_unit_test(a_digest_padded_to_the_field_of_p521_is_signed_as_its_number),
		cmocka_unit_test(stored_bytes_that_are_not_the_key_fail_when_used),
		cmocka_unit_test(sizes_that_the_card_does_not_have_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
