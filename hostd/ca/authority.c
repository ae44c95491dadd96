#include "hostd/ca/authority.h"
#include "hostd/ca/file.h"
#include "schemas/errors.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEM_MAX = 16 * 1024 };

struct authority {
	X509     *certificate;
	EVP_PKEY *key;                          /* NULL when opened without a passphrase */
	uint8_t   sha256[DIGEST_BYTES];
};

/* The file in a memory BIO that owns a copy. NULL after the reason has been given. */
static BIO *
open_pem(int directory, const char *name, struct reason *reason)
{
	void *bytes = NULL;
	size_t length = 0;
	int r = file_read(directory, name, PEM_MAX, &bytes, &length);
	BIO *pem = NULL;

	if (r != 0) {
		reason_set(reason, r, "%s: %s: make a CA with `mint-ca init`, or name its directory", name, strerror(errno));
		return NULL;
	}
	pem = BIO_new(BIO_s_mem());
	if (!pem || BIO_write(pem, bytes, (int)length) != (int)length) {
		reason_set(reason, MINT_MEMORY, "%s: out of memory", name);
		BIO_free(pem);
		pem = NULL;
	}
	free(bytes);
	return pem;
}

static int
read_certificate(struct authority *authority, int directory, struct reason *reason)
{
	BIO *pem = open_pem(directory, "issuing.pem", reason);

	if (!pem)
		return reason->error;
	authority->certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	BIO_free(pem);
	if (!authority->certificate || X509_digest(authority->certificate, EVP_sha256(), authority->sha256, NULL) != 1)
		return reason_set_openssl(reason, MINT_CONFIG, "issuing.pem holds no certificate: restore it from a backup");
	return 0;
}

/* A key in clear is refused: PEM_read_bio_PrivateKey would take one without asking for the passphrase. */
static int
read_key(struct authority *authority, int directory, const struct passphrase *passphrase, struct reason *reason)
{
	static const char head[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
	BIO *pem = open_pem(directory, "issuing.key", reason);
	char *text;

	if (!pem)
		return reason->error;
	if (BIO_get_mem_data(pem, &text) < (long)sizeof head || strncmp(text, head, sizeof head - 1) != 0) {
		BIO_free(pem);
		return reason_set(reason, MINT_CONFIG, "issuing.key is no encrypted PKCS#8 file: encrypt it with `openssl pkcs8 -topk8 "
		    "-scrypt`");
	}
	authority->key = PEM_read_bio_PrivateKey(pem, NULL, NULL, (void *)(uintptr_t)passphrase->text);
	BIO_free(pem);
	if (!authority->key)
		return reason_set_openssl(reason, MINT_CONFIG, "issuing.key cannot be opened: check the passphrase");
	if (X509_check_private_key(authority->certificate, authority->key) != 1)
		return reason_set_openssl(reason, MINT_CONFIG, "issuing.key does not belong to issuing.pem: restore both from one backup");
	return 0;
}

int
authority_open(struct authority **out, int directory, const struct passphrase *passphrase, struct reason *reason)
{
	struct authority *authority = calloc(1, sizeof *authority);
	int r;

	*out = NULL;
	if (!authority)
		return reason_set(reason, MINT_MEMORY, "out of memory");
	r = faccessat(directory, AUTHORITY_UNFINISHED, F_OK, 0) != 0 ? read_certificate(authority, directory, reason)
	    : reason_set(reason, MINT_CONFIG, "this CA was not finished: run `mint-ca init` again");
	if (r == 0 && passphrase)
		r = read_key(authority, directory, passphrase, reason);
	if (r == 0)
		*out = authority;
	else
		authority_free(&authority);
	return r;
}

void
authority_free(struct authority **place)
{
	struct authority *authority = *place;

	*place = NULL;
	if (!authority)
		return;
	X509_free(authority->certificate);
	EVP_PKEY_free(authority->key);
	free(authority);
}

X509 *
authority_certificate(const struct authority *authority)
{
	return authority->certificate;
}

const uint8_t *
authority_sha256(const struct authority *authority)
{
	return authority->sha256;
}

int
authority_is_demonstration(const struct authority *authority)
{
	const X509_NAME *name = X509_get_subject_name(authority->certificate);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, at)) >= 0) {
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));

		if (ASN1_STRING_length(value) == (int)strlen(AUTHORITY_MARK) &&
		    memcmp(ASN1_STRING_get0_data(value), AUTHORITY_MARK, strlen(AUTHORITY_MARK)) == 0)
			return 1;
	}
	return 0;
}

/* A digest as strong as the key: FIPS 186-4's pairing of P-384 with SHA-384, SHA-256 for the rest. */
static const EVP_MD *
digest_for(EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

/* What was signed is verified before it leaves: a signature spoilt by a fault can give an RSA key away. */
int
authority_sign(const struct authority *authority, X509 *certificate, struct reason *reason)
{
	if (!authority->key)
		return reason_set(reason, MINT_CA_DOWN, "the CA key is not loaded");
	if (X509_sign(certificate, authority->key, digest_for(authority->key)) <= 0 ||
	    X509_verify(certificate, authority->key) != 1)
		return reason_set_openssl(reason, MINT_CRYPTO, "the certificate cannot be signed");
	return 0;
}

int
authority_sign_crl(const struct authority *authority, X509_CRL *crl, struct reason *reason)
{
	if (!authority->key)
		return reason_set(reason, MINT_CA_DOWN, "the CA key is not loaded");
	if (X509_CRL_sign(crl, authority->key, digest_for(authority->key)) <= 0 || X509_CRL_verify(crl, authority->key) != 1)
		return reason_set_openssl(reason, MINT_CRYPTO, "the revocation list cannot be signed");
	return 0;
}
