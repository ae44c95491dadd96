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

/* What a token may offer in their place and no request may use: SHA-1 is broken for signatures (RFC 9155; CA/Browser Forum,
 * Baseline Requirements, section 7.1.3.2). */
static const struct {
	CK_KEY_TYPE       kind;
	CK_MECHANISM_TYPE mechanism;
} broken_ways[] = {
	{ CKK_RSA, CKM_SHA1_RSA_PKCS },
	{ CKK_EC, CKM_ECDSA_SHA1 },
};

static const struct {
	CK_MECHANISM_TYPE number;
	const char       *name;
} mechanism_names[] = {
#define MECHANISM(name) { CKM_##name, #name },
#include "pkcs11/mechanisms.def"
#undef MECHANISM
};

static const struct {
	CK_FLAGS            theirs;
	enum mechanism_flag ours;
	const char         *name;
} mechanism_flags[] = {
	{ CKF_HW, MECHANISM_HARDWARE, "hw" },
	{ CKF_ENCRYPT, MECHANISM_ENCRYPT, "encrypt" },
	{ CKF_DECRYPT, MECHANISM_DECRYPT, "decrypt" },
	{ CKF_DIGEST, MECHANISM_DIGEST, "digest" },
	{ CKF_SIGN, MECHANISM_SIGN, "sign" },
	{ CKF_VERIFY, MECHANISM_VERIFY, "verify" },
	{ CKF_GENERATE, MECHANISM_GENERATE, "generate" },
	{ CKF_GENERATE_KEY_PAIR, MECHANISM_GENERATE_KEY_PAIR, "generate_key_pair" },
	{ CKF_WRAP, MECHANISM_WRAP, "wrap" },
	{ CKF_UNWRAP, MECHANISM_UNWRAP, "unwrap" },
	{ CKF_DERIVE, MECHANISM_DERIVE, "derive" },
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define MECHANISMS_MAX 4096 /* a guard against a module that answers nonsense */

const struct key_type *
key_type_at(unsigned n)
{
	return n < COUNT(key_types) ? &key_types[n] : NULL;
}

const struct key_type *
key_type_by_name(const char *name)
{
	for (unsigned i = 0; i < COUNT(key_types); i++)
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
	for (unsigned i = 0; i < COUNT(key_types); i++)
		if (key_types[i].kind == kind && key_types[i].bits == bits)
			return &key_types[i];
	return NULL;
}

static unsigned long
said_bits(CK_ULONG theirs)
{
	return theirs == CK_UNAVAILABLE_INFORMATION ? 0 : theirs;
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
	if (said_bits(info.ulMaxKeySize) != 0 &&
	    (bits < said_bits(info.ulMinKeySize) || bits > said_bits(info.ulMaxKeySize)))
		return module_fail(token->module, "C_GetMechanismInfo", MINT_TOKEN_MECHANISM,
		    "the key size is not offered");
	return 0;
}

int
key_type_offered(struct token *token, const struct key_type *type, int64_t deadline_ms)
{
	return offered(token, type->generate, CKF_GENERATE_KEY_PAIR, type->bits, deadline_ms);
}

static const char *
mechanism_name(CK_MECHANISM_TYPE number)
{
	for (size_t i = 0; i < COUNT(mechanism_names); i++)
		if (mechanism_names[i].number == number)
			return mechanism_names[i].name;
	return "";
}

/* The names of signature_ways, each once. */
const char *
signature_name_at(unsigned n)
{
	for (size_t i = 0; i < COUNT(signature_ways); i++) {
		bool seen = false;

		for (size_t before = 0; before < i && !seen; before++)
			seen = signature_ways[before].mechanism == signature_ways[i].mechanism;
		if (!seen && n-- == 0)
			return mechanism_name(signature_ways[i].mechanism);
	}
	return NULL;
}

bool
signature_name_known(const char *name)
{
	const char *known;

	for (unsigned n = 0; (known = signature_name_at(n)) != NULL; n++)
		if (strcmp(known, name) == 0)
			return true;
	return false;
}

/* The first way for this key type that the token offers, of those with this name; NULL: of all. */
static int
choose_named(struct token *token, const struct key_type *type, const char *name, const struct signature_way **out,
    int64_t deadline_ms)
{
	int error = MINT_TOKEN_MECHANISM;

	for (size_t i = 0; error == MINT_TOKEN_MECHANISM && i < COUNT(signature_ways); i++) {
		const struct signature_way *way = &signature_ways[i];

		if (way->kind != type->kind || way->digest_nid != type->digest_nid ||
		    (name != NULL && strcmp(name, mechanism_name(way->mechanism)) != 0))
			continue;
		error = offered(token, way->mechanism, CKF_SIGN, type->bits, deadline_ms);
		if (error == 0)
			*out = way;
	}
	return error;
}

static const char *
why_no_way(struct token *token, const struct key_type *type, int64_t deadline_ms)
{
	if (token->quirks.signatures != NULL)
		return "the token offers none of the signature mechanisms of its model profile for this key type";
	for (size_t i = 0; i < COUNT(broken_ways); i++)
		if (broken_ways[i].kind == type->kind &&
		    offered(token, broken_ways[i].mechanism, CKF_SIGN, type->bits, deadline_ms) == 0)
			return "for this key type the token signs over SHA-1 only, which no request may use";
	return "the token offers no signature mechanism for this key type";
}

int
signature_way_choose(struct token *token, const struct key_type *type, const struct signature_way **out,
    int64_t deadline_ms)
{
	const char *const *name = token->quirks.signatures;
	int                error = MINT_TOKEN_MECHANISM;

	if (name == NULL)
		error = choose_named(token, type, NULL, out, deadline_ms);
	else
		for (; error == MINT_TOKEN_MECHANISM && *name != NULL; name++)
			error = choose_named(token, type, *name, out, deadline_ms);
	if (error == MINT_TOKEN_MECHANISM)
		return module_fail(token->module, "C_GetMechanismInfo", error, why_no_way(token, type, deadline_ms));
	return error;
}

/* --- what a token offers, for a survey */

const char *
mechanism_flag_name(unsigned n)
{
	return n < COUNT(mechanism_flags) ? mechanism_flags[n].name : NULL;
}

static int
describe(struct token *token, CK_MECHANISM_TYPE number, struct mechanism_facts *facts, int64_t deadline_ms)
{
	CK_MECHANISM_INFO info;
	int               error;

	memset(&info, 0, sizeof info);
	*facts = (struct mechanism_facts){ .name = mechanism_name(number), .number = number };
	error = module_call(token->module, deadline_ms, C_GetMechanismInfo, token->slot, number, &info);
	if (error == MINT_TOKEN_MECHANISM)
		return 0;
	if (error != 0)
		return token_explain(token, error);
	facts->min_bits = said_bits(info.ulMinKeySize);
	facts->max_bits = said_bits(info.ulMaxKeySize);
	for (size_t i = 0; i < COUNT(mechanism_flags); i++)
		if (info.flags & mechanism_flags[i].theirs)
			facts->flags |= mechanism_flags[i].ours;
	return 0;
}

static int
list_mechanisms(struct token *token, CK_MECHANISM_TYPE **numbers, CK_ULONG *count, int64_t deadline_ms)
{
	CK_ULONG room;
	int      error;

	*numbers = NULL;
	*count = 0;
	error = module_call(token->module, deadline_ms, C_GetMechanismList, token->slot, NULL, count);
	if (error != 0 || *count == 0)
		return token_explain(token, error);
	room = *count;
	if (room > MECHANISMS_MAX)
		return module_fail(token->module, "C_GetMechanismList", MINT_MODULE, "an absurd number of mechanisms");
	*numbers = calloc(room, sizeof **numbers);
	if (*numbers == NULL)
		return MINT_MEMORY;
	error = module_call(token->module, deadline_ms, C_GetMechanismList, token->slot, *numbers, count);
	if (error == 0 && *count > room)
		error = module_fail(token->module, "C_GetMechanismList", MINT_MODULE,
		    "more mechanisms than there is room for");
	return token_explain(token, error);
}

int
token_mechanisms(struct token *token, struct mechanism_facts *list, size_t max, size_t *count, int64_t deadline_ms)
{
	CK_MECHANISM_TYPE *numbers;
	CK_ULONG           number;
	int                error;

	*count = 0;
	error = list_mechanisms(token, &numbers, &number, deadline_ms);
	if (error == 0)
		*count = number;
	for (size_t i = 0; error == 0 && numbers != NULL && i < number && i < max; i++)
		error = describe(token, numbers[i], &list[i], deadline_ms);
	free(numbers);
	return error;
}
