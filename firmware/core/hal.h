/* What passes between the core, which decides, and a board, which has the pins. The board calls the core once a millisecond with what it
 * reads, and does what comes back. One function goes the other way.
 */
#ifndef MINT_FIRMWARE_CORE_HAL_H
#define MINT_FIRMWARE_CORE_HAL_H

#include "schemas/station.h"

#include <stdint.h>

/* Bits of hal_inputs.hands: the buttons in the order of enum station_button, then these. */
enum { HAL_LID = STATION_BUTTONS, HAL_STOP };

/* As read, bouncing and all; 1 is: occupied, flagged, pressed, open, stopped. */
struct hal_inputs {
	uint16_t present;
	uint16_t over_current;
	uint8_t  hands;
	uint8_t  measured;      /* 1: of bay `measured_bay`, `measured_mv` at its socket */
	uint8_t  measured_bay;
	uint16_t measured_mv;
};

/* Takes effect at once; what the board cannot do at once it does before the next call. */
struct hal_outputs {
	uint16_t switches;      /* VBUS switches on */
	uint8_t  buzzer;
	uint8_t  measure_bay;   /* whose VBUS to measure next */
	uint8_t  lights_due;    /* 1: send `lights` out */
	uint8_t  lights[STATION_BAYS][3]; /* red, green, blue */
};

/* What the board knows of its start. */
struct hal_birth {
	uint8_t  build[8];      /* station_identity.build */
	uint8_t  resets;        /* bits by enum station_reset */
	uint16_t watchdogs;     /* resets by the watchdog since power came */
};

/* Bytes of the stack that were never used since the start, as last looked at. */
uint16_t hal_stack_free(void);

#endif
