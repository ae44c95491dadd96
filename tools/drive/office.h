/* A certificate authority and a PIN office for one trial: keys that are thrown away with it. */
#ifndef DRIVE_OFFICE_H
#define DRIVE_OFFICE_H

#include "schemas/messages.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

/* A certificate for one day, by `issuer`, for the key of a request that must verify. It is padded to `least_bytes` (0: not). DER, the
 * caller frees *der with OPENSSL_free. MINT_SYNTAX when the request is none or does not verify, MINT_CRYPTO. */
int office_certify(EVP_PKEY *issuer, const struct blob *request, size_t least_bytes, uint8_t **der, size_t *length);

/* Writes a new key and a certificate of its own for one day, PEM, mode 0600: who has the key opens what is enveloped to the
 * certificate. 0; MINT_CRYPTO, MINT_STORAGE. */
int office_found(const char *key_path, const char *certificate_path);

/* Opens an envelope with what office_found has written. Its text ends with a NUL; the caller wipes and frees it. MINT_CRYPTO. */
int office_open(const char *key_path, const char *certificate_path, const struct blob *envelope, char **text);

#endif
