#include "hostd/ca/request.h"
#include "schemas/errors.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned    type;
	int         rsa_bits;
	int         curve;
} types[] = {
	{ "rsa2048", KEY_RSA2048, 2048, NID_undef },
	{ "rsa3072", KEY_RSA3072, 3072, NID_undef },
	{ "rsa4096", KEY_RSA4096, 4096, NID_undef },
	{ "p256", KEY_P256, 0, NID_X9_62_prime256v1 },
	{ "p384", KEY_P384, 0, NID_secp384r1 },
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

unsigned
key_type_by_name(const char *name)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return 0;
}

const char *
key_type_name(unsigned type)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

/* The curve named in the SubjectPublicKeyInfo (RFC 5480, 2.1.1: namedCurve is the only choice allowed), NID_undef for none. */
static int
named_curve(X509_PUBKEY *spki)
{
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *type;
	const void *value;
	int kind;

	if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, spki) != 1)
		return NID_undef;
	X509_ALGOR_get0(&type, &kind, &value, algorithm);
	if (OBJ_obj2nid(type) != NID_X9_62_id_ecPublicKey || kind != V_ASN1_OBJECT)
		return NID_undef;
	return OBJ_obj2nid(value);
}

static unsigned
type_of(X509_PUBKEY *spki, EVP_PKEY *key)
{
	int rsa = EVP_PKEY_is_a(key, "RSA"), curve = EVP_PKEY_is_a(key, "EC") ? named_curve(spki) : NID_undef;

	for (size_t i = 0; i < TYPE_COUNT; i++)
		if ((rsa && types[i].rsa_bits == EVP_PKEY_get_bits(key)) || (curve != NID_undef && types[i].curve == curve))
			return types[i].type;
	return 0;
}

/* RFC 5480, 2.2: the first octet of an uncompressed point is 4. */
static int
point_is_compressed(X509_PUBKEY *spki)
{
	const unsigned char *bits = NULL;
	int bytes = 0;

	return X509_PUBKEY_get0_param(NULL, &bits, &bytes, NULL, spki) == 1 && bytes > 0 && bits[0] != 4;
}

/* A key has one encoding here, so that one key cannot come twice in two dresses: what was sent must be what we would write. */
static int
take_spki(struct request_key *out, X509_PUBKEY *spki, struct reason *reason)
{
	uint8_t *sent = NULL, *ours = NULL;
	int sent_bytes = i2d_X509_PUBKEY(spki, &sent), our_bytes = i2d_PUBKEY(out->key, &ours), r;

	if (sent_bytes <= 0 || our_bytes <= 0)
		r = reason_set_openssl(reason, MINT_SYNTAX, "the request's public key cannot be written out");
	else if (sent_bytes != our_bytes || memcmp(sent, ours, (size_t)sent_bytes) != 0 ||
	    (out->type & (KEY_P256 | KEY_P384) && point_is_compressed(spki)))
		r = reason_set(reason, MINT_SYNTAX, "the request's public key is not in its canonical DER form");
	else if (EVP_Digest(ours, (size_t)our_bytes, out->spki_sha256, NULL, EVP_sha256(), NULL) != 1)
		r = reason_set_openssl(reason, MINT_CRYPTO, "SHA-256");
	else
		r = 0;
	OPENSSL_free(sent);
	OPENSSL_free(ours);
	return r;
}

/* ROCA (CVE-2017-15361): a token chip whose RSA primes were k·M + (65537^a mod M). Such a modulus is, for every small prime, a
 * power of 65537; a sound one passes all 38 of these with a chance of about 1 in 10^8.
 * Nemec, Sys, Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack", CCS 2017, section 3. */
static int
modulus_is_roca(const BIGNUM *modulus)
{
	static const unsigned char primes[] = {
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
		127, 131, 137, 139, 149, 151, 157, 163, 167,
	};

	for (size_t i = 0; i < sizeof primes; i++) {
		BN_ULONG rest = BN_mod_word(modulus, primes[i]);
		unsigned power = 1, generator = 65537u % primes[i];

		while (power != rest && (power = power * generator % primes[i]) != 1)
			;
		if (power != rest)
			return 0;
	}
	return 1;
}

static int
check_rsa(EVP_PKEY *key, struct reason *reason)
{
	BIGNUM *modulus = NULL, *exponent = NULL;
	int r = MINT_CRYPTO;

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1)
		reason_set_openssl(reason, r, "the request's RSA key cannot be read");
	else if (!BN_is_odd(exponent) || BN_num_bits(exponent) < 17 || BN_num_bits(exponent) > 64)
		r = reason_set(reason, MINT_KEY_WEAK, "the RSA exponent is not an odd number from 65537 to 2^64 (FIPS 186-4, B.3.1)");
	else if (modulus_is_roca(modulus))
		r = reason_set(reason, MINT_KEY_WEAK, "the RSA key is of the kind CVE-2017-15361 (ROCA): its private key can be computed");
	else
		r = 0;
	BN_free(modulus);
	BN_free(exponent);
	return r;
}

static int
check_key(const struct request_key *key, struct reason *reason)
{
	int r = EVP_PKEY_is_a(key->key, "RSA") ? check_rsa(key->key, reason) : 0;
	EVP_PKEY_CTX *context;

	if (r != 0)
		return r;
	context = EVP_PKEY_CTX_new(key->key, NULL);
	if (!context || EVP_PKEY_public_check(context) != 1)
		r = reason_set_openssl(reason, MINT_KEY_WEAK, "the public key is not a sound one");
	EVP_PKEY_CTX_free(context);
	return r;
}

/* Proof of possession: RFC 2986, section 3, step 3. */
static int
check_signature(X509_REQ *request, EVP_PKEY *key, struct reason *reason)
{
	int digest = NID_undef, type;

	if (!OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request), &digest, &type) ||
	    (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512))
		return reason_set(reason, MINT_CA_REFUSED, "the request is not signed with SHA-256, SHA-384 or SHA-512");
	if (X509_REQ_verify(request, key) != 1)
		return reason_set_openssl(reason, MINT_CA_REFUSED,
		    "the request's signature is not by its own key: the token does not hold the private key");
	return 0;
}

static int
check_request(struct request_key *out, X509_REQ *request, unsigned allowed, struct reason *reason)
{
	X509_PUBKEY *spki = X509_REQ_get_X509_PUBKEY(request);
	int r;

	out->key = X509_REQ_get_pubkey(request);
	if (!spki || !out->key)
		return reason_set_openssl(reason, MINT_SYNTAX, "the request's public key cannot be read");
	out->type = type_of(spki, out->key);
	if (!(out->type & allowed))
		return reason_set(reason, MINT_CA_REFUSED, "the profile does not allow this type or size of key (%s, %d bits)",
		    out->type ? key_type_name(out->type) : "none that is known", EVP_PKEY_get_bits(out->key));
	r = take_spki(out, spki, reason);
	if (r == 0)
		r = check_key(out, reason);
	return r == 0 ? check_signature(request, out->key, reason) : r;
}

int
request_read(struct request_key *out, struct blob der, unsigned allowed, struct reason *reason)
{
	const unsigned char *at = der.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.length);
	int r;

	memset(out, 0, sizeof *out);
	if (!request)
		r = reason_set_openssl(reason, MINT_SYNTAX, "the request is not PKCS#10 in DER");
	else if (at != der.data + der.length)
		r = reason_set(reason, MINT_SYNTAX, "something stands behind the request");
	else
		r = check_request(out, request, allowed, reason);
	X509_REQ_free(request);
	ERR_clear_error();
	if (r != 0)
		request_key_clear(out);
	return r;
}

void
request_key_clear(struct request_key *key)
{
	EVP_PKEY_free(key->key);
	memset(key, 0, sizeof *key);
}
