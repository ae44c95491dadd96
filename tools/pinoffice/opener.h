/* From the bytes of a file to the codes in it. No I/O. */
#ifndef PINOFFICE_OPENER_H
#define PINOFFICE_OPENER_H

#include "tools/pinoffice/content.h"
#include "tools/pinoffice/fault.h"
#include "tools/pinoffice/key.h"

#include <stddef.h>
#include <stdint.h>

enum { OPENER_FILE_MAX = 64 * 1024 };

/* Opens CMS AuthEnvelopedData (RFC 5083, AES-GCM with a tag of 16 bytes) or EnvelopedData (RFC 5652, section 6) in DER. FAULT_none and the
 * content, which the caller wipes; else why not, and `detail` (FAULT_DETAIL_BYTES) with more of it, or "". */
enum fault opener_open(const struct office_key *key, const uint8_t *der, size_t length, struct content *content, char *detail);

#endif
