/* PINs, SO-PINs and PUKs of one token: made at random, sealed with the bench's key, wiped (law 6).
 *
 * Sealed form, the only one in which transport codes leave a worker (AES-256-GCM, NIST SP 800-38D):
 *   u8 version (1) · 12 bytes nonce · cipher text · 16 bytes tag
 * The plain text is, for each enum code in turn, u8 length and that many characters. The token's serial number is
 * authenticated with it: the codes of one token do not open as those of another.
 */
#ifndef MINT_WORKER_CODES_H
#define MINT_WORKER_CODES_H

#include "hostd/base/model.h"

enum { CODES_KEY_BYTES = 32, CODES_SEALED_MAX = 512 };

/* NUL-terminated; "" for a code that the model does not have. Wipe with codes_wipe. */
struct codes {
	char text[CODES][MODEL_CODE_MAX + 1];
};

/* Fresh ones by the model's rules, each character uniformly from its alphabet. MINT_CRYPTO. */
int codes_make(const struct model *model, struct codes *codes);

/* Codes that are still "" become the factory's, as far as the profile knows them. */
void codes_fill_factory(const struct model *model, struct codes *codes);

/* Seals. `sealed` has room for CODES_SEALED_MAX bytes. MINT_CRYPTO. */
int codes_seal(const struct codes *codes, const uint8_t *key, const char *serial, uint8_t *sealed, size_t *length);

/* Opens. MINT_CRYPTO when it was not sealed with this key for this serial number; `codes` is empty then. */
int codes_open(struct codes *codes, const uint8_t *key, const char *serial, const uint8_t *sealed, size_t length);

/* Reads the bench's key, CODES_KEY_BYTES bytes and nothing else in the file. MINT_CONFIG after a log line. */
int codes_read_key(const char *path, uint8_t *key);

void codes_wipe(struct codes *codes);

#endif
