/* What becomes of a program that ends: pauses, and when it stays down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hostd/fate.h"

enum { S = 1000000 };

static const struct fate_limits limits = { .deaths_max = 4, .deaths_within_s = 100, .down_s = 600 };

static void
the_pause_doubles_to_ten_seconds_and_a_healthy_life_begins_anew(void **state)
{
	static const int64_t expected[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	const struct fate_limits patient = { .deaths_max = 100, .deaths_within_s = 1000 };
	struct fate fate = { .deaths = 0 };
	int64_t now = 5 * (int64_t)S;

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++, now += S)
		assert_int_equal(fate_died(&fate, &patient, now - S, now), expected[i]);
	assert_int_equal(fate_died(&fate, &patient, now - 6 * (int64_t)S, now), 100);
}

static void
what_dies_too_often_within_the_time_stays_down(void **state)
{
	struct fate fate = { .deaths = 0 };
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 3; i++, now += 33 * (int64_t)S)
		fate_died(&fate, &limits, now, now);
	assert_false(fate.is_down);
	assert_int_equal(fate_died(&fate, &limits, now, now), 600000);
	assert_true(fate.is_down);
	fate_forgive(&fate);
	assert_int_equal(fate_died(&fate, &limits, now, now), 100);
	assert_false(fate.is_down);
}

static void
what_dies_now_and_then_is_always_started_again(void **state)
{
	struct fate fate = { .deaths = 0 };
	int64_t now = 0;

	(void)state;
	for (int i = 0; i < 5 * FATE_DEATHS_MAX; i++, now += 34 * (int64_t)S) {
		assert_int_equal(fate_died(&fate, &limits, now - 30 * (int64_t)S, now), 100);
		assert_false(fate.is_down);
	}
}

static void
without_a_long_pause_only_a_person_starts_it_again(void **state)
{
	const struct fate_limits strict = { .deaths_max = 2, .deaths_within_s = 10 };
	struct fate fate = { .deaths = 0 };

	(void)state;
	assert_int_equal(fate_died(&fate, &strict, 0, 0), 100);
	assert_int_equal(fate_died(&fate, &strict, S, S), -1);
	assert_true(fate.is_down);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pause_doubles_to_ten_seconds_and_a_healthy_life_begins_anew),
		cmocka_unit_test(what_dies_too_often_within_the_time_stays_down),
		cmocka_unit_test(what_dies_now_and_then_is_always_started_again),
		cmocka_unit_test(without_a_long_pause_only_a_person_starts_it_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
