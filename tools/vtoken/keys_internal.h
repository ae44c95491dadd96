/* Between keys.c and key_parts.c. */
#ifndef MINT_VTOKEN_KEYS_INTERNAL_H
#define MINT_VTOKEN_KEYS_INTERNAL_H

#include "tools/vtoken/keys.h"

#include <openssl/evp.h>

struct key {
	EVP_PKEY *pkey;
	enum key_type type;
	unsigned bits;
};

/* OpenSSL's name of the curve, NULL when there is none of that size. */
const char *key_curve(unsigned bits);

/* A key around `pkey`, which it takes over in any case; NULL gives MINT_CRYPTO. */
int key_wrap(struct key **key, EVP_PKEY *pkey);

#endif
