/* A certificate request as it comes from a token: PKCS#10 (RFC 2986). Only its public key is ever used, and only after the proof
 * that the token holds the private one; whatever names or attributes it asks for are not looked at. */
#ifndef MINT_CA_REQUEST_H
#define MINT_CA_REQUEST_H

#include "hostd/ca/reason.h"
#include "hostd/ca/record.h"
#include "schemas/messages.h"

#include <openssl/evp.h>

/* The key types that profiles may allow, as bits. Names as in the applications: "rsa2048", "p256" … */
enum key_type {
	KEY_RSA2048 = 1 << 0,
	KEY_RSA3072 = 1 << 1,
	KEY_RSA4096 = 1 << 2,
	KEY_P256 = 1 << 3,
	KEY_P384 = 1 << 4,
	KEY_ALL = KEY_RSA2048 | KEY_RSA3072 | KEY_RSA4096 | KEY_P256 | KEY_P384
};

unsigned key_type_by_name(const char *name);    /* 0 when there is none of that name */
const char *key_type_name(unsigned type);       /* "?" for no single type */

struct request_key {
	EVP_PKEY *key;
	unsigned  type;                         /* one of enum key_type */
	uint8_t   spki_sha256[DIGEST_BYTES];
};

/* Reads a request and checks, in this order: DER without anything behind it (MINT_SYNTAX), a key of one of the `allowed` types
 * (MINT_CA_REFUSED), the key itself (MINT_KEY_WEAK: exponent, small factors, ROCA; a point not on its curve), and the signature
 * with SHA-256 or better (MINT_CA_REFUSED). The caller frees with request_key_clear. */
int request_read(struct request_key *out, struct blob der, unsigned allowed, struct reason *reason);
void request_key_clear(struct request_key *key);

#endif
