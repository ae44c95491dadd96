/* Signatures by the token: what goes in by the mechanism's row, what comes out as the rest of the world wants it. */
#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "pkcs11/key_internal.h"
#include "schemas/errors.h"

#define SIGNATURE_MAX 1024 /* bytes; RSA-8192 */
#define INPUT_MAX     (EVP_MAX_MD_SIZE + 32)

int
key_signature_nid(const struct key *key)
{
	int nid = NID_undef;

	if (key->type != NULL)
		OBJ_find_sigid_by_algs(&nid, key->type->digest_nid, EVP_PKEY_get_base_id(key->public));
	return nid;
}

/* DigestInfo of PKCS#1 v1.5 (RFC 8017, section 9.2): OpenSSL's X509_SIG is that structure. */
static int
digest_info(int digest_nid, const unsigned char *digest, size_t digest_len, unsigned char *out, size_t *out_len)
{
	X509_SIG          *info = X509_SIG_new();
	X509_ALGOR        *algorithm;
	ASN1_OCTET_STRING *value;
	int                len = -1;

	if (info == NULL)
		return MINT_MEMORY;
	X509_SIG_getm(info, &algorithm, &value);
	if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(digest_nid), V_ASN1_NULL, NULL) == 1 &&
	    ASN1_OCTET_STRING_set(value, digest, (int)digest_len) == 1 && i2d_X509_SIG(info, NULL) <= INPUT_MAX)
		len = i2d_X509_SIG(info, &out);
	X509_SIG_free(info);
	if (len <= 0)
		return MINT_CRYPTO;
	*out_len = (size_t)len;
	return 0;
}

/* What the mechanism takes for `data`: itself, or made in `buffer` (INPUT_MAX bytes). */
static int
make_input(const struct signature_way *way, unsigned char *buffer, const unsigned char **data, size_t *data_len)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned      digest_len;

	if (way->input == INPUT_WHOLE)
		return 0;
	if (EVP_Digest(*data, *data_len, digest, &digest_len, EVP_get_digestbynid(way->digest_nid), NULL) != 1)
		return MINT_CRYPTO;
	*data = buffer;
	if (way->input == INPUT_DIGEST_INFO)
		return digest_info(way->digest_nid, digest, digest_len, buffer, data_len);
	memcpy(buffer, digest, digest_len);
	*data_len = digest_len;
	return 0;
}

static int
der_from_r_s(const unsigned char *raw, size_t raw_len, unsigned char **sig, size_t *sig_len)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM    *r = BN_bin2bn(raw, (int)(raw_len / 2), NULL);
	BIGNUM    *s = BN_bin2bn(raw + raw_len / 2, (int)(raw_len / 2), NULL);
	int        len = -1;

	*sig = NULL;
	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		len = i2d_ECDSA_SIG(pair, sig);
	}
	ECDSA_SIG_free(pair);
	if (len <= 0)
		return MINT_CRYPTO;
	*sig_len = (size_t)len;
	return 0;
}

static bool
is_der_already(const unsigned char *raw, size_t raw_len)
{
	const unsigned char *at = raw;
	ECDSA_SIG           *pair = d2i_ECDSA_SIG(NULL, &at, (long)raw_len);
	bool                 whole = pair != NULL && at == raw + raw_len;

	ECDSA_SIG_free(pair);
	return whole;
}

static int
give_as_is(const unsigned char *raw, size_t raw_len, unsigned char **sig, size_t *sig_len)
{
	*sig = OPENSSL_memdup(raw, raw_len);
	*sig_len = raw_len;
	return *sig != NULL ? 0 : MINT_MEMORY;
}

/* r || s is of even length, at most twice that of the order (PKCS#11 2.40 mechanisms, section 2.3.1); some modules give
 * DER. Whoever uses the signature verifies it, so that a guess here can only fail. */
static int
make_output(struct key *key, const struct signature_way *way, const unsigned char *raw, size_t raw_len,
    unsigned char **sig, size_t *sig_len)
{
	size_t order_len = (key->type->bits + 7) / 8;

	if (way->output == OUTPUT_AS_IS)
		return give_as_is(raw, raw_len, sig, sig_len);
	if (raw_len != 2 * order_len && is_der_already(raw, raw_len))
		return give_as_is(raw, raw_len, sig, sig_len);
	if (raw_len == 0 || raw_len % 2 != 0 || raw_len > 2 * order_len)
		return module_fail(key->session->token->module, "C_Sign", MINT_PROOF_CHALLENGE,
		    "an ECDSA signature of a length that cannot be");
	return der_from_r_s(raw, raw_len, sig, sig_len);
}

static bool
wants_login(const struct key *key)
{
	return key->login_each_use || key->session->token->quirks.login_each_use;
}

/* The PIN is the one that this session was logged in with, so no try is risked. */
static int
login_for_this(struct session *session, int64_t deadline_ms)
{
	if (session->pin == NULL)
		return 0;
	return module_call(session->token->module, deadline_ms, C_Login, session->handle, CKU_CONTEXT_SPECIFIC,
	    session->pin, session->pin_len);
}

static int
sign_once(struct key *key, const struct signature_way *way, const unsigned char *data, size_t data_len,
    unsigned char *raw, CK_ULONG *raw_len, int64_t deadline_ms)
{
	struct session *session = key->session;
	struct module  *module = session->token->module;
	CK_MECHANISM    mechanism = { way->mechanism, NULL, 0 };
	int             error;

	error = module_call(module, deadline_ms, C_SignInit, session->handle, &mechanism, key->private);
	if (error == 0 && wants_login(key))
		error = login_for_this(session, deadline_ms);
	if (error == 0)
		error = module_call(module, deadline_ms, C_Sign, session->handle, (CK_BYTE *)data, data_len, raw,
		    raw_len);
	return error;
}

static bool
wants_login_after_all(const struct key *key)
{
	const struct session *session = key->session;

	return !wants_login(key) && session->logged_in && session->pin != NULL &&
	    module_failed_with(session->token->module, CKR_USER_NOT_LOGGED_IN);
}

/* A token that says that nobody is logged in while somebody is means a login for this use, which it did not announce. It
 * gets one, and the signature is asked for once more: a signature changes nothing on the token, so that one that was made
 * after all does no harm. Where C_SignInit refused there is no use yet that the login could be for: then it comes first. */
static int
sign_again(struct key *key, const struct signature_way *way, const unsigned char *data, size_t data_len,
    unsigned char *raw, CK_ULONG *raw_len, int64_t deadline_ms)
{
	const struct module_failure *failure = module_failure(key->session->token->module);
	int                          error;

	if (strcmp(failure->function, "C_SignInit") == 0) {
		error = login_for_this(key->session, deadline_ms);
		if (error != 0)
			return error;
	} else {
		key->login_each_use = true;
	}
	return sign_once(key, way, data, data_len, raw, raw_len, deadline_ms);
}

static int
sign_raw(struct key *key, const struct signature_way *way, const unsigned char *data, size_t data_len,
    unsigned char *raw, CK_ULONG *raw_len, int64_t deadline_ms)
{
	struct token *token = key->session->token;
	CK_ULONG      room = *raw_len;
	int           error;

	error = sign_once(key, way, data, data_len, raw, raw_len, deadline_ms);
	if (error == MINT_REFUSED && wants_login_after_all(key)) {
		*raw_len = room;
		error = sign_again(key, way, data, data_len, raw, raw_len, deadline_ms);
	}
	if (error == 0 && *raw_len > room)
		error = module_fail(token->module, "C_Sign", MINT_MODULE, "a signature longer than its room");
	return token_explain(token, error);
}

int
key_sign(struct key *key, const unsigned char *data, size_t data_len, unsigned char **sig, size_t *sig_len,
    int64_t deadline_ms)
{
	const struct signature_way *way = NULL;
	unsigned char               input[INPUT_MAX], raw[SIGNATURE_MAX];
	CK_ULONG                    raw_len = sizeof raw;
	int                         error;

	*sig = NULL;
	*sig_len = 0;
	if (key->type == NULL)
		return module_fail(key->session->token->module, "C_Sign", MINT_TOKEN_MECHANISM,
		    "a key of a size that is not handled");
	error = signature_way_choose(key->session->token, key->type, &way, deadline_ms);
	if (error == 0)
		error = make_input(way, input, &data, &data_len);
	if (error == 0)
		error = sign_raw(key, way, data, data_len, raw, &raw_len, deadline_ms);
	if (error == 0)
		error = make_output(key, way, raw, raw_len, sig, sig_len);
	return error;
}

static bool
verifies(EVP_PKEY *public, int digest_nid, const unsigned char *data, size_t data_len, const unsigned char *sig,
    size_t sig_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool        good;

	good = context != NULL &&
	    EVP_DigestVerifyInit(context, NULL, EVP_get_digestbynid(digest_nid), NULL, public) == 1 &&
	    EVP_DigestVerify(context, sig, sig_len, data, data_len) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

int
key_challenge(struct key *key, EVP_PKEY *expected, const unsigned char *challenge, size_t challenge_len,
    unsigned char **sig, size_t *sig_len, int64_t deadline_ms)
{
	struct module *module = key->session->token->module;
	unsigned char *made = NULL;
	size_t         made_len;
	int            error;

	if (sig != NULL)
		*sig = NULL;
	if (EVP_PKEY_eq(key->public, expected) != 1)
		return module_fail(module, "C_GetAttributeValue", MINT_PROOF_KEY, "the token shows another public key");
	error = key_sign(key, challenge, challenge_len, &made, &made_len, deadline_ms);
	if (error == 0 && !verifies(expected, key->type->digest_nid, challenge, challenge_len, made, made_len))
		error = module_fail(module, "C_Sign", MINT_PROOF_CHALLENGE, "the signature does not verify");
	if (error == 0 && sig != NULL) {
		*sig = made;
		*sig_len = made_len;
		made = NULL;
	}
	OPENSSL_free(made);
	return error;
}
