/* A certificate as JSON and as PEM. */
#ifndef MINT_API_CERTIFICATE_H
#define MINT_API_CERTIFICATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;

/* {"sha256", "not_before", "not_after", "key_sha256", and if `whole` "subject", "issuer", "pem"} of a DER certificate (RFC 5280); the members are null
 * when there is none (length 0) or it cannot be read. A new reference, NULL when memory is out. */
json_t *certificate_json(const uint8_t *der, size_t der_bytes, int whole);

/* Appends the PEM form (RFC 7468). 0 or MINT_MEMORY. */
int certificate_pem(struct evbuffer *out, const uint8_t *der, size_t der_bytes);

#endif
