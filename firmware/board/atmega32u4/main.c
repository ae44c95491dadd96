/* The station's program on the ATmega32U4: one loop, woken by the millisecond and by the host.
 *
 * After any reset, the watchdog's included, the VBUS switches are off (/OE is pulled up while the pin floats) until the host has said
 * again what it wants.
 */
#include "firmware/board/atmega32u4/chains.h"
#include "firmware/board/atmega32u4/meter.h"
#include "firmware/board/atmega32u4/pins.h"
#include "firmware/board/atmega32u4/start.h"
#include "firmware/board/atmega32u4/strip.h"
#include "firmware/board/atmega32u4/ticks.h"
#include "firmware/board/atmega32u4/usb.h"
#include "firmware/board/atmega32u4/watch.h"
#include "firmware/core/core.h"

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/power.h>
#include <avr/sleep.h>

static struct core        core;
static struct hal_inputs  inputs;
static struct hal_outputs outputs;

static uint8_t
read_hands(void)
{
	return (uint8_t)(!pin_button_confirm_is_high() << STATION_BUTTON_confirm | !pin_button_quiet_is_high() << STATION_BUTTON_quiet |
	    !pin_button_lamps_is_high() << STATION_BUTTON_lamps | pin_lid_is_high() << HAL_LID | pin_stop_is_high() << HAL_STOP);
}

static void
read_inputs(void)
{
	chains_exchange(outputs.switches, &inputs.present, &inputs.over_current);
	inputs.hands = read_hands();
	inputs.measured = meter_tick(&inputs.measured_bay, &inputs.measured_mv);
}

static void
write_outputs(void)
{
	if (inputs.measured)
		meter_choose(outputs.measure_bay);
	if (outputs.buzzer)
		pin_buzzer_high();
	else
		pin_buzzer_low();
	if (outputs.lights_due)
		strip_send((const uint8_t (*)[3])outputs.lights);
}

static void
tell_changes(void)
{
	uint8_t packet[STATION_FRAME_MAX], length;

	if (!usb_event_is_free())
		return;
	length = core_event(&core, packet);
	if (length)
		usb_write_event(packet, length);
}

static void
tick(void)
{
	read_inputs();
	watch_pass(WATCH_INPUTS);
	core_tick(&core, &inputs, &outputs);
	watch_pass(WATCH_CORE);
	write_outputs();
	tell_changes();
	start_look_at_stack();
	watch_pass(WATCH_OUTPUTS);
}

/* What came late is made up for, so that the uptime stays true. */
static void
tick_all(uint8_t due)
{
	for (uint8_t i = 0; i < due; i++) {
		watch_pass(WATCH_USB);
		tick();
		if (i)
			core_count(&core, STATION_COUNTER_late_ticks);
	}
}

static void
answer_command(void)
{
	uint8_t packet[USB_PACKET_MAX], answer[STATION_FRAME_MAX];
	uint8_t length = usb_read_command(packet);

	if (length == USB_NOTHING)
		return;
	length = core_command(&core, packet, length, answer);
	if (length)
		usb_write_answer(answer, length);
}

static void
serve_host(void)
{
	struct usb_news news;

	usb_poll();
	news = usb_take_news();
	while (news.bus_resets--)
		core_count(&core, STATION_COUNTER_bus_resets);
	while (news.stalls--)
		core_count(&core, STATION_COUNTER_stalls);
	if (news.configured)
		core_host_is_new(&core);
	answer_command();
}

/* Interrupts are off from the look until the sleep: what comes between wakes it at once. */
static void
rest(void)
{
	cli();
	if (!ticks_are_due() && usb_arm()) {
		sleep_enable();
		sei();
		sleep_cpu();
		sleep_disable();
	}
	usb_disarm();
	sei();
}

static void
begin(void)
{
	struct hal_birth birth;

	start_birth(&birth);
	clock_prescale_set(clock_div_1); /* whatever its fuse says */
	watch_begin();
	pins_begin();
	chains_begin();
	meter_begin();
	core_begin(&core, &birth);
	ticks_begin();
	usb_begin();
	set_sleep_mode(SLEEP_MODE_IDLE);
	sei();
}

int
main(void)
{
	uint8_t due;

	begin();
	for (;;) {
		serve_host();
		due = ticks_take();
		if (due)
			tick_all(due);
		else
			rest();
	}
}
