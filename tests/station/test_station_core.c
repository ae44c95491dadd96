/* The station's core alone, on this machine: what the chip's tests cannot reach in reasonable time, and what holds at every moment. */
#include "firmware/core/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct core core;
static struct hal_inputs inputs;
static struct hal_outputs outputs;
static uint16_t mv_of[STATION_BAYS]; /* what each bay would show when switched on */
static uint16_t measured_last;

uint16_t
hal_stack_free(void)
{
	return 1234;
}

static int
begin(void **state)
{
	const struct hal_birth birth = { .build = "01234567", .resets = 1 << STATION_RESET_watchdog, .watchdogs = 3 };

	(void)state;
	memset(&inputs, 0, sizeof inputs);
	memset(&outputs, 0, sizeof outputs);
	for (size_t bay = 0; bay < STATION_BAYS; bay++)
		mv_of[bay] = 5000;
	core_begin(&core, &birth);
	return 0;
}

/* As the board does it: a measurement every other tick, of the bay that was asked for. */
static void
tick(void)
{
	inputs.measured = core.uptime_ms % 2;
	inputs.measured_bay = outputs.measure_bay;
	inputs.measured_mv = outputs.switches >> outputs.measure_bay & 1 ? mv_of[outputs.measure_bay] : 0;
	measured_last = inputs.measured_bay;
	core_tick(&core, &inputs, &outputs);
}

static void
ticks(unsigned count)
{
	while (count--)
		tick();
}

static void
want(uint16_t powered, uint16_t burning)
{
	struct station_frame command = { .number = STATION_set, .set = { .powered = powered, .burning = burning } }, answer;
	uint8_t packet[STATION_FRAME_MAX], out[STATION_FRAME_MAX];

	assert_in_range(core_command(&core, packet, station_put(&command, packet), out), 1, STATION_FRAME_MAX);
	assert_int_equal(station_get(&answer, out, STATION_HEADER_BYTES + 19), STATION_FINE);
}

static uint16_t
in(enum bay_state which)
{
	return bays_in(&core.bays, which);
}

/* --- contacts */

static void
contact_is_believed_at_the_eighth_sample_and_not_before(void **state)
{
	struct debounce debounce = { 0 };

	(void)state;
	for (unsigned i = 1; i < DEBOUNCE_SAMPLES; i++)
		assert_int_equal(debounce_sample(&debounce, 0x8001), 0);
	assert_int_equal(debounce_sample(&debounce, 0x8001), 0x8001);
	assert_int_equal(debounce.steady, 0x8001);
	assert_int_equal(debounce_sample(&debounce, 0x8001), 0);
}

static void
one_sample_of_the_old_level_begins_the_count_anew_for_that_contact_alone(void **state)
{
	struct debounce debounce = { 0 };

	(void)state;
	for (unsigned i = 1; i < DEBOUNCE_SAMPLES; i++)
		debounce_sample(&debounce, 0x0003);
	assert_int_equal(debounce_sample(&debounce, 0x0001), 0x0001);
	for (unsigned i = 1; i < DEBOUNCE_SAMPLES; i++)
		assert_int_equal(debounce_sample(&debounce, 0x0003), 0);
	assert_int_equal(debounce_sample(&debounce, 0x0003), 0x0002);
}

/* --- power */

static void
bay_that_is_rising_is_measured_every_other_time_and_all_have_their_turn(void **state)
{
	unsigned of_rising = 0;
	uint16_t seen = 0;

	(void)state;
	mv_of[5] = 0;
	want(1 << 5, 0);
	ticks(2);
	assert_int_equal(in(BAY_RISING), 1 << 5);
	for (unsigned i = 0; i < 64; i++) {
		tick();
		if (!inputs.measured)
			continue;
		seen |= (uint16_t)(1u << measured_last);
		of_rising += measured_last == 5;
	}
	assert_int_equal(seen, 0xffff);
	assert_in_range(of_rising, 16, 18);
}

/* In order or not, the inrush must be over before the next. */
static void
next_bay_waits_until_the_inrush_of_the_last_is_over(void **state)
{
	(void)state;
	want(0x0003, 0);
	ticks(BAYS_RISE_MIN_MS);
	assert_int_equal(outputs.switches, 0x0001);
	ticks(10);
	assert_int_equal(outputs.switches, 0x0003);
	assert_int_equal(in(BAY_ON), 0x0001);
}

static void
flag_of_a_bay_that_is_off_is_nothing(void **state)
{
	(void)state;
	inputs.over_current = 0xffff;
	ticks(100);
	assert_int_equal(in(BAY_CUT), 0);
	want(0x0001, 0);
	ticks(2);
	assert_int_equal(in(BAY_CUT), 0x0001); /* given, and cut at once */
	assert_int_equal(core.counters.of[STATION_COUNTER_over_currents], 1);
}

static void
lid_takes_the_power_of_a_bay_that_is_rising_and_keeps_its_place(void **state)
{
	(void)state;
	want(0x0003, 0);
	ticks(3);
	assert_int_equal(in(BAY_RISING), 0x0001);
	inputs.hands = 1 << HAL_LID;
	ticks(200);
	assert_int_equal(outputs.switches, 0);
	assert_int_equal(in(BAY_WAITING), 0x0003);
	inputs.hands = 0;
	ticks(300);
	assert_int_equal(in(BAY_ON), 0x0003);
}

static void
over_current_outlives_lid_and_is_cleared_by_the_stop(void **state)
{
	(void)state;
	want(0x0001, 0x0001);
	ticks(100);
	inputs.over_current = 0x0001;
	ticks(20);
	inputs.over_current = 0;
	inputs.hands = 1 << HAL_LID;
	ticks(20);
	inputs.hands = 0;
	ticks(200);
	assert_int_equal(in(BAY_CUT), 0x0001);
	inputs.hands = 1 << HAL_STOP;
	ticks(20);
	assert_int_equal(in(BAY_OFF), 0xffff); /* the stop wants every bay off */
}

/* The button cuts VBUS itself, some milliseconds before its contact is believed. */
static void
no_bay_is_weak_for_the_emergency_stop(void **state)
{
	(void)state;
	want(0xffff, 0);
	ticks(2000);
	assert_int_equal(in(BAY_ON), 0xffff);
	memset(mv_of, 0, sizeof mv_of);
	inputs.hands = 1 << HAL_STOP;
	for (unsigned i = 0; i < 20; i++) {
		tick();
		assert_int_equal(in(BAY_WEAK), 0);
	}
	assert_int_equal(in(BAY_OFF), 0xffff);
}

static void
power_of_a_bay_that_is_burning_is_not_touched_by_a_bouncing_lid(void **state)
{
	(void)state;
	want(0x0001, 0x0001);
	ticks(100);
	for (unsigned i = 0; i < 5000; i++) {
		inputs.hands = (uint8_t)((i * 2654435761u >> 20 & 1) << HAL_LID);
		tick();
		assert_int_equal(outputs.switches, 0x0001);
	}
}

/* --- lights and sound */

static void
changed_light_begins_its_rhythm_and_leaves_the_others_theirs(void **state)
{
	struct station_frame command = { .number = STATION_set }, *set = &command;
	uint8_t packet[STATION_FRAME_MAX], out[STATION_FRAME_MAX];

	(void)state;
	set->set.light[0] = STATION_LIGHT_insert_blank;
	core_command(&core, packet, station_put(set, packet), out);
	ticks(10 + 8 * STATION_TICK_MS);
	assert_int_equal(outputs.lights[0][2], 0); /* its dark half */
	set->set.light[1] = STATION_LIGHT_insert_blank;
	core_command(&core, packet, station_put(set, packet), out);
	ticks(10);
	assert_int_equal(outputs.lights[0][2], 0);
	assert_int_equal(outputs.lights[1][2], 160);
}

static void
leds_are_refreshed_once_a_second_when_nothing_changes(void **state)
{
	unsigned sent = 0;

	(void)state;
	ticks(15);
	for (unsigned i = 0; i < 2900; i++) {
		tick();
		sent += outputs.lights_due;
	}
	assert_in_range(sent, 2, 3);
}

static void
alarm_goes_on_until_it_is_silenced_and_begins_again_with_the_next_order(void **state)
{
	struct sound sound = { 0 };
	unsigned on = 0;

	(void)state;
	sound_order(&sound, STATION_SOUND_alarm, 1);
	for (unsigned i = 0; i < 160 * 1000; i++)
		on += (unsigned)sound_step(&sound);
	assert_int_equal(on, 80 * 1000);
	sound_silence(&sound);
	sound_order(&sound, STATION_SOUND_alarm, 1); /* the same order, said again */
	assert_int_equal(sound_step(&sound), 0);
	sound_order(&sound, STATION_SOUND_alarm, 2);
	assert_int_equal(sound_step(&sound), 1);
}

/* --- what is told */

static void
event_is_told_once_and_to_a_new_host_again(void **state)
{
	struct station_frame first, again;
	uint8_t packet[STATION_FRAME_MAX];
	uint8_t length;

	(void)state;
	length = core_event(&core, packet);
	assert_int_equal(station_get(&first, packet, length), STATION_FINE);
	assert_int_equal(core_event(&core, packet), 0);
	ticks(50);
	assert_int_equal(core_event(&core, packet), 0); /* the uptime alone is no change */
	inputs.present = 1;
	ticks(DEBOUNCE_SAMPLES);
	length = core_event(&core, packet);
	assert_int_equal(station_get(&again, packet, length), STATION_FINE);
	assert_int_equal(again.sequence, first.sequence + 1);
	core_host_is_new(&core);
	assert_true(core_event(&core, packet) > 0);
}

static void
sequence_of_events_goes_round_without_the_mark_of_none(void **state)
{
	struct station_frame frame;
	uint8_t packet[STATION_FRAME_MAX];
	uint16_t before = 0;

	(void)state;
	for (unsigned i = 0; i < 70000; i++) {
		core.presses[0]++;
		assert_int_equal(station_get(&frame, packet, core_event(&core, packet)), STATION_FINE);
		assert_int_not_equal(frame.sequence, 0);
		assert_int_equal(frame.sequence, before == UINT16_MAX ? 1 : before + 1);
		before = frame.sequence;
	}
}

static void
counters_stop_at_their_highest_value(void **state)
{
	(void)state;
	assert_int_equal(core.counters.of[STATION_COUNTER_watchdogs], 3);
	for (unsigned i = 0; i < 70000; i++)
		core_count(&core, STATION_COUNTER_stalls);
	assert_int_equal(core.counters.of[STATION_COUNTER_stalls], UINT16_MAX);
}

static void
link_is_lost_once_however_long_the_host_is_silent(void **state)
{
	(void)state;
	want(0, 0);
	ticks(STATION_LINK_MS - 1);
	assert_int_equal(core.counters.of[STATION_COUNTER_links_lost], 0);
	ticks(70000);
	assert_int_equal(core.counters.of[STATION_COUNTER_links_lost], 1);
	want(0, 0);
	ticks(STATION_LINK_MS);
	assert_int_equal(core.counters.of[STATION_COUNTER_links_lost], 2);
}

static void
health_tells_the_board_what_the_board_told(void **state)
{
	struct station_frame command = { .number = STATION_inspect }, answer;
	uint8_t packet[STATION_FRAME_MAX], out[STATION_FRAME_MAX];
	uint8_t length = core_command(&core, packet, station_put(&command, packet), out);

	(void)state;
	assert_int_equal(station_get(&answer, out, length), STATION_FINE);
	assert_int_equal(answer.health.stack_free, 1234);
	assert_int_equal(answer.health.resets, 1 << STATION_RESET_watchdog);
	assert_int_equal(answer.health.counters[STATION_COUNTER_watchdogs], 3);
}

/* --- at every moment, whatever happens */

static uint32_t
draw(void)
{
	static uint32_t random = 88172645;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return random;
}

static void
something_happens(void)
{
	if (draw() % 40 == 0)
		want((uint16_t)draw(), (uint16_t)draw());
	if (draw() % 200 == 0)
		inputs.hands = (uint8_t)((draw() % 4 == 0) << HAL_LID | (draw() % 8 == 0) << HAL_STOP);
	if (draw() % 100 == 0)
		inputs.over_current = (uint16_t)(1u << draw() % 64 % 17);
	if (draw() % 100 == 0)
		mv_of[draw() % STATION_BAYS] = draw() % 4 ? 5000 : (uint16_t)(draw() % 6000);
}

/* How long each bay has been off, in ticks; at the start, long enough. */
static void
check_rests(uint16_t before, unsigned off[STATION_BAYS])
{
	for (unsigned bay = 0; bay < STATION_BAYS; bay++) {
		const int was = before >> bay & 1, is = outputs.switches >> bay & 1;

		if (is && !was)
			assert_true(off[bay] >= BAYS_REST_MS - 1);
		off[bay] = is ? 0 : off[bay] + 1;
	}
}

static void
no_moment_breaks_the_rules_of_power(void **state)
{
	unsigned off[STATION_BAYS], since_on = 1000;

	(void)state;
	for (unsigned bay = 0; bay < STATION_BAYS; bay++)
		off[bay] = 1000;
	for (unsigned i = 0; i < 1000000; i++) {
		const uint16_t before = outputs.switches;
		uint16_t added;

		something_happens();
		tick();
		added = outputs.switches & (uint16_t)~before;
		assert_int_equal(outputs.switches & ~core.bays.wanted, 0);
		assert_int_equal(outputs.switches & in(BAY_CUT), 0);
		assert_in_range(__builtin_popcount(added), 0, 1);
		since_on++;
		if (added) {
			assert_true(since_on >= BAYS_RISE_MIN_MS);
			since_on = 0;
		}
		if (core.hands.steady >> HAL_STOP & 1)
			assert_int_equal(outputs.switches, 0);
		if (core.hands.steady >> HAL_LID & 1)
			assert_int_equal(added | (outputs.switches & ~core.bays.burning), 0);
		check_rests(before, off);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(contact_is_believed_at_the_eighth_sample_and_not_before),
		TEST(one_sample_of_the_old_level_begins_the_count_anew_for_that_contact_alone),
		TEST(bay_that_is_rising_is_measured_every_other_time_and_all_have_their_turn),
		TEST(next_bay_waits_until_the_inrush_of_the_last_is_over),
		TEST(flag_of_a_bay_that_is_off_is_nothing),
		TEST(lid_takes_the_power_of_a_bay_that_is_rising_and_keeps_its_place),
		TEST(over_current_outlives_lid_and_is_cleared_by_the_stop),
		TEST(no_bay_is_weak_for_the_emergency_stop),
		TEST(power_of_a_bay_that_is_burning_is_not_touched_by_a_bouncing_lid),
		TEST(changed_light_begins_its_rhythm_and_leaves_the_others_theirs),
		TEST(leds_are_refreshed_once_a_second_when_nothing_changes),
		TEST(alarm_goes_on_until_it_is_silenced_and_begins_again_with_the_next_order),
		TEST(event_is_told_once_and_to_a_new_host_again),
		TEST(sequence_of_events_goes_round_without_the_mark_of_none),
		TEST(counters_stop_at_their_highest_value),
		TEST(link_is_lost_once_however_long_the_host_is_silent),
		TEST(health_tells_the_board_what_the_board_told),
		TEST(no_moment_breaks_the_rules_of_power),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
