#include "pkcs11/request.h"

#include <openssl/objects.h>

#include "pkcs11/key_internal.h"
#include "schemas/errors.h"

/* ECDSA has no parameters, RSA has NULL (RFC 5758, section 3.2; RFC 4055, section 5). */
static int
set_algorithm(X509_REQ *request, const struct key *key)
{
	X509_ALGOR *algorithm = X509_ALGOR_new();
	int         kind = key->type->kind == CKK_RSA ? V_ASN1_NULL : V_ASN1_UNDEF;
	int         good;

	good = algorithm != NULL &&
	    X509_ALGOR_set0(algorithm, OBJ_nid2obj(key_signature_nid(key)), kind, NULL) == 1 &&
	    X509_REQ_set1_signature_algo(request, algorithm) == 1;
	X509_ALGOR_free(algorithm);
	return good ? 0 : MINT_CRYPTO;
}

static int
describe(X509_REQ *request, const struct key *key, const X509_NAME *subject)
{
	if (key->type == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_subject_name(request, subject) != 1 || X509_REQ_set_pubkey(request, key->public) != 1)
		return MINT_CRYPTO;
	return set_algorithm(request, key);
}

static int
put_signature(X509_REQ *request, const unsigned char *sig, size_t sig_len)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();

	if (bits == NULL || ASN1_BIT_STRING_set(bits, (unsigned char *)sig, (int)sig_len) != 1) {
		ASN1_BIT_STRING_free(bits);
		return MINT_MEMORY;
	}
	/* Without the flag OpenSSL would cut trailing zero bits of the signature (asn1_string_st.flags). */
	bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07);
	bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
	X509_REQ_set0_signature(request, bits);
	return 0;
}

static int
sign(X509_REQ *request, struct key *key, int64_t deadline_ms)
{
	unsigned char *tbs = NULL, *sig = NULL;
	size_t         sig_len;
	int            tbs_len, error;

	tbs_len = i2d_re_X509_REQ_tbs(request, &tbs);
	if (tbs_len <= 0)
		return MINT_CRYPTO;
	error = key_sign(key, tbs, (size_t)tbs_len, &sig, &sig_len, deadline_ms);
	if (error == 0)
		error = put_signature(request, sig, sig_len);
	OPENSSL_free(sig);
	OPENSSL_free(tbs);
	return error;
}

int
request_make(struct key *key, const X509_NAME *subject, unsigned char **der, size_t *der_len, int64_t deadline_ms)
{
	X509_REQ *request = X509_REQ_new();
	int       len, error;

	*der = NULL;
	*der_len = 0;
	error = request != NULL ? describe(request, key, subject) : MINT_MEMORY;
	if (error == 0)
		error = sign(request, key, deadline_ms);
	if (error == 0 && X509_REQ_verify(request, key->public) != 1)
		error = module_fail(key->session->token->module, "C_Sign", MINT_PROOF_CHALLENGE,
		    "the signature of the request does not verify");
	if (error == 0) {
		len = i2d_X509_REQ(request, der);
		*der_len = len > 0 ? (size_t)len : 0;
		error = len > 0 ? 0 : MINT_CRYPTO;
	}
	X509_REQ_free(request);
	return error;
}
