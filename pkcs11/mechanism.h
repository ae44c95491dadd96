/* Key types and signature mechanisms, each a row of a table (PKCS#11 2.40 mechanisms, sections 2.1 and 2.3). */
#ifndef MINT_PKCS11_MECHANISM_H
#define MINT_PKCS11_MECHANISM_H

#include <stdbool.h>
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

#endif
