#include "pkcs11/certificate.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "pkcs11/attributes.h"
#include "pkcs11/find.h"
#include "schemas/errors.h"

static const CK_OBJECT_CLASS     class_certificate = CKO_CERTIFICATE;
static const CK_CERTIFICATE_TYPE kind_x509 = CKC_X_509;

static const struct template_row rows[] = {
	{ CKA_CLASS, FROM_CLASS },
	{ CKA_CERTIFICATE_TYPE, FROM_KIND },
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_PRIVATE, FROM_FALSE },
	{ CKA_ID, FROM_ID },
	{ CKA_LABEL, FROM_LABEL },
	{ CKA_SUBJECT, FROM_SUBJECT },
	{ CKA_ISSUER, FROM_ISSUER },
	{ CKA_SERIAL_NUMBER, FROM_SERIAL },
	{ CKA_VALUE, FROM_VALUE },
};

/* The parts of a certificate that become attributes of their own, in DER. */
struct parts {
	unsigned char *subject, *issuer, *serial;
	int            subject_len, issuer_len, serial_len;
};

static void
parts_free(struct parts *parts)
{
	OPENSSL_free(parts->subject);
	OPENSSL_free(parts->issuer);
	OPENSSL_free(parts->serial);
}

static int
parts_read(struct parts *parts, const unsigned char *der, size_t der_len)
{
	const unsigned char *at = der;
	X509                *certificate;

	memset(parts, 0, sizeof *parts);
	certificate = d2i_X509(NULL, &at, (long)der_len);
	if (certificate == NULL || at != der + der_len) {
		X509_free(certificate);
		return MINT_SYNTAX;
	}
	parts->subject_len = i2d_X509_NAME(X509_get_subject_name(certificate), &parts->subject);
	parts->issuer_len = i2d_X509_NAME(X509_get_issuer_name(certificate), &parts->issuer);
	parts->serial_len = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &parts->serial);
	X509_free(certificate);
	return parts->subject_len > 0 && parts->issuer_len > 0 && parts->serial_len > 0 ? 0 : MINT_CRYPTO;
}

static int
create(struct session *session, const struct template_values *values, int64_t deadline_ms)
{
	CK_ATTRIBUTE     template[TEMPLATE_MAX];
	CK_OBJECT_HANDLE object;
	CK_ULONG         count;
	int              error;

	count = template_fill(template, rows, sizeof rows / sizeof rows[0], values);
	error = module_call(session->token->module, deadline_ms, C_CreateObject, session->handle, template, count,
	    &object);
	return token_explain(session->token, error);
}

int
certificate_write(struct session *session, const unsigned char *id, size_t id_len, const char *label,
    const unsigned char *der, size_t der_len, int64_t deadline_ms)
{
	struct template_values values = { 0 };
	struct parts           parts;
	int                    error;

	error = object_find(session, OBJECT_CERTIFICATE, id, id_len, deadline_ms);
	if (error != MINT_NOT_FOUND)
		return error != 0 ? error : MINT_EXISTS;
	error = parts_read(&parts, der, der_len);
	if (error == 0) {
		template_set(&values, FROM_CLASS, &class_certificate, sizeof class_certificate);
		template_set(&values, FROM_KIND, &kind_x509, sizeof kind_x509);
		template_set(&values, FROM_ID, id, id_len);
		template_set(&values, FROM_LABEL, label, strlen(label));
		template_set(&values, FROM_SUBJECT, parts.subject, (size_t)parts.subject_len);
		template_set(&values, FROM_ISSUER, parts.issuer, (size_t)parts.issuer_len);
		template_set(&values, FROM_SERIAL, parts.serial, (size_t)parts.serial_len);
		template_set(&values, FROM_VALUE, der, der_len);
		error = create(session, &values, deadline_ms);
	}
	parts_free(&parts);
	return error;
}

int
certificate_read(struct session *session, const unsigned char *id, size_t id_len, unsigned char **der,
    size_t *der_len, int64_t deadline_ms)
{
	CK_OBJECT_HANDLE object;
	unsigned char   *value = NULL;
	int              error;

	*der = NULL;
	*der_len = 0;
	error = find_one(session, OBJECT_CERTIFICATE, id, id_len, &object, deadline_ms);
	if (error == 0)
		error = attribute_read(session, object, CKA_VALUE, &value, der_len, deadline_ms);
	if (error == 0) {
		*der = OPENSSL_memdup(value, *der_len);
		error = *der != NULL ? 0 : MINT_MEMORY;
	}
	free(value);
	return error;
}
