/* A key written from outside part by part, as MyEID takes it: RSA without the private exponent, EC with both halves. */
#include "tools/vtoken/keys_internal.h"

#include "schemas/errors.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <stdlib.h>
#include <string.h>

#define PART_COUNT 8
#define EC_POINT_PART  KEY_PART_DQ
#define EC_SCALAR_PART KEY_PART_QINV

struct key_parts {
	struct { uint8_t bytes[KEY_DATA_MAX]; size_t len; } of[PART_COUNT];
};

static const enum key_part rsa_parts[] = {
	KEY_PART_MODULUS, KEY_PART_EXPONENT, KEY_PART_P, KEY_PART_Q, KEY_PART_DP, KEY_PART_DQ, KEY_PART_QINV,
};
static const enum key_part ec_parts[] = { EC_POINT_PART, EC_SCALAR_PART };

struct key_parts *
key_parts_new(void)
{
	return calloc(1, sizeof(struct key_parts));
}

void
key_parts_free(struct key_parts **parts)
{
	if (*parts)
		OPENSSL_clear_free(*parts, sizeof **parts);
	*parts = NULL;
}

int
key_parts_add(struct key_parts *parts, enum key_part part, const uint8_t *bytes, size_t len)
{
	size_t n = (size_t)(part - KEY_PART_MODULUS);

	if (n >= PART_COUNT)
		return MINT_ARGUMENT;
	for (; len > 0 && *bytes == 0; len--) /* the sign byte of a DER integer */
		bytes++;
	if (len == 0 || len > KEY_DATA_MAX)
		return MINT_ARGUMENT;
	memcpy(parts->of[n].bytes, bytes, len);
	parts->of[n].len = len;
	return 0;
}

int
key_parts_complete(const struct key_parts *parts, enum key_type type)
{
	const enum key_part *list = type == KEY_RSA ? rsa_parts : ec_parts;
	size_t count = type == KEY_RSA ? sizeof rsa_parts / sizeof *rsa_parts : sizeof ec_parts / sizeof *ec_parts;

	for (size_t i = 0; i < count; i++)
		if (parts->of[list[i] - KEY_PART_MODULUS].len == 0)
			return 0;
	return 1;
}

static BIGNUM *
number(const struct key_parts *parts, enum key_part part)
{
	const uint8_t *bytes = parts->of[part - KEY_PART_MODULUS].bytes;

	return BN_bin2bn(bytes, (int)parts->of[part - KEY_PART_MODULUS].len, NULL);
}

/* d = e^-1 mod (p-1)(q-1); NULL when there is none. The caller frees with BN_clear_free. */
static BIGNUM *
private_exponent(const struct key_parts *parts)
{
	BIGNUM *e = number(parts, KEY_PART_EXPONENT), *p = number(parts, KEY_PART_P), *q = number(parts, KEY_PART_Q);
	BIGNUM *phi = BN_new(), *d = NULL;
	BN_CTX *context = BN_CTX_new();

	if (e && p && q && phi && context && BN_sub_word(p, 1) && BN_sub_word(q, 1) && BN_mul(phi, p, q, context) &&
	    !BN_is_zero(phi))
		d = BN_mod_inverse(NULL, e, phi, context);
	BN_free(e);
	BN_clear_free(p);
	BN_clear_free(q);
	BN_clear_free(phi);
	BN_CTX_free(context);
	return d;
}

/* Builds a key of OpenSSL's type `name` from `build`, which it frees; checks that both halves belong together. */
static int
join(const char *name, OSSL_PARAM_BLD *build, int sound, struct key **key)
{
	OSSL_PARAM *params = sound ? OSSL_PARAM_BLD_to_param(build) : NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, name, NULL), *check = NULL;
	EVP_PKEY *pkey = NULL;

	if (params && context && EVP_PKEY_fromdata_init(context) == 1 &&
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) == 1)
		check = EVP_PKEY_CTX_new(pkey, NULL);
	if (!check || EVP_PKEY_pairwise_check(check) != 1) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key_wrap(key, pkey);
}

static int
join_rsa(const struct key_parts *parts, struct key **key)
{
	static const struct { enum key_part part; const char *name; } rows[] = {
		{ KEY_PART_MODULUS, OSSL_PKEY_PARAM_RSA_N },
		{ KEY_PART_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
		{ KEY_PART_P, OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ KEY_PART_Q, OSSL_PKEY_PARAM_RSA_FACTOR2 },
		{ KEY_PART_DP, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ KEY_PART_DQ, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
		{ KEY_PART_QINV, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
	};
	enum { ROWS = sizeof rows / sizeof rows[0] };
	BIGNUM *numbers[ROWS + 1] = { NULL };
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	int sound, error;

	numbers[ROWS] = private_exponent(parts);
	sound = build && numbers[ROWS] && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, numbers[ROWS]);
	for (size_t i = 0; sound && i < ROWS; i++) {
		numbers[i] = number(parts, rows[i].part);
		sound = numbers[i] && OSSL_PARAM_BLD_push_BN(build, rows[i].name, numbers[i]);
	}
	error = join("RSA", build, sound, key);
	for (size_t i = 0; i <= ROWS; i++)
		BN_clear_free(numbers[i]);
	return error;
}

static int
join_ec(const struct key_parts *parts, unsigned bits, struct key **key)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *scalar = number(parts, EC_SCALAR_PART);
	size_t point = EC_POINT_PART - KEY_PART_MODULUS;
	int sound, error;

	sound = build && scalar && key_curve(bits) &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, key_curve(bits), 0) &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, parts->of[point].bytes,
						 parts->of[point].len) &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
	error = join("EC", build, sound, key);
	BN_clear_free(scalar);
	return error;
}

int
key_parts_join(const struct key_parts *parts, enum key_type type, unsigned bits, struct key **key)
{
	int error = type == KEY_RSA ? join_rsa(parts, key) : join_ec(parts, bits, key);

	if (!error && (*key)->bits != bits) {
		key_free(key);
		error = MINT_CRYPTO;
	}
	return error;
}
