#include "hostd/ca/certificate.h"
#include "hostd/ca/name.h"
#include "hostd/ca/text.h"
#include "schemas/errors.h"

#include <openssl/x509v3.h>
#include <string.h>

/* The text for a place of the profile: *text stays NULL when the place is to be left out. */
static int
field_text(const char **text, const struct profile_field *field, json_t *subject, struct reason *reason)
{
	const char *wrong;
	json_t *value;

	*text = field->value;
	if (field->value)
		return 0;
	value = json_object_get(subject, field->field);
	if (value && !json_is_string(value))
		return reason_set(reason, MINT_FIELD, "subject data: %s is no string", field->field);
	if (!value || json_string_length(value) == 0)
		return field->optional ? 0 : reason_set(reason, MINT_FIELD, "subject data: %s is missing: the profile needs it", field->field);
	*text = json_string_value(value);
	wrong = text_wrong(*text, field->string_type, field->chars_max);
	return wrong ? reason_set(reason, MINT_FIELD, "subject data: %s %s (at most %d)", field->field, wrong, field->chars_max) : 0;
}

static int
set_name(X509 *x, const struct certificate_plan *plan, struct reason *reason)
{
	X509_NAME *name = X509_NAME_new();
	int r = name ? 0 : reason_set(reason, MINT_MEMORY, "out of memory");

	for (size_t i = 0; r == 0 && i < plan->profile->name_count; i++) {
		const struct profile_field *field = &plan->profile->names[i];
		const char *text;

		r = field_text(&text, field, plan->subject, reason);
		if (r == 0 && text)
			r = name_add(name, field->type, field->string_type, text, -1, reason);
	}
	if (r == 0 && authority_is_demonstration(plan->authority))
		r = name_mark(name, AUTHORITY_MARK, reason);
	if (r == 0 && X509_NAME_entry_count(name) == 0)
		r = reason_set(reason, MINT_FIELD, "subject data: nothing of the profile's name is given");
	if (r == 0 && X509_set_subject_name(x, name) != 1)
		r = reason_set_openssl(reason, MINT_CRYPTO, "the name cannot be set");
	X509_NAME_free(name);
	return r;
}

/* Between now and the profile's days, never outside the issuer's own validity. */
static int
set_validity(X509 *x, const struct certificate_plan *plan, struct reason *reason)
{
	X509 *issuer = authority_certificate(plan->authority);
	time_t now = (time_t)(plan->now / 1000000), begin = now - 60 * plan->profile->backdate_minutes;
	ASN1_TIME *from = ASN1_TIME_set(NULL, begin), *to = ASN1_TIME_adj(NULL, now, plan->profile->validity_days, 0);
	int r = 0;

	if (X509_cmp_time(X509_get0_notAfter(issuer), &now) <= 0 || X509_cmp_time(X509_get0_notBefore(issuer), &now) > 0)
		r = reason_set(reason, MINT_CA_REFUSED, "the CA's own certificate is not valid now: renew the CA, or set the clock");
	else if (!from || !to ||
	    X509_set1_notBefore(x, ASN1_TIME_compare(from, X509_get0_notBefore(issuer)) < 0 ? X509_get0_notBefore(issuer) : from) != 1 ||
	    X509_set1_notAfter(x, ASN1_TIME_compare(to, X509_get0_notAfter(issuer)) > 0 ? X509_get0_notAfter(issuer) : to) != 1)
		r = reason_set_openssl(reason, MINT_CRYPTO, "the validity cannot be set");
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return r;
}

static int
set_serial(X509 *x, const uint8_t *serial)
{
	BIGNUM *number = BN_bin2bn(serial, SERIAL_BYTES, NULL);
	int good = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;

	BN_free(number);
	return good;
}

static int
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int good;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	good = extension && X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	return good;
}

/* extnValue is the DER of one string (the form Chinese CAs use for identity codes). */
static int
add_value(X509 *x, const struct profile_field *field, const char *text)
{
	ASN1_STRING *string = ASN1_STRING_type_new(field->string_type);
	ASN1_OCTET_STRING *wrapped = ASN1_OCTET_STRING_new();
	ASN1_TYPE any = { .type = field->string_type, .value.asn1_string = string };
	X509_EXTENSION *extension = NULL;
	unsigned char *der = NULL;
	int der_bytes = -1, good;

	if (string && wrapped && ASN1_STRING_set(string, text, (int)strlen(text)))
		der_bytes = i2d_ASN1_TYPE(&any, &der);
	if (der_bytes > 0 && ASN1_OCTET_STRING_set(wrapped, der, der_bytes))
		extension = X509_EXTENSION_create_by_OBJ(NULL, field->type, field->critical, wrapped);
	good = extension && X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(wrapped);
	ASN1_STRING_free(string);
	return good;
}

static int
set_values(X509 *x, const struct certificate_plan *plan, struct reason *reason)
{
	for (size_t i = 0; i < plan->profile->value_count; i++) {
		const struct profile_field *field = &plan->profile->values[i];
		const char *text;
		int r = field_text(&text, field, plan->subject, reason);

		if (r != 0)
			return r;
		if (text && !add_value(x, field, text))
			return reason_set_openssl(reason, MINT_CRYPTO, "an extension cannot be added");
	}
	return 0;
}

static int
set_extensions(X509 *x, const struct certificate_plan *plan, struct reason *reason)
{
	X509 *issuer = authority_certificate(plan->authority);
	int good = add_extension(x, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, issuer, NID_subject_key_identifier, "hash") &&
	    add_extension(x, issuer, NID_authority_key_identifier, "keyid:always");

	for (int i = 0; good && i < sk_X509_EXTENSION_num(plan->profile->fixed); i++)
		good = X509_add_ext(x, sk_X509_EXTENSION_value(plan->profile->fixed, i), -1);
	if (!good)
		return reason_set_openssl(reason, MINT_CRYPTO, "an extension cannot be added");
	return set_values(x, plan, reason);
}

static int
build(X509 *x, const struct certificate_plan *plan, struct reason *reason)
{
	int r;

	if (!x || !X509_set_version(x, X509_VERSION_3) || !set_serial(x, plan->serial) ||
	    !X509_set_issuer_name(x, X509_get_subject_name(authority_certificate(plan->authority))) || !X509_set_pubkey(x, plan->key))
		return reason_set_openssl(reason, MINT_CRYPTO, "the certificate cannot be put together");
	r = set_name(x, plan, reason);
	if (r == 0)
		r = set_validity(x, plan, reason);
	if (r == 0)
		r = set_extensions(x, plan, reason);
	return r == 0 ? authority_sign(plan->authority, x, reason) : r;
}

int
certificate_issue(const struct certificate_plan *plan, uint8_t **der, size_t *der_bytes, struct reason *reason)
{
	X509 *x = X509_new();
	int r = build(x, plan, reason), length = 0;

	*der = NULL;
	if (r == 0) {
		length = i2d_X509(x, der);
		if (length <= 0)
			r = reason_set_openssl(reason, MINT_CRYPTO, "the certificate cannot be written out");
		else if (length > RECORD_CERTIFICATE_MAX)
			r = reason_set(reason, MINT_CA_REFUSED, "the certificate is longer than %d bytes: shorten the profile",
			    RECORD_CERTIFICATE_MAX);
	}
	X509_free(x);
	if (r != 0) {
		OPENSSL_free(*der);
		*der = NULL;
	}
	*der_bytes = r == 0 ? (size_t)length : 0;
	return r;
}
