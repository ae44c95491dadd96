/* The time of rows, whatever is done to the machine's clock. Times in seconds, read as microseconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/queue/rowclock.h"

enum { S = 1000000 };

static int64_t back_us;

static int64_t
rows_at(struct row_clock *clock, int64_t utc_s, int64_t monotonic_s)
{
	return row_clock_read(clock, utc_s * S, monotonic_s * S, &back_us) / S;
}

static void
rows_have_the_machines_time(void **state)
{
	struct row_clock clock = row_clock_start(0, 0, 0);

	(void)state;
	assert_int_equal(rows_at(&clock, 10000, 7), 10000);
	assert_int_equal(rows_at(&clock, 10005, 12), 10005);
	assert_int_equal(rows_at(&clock, 20000, 13), 20000); /* set forward */
	assert_false(clock.back);
}

static void
rows_go_on_at_their_pace_while_the_machines_clock_is_behind(void **state)
{
	struct row_clock clock = row_clock_start(0, 0, 0);

	(void)state;
	rows_at(&clock, 10000, 7);
	assert_int_equal(rows_at(&clock, 2801, 8), 10001);
	assert_true(clock.back);
	assert_int_equal(back_us, 7199 * (int64_t)S);
	assert_int_equal(rows_at(&clock, 2810, 17), 10010);
	assert_int_equal(back_us, 0); /* said once */
	assert_int_equal(rows_at(&clock, 10012, 19), 10012); /* set right */
	assert_false(clock.back);
}

static void
rows_that_are_ahead_wait_for_the_machine_at_half_the_pace(void **state)
{
	struct row_clock clock = row_clock_start(0, 0, 0);

	(void)state;
	rows_at(&clock, 10000, 0);
	assert_int_equal(rows_at(&clock, 9996, 0), 10000); /* a step of time synchronisation */
	assert_false(clock.back);
	assert_int_equal(rows_at(&clock, 9998, 2), 10001);
	assert_int_equal(rows_at(&clock, 10004, 8), 10004);
	assert_int_equal(rows_at(&clock, 10014, 18), 10014);
}

static void
a_clock_that_was_wrong_ahead_is_believed_when_it_shows_again_what_it_had_shown(void **state)
{
	struct row_clock clock = row_clock_start(0, 0, 0);

	(void)state;
	rows_at(&clock, 13600, 0); /* an hour ahead */
	assert_int_equal(rows_at(&clock, 10000, 0), 13600);
	assert_int_equal(rows_at(&clock, 13599, 3599), 17199);
	assert_true(clock.back);
	rows_at(&clock, 13600, 3600);
	assert_false(clock.back);
	assert_int_equal(rows_at(&clock, 20800, 10800), 20800); /* two hours later they are together */
}

static void
a_start_goes_on_from_the_record(void **state)
{
	struct row_clock clock = row_clock_start(10000 * (int64_t)S, 10500 * (int64_t)S, 3 * (int64_t)S);

	(void)state;
	assert_int_equal(rows_at(&clock, 9000, 4), 10501);
	assert_true(clock.back);
	clock = row_clock_start(10000 * (int64_t)S, 0, 0); /* a record that knows only the one */
	assert_int_equal(rows_at(&clock, 9999, 0), 10000);
}

static void
what_happened_a_while_ago_is_put_within_its_bounds(void **state)
{
	struct row_clock clock = row_clock_start(0, 0, 0);
	int64_t earliest = 9990 * (int64_t)S;

	(void)state;
	rows_at(&clock, 10000, 100);
	assert_int_equal(row_clock_of(&clock, 97 * (int64_t)S, earliest), 9997 * (int64_t)S);
	assert_int_equal(row_clock_of(&clock, 90 * (int64_t)S, earliest), earliest);
	assert_int_equal(row_clock_of(&clock, INT64_MIN, earliest), earliest);
	assert_int_equal(row_clock_of(&clock, INT64_MAX, earliest), 10000 * (int64_t)S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_have_the_machines_time),
		cmocka_unit_test(rows_go_on_at_their_pace_while_the_machines_clock_is_behind),
		cmocka_unit_test(rows_that_are_ahead_wait_for_the_machine_at_half_the_pace),
		cmocka_unit_test(a_clock_that_was_wrong_ahead_is_believed_when_it_shows_again_what_it_had_shown),
		cmocka_unit_test(a_start_goes_on_from_the_record),
		cmocka_unit_test(what_happened_a_while_ago_is_put_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
