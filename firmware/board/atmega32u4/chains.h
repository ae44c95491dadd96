/* Both shift chains: VBUS switches out, presence and over-current in, in one movement. */
#ifndef MINT_FIRMWARE_BOARD_CHAINS_H
#define MINT_FIRMWARE_BOARD_CHAINS_H

#include <stdint.h>

/* All switches off, then the outputs are let go. */
void chains_begin(void);
/* 24 µs at 2 MHz and the loop around it. */
void chains_exchange(uint16_t switches, uint16_t *present, uint16_t *over_current);

#endif
