/* Contacts bounce: sixteen at once, each believed when it has said the same for DEBOUNCE_SAMPLES samples without a break. */
#ifndef MINT_FIRMWARE_CORE_DEBOUNCE_H
#define MINT_FIRMWARE_CORE_DEBOUNCE_H

#include <stdint.h>

enum { DEBOUNCE_SAMPLES = 8 };

/* All zero: every contact open. */
struct debounce {
	uint16_t steady;     /* what is believed */
	uint16_t count[3];   /* of each contact, how many samples differed: a counter of three bits, one plane a bit */
};

/* One sample of each. Returns the contacts whose steady level has just changed. */
uint16_t debounce_sample(struct debounce *debounce, uint16_t raw);

#endif
