/* The card's PINs, numbered 1 … 14, each with its PUK and try counters.
 *
 * Only salted hashes are kept, so that no PIN stands in a state file. The hash is one SHA-256 on purpose: a PIN has at
 * most some 10^8 values, so against someone who holds the file no key derivation a VERIFY can afford would help; and a
 * virtual token's file holds its private keys anyway. The salt keeps equal PINs of two tokens from looking equal.
 */
#ifndef MINT_VTOKEN_PINS_H
#define MINT_VTOKEN_PINS_H

#include "tools/vtoken/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIN_FIRST 1
#define PIN_LAST  14
#define PIN_LEN   8 /* bytes on the wire, padded by the host */

struct pins;

enum pin_answer {
	PIN_RIGHT,
	PIN_WRONG,   /* pins_tries_left says how many tries remain, 0 included */
	PIN_BLOCKED, /* not even compared */
	PIN_ABSENT,  /* this number was never given a PIN */
};

/* NULL when out of memory. */
struct pins *pins_new(void);
void         pins_free(struct pins **pins);

/* Gives number `reference` a PIN and a PUK; tries are 1 … 15. MINT_CRYPTO when there is no randomness. */
int pins_set(struct pins *pins, unsigned reference, const uint8_t pin[PIN_LEN], const uint8_t puk[PIN_LEN],
	     unsigned pin_tries, unsigned puk_tries);

bool     pins_exist(const struct pins *pins, unsigned reference);
unsigned pins_tries_left(const struct pins *pins, unsigned reference);
unsigned pins_puk_tries_left(const struct pins *pins, unsigned reference);

/* *changed is set when a counter or a PIN differs from before the call; the caller stores that before it answers, so
 * that cutting the power never gives a try back. */
enum pin_answer pins_verify(struct pins *pins, unsigned reference, const uint8_t pin[PIN_LEN], bool *changed);
enum pin_answer pins_change(struct pins *pins, unsigned reference, const uint8_t old_pin[PIN_LEN],
			    const uint8_t new_pin[PIN_LEN], bool *changed);
/* By the PUK: a new PIN with all its tries. PIN_WRONG and PIN_BLOCKED are the PUK's. */
enum pin_answer pins_unblock(struct pins *pins, unsigned reference, const uint8_t puk[PIN_LEN],
			     const uint8_t new_pin[PIN_LEN], bool *changed);

/* Part of the token's state (store.h). pins_get replaces all; MINT_SYNTAX when the bytes are not sound. */
void pins_put(const struct pins *pins, struct wire_out *out);
int  pins_get(struct pins *pins, struct wire_in *in);

#endif
