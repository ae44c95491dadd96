/* The public half of a key pair, from PKCS#11 attributes to an EVP_PKEY. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

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
ec_public(const unsigned char *params, size_t params_len, const unsigned char *point, size_t point_len)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	ASN1_OBJECT    *curve = d2i_ASN1_OBJECT(NULL, &params, (long)params_len);
	const char     *name = curve != NULL ? OBJ_nid2sn(OBJ_obj2nid(curve)) : NULL;
	EVP_PKEY       *pkey = NULL;

	if (builder != NULL && name != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, point_len) == 1)
		pkey = pkey_from("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	ASN1_OBJECT_free(curve);
	return pkey;
}

/* CKA_EC_POINT is a DER OCTET STRING around the point (PKCS#11 2.40 mechanisms, section 2.3.3); older modules give the
 * bare point. Returns it bare, borrowed from `value`, or NULL. */
static const unsigned char *
bare_point(const unsigned char *value, size_t value_len, size_t *point_len)
{
	const unsigned char *at = value;
	long                 len;
	int                  tag, class;

	if (!(ASN1_get_object(&at, &len, &tag, &class, (long)value_len) & 0x80) && tag == V_ASN1_OCTET_STRING &&
	    class == V_ASN1_UNIVERSAL && at + len == value + value_len && len > 0) {
		*point_len = (size_t)len;
		return at;
	}
	*point_len = value_len;
	return value_len > 0 && value[0] == 0x04 ? value : NULL;
}

static int
read_two(struct session *session, CK_OBJECT_HANDLE object, const CK_ATTRIBUTE_TYPE *types, unsigned char **values,
    size_t *lens, int64_t deadline_ms)
{
	int error = 0;

	for (int i = 0; error == 0 && i < 2; i++)
		error = attribute_read(session, object, types[i], &values[i], &lens[i], deadline_ms);
	return error;
}

int
public_key_read(struct session *session, CK_OBJECT_HANDLE object, EVP_PKEY **out, int64_t deadline_ms)
{
	static const CK_ATTRIBUTE_TYPE rsa[] = { CKA_MODULUS, CKA_PUBLIC_EXPONENT };
	static const CK_ATTRIBUTE_TYPE ec[] = { CKA_EC_PARAMS, CKA_EC_POINT };
	unsigned char                 *values[2] = { NULL, NULL };
	const unsigned char           *point;
	size_t                         lens[2], point_len;
	CK_KEY_TYPE                    kind = CKK_RSA;
	int                            error;

	*out = NULL;
	error = attribute_ulong(session, object, CKA_KEY_TYPE, &kind, deadline_ms);
	if (error == 0 && kind != CKK_RSA && kind != CKK_EC)
		error = module_fail(session->token->module, "C_GetAttributeValue", MINT_TOKEN_MECHANISM,
		    "a key of a kind that is not handled");
	if (error == 0)
		error = read_two(session, object, kind == CKK_RSA ? rsa : ec, values, lens, deadline_ms);
	if (error == 0 && kind == CKK_RSA)
		*out = rsa_public(values[0], lens[0], values[1], lens[1]);
	if (error == 0 && kind == CKK_EC) {
		point = bare_point(values[1], lens[1], &point_len);
		if (point != NULL)
			*out = ec_public(values[0], lens[0], point, point_len);
	}
	if (error == 0 && *out == NULL)
		error = module_fail(session->token->module, "C_GetAttributeValue", MINT_TOKEN_ERROR,
		    "the public key does not make sense");
	free(values[0]);
	free(values[1]);
	return error;
}

const struct key_type *
public_key_type(const EVP_PKEY *public)
{
	CK_KEY_TYPE kind = EVP_PKEY_is_a(public, "RSA") ? CKK_RSA : CKK_EC;

	return key_type_of(kind, (unsigned)EVP_PKEY_get_bits(public));
}
