/* Key types and signature mechanisms, each a row of a table (PKCS#11 2.40 mechanisms, sections 2.1 and 2.3). */
#ifndef MINT_PKCS11_MECHANISM_H
#define MINT_PKCS11_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_type;
struct token;

/* By name as profiles and messages write it: "rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521".
 * NULL when there is none. Static. */
const struct key_type *key_type_by_name(const char *name);

/* The n-th of the table, NULL after the last. */
const struct key_type *key_type_at(unsigned n);

/* Static. */
const char *key_type_name(const struct key_type *type);

/* Whether the module says that the token generates keys of this type. A promise only: some modules refuse later.
 * MINT_TOKEN_MECHANISM when not. */
int key_type_offered(struct token *token, const struct key_type *type, int64_t deadline_ms);

/* Whether signatures are made by a mechanism of this name: the standard's, without CKM_ ("ECDSA", "RSA_PKCS",
 * "SHA256_RSA_PKCS", "ECDSA_SHA256" …). Those over SHA-1 are not among them. */
bool signature_name_known(const char *name);

/* The n-th of these names, NULL after the last. Static. */
const char *signature_name_at(unsigned n);

/* Bits of mechanism_facts.flags: the CKF_ flags of CK_MECHANISM_INFO. */
enum mechanism_flag {
	MECHANISM_HARDWARE = 1 << 0,
	MECHANISM_ENCRYPT = 1 << 1,
	MECHANISM_DECRYPT = 1 << 2,
	MECHANISM_DIGEST = 1 << 3,
	MECHANISM_SIGN = 1 << 4,
	MECHANISM_VERIFY = 1 << 5,
	MECHANISM_GENERATE = 1 << 6,
	MECHANISM_GENERATE_KEY_PAIR = 1 << 7,
	MECHANISM_WRAP = 1 << 8,
	MECHANISM_UNWRAP = 1 << 9,
	MECHANISM_DERIVE = 1 << 10,
};

/* One mechanism as the module describes it; a promise only. */
struct mechanism_facts {
	const char   *name; /* as the standard, without CKM_; "" for a vendor's own. Static */
	unsigned long number;
	unsigned long min_bits; /* of keys; 0 where the module does not say. Some modules count in bytes */
	unsigned long max_bits;
	unsigned      flags; /* enum mechanism_flag */
};

/* "sign", for the n-th bit; NULL after the last. Static. */
const char *mechanism_flag_name(unsigned n);

/* Writes up to `max` mechanisms of the token to `list`, in the module's order, and the true number to *count. One that the
 * module lists and does not describe has no flags. */
int token_mechanisms(struct token *token, struct mechanism_facts *list, size_t max, size_t *count, int64_t deadline_ms);

#endif
