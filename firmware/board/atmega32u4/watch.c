#include "firmware/board/atmega32u4/watch.h"

#include <avr/wdt.h>
#include <stdint.h>

static uint8_t expected;

void
watch_begin(void)
{
	wdt_enable(WDTO_120MS);
}

void
watch_pass(enum watch_stage stage)
{
	if (stage != expected) {
		expected = WATCH_STAGES;
		return;
	}
	expected = (uint8_t)(stage + 1);
	if (expected < WATCH_STAGES)
		return;
	expected = 0;
	wdt_reset();
}
