/* PKCS#10 certificate requests (RFC 2986) whose signature is made by the token. */
#ifndef MINT_PKCS11_REQUEST_H
#define MINT_PKCS11_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

struct key;

/* A request for the key with this subject, signed by the token and verified here before it is given out, in DER.
 * The caller frees *der with OPENSSL_free. MINT_PROOF_CHALLENGE when the token's signature does not verify. */
int request_make(struct key *key, const X509_NAME *subject, unsigned char **der, size_t *der_len,
    int64_t deadline_ms);

#endif
