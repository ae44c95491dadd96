/* The pins of hw/pins.h as functions: pin_<name>_high, pin_<name>_low, pin_<name>_is_high. */
#ifndef MINT_FIRMWARE_BOARD_PINS_H
#define MINT_FIRMWARE_BOARD_PINS_H

#include "hw/pins.h"

#include <stdint.h>

#define PIN(name, port, bit, way, what) \
	void pin_##name##_high(void); \
	void pin_##name##_low(void); \
	uint8_t pin_##name##_is_high(void);
HW_PINS(PIN)
#undef PIN

/* Every pin to its direction; outputs low but for those that are held off by being high, inputs pulled up. */
void pins_begin(void);

#endif
