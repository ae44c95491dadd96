/* The one clock. UTC microseconds for rows, monotonic milliseconds for deadlines; nothing else reads the time.
 *
 * Tests turn it: MINT_CLOCK_OFFSET_US in the environment moves UTC by that much (never the monotonic clock).
 */
#ifndef MINT_BASE_CLOCK_H
#define MINT_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_utc_us(void);

/* CLOCK_MONOTONIC. */
int64_t clock_monotonic_us(void);

#endif
