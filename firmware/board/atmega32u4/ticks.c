#include "firmware/board/atmega32u4/ticks.h"
#include "hw/pins.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

enum { PRESCALER = 64, COUNTS = HW_CLOCK_HZ / PRESCALER / 1000 };

static volatile uint8_t passed;

/* The only interrupt that comes while the program works: short enough for the pause between two LEDs (strip.c). */
ISR(TIMER0_COMPA_vect)
{
	passed++;
}

void
ticks_begin(void)
{
	TCCR0A = 1 << WGM01;
	OCR0A = COUNTS - 1;
	TCCR0B = 1 << CS01 | 1 << CS00;
	TIMSK0 = 1 << OCIE0A;
}

uint8_t
ticks_take(void)
{
	uint8_t taken;

	ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
	{
		taken = passed;
		passed = 0;
	}
	return taken;
}

uint8_t
ticks_are_due(void)
{
	return passed != 0;
}
