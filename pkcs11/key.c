#include "pkcs11/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "pkcs11/attributes.h"
#include "pkcs11/certificate.h"
#include "pkcs11/find.h"
#include "pkcs11/key_internal.h"
#include "schemas/errors.h"

int
key_new(struct key **out, struct session *session)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return MINT_MEMORY;
	(*out)->session = session;
	return 0;
}

void
key_learn(struct key *key, int64_t deadline_ms)
{
	key->type = public_key_type(key->public);
	key->login_each_use =
	    attribute_answer(key->session, key->private, CKA_ALWAYS_AUTHENTICATE, deadline_ms) == ANSWER_YES;
}

/* From the certificate of the same id: some cards keep no public key of their own. */
static int
public_from_certificate(struct session *session, const unsigned char *id, size_t id_len, EVP_PKEY **public,
    int64_t deadline_ms)
{
	unsigned char       *der = NULL;
	const unsigned char *at;
	size_t               der_len;
	X509                *certificate;
	int                  error;

	error = certificate_read(session, id, id_len, &der, &der_len, deadline_ms);
	if (error != 0)
		return error;
	at = der;
	certificate = d2i_X509(NULL, &at, (long)der_len);
	*public = certificate != NULL ? X509_get_pubkey(certificate) : NULL;
	X509_free(certificate);
	OPENSSL_free(der);
	return *public != NULL ? 0 : MINT_TOKEN_ERROR;
}

/* What the private key says of the public one (CKA_PUBLIC_KEY_INFO, or an RSA key's modulus and exponent), where the user
 * is logged in. */
static int
public_from_private(struct session *session, const unsigned char *id, size_t id_len, EVP_PKEY **public,
    int64_t deadline_ms)
{
	CK_OBJECT_HANDLE object;
	int              error;

	error = find_one(session, OBJECT_PRIVATE_KEY, id, id_len, &object, deadline_ms);
	return error == 0 ? public_key_read(session, object, public, deadline_ms) : error;
}

int
key_public_find(struct session *session, const unsigned char *id, size_t id_len, EVP_PKEY **public,
    int64_t deadline_ms)
{
	CK_OBJECT_HANDLE object;
	int              error;

	*public = NULL;
	error = find_one(session, OBJECT_PUBLIC_KEY, id, id_len, &object, deadline_ms);
	if (error == 0)
		return public_key_read(session, object, public, deadline_ms);
	if (error == MINT_NOT_FOUND)
		error = public_from_certificate(session, id, id_len, public, deadline_ms);
	if (error == MINT_NOT_FOUND)
		error = public_from_private(session, id, id_len, public, deadline_ms);
	return error;
}

static int
open_halves(struct key *key, const unsigned char *id, size_t id_len, int64_t deadline_ms)
{
	int error;

	error = find_one(key->session, OBJECT_PRIVATE_KEY, id, id_len, &key->private, deadline_ms);
	if (error != 0)
		return error;
	return key_public_find(key->session, id, id_len, &key->public, deadline_ms);
}

int
key_open(struct key **out, struct session *session, const unsigned char *id, size_t id_len, int64_t deadline_ms)
{
	struct key *key = NULL;
	int         error;

	*out = NULL;
	error = key_new(&key, session);
	if (error == 0)
		error = open_halves(key, id, id_len, deadline_ms);
	if (error != 0) {
		key_free(&key);
		return error;
	}
	key_learn(key, deadline_ms);
	*out = key;
	return 0;
}

void
key_free(struct key **key)
{
	if (*key == NULL)
		return;
	EVP_PKEY_free((*key)->public);
	free(*key);
	*key = NULL;
}

const struct key_type *
key_type(const struct key *key)
{
	return key->type;
}

int64_t
key_generation_us(const struct key *key)
{
	return key->generation_us;
}

EVP_PKEY *
key_public(const struct key *key)
{
	return key->public;
}

int
key_public_der(const struct key *key, unsigned char **der, size_t *der_len)
{
	int len;

	*der = NULL;
	len = i2d_PUBKEY(key->public, der);
	if (len <= 0)
		return MINT_CRYPTO;
	*der_len = (size_t)len;
	return 0;
}
