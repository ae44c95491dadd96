/* One certificate: a profile's words, an application's fields, a token's key (RFC 5280). */
#ifndef MINT_CA_CERTIFICATE_H
#define MINT_CA_CERTIFICATE_H

#include "hostd/ca/authority.h"
#include "hostd/ca/profile.h"

#include <jansson.h>

struct certificate_plan {
	const struct authority *authority;
	const struct profile   *profile;
	json_t                 *subject;        /* object, field name → string */
	EVP_PKEY               *key;            /* public key */
	const uint8_t          *serial;         /* SERIAL_BYTES, big-endian */
	int64_t                 now;            /* UTC microseconds */
};

/* Makes and signs it. *der is the caller's to free with OPENSSL_free. MINT_FIELD names the field that is missing or cannot stand in
 * a certificate; MINT_CA_REFUSED when the CA's own certificate has run out; MINT_CRYPTO. */
int certificate_issue(const struct certificate_plan *plan, uint8_t **der, size_t *der_bytes, struct reason *reason);

#endif
