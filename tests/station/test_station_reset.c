/* Why the station started, and what it keeps and forgets: watchdog, brown-out, power, reset line, on the shipped ELF. */
#include "tests/station/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { BITE_MS = 300 }; /* the watchdog's 120 ms, its oscillator up to half as slow again, and the start */

static struct board *board;

static int
power_up(void **state)
{
	(void)state;
	if (board_new(host_firmware(), &board) != 0)
		return -1;
	return host_enumerate(board);
}

static int
power_down(void **state)
{
	(void)state;
	board_free(&board);
	return 0;
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
power(uint16_t wanted)
{
	struct station_state told;

	assert_int_equal(host_set(board, wanted, 0, &told), 0);
	host_wait_ms(board, 500);
	assert_int_equal(board_switches(board), wanted);
}

static void
assert_begun_anew(uint8_t resets, uint16_t watchdogs)
{
	struct station_state told;
	struct station_health now;

	board_run_us(board, 50000);
	assert_true(board_usb_attached(board));
	assert_int_equal(board_switches(board), 0);
	assert_int_equal(host_enumerate(board), 0);
	now = health();
	assert_int_equal(now.resets, resets);
	assert_int_equal(now.counters[STATION_COUNTER_watchdogs], watchdogs);
	assert_int_equal(now.counters[STATION_COUNTER_bus_resets], 1); /* the others begin at nothing */
	assert_true(now.uptime_ms < BITE_MS + 100);
	assert_int_equal(host_look(board, &told), 0);
	assert_int_equal(told.powered | told.pending, 0);
}

/* However it hangs; and bays have no power meanwhile longer than it takes to bite. */
static void
hung_program_is_bitten_and_its_bays_are_off(void **state)
{
	(void)state;
	power(0xffff);
	for (unsigned bites = 1; bites <= 3; bites++) {
		board_hang(board);
		board_run_us(board, BITE_MS * 1000);
		assert_int_equal(board_resets(board), bites);
		assert_begun_anew(1 << STATION_RESET_watchdog, (uint16_t)bites);
		power(0x0101);
	}
}

static void
program_without_its_tick_is_bitten(void **state)
{
	(void)state;
	power(0x0001);
	board_stop_ticks(board);
	board_run_us(board, BITE_MS * 1000);
	assert_int_equal(board_resets(board), 1);
	assert_begun_anew(1 << STATION_RESET_watchdog, 1);
}

/* The other half: whatever the host does, a loop in order is not bitten. */
static void
working_program_is_not_bitten(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		power(i % 2 ? 0xffff : 0);
		health();
	}
	assert_int_equal(board_resets(board), 0);
}

static void
brown_out_is_told_and_forgets_the_bites(void **state)
{
	(void)state;
	board_hang(board);
	board_run_us(board, BITE_MS * 1000);
	assert_begun_anew(1 << STATION_RESET_watchdog, 1);
	power(0x00ff);
	board_reset(board, BOARD_BROWN_OUT);
	assert_int_equal(board_switches(board), 0); /* the pins float: /OE is pulled up */
	assert_begun_anew(1 << STATION_RESET_brown_out, 0);
}

static void
reset_line_is_told_and_keeps_the_count_of_bites(void **state)
{
	(void)state;
	board_hang(board);
	board_run_us(board, BITE_MS * 1000);
	assert_begun_anew(1 << STATION_RESET_watchdog, 1);
	board_reset(board, BOARD_EXTERNAL);
	assert_begun_anew(1 << STATION_RESET_external, 1);
	board_reset(board, BOARD_POWER_ON);
	assert_begun_anew(1 << STATION_RESET_power_on, 0);
}

/* Between the reset and the first command of the program, and while it starts: never a switch on, whatever the registers hold. */
static void
no_bay_has_power_while_the_chip_starts(void **state)
{
	(void)state;
	power(0xffff);
	board_reset(board, BOARD_EXTERNAL);
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(board_switches(board), 0);
		board_run_us(board, 10);
	}
}

static void
stack_never_came_near_the_variables(void **state)
{
	struct station_health now;

	(void)state;
	host_wait_ms(board, 300);
	now = health();
	assert_in_range(now.stack_free, 1000, 2560 - 508);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, power_up, power_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hung_program_is_bitten_and_its_bays_are_off),
		TEST(program_without_its_tick_is_bitten),
		TEST(working_program_is_not_bitten),
		TEST(brown_out_is_told_and_forgets_the_bites),
		TEST(reset_line_is_told_and_keeps_the_count_of_bites),
		TEST(no_bay_has_power_while_the_chip_starts),
		TEST(stack_never_came_near_the_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
