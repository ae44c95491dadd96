/* The millisecond. */
#ifndef MINT_FIRMWARE_BOARD_TICKS_H
#define MINT_FIRMWARE_BOARD_TICKS_H

#include <stdint.h>

void ticks_begin(void);
/* How many have passed since the last call; more than one: somebody kept the loop for too long. */
uint8_t ticks_take(void);
/* Any not taken yet? With interrupts off. */
uint8_t ticks_are_due(void);

#endif
