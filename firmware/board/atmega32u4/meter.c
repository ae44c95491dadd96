#include "firmware/board/atmega32u4/meter.h"
#include "firmware/board/atmega32u4/pins.h"

#include <avr/io.h>

enum { FULL_SCALE = 1024, SELECT_MASK = 15 << HW_VBUS_SELECT_SHIFT };

static uint8_t chosen, converting;

void
meter_begin(void)
{
	ADMUX = 1 << REFS1 | 1 << REFS0; /* 2.56 V of the chip's own; channel 0 */
	ADCSRA = 1 << ADEN | 1 << ADPS2 | 1 << ADPS1 | 1 << ADPS0;
	meter_choose(0);
}

void
meter_choose(uint8_t bay)
{
	chosen = bay;
	PORTD = (uint8_t)((PORTD & ~SELECT_MASK) | bay << HW_VBUS_SELECT_SHIFT);
}

/* A conversion takes 0.1 ms: what the last tick began is over. */
uint8_t
meter_tick(uint8_t *bay, uint16_t *mv)
{
	converting = !converting;
	if (converting) {
		ADCSRA |= 1 << ADSC;
		return 0;
	}
	*bay = chosen;
	*mv = (uint16_t)((uint32_t)ADC * HW_VBUS_DIVIDER * HW_VBUS_REFERENCE_MV / FULL_SCALE);
	return 1;
}
