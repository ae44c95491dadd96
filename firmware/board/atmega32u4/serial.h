/* The board's serial number, from the first bytes of the EEPROM. */
#ifndef MINT_FIRMWARE_BOARD_SERIAL_H
#define MINT_FIRMWARE_BOARD_SERIAL_H

#include <stdint.h>

enum { SERIAL_MAX = 20 };

/* Letters, digits, `-` and `.` up to the first other byte; "unset" where there is none. Returns how many were written. */
uint8_t serial_read(uint8_t text[SERIAL_MAX]);

#endif
