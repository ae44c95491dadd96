#include "hostd/ca/crl.h"
#include "schemas/errors.h"

#include <openssl/x509v3.h>
#include <string.h>

static const struct {
	const char *word;
	int         reason;
} reasons[] = {
	{ "unspecified", CRL_REASON_UNSPECIFIED },
	{ "keyCompromise", CRL_REASON_KEY_COMPROMISE },
	{ "affiliationChanged", CRL_REASON_AFFILIATION_CHANGED },
	{ "superseded", CRL_REASON_SUPERSEDED },
	{ "cessationOfOperation", CRL_REASON_CESSATION_OF_OPERATION },
	{ "privilegeWithdrawn", CRL_REASON_PRIVILEGE_WITHDRAWN },
};

int
crl_reason_by_word(const char *word)
{
	for (size_t i = 0; word && i < sizeof reasons / sizeof reasons[0]; i++)
		if (strcmp(reasons[i].word, word) == 0)
			return reasons[i].reason;
	return MINT_ARGUMENT;
}

int
crl_reason_is_known(int reason)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].reason == reason)
			return 1;
	return 0;
}

/* RFC 5280, 5.3.1: the reason "unspecified" is told by leaving the extension out. */
static int
set_reason(X509_REVOKED *revoked, int reason)
{
	ASN1_ENUMERATED *code;
	int good;

	if (reason == CRL_REASON_UNSPECIFIED)
		return 1;
	code = ASN1_ENUMERATED_new();
	good = code && ASN1_ENUMERATED_set(code, reason) && X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, code, 0, 0) == 1;
	ASN1_ENUMERATED_free(code);
	return good;
}

static int
add_entry(X509_CRL *crl, const struct entry *entry)
{
	BIGNUM *number = BN_bin2bn(entry->serial, SERIAL_BYTES, NULL);
	ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)(entry->revoked_at / 1000000));
	X509_REVOKED *revoked = X509_REVOKED_new();
	int good = serial && at && revoked && X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
	    X509_REVOKED_set_revocationDate(revoked, at) == 1 && set_reason(revoked, entry->reason) &&
	    X509_CRL_add0_revoked(crl, revoked) == 1;

	if (!good)
		X509_REVOKED_free(revoked);
	ASN1_TIME_free(at);
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return good;
}

static int
set_times(X509_CRL *crl, int64_t at, int64_t next_at)
{
	ASN1_TIME *this_update = ASN1_TIME_set(NULL, (time_t)(at / 1000000));
	ASN1_TIME *next_update = ASN1_TIME_set(NULL, (time_t)(next_at / 1000000));
	int good = this_update && next_update && X509_CRL_set1_lastUpdate(crl, this_update) == 1 &&
	    X509_CRL_set1_nextUpdate(crl, next_update) == 1;

	ASN1_TIME_free(this_update);
	ASN1_TIME_free(next_update);
	return good;
}

static int
set_extensions(X509_CRL *crl, X509 *issuer, uint64_t number)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	X509_EXTENSION *identifier;
	X509V3_CTX context;
	int good;

	X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
	identifier = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	good = identifier && X509_CRL_add_ext(crl, identifier, -1) == 1 && value && ASN1_INTEGER_set_uint64(value, number) &&
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
	X509_EXTENSION_free(identifier);
	ASN1_INTEGER_free(value);
	return good;
}

int
crl_issue(const struct authority *authority, const struct ledger *ledger, uint64_t number, int64_t at, int64_t next_at,
    uint8_t **der, size_t *der_bytes, struct reason *reason)
{
	X509 *issuer = authority_certificate(authority);
	X509_CRL *crl = X509_CRL_new();
	int good = crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) &&
	    set_times(crl, at, next_at) && set_extensions(crl, issuer, number), r, length = 0;

	for (size_t i = 0; good && i < ledger_revoked_count(ledger); i++)
		good = add_entry(crl, ledger_revoked(ledger, i));
	*der = NULL;
	r = good && X509_CRL_sort(crl) ? authority_sign_crl(authority, crl, reason)
	                               : reason_set_openssl(reason, MINT_CRYPTO, "the revocation list cannot be put together");
	if (r == 0 && (length = i2d_X509_CRL(crl, der)) <= 0)
		r = reason_set_openssl(reason, MINT_CRYPTO, "the revocation list cannot be written out");
	X509_CRL_free(crl);
	*der_bytes = r == 0 ? (size_t)length : 0;
	return r;
}
