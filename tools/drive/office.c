#include "tools/drive/office.h"
#include "schemas/errors.h"

#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DAY_S = 86400, SERIAL_BYTES = 8, PADDING_MAX = 8192 };

/* Of no meaning to anybody, and so never critical: an arc for documentation (RFC 5612). */
static const char padding_oid[] = "1.3.6.1.4.1.32473.1";

static int
set_serial(X509 *certificate)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	int good;

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return 0;
	bytes[0] = (bytes[0] & 0x7F) | 0x40; /* positive, and always of one length */
	number = BN_bin2bn(bytes, sizeof bytes, NULL);
	good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
	BN_free(number);
	return good;
}

static int
pad(X509 *certificate, size_t bytes)
{
	uint8_t noise[PADDING_MAX];
	ASN1_OBJECT *object = OBJ_txt2obj(padding_oid, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	int good = bytes <= sizeof noise && object && value && RAND_bytes(noise, (int)bytes) == 1 &&
	    ASN1_OCTET_STRING_set(value, noise, (int)bytes) == 1 &&
	    (extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value)) && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(object);
	return good;
}

/* NULL on failure. */
static X509 *
make_certificate(const X509_NAME *subject, EVP_PKEY *key, EVP_PKEY *issuer, size_t padding)
{
	X509 *certificate = X509_new();

	if (certificate && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	    X509_gmtime_adj(X509_getm_notBefore(certificate), 0) && X509_gmtime_adj(X509_getm_notAfter(certificate), DAY_S) &&
	    X509_set_subject_name(certificate, subject) == 1 && X509_set_issuer_name(certificate, subject) == 1 &&
	    X509_set_pubkey(certificate, key) == 1 && (padding == 0 || pad(certificate, padding)) &&
	    X509_sign(certificate, issuer, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static int
encode(X509_REQ *request, EVP_PKEY *issuer, size_t padding, uint8_t **der, size_t *length)
{
	X509 *certificate = make_certificate(X509_REQ_get_subject_name(request), X509_REQ_get0_pubkey(request), issuer, padding);
	int n;

	OPENSSL_free(*der);
	*der = NULL;
	n = certificate ? i2d_X509(certificate, der) : 0;
	X509_free(certificate);
	*length = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : MINT_CRYPTO;
}

int
office_certify(EVP_PKEY *issuer, const struct blob *request, size_t least_bytes, uint8_t **der, size_t *length)
{
	const uint8_t *at = request->data;
	X509_REQ *parsed = d2i_X509_REQ(NULL, &at, (long)request->length);
	int r = parsed && X509_REQ_verify(parsed, X509_REQ_get0_pubkey(parsed)) == 1 ? 0 : MINT_SYNTAX;

	*der = NULL;
	*length = 0;
	if (r == 0)
		r = encode(parsed, issuer, 0, der, length);
	if (r == 0 && *length < least_bytes)
		r = encode(parsed, issuer, least_bytes - *length, der, length);
	X509_REQ_free(parsed);
	return r;
}

static FILE *
create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

int
office_found(const char *key_path, const char *certificate_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_NAME *name = X509_NAME_new();
	X509 *certificate = NULL;
	FILE *key_file = create(key_path), *certificate_file = create(certificate_path);
	int r = MINT_CRYPTO, written;

	if (name && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"trial", -1, -1, 0) == 1 && key)
		certificate = make_certificate(name, key, key, 0);
	if (certificate)
		r = key_file && certificate_file ? 0 : MINT_STORAGE;
	if (r == 0) {
		written = PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		    PEM_write_X509(certificate_file, certificate) == 1;
		r = written ? 0 : MINT_STORAGE;
	}
	if (key_file && fclose(key_file) != 0)
		r = MINT_STORAGE;
	if (certificate_file && fclose(certificate_file) != 0)
		r = MINT_STORAGE;
	X509_free(certificate);
	X509_NAME_free(name);
	EVP_PKEY_free(key);
	return r;
}

static int
decrypt(EVP_PKEY *key, X509 *certificate, const struct blob *envelope, char **text)
{
	const uint8_t *at = envelope->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)envelope->length);
	BIO *out = BIO_new(BIO_s_secmem());
	char *inside;
	long length = 0;

	if (cms && out && CMS_decrypt(cms, key, certificate, NULL, out, 0) == 1 && (length = BIO_get_mem_data(out, &inside)) > 0)
		*text = strndup(inside, (size_t)length);
	BIO_free(out);
	CMS_ContentInfo_free(cms);
	return *text ? 0 : MINT_CRYPTO;
}

int
office_open(const char *key_path, const char *certificate_path, const struct blob *envelope, char **text)
{
	FILE *key_file = fopen(key_path, "re"), *certificate_file = fopen(certificate_path, "re");
	EVP_PKEY *key = key_file ? PEM_read_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	X509 *certificate = certificate_file ? PEM_read_X509(certificate_file, NULL, NULL, NULL) : NULL;
	int r = MINT_CRYPTO;

	*text = NULL;
	if (key && certificate)
		r = decrypt(key, certificate, envelope, text);
	X509_free(certificate);
	EVP_PKEY_free(key);
	if (key_file)
		fclose(key_file);
	if (certificate_file)
		fclose(certificate_file);
	return r;
}
