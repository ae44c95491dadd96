#include "pkcs11/mechanism.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/obj_mac.h>

#include "pkcs11/key_types.h"
#include "schemas/errors.h"

/* Named curves as CKA_EC_PARAMS: the DER of their object identifiers (RFC 5480, section 2.1.1.1). */
static const unsigned char p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const unsigned char p384[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const unsigned char p521[] = { 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23 };

static const struct key_type key_types[] = {
	{ "rsa2048", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, NULL, 0, NID_undef, NID_sha256 },
	{ "rsa3072", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, 3072, NULL, 0, NID_undef, NID_sha256 },
	{ "rsa4096", CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN, 4096, NULL, 0, NID_undef, NID_sha256 },
	{ "p256", CKK_EC, CKM_EC_KEY_PAIR_GEN, 256, p256, sizeof p256, NID_X9_62_prime256v1, NID_sha256 },
	{ "p384", CKK_EC, CKM_EC_KEY_PAIR_GEN, 384, p384, sizeof p384, NID_secp384r1, NID_sha384 },
	{ "p521", CKK_EC, CKM_EC_KEY_PAIR_GEN, 521, p521, sizeof p521, NID_secp521r1, NID_sha512 },
};

static const struct signature_way signature_ways[] = {
#define SIGNATURE(key, digest, mechanism, input, output) \
	{ CKK_##key, NID_##digest, CKM_##mechanism, INPUT_##input, OUTPUT_##output },
#include "schemas/signatures.def"
#undef SIGNATURE
};

/* Names of what tokens offer, for people: all that we use, and what else smart cards tend to have. */
static const struct {
	CK_MECHANISM_TYPE number;
	const char       *name;
} names[] = {
	{ CKM_RSA_PKCS_KEY_PAIR_GEN, "RSA_PKCS_KEY_PAIR_GEN" }, { CKM_RSA_PKCS, "RSA_PKCS" }, { CKM_RSA_X_509, "RSA_X_509" },
	{ CKM_SHA1_RSA_PKCS, "SHA1_RSA_PKCS" }, { CKM_SHA256_RSA_PKCS, "SHA256_RSA_PKCS" },
	{ CKM_SHA384_RSA_PKCS, "SHA384_RSA_PKCS" }, { CKM_SHA512_RSA_PKCS, "SHA512_RSA_PKCS" },
	{ CKM_RSA_PKCS_PSS, "RSA_PKCS_PSS" }, { CKM_RSA_PKCS_OAEP, "RSA_PKCS_OAEP" },
	{ CKM_EC_KEY_PAIR_GEN, "EC_KEY_PAIR_GEN" }, { CKM_ECDSA, "ECDSA" }, { CKM_ECDSA_SHA1, "ECDSA_SHA1" },
	{ CKM_ECDSA_SHA256, "ECDSA_SHA256" }, { CKM_ECDSA_SHA384, "ECDSA_SHA384" }, { CKM_ECDSA_SHA512, "ECDSA_SHA512" },
	{ CKM_ECDH1_DERIVE, "ECDH1_DERIVE" }, { CKM_ECDH1_COFACTOR_DERIVE, "ECDH1_COFACTOR_DERIVE" },
	{ CKM_SHA_1, "SHA_1" }, { CKM_SHA256, "SHA256" }, { CKM_SHA384, "SHA384" }, { CKM_SHA512, "SHA512" },
	{ CKM_MD5, "MD5" }, { CKM_AES_KEY_GEN, "AES_KEY_GEN" }, { CKM_AES_CBC, "AES_CBC" }, { CKM_AES_ECB, "AES_ECB" },
};

static const char *
name_of(CK_MECHANISM_TYPE number)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number == number)
			return names[i].name;
	return "";
}

bool
signature_name_known(const char *name)
{
	for (size_t i = 0; i < sizeof signature_ways / sizeof signature_ways[0]; i++)
		if (strcmp(name_of(signature_ways[i].mechanism), name) == 0)
			return true;
	return false;
}

const struct key_type *
key_type_at(unsigned n)
{
	return n < sizeof key_types / sizeof key_types[0] ? &key_types[n] : NULL;
}

const struct key_type *
key_type_by_name(const char *name)
{
	for (unsigned i = 0; i < sizeof key_types / sizeof key_types[0]; i++)
		if (strcmp(key_types[i].name, name) == 0)
			return &key_types[i];
	return NULL;
}

const char *
key_type_name(const struct key_type *type)
{
	return type->name;
}

const struct key_type *
key_type_of(CK_KEY_TYPE kind, unsigned bits)
{
	for (unsigned i = 0; i < sizeof key_types / sizeof key_types[0]; i++)
		if (key_types[i].kind == kind && key_types[i].bits == bits)
			return &key_types[i];
	return NULL;
}

/* 0 when the token offers the mechanism for this use and size; sizes of 0 mean the module does not say. */
static int
offered(struct token *token, CK_MECHANISM_TYPE mechanism, CK_FLAGS use, unsigned bits, int64_t deadline_ms)
{
	CK_MECHANISM_INFO info;
	int               error;

	memset(&info, 0, sizeof info);
	error = module_call(token->module, deadline_ms, C_GetMechanismInfo, token->slot, mechanism, &info);
	if (error != 0)
		return error;
	if (!(info.flags & use))
		return module_fail(token->module, "C_GetMechanismInfo", MINT_TOKEN_MECHANISM,
		    "the mechanism is not offered for this use");
	if (info.ulMaxKeySize != 0 && (bits < info.ulMinKeySize || bits > info.ulMaxKeySize))
		return module_fail(token->module, "C_GetMechanismInfo", MINT_TOKEN_MECHANISM,
		    "the key size is not offered");
	return 0;
}

int
key_type_offered(struct token *token, const struct key_type *type, int64_t deadline_ms)
{
	return offered(token, type->generate, CKF_GENERATE_KEY_PAIR, type->bits, deadline_ms);
}

static bool
allowed(const struct token *token, const char *name, const struct signature_way *way, const struct key_type *type)
{
	if (way->kind != type->kind || way->digest_nid != type->digest_nid)
		return false;
	return token->quirks.signatures == NULL || strcmp(name, name_of(way->mechanism)) == 0;
}

/* The first way of that name; of any name where the profile does not say. */
static int
choose_named(struct token *token, const char *name, const struct key_type *type, const struct signature_way **out,
    int64_t deadline_ms)
{
	int error = MINT_TOKEN_MECHANISM;

	for (size_t i = 0; i < sizeof signature_ways / sizeof signature_ways[0]; i++) {
		const struct signature_way *way = &signature_ways[i];

		if (!allowed(token, name, way, type))
			continue;
		error = offered(token, way->mechanism, CKF_SIGN, type->bits, deadline_ms);
		if (error == 0)
			*out = way;
		if (error != MINT_TOKEN_MECHANISM)
			break;
	}
	return error;
}

int
signature_way_choose(struct token *token, const struct key_type *type, const struct signature_way **out,
    int64_t deadline_ms)
{
	const char *const *wanted = token->quirks.signatures;
	int                error = MINT_TOKEN_MECHANISM;

	if (wanted == NULL)
		error = choose_named(token, "", type, out, deadline_ms);
	for (; wanted != NULL && *wanted != NULL && error == MINT_TOKEN_MECHANISM; wanted++)
		error = choose_named(token, *wanted, type, out, deadline_ms);
	if (error != MINT_TOKEN_MECHANISM)
		return error;
	return module_fail(token->module, "C_GetMechanismInfo", MINT_TOKEN_MECHANISM,
	    "the token offers no mechanism for signatures with this key and digest (SHA-1 is not used)");
}

static void
describe(struct token *token, CK_MECHANISM_TYPE number, struct mechanism_facts *facts, int64_t deadline_ms)
{
	CK_MECHANISM_INFO info;

	*facts = (struct mechanism_facts){ .name = name_of(number), .number = number };
	memset(&info, 0, sizeof info);
	if (module_call(token->module, deadline_ms, C_GetMechanismInfo, token->slot, number, &info) != 0)
		return;
	facts->min_bits = (unsigned)info.ulMinKeySize;
	facts->max_bits = (unsigned)info.ulMaxKeySize;
	facts->uses = (info.flags & CKF_GENERATE_KEY_PAIR ? MECHANISM_GENERATES : 0) |
	    (info.flags & CKF_SIGN ? MECHANISM_SIGNS : 0) | (info.flags & CKF_HW ? MECHANISM_IN_HARDWARE : 0);
}

int
token_mechanisms(struct token *token, struct mechanism_facts *list, size_t max, size_t *count, int64_t deadline_ms)
{
	CK_MECHANISM_TYPE *numbers = NULL;
	CK_ULONG           all = 0;
	int                error;

	*count = 0;
	error = module_call(token->module, deadline_ms, C_GetMechanismList, token->slot, NULL, &all);
	if (error != 0 || all == 0)
		return token_explain(token, error);
	numbers = calloc(all, sizeof *numbers);
	if (numbers == NULL)
		return MINT_MEMORY;
	error = module_call(token->module, deadline_ms, C_GetMechanismList, token->slot, numbers, &all);
	for (CK_ULONG i = 0; error == 0 && i < all && i < max; i++)
		describe(token, numbers[i], &list[i], deadline_ms);
	free(numbers);
	*count = all;
	return token_explain(token, error);
}
