/* What is asked for, in the form in which it is compared and recorded. */
#ifndef MINT_CA_CONTENT_H
#define MINT_CA_CONTENT_H

#include "hostd/ca/reason.h"
#include "hostd/ca/record.h"
#include "schemas/messages.h"

#include <jansson.h>

/* The serial number with zeros in front. RFC 5280, 4.1.2.2: positive, at most 20 octets; the queue draws 159 random bits, and a
 * number of fewer than 64 would show that it does not. MINT_ARGUMENT. */
int content_serial(uint8_t serial[SERIAL_BYTES], struct blob blob, struct reason *reason);

/* What "the same request" means: SHA-256 over profile, serial number, key and subject data in canonical JSON. MINT_CRYPTO. */
int content_digest(uint8_t digest[DIGEST_BYTES], const char *profile, const uint8_t serial[SERIAL_BYTES], json_t *subject,
    const uint8_t spki[DIGEST_BYTES], struct reason *reason);

#endif
