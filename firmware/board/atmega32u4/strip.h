/* The LEDs: sixteen WS2812B in a row. */
#ifndef MINT_FIRMWARE_BOARD_STRIP_H
#define MINT_FIRMWARE_BOARD_STRIP_H

#include "schemas/station.h"

#include <stdint.h>

/* Red, green, blue of each, first LED first. Takes 0.5 ms; interrupts wait 30 µs at most. Between two calls 0.3 ms must pass, or the
 * LEDs take the second for the first's end. */
void strip_send(const uint8_t levels[STATION_BAYS][3]);

#endif
