/* What mint-queue checks by itself about keys and certificates (libcrypto); it holds no key. */
#ifndef MINT_QUEUE_DIGEST_H
#define MINT_QUEUE_DIGEST_H

#include "schemas/messages.h"

enum { DIGEST_BYTES = 32, SERIAL_BYTES = 20 };

void digest_sha256(const struct blob *data, uint8_t out[DIGEST_BYTES]);

/* A certificate's serial number: positive, 20 bytes (RFC 5280, 4.1.2.2), 158 of its bits random. 0 or MINT_CRYPTO. */
int digest_serial(uint8_t out[SERIAL_BYTES]);

/* Is `certificate` (DER, nothing behind it) for this key and serial? 0; MINT_SYNTAX, MINT_PROOF_KEY, MINT_PROOF_CERTIFICATE. */
int digest_check_certificate(const struct blob *certificate, const struct blob *spki, const struct blob *serial);

/* Is `signature` one of the key `spki` over SHA-256 of `challenge` (PKCS#1 v1.5, or ECDSA-Sig-Value)? 0 or MINT_PROOF_CHALLENGE. */
int digest_check_signature(const struct blob *spki, const struct blob *challenge, const struct blob *signature);

#endif
