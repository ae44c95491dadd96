/* The shipped ELF as a station: commands, chains, LEDs, hands, power, and how soon each is answered. Expected values are the list's
 * (schemas/station.def), the data sheets' or USB 2.0's. */
#include "tests/station/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BOUNCE_MS = 8, REACTION_US = 20000, ROUND_TRIP_US = 2000 };

static struct board *board;

static int
power_up(void **state)
{
	(void)state;
	if (board_new(host_firmware(), &board) != 0 || host_enumerate(board) != 0)
		return -1;
	host_drain(board);
	return 0;
}

static int
power_down(void **state)
{
	(void)state;
	board_free(&board);
	return 0;
}

static struct station_state
look(void)
{
	struct station_state state;

	assert_int_equal(host_look(board, &state), 0);
	return state;
}

static struct station_health
health(void)
{
	struct station_frame command = { .number = STATION_inspect }, answer;

	assert_int_equal(host_command(board, &command, &answer), 0);
	assert_int_equal(answer.number, STATION_health);
	return answer.health;
}

static void
power(uint16_t wanted, uint16_t burning)
{
	struct station_state state;

	assert_int_equal(host_set(board, wanted, burning, &state), 0);
	host_wait_ms(board, 700);
	assert_int_equal(look().powered, wanted);
}

static void
set_light(unsigned bay, uint8_t light)
{
	struct station_frame command = { .number = STATION_set }, answer;

	command.set.light[bay] = light;
	assert_int_equal(host_command(board, &command, &answer), 0);
	assert_int_equal(answer.number, STATION_state);
}

/* --- commands */

static void
identify_tells_bays_build_and_why_it_started(void **state)
{
	struct station_frame command = { .number = STATION_identify }, answer;

	(void)state;
	assert_int_equal(host_command(board, &command, &answer), 0);
	assert_int_equal(answer.number, STATION_identity);
	assert_int_equal(answer.identity.bays, 16);
	assert_int_equal(answer.identity.resets, 1 << STATION_RESET_power_on);
	assert_in_range(answer.identity.uptime_ms, 1, 100);
	for (size_t i = 0; i < sizeof answer.identity.build; i++)
		assert_true(answer.identity.build[i] >= '0' && answer.identity.build[i] <= 'z');
}

static void
uptime_is_the_time_that_passed(void **state)
{
	const uint64_t from_us = board_now_us(board);
	uint32_t before_ms, passed_ms;

	(void)state;
	before_ms = look().uptime_ms;
	host_wait_ms(board, 60000);
	passed_ms = look().uptime_ms - before_ms;
	assert_in_range(passed_ms, (board_now_us(board) - from_us) / 1000 - 2, (board_now_us(board) - from_us) / 1000 + 2);
	assert_int_equal(health().counters[STATION_COUNTER_late_ticks], 0);
}

struct packet {
	const char *what;
	uint8_t     bytes[BOARD_PACKET_MAX];
	uint8_t     length;
	uint8_t     refusal; /* 0: no answer at all */
};

static const struct packet bad[] = {
	{ "nothing", { 0 }, 0, 0 },
	{ "less than a header", { 1, 3, 5 }, 3, 0 },
	{ "a refusal, which is not refused in its turn", { 1, 255, 5, 0, 1, 9 }, 6, 0 },
	{ "a refusal of another version", { 9, 255, 5, 0, 1, 9 }, 6, 0 },
	{ "a later version", { 2, 3, 5, 0 }, 4, STATION_REFUSAL_version },
	{ "a later version with fields of its own", { 2, 2, 5, 0, 7, 7, 7 }, 7, STATION_REFUSAL_version },
	{ "version 0", { 0, 3, 5, 0 }, 4, STATION_REFUSAL_version },
	{ "a command that is none", { 1, 77, 5, 0 }, 4, STATION_REFUSAL_unknown },
	{ "an answer", { 1, 130, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 23, STATION_REFUSAL_unknown },
	{ "look with a byte behind it", { 1, 3, 5, 0, 0 }, 5, STATION_REFUSAL_malformed },
	{ "set cut short", { 1, 2, 5, 0, 255, 255 }, 6, STATION_REFUSAL_malformed },
	{ "set in a full packet", { 1, 2, 5, 0, 255, 255 }, 64, STATION_REFUSAL_malformed },
	{ "set with the first light that is the station's", { 1, 2, 5, 0, 255, 255, 0, 0, STATION_LIGHT_link_lost }, 26, STATION_REFUSAL_malformed },
	{ "set with its last, in the last bay", { 1, 2, 5, 0, 255, 255, [23] = STATION_LIGHT_stopped }, 26, STATION_REFUSAL_malformed },
	{ "set with a light that is none", { 1, 2, 5, 0, 255, 255, 0, 0, 200 }, 26, STATION_REFUSAL_malformed },
	{ "set with a sound that is none", { 1, 2, 5, 0, 255, 255, [24] = STATION_SOUNDS }, 26, STATION_REFUSAL_malformed },
};

static void
assert_refused(const struct packet *packet)
{
	uint8_t answer[BOARD_PACKET_MAX];
	const uint8_t expected[] = { STATION_VERSION, 255, 5, 0, packet->refusal, STATION_VERSION };
	int length = host_exchange(board, packet->bytes, packet->length, answer);

	if (length != (packet->refusal ? (int)sizeof expected : BOARD_NAK))
		fail_msg("%s: answered %d", packet->what, length);
	if (packet->refusal && memcmp(answer, expected, sizeof expected) != 0)
		fail_msg("%s: refused as %u", packet->what, answer[4]);
}

static void
bad_frames_are_refused_change_nothing_and_are_counted(void **state)
{
	struct station_health after;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(&bad[i]);
	host_wait_ms(board, 300);
	assert_int_equal(look().pending, 0);
	assert_int_equal(board_switches(board), 0);
	after = health();
	assert_int_equal(after.counters[STATION_COUNTER_versions], 3);
	assert_int_equal(after.counters[STATION_COUNTER_malformed], 11);
}

static int
ascending(const void *one, const void *other)
{
	const uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return (a > b) - (a < b);
}

/* A command at each phase of the millisecond, LEDs blinking and bays rising meanwhile. */
static void
command_round_trip_is_below_two_milliseconds(void **state)
{
	enum { COUNT = 3000 };
	static uint32_t took_us[COUNT];
	struct station_frame set = { .number = STATION_set }, inspect = { .number = STATION_inspect }, answer;

	(void)state;
	memset(set.set.light, STATION_LIGHT_working, sizeof set.set.light);
	for (size_t i = 0; i < COUNT; i++) {
		uint64_t from_us;

		set.set.powered = i / 500 % 2 ? 0xffff : 0;
		board_run_us(board, (uint32_t)(i * 37 % 3001));
		from_us = board_now_us(board);
		assert_int_equal(host_command(board, i % 8 ? &set : &inspect, &answer), 0);
		took_us[i] = (uint32_t)(board_now_us(board) - from_us);
	}
	qsort(took_us, COUNT, sizeof *took_us, ascending);
	printf("# command round trip: median %u us, p99 %u us, longest %u us\n", took_us[COUNT / 2], took_us[COUNT * 99 / 100],
	    took_us[COUNT - 1]);
	assert_true(took_us[COUNT * 99 / 100] <= ROUND_TRIP_US);
	assert_int_equal(health().counters[STATION_COUNTER_late_ticks], 0);
}

/* --- presence */

static void
presence_of_each_bay_is_its_own_bit(void **state)
{
	(void)state;
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++) {
		board_presence(board, bay, 1);
		board_run_us(board, REACTION_US);
		assert_int_equal(look().present, 1u << bay);
		board_presence(board, bay, 0);
		board_run_us(board, REACTION_US);
		assert_int_equal(look().present, 0);
	}
}

/* Time until the event of a change is in the host's hands; it asks as often as it would on the bus. */
static uint32_t
until_event_us(uint16_t present)
{
	const uint64_t from_us = board_now_us(board);
	struct station_state told;

	do
		assert_int_equal(host_event(board, &told, 2 * REACTION_US), 0);
	while (told.present != present);
	return (uint32_t)(board_now_us(board) - from_us);
}

static void
change_of_presence_is_told_within_twenty_milliseconds(void **state)
{
	uint32_t longest_us = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint32_t took_us;

		board_run_us(board, 3000 + i * 137 % 1000);
		board_presence(board, i % BOARD_BAYS, 1);
		took_us = until_event_us((uint16_t)(1u << i % BOARD_BAYS));
		longest_us = took_us > longest_us ? took_us : longest_us;
		board_presence(board, i % BOARD_BAYS, 0);
		took_us = until_event_us(0);
		longest_us = took_us > longest_us ? took_us : longest_us;
	}
	printf("# presence to event: longest of 400 %u us\n", longest_us);
	assert_true(longest_us <= REACTION_US);
}

static void
bouncing_contact_is_one_change(void **state)
{
	struct station_state told;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		board_presence(board, 3, i % 2 == 0);
		board_run_us(board, 1000 * (1 + i % (BOUNCE_MS - 2)));
	}
	assert_int_equal(host_event(board, &told, 0), -1);
	board_presence(board, 3, 1);
	assert_int_equal(host_event(board, &told, REACTION_US), 0);
	assert_int_equal(told.present, 1 << 3);
	assert_int_equal(host_event(board, &told, 3 * REACTION_US), -1);
}

/* --- hands */

static void
press(enum board_button button, unsigned bounces)
{
	for (unsigned i = 0; i < bounces; i++) {
		board_button(board, button, 1);
		board_run_us(board, 1500);
		board_button(board, button, 0);
		board_run_us(board, 2500);
	}
	board_button(board, button, 1);
	board_run_us(board, REACTION_US);
	board_button(board, button, 0);
	board_run_us(board, REACTION_US);
}

static void
each_press_is_counted_once_bouncing_or_not(void **state)
{
	static const uint8_t place_of[] = {
		[BOARD_CONFIRM] = STATION_BUTTON_confirm, [BOARD_QUIET] = STATION_BUTTON_quiet, [BOARD_LAMPS] = STATION_BUTTON_lamps,
	};

	(void)state;
	for (enum board_button button = BOARD_CONFIRM; button <= BOARD_LAMPS; button++) {
		press(button, 0);
		press(button, 5);
		assert_int_equal(look().presses[place_of[button]], 2);
	}
	for (unsigned i = 0; i < 256; i++) {
		press(BOARD_CONFIRM, 0);
		look();
	}
	assert_int_equal(look().presses[STATION_BUTTON_confirm], 2); /* modulo 256 */
}

/* --- LEDs */

static void
assert_led(unsigned bay, uint8_t red, uint8_t green, uint8_t blue)
{
	const uint8_t *led = board_led(board, bay);

	if (led[0] != red || led[1] != green || led[2] != blue)
		fail_msg("bay %u: %u %u %u instead of %u %u %u", bay + 1, led[0], led[1], led[2], red, green, blue);
}

/* Each light, on a bay of its own, has its colour and its rhythm; sampled in the middle of each tick of 100 ms. */
static void
lights_have_the_colours_and_rhythms_of_the_list(void **state)
{
	static const struct { uint8_t levels[3]; uint16_t rhythm; } expected[] = {
#define LIGHT(name, red, green, blue, rhythm, en, zh) { { red, green, blue }, rhythm },
#include "schemas/station.def"
	};
	struct station_frame command = { .number = STATION_set }, answer;

	(void)state;
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++)
		command.set.light[bay] = (uint8_t)(bay % STATION_LIGHTS_OF_HOST);
	assert_int_equal(host_command(board, &command, &answer), 0);
	board_run_us(board, 60000);
	for (unsigned tick = 0; tick < 64; tick++) {
		for (unsigned bay = 0; bay < BOARD_BAYS; bay++) {
			const unsigned light = bay % STATION_LIGHTS_OF_HOST;
			const int lit = expected[light].rhythm >> tick % 16 & 1;

			assert_led(bay, lit ? expected[light].levels[0] : 0, lit ? expected[light].levels[1] : 0,
			    lit ? expected[light].levels[2] : 0);
		}
		if (tick % 10 == 9)
			look();
		board_run_us(board, 100000 - (tick % 10 == 9 ? 500 : 0));
	}
	assert_int_equal(board_led_faults(board), 0);
}

/* From the command's packet until the LED has taken the last bit and latched. */
static void
light_is_on_within_twenty_milliseconds_of_its_order(void **state)
{
	uint32_t longest_us = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		const unsigned bay = i % BOARD_BAYS;
		uint64_t from_us;

		board_run_us(board, i * 211 % 10000);
		from_us = board_now_us(board);
		set_light(bay, STATION_LIGHT_quarantine);
		while (board_led(board, bay)[0] != 200 && board_now_us(board) - from_us < 2 * REACTION_US)
			board_run_us(board, 50);
		longest_us = board_now_us(board) - from_us > longest_us ? (uint32_t)(board_now_us(board) - from_us) : longest_us;
		set_light(bay, STATION_LIGHT_dark);
		board_run_us(board, REACTION_US);
		assert_led(bay, 0, 0, 0);
	}
	printf("# set to LED: longest of 200 %u us\n", longest_us);
	assert_true(longest_us <= REACTION_US);
	assert_int_equal(board_led_faults(board), 0);
}

static void
lamps_button_shows_every_light_while_it_is_held(void **state)
{
	(void)state;
	board_button(board, BOARD_LAMPS, 1);
	board_run_us(board, 2 * REACTION_US);
	assert_led(0, 0, 0, 160);      /* insert_blank */
	assert_led(2, 0, 200, 0);      /* take */
	assert_led(8, 255, 0, 0);      /* stopped */
	assert_led(15, 200, 0, 60);    /* behind the last the list begins again: fault */
	board_button(board, BOARD_LAMPS, 0);
	board_run_us(board, 2 * REACTION_US);
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++)
		assert_led(bay, 0, 0, 0);
}

/* --- the buzzer */

static void
order_sound(uint8_t sound, uint8_t sounding)
{
	struct station_frame command = { .number = STATION_set, .set = { .sound = sound, .sounding = sounding } }, answer;

	assert_int_equal(host_command(board, &command, &answer), 0);
	assert_int_equal(answer.number, STATION_state);
}

/* Milliseconds that the buzzer was on in the next `ms`. */
static unsigned
buzzed_ms(unsigned ms)
{
	unsigned on = 0;

	for (unsigned i = 0; i < ms; i++) {
		board_run_us(board, 1000);
		on += (unsigned)board_buzzer(board);
		if (i % 1000 == 0)
			look();
	}
	return on;
}

static void
sound_is_played_once_for_each_order_and_quiet_ends_an_alarm(void **state)
{
	(void)state;
	order_sound(STATION_SOUND_done, 1);
	assert_in_range(buzzed_ms(2000), 95, 105);
	order_sound(STATION_SOUND_done, 1);
	assert_int_equal(buzzed_ms(2000), 0);
	order_sound(STATION_SOUND_done, 2);
	assert_in_range(buzzed_ms(2000), 95, 105);
	order_sound(STATION_SOUND_refused, 2);
	assert_in_range(buzzed_ms(2000), 290, 310);
	order_sound(STATION_SOUND_alarm, 2);
	assert_in_range(buzzed_ms(16000), 7900, 8100);
	press(BOARD_QUIET, 0);
	assert_int_equal(buzzed_ms(4000), 0);
	order_sound(STATION_SOUND_alarm, 3);
	assert_in_range(buzzed_ms(1600), 790, 810);
}

/* --- power */

static void
bays_get_power_one_after_the_other(void **state)
{
	struct station_state told;
	uint64_t last_us = 0;
	uint16_t before = 0;

	(void)state;
	assert_int_equal(host_set(board, 0xffff, 0, &told), 0);
	assert_int_equal(told.powered, 0);
	assert_int_equal(told.pending, 0xffff);
	for (unsigned i = 0; i < 30000 && board_switches(board) != 0xffff; i++) {
		uint16_t now;

		board_run_us(board, 20);
		now = board_switches(board);
		if (now == before)
			continue;
		assert_int_equal(now & before, before);
		assert_int_equal((now ^ before) & ((now ^ before) - 1), 0); /* one at a time */
		assert_true(!last_us || board_now_us(board) - last_us >= 20000);
		last_us = board_now_us(board);
		before = now;
	}
	assert_int_equal(board_switches(board), 0xffff);
	board_run_us(board, 200000);
	told = look();
	assert_int_equal(told.powered, 0xffff);
	assert_int_equal(told.pending, 0);
	assert_int_equal(told.weak, 0);
}

static void
bay_that_is_not_wanted_is_off_at_once_and_rests_before_it_is_on_again(void **state)
{
	struct station_state told;
	uint64_t off_us;

	(void)state;
	power(0x0110, 0);
	assert_int_equal(host_set(board, 0x0100, 0, &told), 0);
	board_run_us(board, 3000);
	assert_int_equal(board_switches(board), 0x0100);
	off_us = board_now_us(board);
	assert_int_equal(host_set(board, 0x0110, 0, &told), 0);
	while (board_switches(board) == 0x0100 && board_now_us(board) - off_us < 1000000)
		board_run_us(board, 100);
	assert_in_range(board_now_us(board) - off_us, 90000, 130000);
}

static void
voltage_of_each_bay_is_its_own(void **state)
{
	struct station_frame command = { .number = STATION_measure }, answer;

	(void)state;
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++)
		board_vbus_mv(board, bay, (uint16_t)(4500 + 50 * bay));
	power(0x7fff, 0);
	assert_int_equal(host_command(board, &command, &answer), 0);
	assert_int_equal(answer.number, STATION_voltages);
	for (unsigned bay = 0; bay < BOARD_BAYS - 1; bay++)
		assert_in_range(answer.voltages.vbus_mv[bay], 4500 + 50 * bay - 25, 4500 + 50 * bay + 10);
	assert_int_equal(answer.voltages.vbus_mv[15], 0);
}

static void
weak_bay_is_told_stays_on_and_recovers(void **state)
{
	struct station_state told;

	(void)state;
	power(0x0005, 0);
	board_vbus_mv(board, 2, 4200);
	host_wait_ms(board, 100);
	told = look();
	assert_int_equal(told.weak, 0x0004);
	assert_int_equal(told.powered, 0x0001);
	assert_int_equal(board_switches(board), 0x0005);
	board_vbus_mv(board, 2, 4420); /* not far enough inside */
	host_wait_ms(board, 100);
	assert_int_equal(look().weak, 0x0004);
	board_vbus_mv(board, 2, 5000);
	host_wait_ms(board, 100);
	assert_int_equal(look().powered, 0x0005);
	assert_int_equal(health().counters[STATION_COUNTER_weak], 1);
}

/* One that never rises does not hold up the others. */
static void
dead_supply_of_a_bay_is_weak_and_the_next_gets_its_turn(void **state)
{
	struct station_state told;

	(void)state;
	board_vbus_mv(board, 0, 0);
	assert_int_equal(host_set(board, 0x0003, 0, &told), 0);
	host_wait_ms(board, 300);
	told = look();
	assert_int_equal(told.weak, 0x0001);
	assert_int_equal(told.powered, 0x0002);
}

static void
over_current_cuts_its_bay_until_the_host_has_wanted_it_off(void **state)
{
	struct station_state told;
	uint64_t from_us;

	(void)state;
	power(0x00f0, 0);
	board_over_current(board, 5, 1);
	from_us = board_now_us(board);
	while (board_switches(board) == 0x00f0 && board_now_us(board) - from_us < REACTION_US)
		board_run_us(board, 50);
	printf("# over-current flag to cut: %u us\n", (unsigned)(board_now_us(board) - from_us));
	assert_int_equal(board_switches(board), 0x00d0);
	board_over_current(board, 5, 0); /* no current, no flag: a cut that healed itself would go on and off for ever */
	assert_int_equal(host_set(board, 0x00f0, 0, &told), 0);
	host_wait_ms(board, 1000);
	told = look();
	assert_int_equal(told.over_current, 0x0020);
	assert_int_equal(told.powered, 0x00d0);
	assert_int_equal(health().counters[STATION_COUNTER_over_currents], 1);
	assert_int_equal(host_set(board, 0x00d0, 0, &told), 0);
	assert_int_equal(told.over_current, 0);
	power(0x00f0, 0);
}

static void
flag_of_each_bay_is_its_own(void **state)
{
	(void)state;
	power(0xffff, 0);
	for (unsigned bay = 0; bay < BOARD_BAYS; bay++) {
		board_over_current(board, bay, 1);
		board_run_us(board, REACTION_US);
		assert_int_equal(look().over_current, (uint16_t)((2u << bay) - 1));
	}
	assert_int_equal(board_switches(board), 0);
}

/* --- stop, lid, link */

static void
stop_cuts_all_and_its_release_gives_nothing_back(void **state)
{
	struct station_state told;

	(void)state;
	power(0xffff, 0x00ff);
	board_stop(board, 1);
	assert_int_equal(board_switches(board), 0); /* in hardware, in no time */
	board_run_us(board, 2 * REACTION_US);
	told = look();
	assert_int_equal(told.inputs, 1 << STATION_INPUT_stopped);
	assert_int_equal(told.powered | told.pending, 0);
	assert_led(4, 255, 0, 0);
	assert_int_equal(host_set(board, 0xffff, 0, &told), 0); /* heard, and not kept */
	assert_int_equal(told.pending, 0);
	board_stop(board, 0);
	host_wait_ms(board, 1000);
	assert_int_equal(board_switches(board), 0);
	assert_int_equal(look().inputs, 0);
	assert_int_equal(health().counters[STATION_COUNTER_stops], 1);
	power(0xffff, 0);
}

static void
open_lid_cuts_what_is_not_burning_and_gives_no_power_anew(void **state)
{
	struct station_state told;

	(void)state;
	power(0x000f, 0x0003);
	board_lid(board, 1);
	board_run_us(board, REACTION_US);
	assert_int_equal(board_switches(board), 0x0003);
	told = look();
	assert_int_equal(told.inputs, 1 << STATION_INPUT_lid_open);
	assert_int_equal(told.powered, 0x0003);
	assert_int_equal(told.pending, 0x000c);
	assert_int_equal(host_set(board, 0x001f, 0x0011, &told), 0); /* bay 2 has burned; bay 5 is new, burning or not */
	host_wait_ms(board, 600);
	assert_int_equal(board_switches(board), 0x0001);
	board_lid(board, 0);
	host_wait_ms(board, 1000);
	told = look();
	assert_int_equal(told.powered, 0x001f);
	assert_int_equal(told.inputs, 0);
}

static void
silent_host_is_shown_and_costs_no_bay_its_power(void **state)
{
	struct station_state told;

	(void)state;
	power(0x0f0f, 0);
	set_light(0, STATION_LIGHT_dark);
	power(0x0f0f, 0);
	board_run_us(board, (STATION_LINK_MS - 100) * 1000);
	assert_led(0, 0, 0, 0);
	host_drain(board);
	board_run_us(board, 130000);
	assert_led(0, 60, 0, 120);
	assert_led(15, 60, 0, 120);
	assert_int_equal(board_switches(board), 0x0f0f);
	assert_int_equal(host_event(board, &told, 1000), 0);
	assert_int_equal(told.inputs, 1 << STATION_INPUT_link_lost);
	told = look();
	assert_int_equal(told.powered, 0x0f0f);
	assert_int_equal(told.inputs, 0);
	board_run_us(board, REACTION_US);
	assert_led(0, 0, 0, 0);
	assert_int_equal(health().counters[STATION_COUNTER_links_lost], 1);
}

/* Only what was carried out keeps the link: a host of another version is no host. */
static void
refused_frames_do_not_keep_the_link(void **state)
{
	(void)state;
	look();
	for (unsigned i = 0; i < 8; i++) {
		board_run_us(board, (STATION_LINK_MS - 200) / 8 * 1000);
		assert_refused(&bad[4]);
	}
	assert_led(7, 0, 0, 0);
	board_run_us(board, 230000);
	assert_led(7, 60, 0, 120);
}

static void
event_that_nobody_fetches_does_not_stop_the_station(void **state)
{
	struct station_state told;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		board_presence(board, 9, i % 2 == 0);
		board_run_us(board, REACTION_US);
		look();
	}
	board_presence(board, 1, 1);
	board_run_us(board, REACTION_US);
	assert_int_equal(host_event(board, &told, 5000), 0); /* the first, as it was */
	assert_int_equal(told.present, 1 << 9);
	assert_int_equal(host_event(board, &told, 5000), 0); /* then how it is now */
	assert_int_equal(told.present, 1 << 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_up, power_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identify_tells_bays_build_and_why_it_started),
		TEST(uptime_is_the_time_that_passed),
		TEST(bad_frames_are_refused_change_nothing_and_are_counted),
		TEST(command_round_trip_is_below_two_milliseconds),
		TEST(presence_of_each_bay_is_its_own_bit),
		TEST(change_of_presence_is_told_within_twenty_milliseconds),
		TEST(bouncing_contact_is_one_change),
		TEST(each_press_is_counted_once_bouncing_or_not),
		TEST(lights_have_the_colours_and_rhythms_of_the_list),
		TEST(light_is_on_within_twenty_milliseconds_of_its_order),
		TEST(lamps_button_shows_every_light_while_it_is_held),
		TEST(sound_is_played_once_for_each_order_and_quiet_ends_an_alarm),
		TEST(bays_get_power_one_after_the_other),
		TEST(bay_that_is_not_wanted_is_off_at_once_and_rests_before_it_is_on_again),
		TEST(voltage_of_each_bay_is_its_own),
		TEST(weak_bay_is_told_stays_on_and_recovers),
		TEST(dead_supply_of_a_bay_is_weak_and_the_next_gets_its_turn),
		TEST(over_current_cuts_its_bay_until_the_host_has_wanted_it_off),
		TEST(flag_of_each_bay_is_its_own),
		TEST(stop_cuts_all_and_its_release_gives_nothing_back),
		TEST(open_lid_cuts_what_is_not_burning_and_gives_no_power_anew),
		TEST(silent_host_is_shown_and_costs_no_bay_its_power),
		TEST(refused_frames_do_not_keep_the_link),
		TEST(event_that_nobody_fetches_does_not_stop_the_station),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
