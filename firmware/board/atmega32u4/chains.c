#include "firmware/board/atmega32u4/chains.h"
#include "firmware/board/atmega32u4/pins.h"

#include <avr/io.h>

static uint8_t
exchange_byte(uint8_t out)
{
	SPDR = out;
	while (!(SPSR & 1 << SPIF))
		;
	return SPDR;
}

static uint16_t
exchange_word(uint16_t out)
{
	const uint8_t high = exchange_byte((uint8_t)(out >> 8));

	return (uint16_t)(high << 8 | exchange_byte((uint8_t)out));
}

void
chains_exchange(uint16_t switches, uint16_t *present, uint16_t *over_current)
{
	_Static_assert(HW_CHAIN_BYTES == 2 * sizeof *present, "two words move");
	pin_input_load_low();
	pin_input_load_high();
	*present = (uint16_t)~exchange_word(0);
	*over_current = (uint16_t)~exchange_word(switches);
	pin_switch_latch_high();
	pin_switch_latch_low();
}

void
chains_begin(void)
{
	uint16_t present, over_current;

	SPCR = 1 << SPE | 1 << MSTR | 1 << SPR0; /* mode 0, fosc/16, doubled */
	SPSR = 1 << SPI2X;
	chains_exchange(0, &present, &over_current);
	pin_switches_off_low();
}
