/* The public half of a key pair, from PKCS#11 attributes to an EVP_PKEY. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "pkcs11/attributes.h"
#include "pkcs11/key_internal.h"
#include "schemas/errors.h"

static EVP_PKEY *
pkey_from(const char *algorithm, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY_CTX *context = NULL;
	OSSL_PARAM   *params;
	EVP_PKEY     *pkey = NULL;

	params = OSSL_PARAM_BLD_to_param(builder);
	context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
rsa_public(const unsigned char *modulus, size_t modulus_len, const unsigned char *exponent, size_t exponent_len)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM         *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
	BIGNUM         *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
	EVP_PKEY       *pkey = NULL;

	if (builder != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = pkey_from("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *
ec_from_point(const char *curve, const unsigned char *point, size_t point_len)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY       *pkey = NULL;

	if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) == 1)
		pkey = pkey_from("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

/* The content of a DER OCTET STRING that is the whole of `value`, borrowed; NULL when it is none. */
static const unsigned char *
octet_string(const unsigned char *value, size_t value_len, size_t *content_len)
{
	const unsigned char *at = value;
	long                 len;
	int                  tag, class;

	if ((ASN1_get_object(&at, &len, &tag, &class, (long)value_len) & 0x80) || tag != V_ASN1_OCTET_STRING ||
	    class != V_ASN1_UNIVERSAL || at + len != value + value_len || len == 0)
		return NULL;
	*content_len = (size_t)len;
	return at;
}

/* CKA_EC_POINT is a DER OCTET STRING around the point (PKCS#11 2.40 mechanisms, section 2.3.3); older modules give the
 * bare point. One in 256 of those looks like an OCTET STRING too, so that what is inside must be a point of the curve. */
static EVP_PKEY *
ec_public(const unsigned char *params, size_t params_len, const unsigned char *value, size_t value_len)
{
	ASN1_OBJECT         *object = d2i_ASN1_OBJECT(NULL, &params, (long)params_len);
	const char          *curve = object != NULL ? OBJ_nid2sn(OBJ_obj2nid(object)) : NULL;
	const unsigned char *point;
	size_t               point_len;
	EVP_PKEY            *pkey = NULL;

	point = octet_string(value, value_len, &point_len);
	if (curve != NULL && point != NULL)
		pkey = ec_from_point(curve, point, point_len);
	if (curve != NULL && pkey == NULL)
		pkey = ec_from_point(curve, value, value_len);
	ASN1_OBJECT_free(object);
	return pkey;
}

static EVP_PKEY *
spki_public(const unsigned char *der, size_t der_len)
{
	const unsigned char *at = der;
	EVP_PKEY            *pkey = d2i_PUBKEY(NULL, &at, (long)der_len);

	if (pkey != NULL && at != der + der_len) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

static int
senseless(struct session *session)
{
	return module_fail(session->token->module, "C_GetAttributeValue", MINT_TOKEN_ERROR,
	    "the public key does not make sense");
}

/* The attributes that are the public key of each kind. */
static const struct parts {
	CK_KEY_TYPE       kind;
	CK_ATTRIBUTE_TYPE types[2];
	EVP_PKEY       *(*join)(const unsigned char *first, size_t first_len, const unsigned char *second, size_t second_len);
} part_table[] = {
	{ CKK_RSA, { CKA_MODULUS, CKA_PUBLIC_EXPONENT }, rsa_public },
	{ CKK_EC, { CKA_EC_PARAMS, CKA_EC_POINT }, ec_public },
};

static int
read_parts(struct session *session, CK_OBJECT_HANDLE object, const struct parts *parts, EVP_PKEY **out,
    int64_t deadline_ms)
{
	unsigned char *values[2] = { NULL, NULL };
	size_t         lens[2];
	int            error = 0;

	for (int i = 0; error == 0 && i < 2; i++)
		error = attribute_read(session, object, parts->types[i], &values[i], &lens[i], deadline_ms);
	if (error == 0) {
		*out = parts->join(values[0], lens[0], values[1], lens[1]);
		error = *out != NULL ? 0 : senseless(session);
	}
	free(values[0]);
	free(values[1]);
	return error;
}

/* CKA_PUBLIC_KEY_INFO, which came with 2.40. */
static int
read_info(struct session *session, CK_OBJECT_HANDLE object, EVP_PKEY **out, int64_t deadline_ms)
{
	unsigned char *value = NULL;
	size_t         len;
	int            error;

	error = attribute_read(session, object, CKA_PUBLIC_KEY_INFO, &value, &len, deadline_ms);
	if (error == 0) {
		*out = spki_public(value, len);
		error = *out != NULL ? 0 : senseless(session);
	}
	free(value);
	return error;
}

/* A private key that will not say counts as one that has nothing to say. */
static bool
is_absent(int error)
{
	return error == MINT_NOT_FOUND || error == MINT_REFUSED;
}

int
public_key_read(struct session *session, CK_OBJECT_HANDLE object, EVP_PKEY **out, int64_t deadline_ms)
{
	CK_KEY_TYPE kind = CKK_RSA;
	int         error;

	*out = NULL;
	error = attribute_ulong(session, object, CKA_KEY_TYPE, &kind, deadline_ms);
	if (error != 0)
		return error;
	for (size_t i = 0; i < sizeof part_table / sizeof part_table[0]; i++) {
		if (part_table[i].kind != kind)
			continue;
		error = read_parts(session, object, &part_table[i], out, deadline_ms);
		if (is_absent(error))
			error = read_info(session, object, out, deadline_ms);
		return is_absent(error) ? MINT_NOT_FOUND : error;
	}
	return module_fail(session->token->module, "C_GetAttributeValue", MINT_TOKEN_MECHANISM,
	    "a key of a kind that is not handled");
}

const struct key_type *
public_key_type(const EVP_PKEY *public)
{
	CK_KEY_TYPE kind = EVP_PKEY_is_a(public, "RSA") ? CKK_RSA : CKK_EC;

	return key_type_of(kind, (unsigned)EVP_PKEY_get_bits(public));
}
