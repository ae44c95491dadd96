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

/* What a token says of one of its mechanisms (C_GetMechanismInfo). */
struct mechanism_facts {
	const char   *name; /* "ECDSA_SHA256", without CKM_; "" where we know none. Static. */
	unsigned long number;
	unsigned      min_bits, max_bits; /* of the key; 0 where the token does not say */
	unsigned      uses;               /* enum mechanism_use */
};

enum mechanism_use { MECHANISM_GENERATES = 1 << 0, MECHANISM_SIGNS = 1 << 1, MECHANISM_IN_HARDWARE = 1 << 2 };

/* Writes up to `max` to `list`; *count is the true number. */
int token_mechanisms(struct token *token, struct mechanism_facts *list, size_t max, size_t *count, int64_t deadline_ms);

/* Whether it is a mechanism that key_sign can sign with: "RSA_PKCS", "SHA256_RSA_PKCS", "ECDSA", "ECDSA_SHA256" … */
bool signature_name_known(const char *name);

/* Static. */
const char *key_type_name(const struct key_type *type);

/* Whether the module says that the token generates keys of this type. A promise only: some modules refuse later.
 * MINT_TOKEN_MECHANISM when not. */
int key_type_offered(struct token *token, const struct key_type *type, int64_t deadline_ms);

#endif
