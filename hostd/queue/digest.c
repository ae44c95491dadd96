#include "hostd/queue/digest.h"
#include "schemas/errors.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

void
digest_sha256(const struct blob *data, uint8_t out[DIGEST_BYTES])
{
	EVP_Digest(data->length ? data->data : (const uint8_t *)"", data->length, out, NULL, EVP_sha256(), NULL);
}

int
digest_serial(uint8_t out[SERIAL_BYTES])
{
	if (RAND_bytes(out, SERIAL_BYTES) != 1)
		return MINT_CRYPTO;
	out[0] = (uint8_t)((out[0] & 0x3f) | 0x40);
	return 0;
}

static int
serial_is(const X509 *certificate, const struct blob *serial)
{
	BIGNUM *have = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	BIGNUM *want = BN_bin2bn(serial->data, (int)serial->length, NULL);
	int same = have && want && BN_cmp(have, want) == 0;

	BN_free(have);
	BN_free(want);
	return same;
}

static int
key_is(const X509 *certificate, const struct blob *spki)
{
	uint8_t *der = NULL;
	int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	int same = bytes > 0 && (uint32_t)bytes == spki->length && memcmp(der, spki->data, spki->length) == 0;

	OPENSSL_free(der);
	return same;
}

int
digest_check_certificate(const struct blob *der, const struct blob *spki, const struct blob *serial)
{
	const uint8_t *at = der->data;
	X509 *certificate = der->length ? d2i_X509(NULL, &at, (long)der->length) : NULL;
	int r = 0;

	if (!certificate || at != der->data + der->length)
		r = MINT_SYNTAX;
	else if (!key_is(certificate, spki))
		r = MINT_PROOF_KEY;
	else if (!serial_is(certificate, serial))
		r = MINT_PROOF_CERTIFICATE;
	X509_free(certificate);
	ERR_clear_error();
	return r;
}

int
digest_check_signature(const struct blob *spki, const struct blob *challenge, const struct blob *signature)
{
	const uint8_t *at = spki->data;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki->length);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good = key && context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	           EVP_DigestVerify(context, signature->data, signature->length, challenge->data, challenge->length) == 1;

	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return good ? 0 : MINT_PROOF_CHALLENGE;
}
