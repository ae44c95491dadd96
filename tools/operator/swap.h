/* How long a person takes from a finished token taken out to the next blank one put in. */
#ifndef MINT_OPERATOR_SWAP_H
#define MINT_OPERATOR_SWAP_H

#include <stdint.h>

struct swap;

/* "MEAN[,CV]": log-normal, mean in milliseconds (up to an hour) and coefficient of variation (up to 5; 0.5 when it is not given).
 * NULL: not of that form, or out of memory. Draws depend on seed, bay and count alone, so that a day can be repeated. */
struct swap *swap_new(const char *text, uint64_t seed);
void swap_free(struct swap **swap);

/* Milliseconds that the next swap at this bay takes; counts it. Bays from 1 to 256. */
uint64_t swap_draw_ms(struct swap *swap, long long bay);

#endif
