#include "hostd/worker/envelope.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <ctype.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 512 };

/* Which codes go with which bit. */
static const struct {
	unsigned  bit;
	enum code code;
} rows[] = {
	{ ENVELOPE_USER, CODE_USER_PIN },
	{ ENVELOPE_USER, CODE_USER_PUK },
	{ ENVELOPE_SO, CODE_SO_PIN },
	{ ENVELOPE_SO, CODE_SO_PUK },
};

static X509 *
read_certificate(const char *path)
{
	FILE *file = fopen(path, "re");
	X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	if (!certificate) {
		log_error("%s: is no certificate: `office_certificate` in the configuration names the PIN office's, in PEM", path);
		return NULL;
	}
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0)
		return certificate;
	log_error("%s: has expired: ask the PIN office for its new certificate", path);
	X509_free(certificate);
	return NULL;
}

/* Nothing that JSON would want escaped: names are ours or hex, so anything else is a fault. */
static int
is_plain(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(" -_.:/()#", *text))
			return 0;
	return 1;
}

/* Returns the length, or 0 when something cannot be written. */
static size_t
write_text(char *text, const struct envelope_token *token, const struct codes *codes, unsigned which)
{
	size_t at;

	if (!is_plain(token->model) || !is_plain(token->serial) || !is_plain(token->label))
		return 0;
	at = (size_t)snprintf(text, TEXT_MAX, "{\"version\":1,\"model\":\"%s\",\"serial\":\"%s\",\"label\":\"%s\"",
	    token->model, token->serial, token->label);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && at < TEXT_MAX; i++)
		if ((rows[i].bit & which) && codes->text[rows[i].code][0])
			at += (size_t)snprintf(text + at, TEXT_MAX - at, ",\"%s\":\"%s\"", code_name(rows[i].code),
			    codes->text[rows[i].code]);
	if (at < TEXT_MAX)
		at += (size_t)snprintf(text + at, TEXT_MAX - at, "}\n");
	return at < TEXT_MAX ? at : 0;
}

/* OpenSSL would take PKCS #1 v1.5 padding and a key derivation over SHA-1. The certificate decides which of the two it is. */
static int
choose_algorithms(CMS_RecipientInfo *recipient)
{
	EVP_PKEY_CTX *parameters = CMS_RecipientInfo_get0_pkey_ctx(recipient);

	if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_AGREE)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(parameters, EVP_sha256());
	if (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_OAEP_PADDING) <= 0)
		return 0;
	return EVP_PKEY_CTX_set_rsa_oaep_md(parameters, EVP_sha256());
}

static int
encrypt(X509 *certificate, const char *text, size_t text_length, uint8_t **der, size_t *length)
{
	CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	BIO *in = BIO_new_mem_buf(text, (int)text_length);
	CMS_RecipientInfo *recipient;
	int n = -1;

	recipient = cms && in ? CMS_add1_recipient_cert(cms, certificate, CMS_KEY_PARAM) : NULL;
	if (recipient && choose_algorithms(recipient) > 0 && CMS_set_detached(cms, 0) == 1 && CMS_final(cms, in, NULL, CMS_BINARY) == 1)
		n = i2d_CMS_ContentInfo(cms, der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	if (n <= 0)
		return MINT_CRYPTO;
	*length = (size_t)n;
	return 0;
}

int
envelope_make(const char *certificate_path, const struct envelope_token *token, const struct codes *codes,
    unsigned which, uint8_t **der, size_t *length)
{
	X509 *certificate = read_certificate(certificate_path);
	char text[TEXT_MAX];
	size_t text_length;
	int r = MINT_FIELD;

	*der = NULL;
	*length = 0;
	if (!certificate)
		return MINT_CONFIG;
	text_length = write_text(text, token, codes, which);
	if (text_length > 0)
		r = encrypt(certificate, text, text_length, der, length);
	OPENSSL_cleanse(text, sizeof text);
	X509_free(certificate);
	return r;
}
