/* Talking to a virtual card in tests: commands and expected answers in hexadecimal. */
#ifndef MINT_TESTS_VTOKEN_DIALOGUE_H
#define MINT_TESTS_VTOKEN_DIALOGUE_H

#include "tools/vtoken/card.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of a hexadecimal text; blanks are skipped. Gives their number. Fails the test when the text is not that. */
size_t dialogue_bytes(const char *text, uint8_t *bytes, size_t capacity);

/* Sends a command; a key that is wanted is generated on the spot. The reply lives until the next call. */
const struct card_reply *dialogue_say(struct card *card, const char *command);

/* The status word of the answer to a command. */
unsigned dialogue_sw(struct card *card, const char *command);

/* A blank card with serial number 1. */
struct card *dialogue_card(void);

/* A finished card: PIN 1 "12345678", its PUK "87654321", PIN 3 "43211234", activated, EC key file 4B01 (PIN 1 for all)
 * with a key, plain file 4401 of 16 bytes (read by all, update by PIN 3, delete by PIN 3). */
struct card *dialogue_finished_card(void);

#endif
