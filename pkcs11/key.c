#include "pkcs11/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "pkcs11/attributes.h"
#include "pkcs11/certificate.h"
#include "pkcs11/find.h"
#include "pkcs11/key_internal.h"
#include "schemas/errors.h"

static const unsigned char f4[] = { 0x01, 0x00, 0x01 };

static const struct template_row public_rows[] = {
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_VERIFY, FROM_TRUE },
	{ CKA_MODULUS_BITS, FROM_BITS },
	{ CKA_PUBLIC_EXPONENT, FROM_VALUE },
	{ CKA_EC_PARAMS, FROM_PARAMETERS },
	{ CKA_ID, FROM_ID },
	{ CKA_LABEL, FROM_LABEL },
};

static const struct template_row private_rows[] = {
	{ CKA_TOKEN, FROM_TRUE },
	{ CKA_PRIVATE, FROM_TRUE },
	{ CKA_SENSITIVE, FROM_TRUE },
	{ CKA_EXTRACTABLE, FROM_FALSE },
	{ CKA_SIGN, FROM_TRUE },
	{ CKA_ID, FROM_ID },
	{ CKA_LABEL, FROM_LABEL },
};

#define ROWS(table) (table), sizeof(table) / sizeof(table)[0]

static void
fill_values(struct template_values *values, const struct key_order *order, const CK_ULONG *bits)
{
	if (order->type->kind == CKK_RSA) {
		template_set(values, FROM_BITS, bits, sizeof *bits);
		template_set(values, FROM_VALUE, f4, sizeof f4);
	} else {
		template_set(values, FROM_PARAMETERS, order->type->parameters, order->type->parameters_len);
	}
	template_set(values, FROM_ID, order->id, order->id_len);
	template_set(values, FROM_LABEL, order->label, strlen(order->label));
}

static int
generate(struct key *key, const struct key_order *order, int64_t deadline_ms)
{
	struct session        *session = key->session;
	struct template_values values = { 0 };
	CK_ATTRIBUTE           public[TEMPLATE_MAX], private[TEMPLATE_MAX];
	CK_MECHANISM           mechanism = { order->type->generate, NULL, 0 };
	CK_ULONG               bits = order->type->bits, public_count, private_count;
	CK_OBJECT_HANDLE       public_handle = CK_INVALID_HANDLE;
	int                    error;

	fill_values(&values, order, &bits);
	public_count = template_fill(public, ROWS(public_rows), &values);
	private_count = template_fill(private, ROWS(private_rows), &values);
	key->generation_us = -module_now_us(session->token->module);
	error = module_call(session->token->module, deadline_ms, C_GenerateKeyPair, session->handle, &mechanism, public,
	    public_count, private, private_count, &public_handle, &key->private);
	key->generation_us += module_now_us(session->token->module);
	if (error != 0)
		return token_explain(session->token, error);
	return public_key_read(session, public_handle, &key->public, deadline_ms);
}

/* Fails when any object has the id: modules answer that with anything from a general error to two keys under one id. */
static int
id_is_free(struct session *session, const struct key_order *order, int64_t deadline_ms)
{
	int error = MINT_NOT_FOUND;

	for (enum object_class c = OBJECT_PRIVATE_KEY; error == MINT_NOT_FOUND && c <= OBJECT_CERTIFICATE; c++)
		error = object_find(session, c, order->id, order->id_len, deadline_ms);
	if (error == MINT_NOT_FOUND)
		return 0;
	if (error != 0)
		return error;
	return module_fail(session->token->module, "C_GenerateKeyPair", MINT_EXISTS, "the id is taken");
}

static int
key_new(struct key **out, struct session *session)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return MINT_MEMORY;
	(*out)->session = session;
	return 0;
}

static void
finish(struct key *key, int64_t deadline_ms)
{
	key->type = public_key_type(key->public);
	key->login_each_time = attribute_true(key->session, key->private, CKA_ALWAYS_AUTHENTICATE, deadline_ms);
}

int
key_generate(struct key **out, struct session *session, const struct key_order *order, int64_t deadline_ms)
{
	struct key *key = NULL;
	int         error;

	*out = NULL;
	error = id_is_free(session, order, deadline_ms);
	if (error == 0)
		error = key_type_offered(session->token, order->type, deadline_ms);
	if (error == 0)
		error = key_new(&key, session);
	if (error == 0)
		error = generate(key, order, deadline_ms);
	if (error != 0) {
		key_free(&key);
		return error;
	}
	finish(key, deadline_ms);
	*out = key;
	return 0;
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

int
key_public_find(struct session *session, const unsigned char *id, size_t id_len, EVP_PKEY **public,
    int64_t deadline_ms)
{
	CK_OBJECT_HANDLE object;
	int              error;

	*public = NULL;
	error = find_one(session, OBJECT_PUBLIC_KEY, id, id_len, &object, deadline_ms);
	if (error == MINT_NOT_FOUND)
		return public_from_certificate(session, id, id_len, public, deadline_ms);
	if (error != 0)
		return error;
	return public_key_read(session, object, public, deadline_ms);
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
	finish(key, deadline_ms);
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
