/* Between keys.c and key_parts.c. */
#ifndef MINT_VTOKEN_KEYS_INTERNAL_H
#define MINT_VTOKEN_KEYS_INTERNAL_H

#include "tools/vtoken/keys.h"

#include <openssl/evp.h>

struct key {
	enum key_type type;
	unsigned bits;
	EVP_PKEY *pkey; /* NULL until the key is first used, when it came as bytes */
	uint8_t *der;   /* NULL until it is first written, when it came as a key */
	size_t der_len;
};

/* OpenSSL's name of the curve, NULL when there is none of that size. */
const char *key_curve(unsigned bits);

/* A key around `pkey`, which it takes over in any case; NULL gives MINT_CRYPTO. */
int key_wrap(struct key **key, EVP_PKEY *pkey);

#endif
