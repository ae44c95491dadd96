#include "tools/vtoken/keys.h"

#include "schemas/errors.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/vtoken/keys_internal.h"

#define RSA_BITS_MIN 512
#define RSA_BITS_MAX 4096

static const struct {
	unsigned bits;
	const char *name;
} curves[] = {
	{ 192, "prime192v1" },
	{ 256, "prime256v1" },
	{ 384, "secp384r1" },
	{ 521, "secp521r1" },
};

const char *
key_curve(unsigned bits)
{
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (curves[i].bits == bits)
			return curves[i].name;
	return NULL;
}

int
key_size_known(enum key_type type, unsigned bits)
{
	if (type == KEY_EC)
		return key_curve(bits) != NULL;
	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && bits % 64 == 0;
}

/* Takes over `pkey`, also when it fails. */
int
key_wrap(struct key **key, EVP_PKEY *pkey)
{
	struct key *made;
	int type = pkey ? EVP_PKEY_get_base_id(pkey) : EVP_PKEY_NONE;

	*key = NULL;
	made = calloc(1, sizeof *made);
	if (!made || (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)) {
		EVP_PKEY_free(pkey);
		free(made);
		return pkey && !made ? MINT_MEMORY : MINT_CRYPTO;
	}
	made->pkey = pkey;
	made->type = type == EVP_PKEY_RSA ? KEY_RSA : KEY_EC;
	made->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	*key = made;
	return 0;
}

int
key_generate(struct key **key, enum key_type type, unsigned bits)
{
	EVP_PKEY *pkey;

	*key = NULL;
	if (!key_size_known(type, bits))
		return MINT_ARGUMENT;
	pkey = type == KEY_RSA ? EVP_RSA_gen(bits) : EVP_EC_gen(key_curve(bits));
	return key_wrap(key, pkey);
}

static EVP_PKEY *
decode(const uint8_t *der, size_t len)
{
	PKCS8_PRIV_KEY_INFO *info;
	EVP_PKEY *pkey = NULL;
	const uint8_t *at = der;

	info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)len);
	if (info && at == der + len)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return pkey;
}

int
key_from_der(struct key **key, const uint8_t *der, size_t len)
{
	return key_wrap(key, decode(der, len));
}

int
key_from_stored(struct key **key, enum key_type type, unsigned bits, const uint8_t *der, size_t len)
{
	struct key *made = calloc(1, sizeof *made);

	*key = NULL;
	if (!made)
		return MINT_MEMORY;
	made->type = type;
	made->bits = bits;
	made->der = OPENSSL_memdup(der, len);
	made->der_len = len;
	if (!made->der) {
		free(made);
		return MINT_MEMORY;
	}
	*key = made;
	return 0;
}

/* The key to compute with; NULL when its bytes turn out to be none of its kind. */
static EVP_PKEY *
pkey_of(struct key *key)
{
	struct key *decoded;

	if (key->pkey || key_wrap(&decoded, decode(key->der, key->der_len)))
		return key->pkey;
	if (decoded->type == key->type && decoded->bits == key->bits) {
		key->pkey = decoded->pkey;
		decoded->pkey = NULL;
	}
	key_free(&decoded);
	return key->pkey;
}

int
key_to_der(struct key *key, const uint8_t **der, size_t *len)
{
	PKCS8_PRIV_KEY_INFO *info;
	int written;

	if (!key->der) {
		info = EVP_PKEY2PKCS8(key->pkey);
		written = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &key->der) : -1;
		PKCS8_PRIV_KEY_INFO_free(info);
		if (written <= 0)
			return MINT_CRYPTO;
		key->der_len = (size_t)written;
	}
	*der = key->der;
	*len = key->der_len;
	return 0;
}

void
key_free(struct key **key)
{
	if (*key) {
		EVP_PKEY_free((*key)->pkey);
		OPENSSL_clear_free((*key)->der, (*key)->der_len);
		free(*key);
	}
	*key = NULL;
}

enum key_type
key_type(const struct key *key)
{
	return key->type;
}

unsigned
key_bits(const struct key *key)
{
	return key->bits;
}

static int
number_out(struct key *key, const char *name, int len, uint8_t *out)
{
	BIGNUM *number = NULL;
	int written = MINT_CRYPTO;

	if (pkey_of(key) && EVP_PKEY_get_bn_param(key->pkey, name, &number) && BN_num_bytes(number) <= KEY_DATA_MAX)
		written = BN_bn2binpad(number, out, len ? len : BN_num_bytes(number));
	BN_free(number);
	return written > 0 ? written : MINT_CRYPTO;
}

int
key_modulus(struct key *key, uint8_t out[KEY_DATA_MAX])
{
	if (key->type != KEY_RSA)
		return MINT_REFUSED;
	return number_out(key, OSSL_PKEY_PARAM_RSA_N, (int)(key->bits / 8), out);
}

int
key_exponent(struct key *key, uint8_t out[KEY_DATA_MAX])
{
	if (key->type != KEY_RSA)
		return MINT_REFUSED;
	return number_out(key, OSSL_PKEY_PARAM_RSA_E, 0, out);
}

int
key_point(struct key *key, uint8_t out[KEY_DATA_MAX])
{
	size_t len;

	if (key->type != KEY_EC)
		return MINT_REFUSED;
	if (!pkey_of(key) ||
	    !EVP_PKEY_get_octet_string_param(key->pkey, OSSL_PKEY_PARAM_PUB_KEY, out, KEY_DATA_MAX, &len))
		return MINT_CRYPTO;
	return (int)len;
}

/* OpenSSL would drop low bits of a digest that is longer than the order (SEC 1, 4.1.3, step 5). The host pads digests
 * with zeroes in front to whole bytes of the field, which for P-521 is such a length: those zeroes carry nothing. */
static void
strip_padding(const struct key *key, const uint8_t **in, size_t *in_len)
{
	while (*in_len * CHAR_BIT > key->bits && **in == 0) {
		++*in;
		--*in_len;
	}
}

static int
padding_of(enum key_algorithm algorithm)
{
	return algorithm == KEY_ALGORITHM_PKCS1 ? RSA_PKCS1_PADDING : RSA_NO_PADDING;
}

int
key_sign(struct key *key, enum key_algorithm algorithm, const uint8_t *in, size_t in_len,
	 uint8_t out[KEY_DATA_MAX])
{
	EVP_PKEY_CTX *context;
	size_t out_len = KEY_DATA_MAX;
	int good;

	if ((algorithm == KEY_ALGORITHM_EC) != (key->type == KEY_EC) || in_len == 0)
		return MINT_ARGUMENT;
	if (key->type == KEY_EC)
		strip_padding(key, &in, &in_len);
	if (!pkey_of(key))
		return MINT_CRYPTO;
	context = EVP_PKEY_CTX_new(key->pkey, NULL);
	if (!context)
		return MINT_MEMORY;
	good = EVP_PKEY_sign_init(context) == 1;
	if (good && key->type == KEY_RSA)
		good = EVP_PKEY_CTX_set_rsa_padding(context, padding_of(algorithm)) == 1;
	good = good && EVP_PKEY_sign(context, out, &out_len, in, in_len) == 1;
	EVP_PKEY_CTX_free(context);
	return good ? (int)out_len : MINT_ARGUMENT;
}

int
key_decipher(struct key *key, enum key_algorithm algorithm, const uint8_t *in, size_t in_len,
	     uint8_t out[KEY_DATA_MAX])
{
	EVP_PKEY_CTX *context;
	size_t out_len = KEY_DATA_MAX;
	int good;

	if (key->type != KEY_RSA || in_len != key->bits / 8)
		return MINT_ARGUMENT;
	if (!pkey_of(key))
		return MINT_CRYPTO;
	context = EVP_PKEY_CTX_new(key->pkey, NULL);
	if (!context)
		return MINT_MEMORY;
	good = EVP_PKEY_decrypt_init(context) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(context, padding_of(algorithm)) == 1 &&
	       EVP_PKEY_decrypt(context, out, &out_len, in, in_len) == 1;
	EVP_PKEY_CTX_free(context);
	return good ? (int)out_len : MINT_ARGUMENT;
}

int
key_derive(struct key *key, const uint8_t *point, size_t point_len, uint8_t out[KEY_DATA_MAX])
{
	EVP_PKEY *peer;
	EVP_PKEY_CTX *context = NULL;
	size_t out_len = KEY_DATA_MAX;
	int good;

	if (key->type != KEY_EC)
		return MINT_ARGUMENT;
	if (!pkey_of(key))
		return MINT_CRYPTO;
	peer = EVP_PKEY_new();
	good = peer && EVP_PKEY_copy_parameters(peer, key->pkey) == 1 &&
	       EVP_PKEY_set1_encoded_public_key(peer, point, point_len) == 1;
	if (good)
		context = EVP_PKEY_CTX_new(key->pkey, NULL);
	good = context && EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1 &&
	       EVP_PKEY_derive(context, out, &out_len) == 1;
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(peer);
	return good ? (int)out_len : MINT_ARGUMENT;
}
