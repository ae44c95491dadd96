#include "firmware/board/atmega32u4/start.h"
#include "build_id.h"

#include <avr/io.h>
#include <avr/wdt.h>
#include <string.h>

_Static_assert(PORF == STATION_RESET_power_on && EXTRF == STATION_RESET_external && BORF == STATION_RESET_brown_out &&
    WDRF == STATION_RESET_watchdog && JTRF == STATION_RESET_jtag, "the chip's reset flags are the wire's");

enum { CAUSES = 1 << PORF | 1 << EXTRF | 1 << BORF | 1 << WDRF | 1 << JTRF, PAINT = 0xc5, LOOK_BYTES = 32 };

/* First free byte behind the variables; the stack grows down towards it. From the linker. */
extern uint8_t __heap_start;

/* Outlives every reset but those in which the RAM may have lost its contents. */
static struct {
	uint16_t bites;
	uint16_t inverse;   /* ~bites, or it is not ours */
} kept __attribute__((section(".noinit")));

static uint8_t causes __attribute__((section(".noinit")));

/* Before the variables have their values. The watchdog stays on after it has bitten, at 16 ms: too short for the start. */
__attribute__((naked, used, section(".init3"))) void start_before_main(void);

void
start_before_main(void)
{
	causes = MCUSR;
	MCUSR = 0;
	wdt_disable();
	for (uint8_t *byte = &__heap_start; byte <= (uint8_t *)SP; byte++)
		*byte = PAINT;
}

static void
count_bites(void)
{
	if (causes & (1 << PORF | 1 << BORF) || kept.inverse != (uint16_t)~kept.bites)
		kept.bites = 0;
	if (causes & 1 << WDRF && kept.bites < UINT16_MAX)
		kept.bites++;
	kept.inverse = (uint16_t)~kept.bites;
}

void
start_birth(struct hal_birth *birth)
{
	count_bites();
	memcpy(birth->build, BUILD_ID, sizeof birth->build);
	birth->resets = causes & CAUSES;
	birth->watchdogs = kept.bites;
}

/* Looked through a piece at a time: all of it would keep the loop for a millisecond. */
static uint16_t seen_free, looked_at;

void
start_look_at_stack(void)
{
	const uint8_t *byte = &__heap_start + looked_at;

	for (uint8_t i = 0; i < LOOK_BYTES; i++, byte++) {
		if (byte < (const uint8_t *)SP && *byte == PAINT)
			continue;
		seen_free = (uint16_t)(byte - &__heap_start);
		looked_at = 0;
		return;
	}
	looked_at += LOOK_BYTES;
}

uint16_t
hal_stack_free(void)
{
	return seen_free;
}
