/* X.509 certificates on a token (PKCS#11 2.40, section 4.6). */
#ifndef MINT_PKCS11_CERTIFICATE_H
#define MINT_PKCS11_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

struct session;

/* Writes a certificate under the id of its key. The user must be logged in. MINT_EXISTS when the id has one already,
 * MINT_SYNTAX when `der` is no certificate, MINT_TOKEN_FULL. */
int certificate_write(struct session *session, const unsigned char *id, size_t id_len, const char *label,
    const unsigned char *der, size_t der_len, int64_t deadline_ms);

/* Reads the only certificate with this id, byte for byte as it stands there; the caller frees with OPENSSL_free.
 * Evidence only in a process that has not written it (see object.h). MINT_NOT_FOUND, MINT_EXISTS (more than one). */
int certificate_read(struct session *session, const unsigned char *id, size_t id_len, unsigned char **der,
    size_t *der_len, int64_t deadline_ms);

#endif
