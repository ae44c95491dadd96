#include "firmware/board/atmega32u4/pins.h"

#include <avr/io.h>

#define PIN(name, port, bit, way, what) \
	void pin_##name##_high(void) { PORT##port |= 1 << (bit); } \
	void pin_##name##_low(void) { PORT##port &= (uint8_t)~(1 << (bit)); } \
	uint8_t pin_##name##_is_high(void) { return PIN##port >> (bit) & 1; }
HW_PINS(PIN)
#undef PIN

/* The level of an output is set before its direction, so that no wrong one is ever driven. */
void
pins_begin(void)
{
	pin_switches_off_high();
	pin_input_load_high();
#define WAY_output(port, bit) DDR##port |= 1 << (bit);
#define WAY_input(port, bit) PORT##port |= 1 << (bit);
#define WAY_analogue(port, bit) DIDR0 |= 1 << (bit);
#define PIN(name, port, bit, way, what) WAY_##way(port, bit)
	HW_PINS(PIN)
#undef PIN
}
