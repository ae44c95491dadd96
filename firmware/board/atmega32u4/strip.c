#include "firmware/board/atmega32u4/strip.h"
#include "firmware/board/atmega32u4/pins.h"

#include <avr/io.h>
#include <util/atomic.h>

_Static_assert(HW_CLOCK_HZ == 16000000, "the pulses are counted in cycles of 62.5 ns");

/* Eight bits, highest first. High for 5 cycles (312 ns) is a zero, for 12 (750 ns) a one; low for 13 (812 ns) and 6 (375 ns): inside
 * what the data sheets of the WS2812B and the WS2812B-V5 allow. The pause between two bytes is longer, which no LED minds below 9 µs. */
static void
send_byte(uint8_t byte, uint8_t high, uint8_t low)
{
	uint8_t bits = 8;

	__asm__ volatile(
	    "1: out %[port], %[high]\n"
	    "   nop\n   nop\n   nop\n"
	    "   sbrs %[byte], 7\n"
	    "   out %[port], %[low]\n"
	    "   lsl %[byte]\n"
	    "   dec %[bits]\n"
	    "   nop\n   nop\n   nop\n   nop\n"
	    "   out %[port], %[low]\n"
	    "   nop\n   nop\n   nop\n"
	    "   brne 1b\n"
	    : [byte] "+r"(byte), [bits] "+r"(bits)
	    : [port] "I"(_SFR_IO_ADDR(PORTB)), [high] "r"(high), [low] "r"(low));
}

/* Whole LEDs without an interrupt; the tick may come between two. */
static void
send_led(const uint8_t levels[3])
{
	enum { LIGHTS_BIT = 1 << 7 };

	ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
	{
		const uint8_t low = PORTB & (uint8_t)~LIGHTS_BIT, high = low | LIGHTS_BIT;

		send_byte(levels[1], high, low);
		send_byte(levels[0], high, low);
		send_byte(levels[2], high, low);
	}
}

void
strip_send(const uint8_t levels[STATION_BAYS][3])
{
	for (uint8_t led = 0; led < STATION_BAYS; led++)
		send_led(levels[led]);
}
