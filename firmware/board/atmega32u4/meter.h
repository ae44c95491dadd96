/* VBUS of one bay after the other, through the multiplexer: one tick to settle, one to convert. */
#ifndef MINT_FIRMWARE_BOARD_METER_H
#define MINT_FIRMWARE_BOARD_METER_H

#include <stdint.h>

void meter_begin(void);
/* Once a tick. 1 every other tick: `mv` is what bay `bay` had at its socket, and meter_choose says which is next. */
uint8_t meter_tick(uint8_t *bay, uint16_t *mv);
void meter_choose(uint8_t bay);

#endif
