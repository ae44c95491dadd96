/* Schedules worked out by hand, in the comments, in seconds; and what must hold of any schedule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hostd/base/forecast.h"

#define S INT64_C(1000000)

enum { APPLICATIONS = 6, MANY = 400 };

/* P-256: 10 s (slow: 20), prekeyed 4 s (slow: 6). RSA: 30 s (slow: 60), never measured prekeyed. Swap 2 s (slow: 5). */
static struct forecast_kind kinds[] = {
	{ .key_type = "p256", .in_line = { { 10 * S, 20 * S }, 9 }, .prekeyed = { { 4 * S, 6 * S }, 9 } },
	{ .key_type = "rsa2048", .in_line = { { 30 * S, 60 * S }, 9 } },
};
static struct forecast_job jobs[MANY];
static int64_t due[MANY], ends[MANY], ends_more[MANY];
static struct forecast forecast;

static int
set_up(void **state)
{
	(void)state;
	kinds[0].stock = 0;
	forecast = (struct forecast){ .jobs = jobs, .kinds = kinds, .kind_count = 2, .swap = { { 2 * S, 5 * S }, 9 }, .due_us = due,
		.application_count = APPLICATIONS, .bays = 2 };
	for (size_t i = 0; i < MANY; i++)
		due[i] = 1000000 * S;
	return 0;
}

static void
job(size_t application, size_t kind)
{
	jobs[forecast.job_count++] = (struct forecast_job){ .application = application, .kind = kind };
}

static void
in_work(size_t application, size_t kind, int64_t spent_us)
{
	jobs[forecast.job_count++] = (struct forecast_job){ .application = application, .kind = kind, .in_work = true, .spent_us = spent_us };
}

static void
assert_ends(enum forecast_figure figure, int64_t last_s, int64_t first_s, int64_t second_s, int64_t third_s)
{
	assert_int_equal(forecast_run(&forecast, figure, ends), last_s * S);
	assert_int_equal(ends[0], first_s * S);
	assert_int_equal(ends[1], second_s * S);
	assert_int_equal(ends[2], third_s * S);
}

/* Two bays A and B. A: 2+10 → 12 (application 0). B: 2+30 → 32 (1). A: 12+2+10 → 24 (2). A: 24+2+10 → 36 (0 again).
 * With the slow times: A 5+20 → 25; B 5+60 → 65; A 25+25 → 50; A 50+25 → 75. */
static void
bays_take_the_next_as_they_become_free(void **state)
{
	(void)state;
	job(0, 0), job(1, 1), job(2, 0), job(0, 0);
	assert_ends(FORECAST_P50, 36, 36, 32, 24);
	assert_ends(FORECAST_P90, 75, 75, 65, 50);
}

/* In work for 7 of 10 s: 3 left, no swap. The other for 40 s, longer than the 30 it should take: any moment now, 0. Then
 * B: 0+2+10 → 12 (application 2), A: 3+2+10 → 15 (1). */
static void
what_is_in_work_has_only_the_rest_before_it(void **state)
{
	(void)state;
	in_work(0, 0, 7 * S), in_work(1, 1, 40 * S), job(2, 0), job(1, 0);
	assert_ends(FORECAST_P50, 15, 3, 15, 12);
}

/* One bay, one prekeyed token of P-256: the first P-256 in the order takes it, the RSA before it does not.
 * 2+30 → 32 (0), 32+2+4 → 38 (1), 38+2+10 → 50 (2). Slow: 5+60 → 65, 65+5+6 → 76, 76+5+20 → 101. */
static void
stock_goes_to_the_first_of_its_key_type(void **state)
{
	(void)state;
	forecast.bays = 1;
	kinds[0].stock = 1;
	job(0, 1), job(1, 0), job(2, 0);
	assert_ends(FORECAST_P50, 50, 32, 38, 50);
	assert_ends(FORECAST_P90, 101, 65, 76, 101);
}

/* 24 s is on time when due at 24 s and late at a microsecond less; one past its deadline is late whenever it ends. */
static void
late_is_after_the_deadline_and_not_at_it(void **state)
{
	size_t past;

	(void)state;
	job(0, 0), job(1, 1), job(2, 0), job(0, 0);
	due[0] = 36 * S, due[1] = 32 * S, due[2] = 24 * S;
	forecast_run(&forecast, FORECAST_P50, ends);
	assert_int_equal(forecast_late(&forecast, ends, &past), 0);
	due[2] = 24 * S - 1;
	assert_int_equal(forecast_late(&forecast, ends, &past), 1);
	assert_int_equal(past, 0);
	due[1] = -1;
	assert_int_equal(forecast_late(&forecast, ends, &past), 2);
	assert_int_equal(past, 1);
}

/* Six of 12 s each, due at 24 s: two bays need 36, three 24. Slow, 25 s each: nothing does it. Due at 25: six bays. */
static void
smallest_number_of_bays_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < APPLICATIONS; i++) {
		job(i, 0);
		due[i] = 24 * S;
	}
	assert_int_equal(forecast_bays(&forecast, FORECAST_P50, ends), 3);
	assert_int_equal(forecast_bays(&forecast, FORECAST_P90, ends), 0);
	for (size_t i = 0; i < APPLICATIONS; i++)
		due[i] = 25 * S;
	assert_int_equal(forecast_bays(&forecast, FORECAST_P90, ends), 6);
	due[0] = -1; /* past saving: counts no more, but takes its bay as before */
	assert_int_equal(forecast_bays(&forecast, FORECAST_P90, ends), 6);
}

/* 65 of 12 s each, due at 12 s, want 65 bays; 64 do. */
static void
not_even_64_bays_is_said(void **state)
{
	(void)state;
	forecast.application_count = 65;
	for (size_t i = 0; i < 65; i++) {
		job(i, 0);
		due[i] = 12 * S;
	}
	assert_int_equal(forecast_bays(&forecast, FORECAST_P50, ends), 0);
	forecast.job_count = 64;
	assert_int_equal(forecast_bays(&forecast, FORECAST_P50, ends), 64);
}

/* One bay, four of 12 s: 12 24 36 48, prekeyed 6 s each. Due at 36: with k prekeyed 48 − 6k, so two. Due at 23: four prekeyed take 24,
 * in vain. The RSA, which has no prekeyed time, never takes one. */
static void
smallest_number_of_prekeyed_tokens_is_found(void **state)
{
	(void)state;
	forecast.bays = 1;
	for (size_t i = 0; i < 4; i++)
		job(0, 0);
	due[0] = 36 * S;
	assert_int_equal(forecast_prekeyed(&forecast, FORECAST_P50, ends), 2);
	due[0] = 48 * S;
	assert_int_equal(forecast_prekeyed(&forecast, FORECAST_P50, ends), 0);
	due[0] = 24 * S - 1;
	assert_int_equal(forecast_prekeyed(&forecast, FORECAST_P50, ends), -1);
	forecast.job_count = 0;
	job(0, 1);
	assert_int_equal(forecast_prekeyed(&forecast, FORECAST_P50, ends), -1);
}

static void
without_a_bay_nothing_ends(void **state)
{
	size_t past;

	(void)state;
	forecast.bays = 0;
	job(0, 0);
	assert_int_equal(forecast_run(&forecast, FORECAST_P50, ends), FORECAST_NEVER);
	assert_int_equal(ends[0], FORECAST_NEVER);
	assert_int_equal(forecast_late(&forecast, ends, &past), 1);
	assert_int_equal(forecast_bays(&forecast, FORECAST_P50, ends), 1);
	forecast.job_count = 0;
	assert_int_equal(forecast_run(&forecast, FORECAST_P50, ends), 0);
}

/* 1 … 10 s: the 5th and the 9th in order. Of 5: the 3rd and the 5th. Four are too few. */
static void
percentiles_are_the_nearest_ranks(void **state)
{
	int64_t ten[] = { 7 * S, 1 * S, 10 * S, 3 * S, 2 * S, 9 * S, 8 * S, 4 * S, 6 * S, 5 * S };
	int64_t five[] = { 5, 4, 3, 2, 1 };
	struct forecast_time time = { .measured = 0 };

	(void)state;
	assert_true(forecast_measure(ten, 10, &time));
	assert_int_equal(time.us[FORECAST_P50], 5 * S);
	assert_int_equal(time.us[FORECAST_P90], 9 * S);
	assert_int_equal(time.measured, 10);
	assert_true(forecast_measure(five, 5, &time));
	assert_int_equal(time.us[FORECAST_P50], 3);
	assert_int_equal(time.us[FORECAST_P90], 5);
	assert_false(forecast_measure(five, 4, &time));
	assert_int_equal(time.measured, 5);
}

static void
unknown_key_type_is_reckoned_as_rsa(void **state)
{
	(void)state;
	assert_int_equal(forecast_preset("sm2").us[FORECAST_P50], forecast_preset("rsa2048").us[FORECAST_P50]);
	assert_true(forecast_preset("p256").us[FORECAST_P90] < forecast_preset("rsa2048").us[FORECAST_P50]);
	assert_int_equal(forecast_preset("p256").measured, 0);
}

static uint64_t seed;

/* 0 … below − 1, the same on every machine (Knuth's MMIX). */
static size_t
drawn(size_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % below;
}

/* A queue drawn anew: jobs of both key types, some in work, some stock. */
static void
draw(void)
{
	forecast.job_count = 0;
	forecast.application_count = MANY;
	kinds[0].stock = drawn(20);
	for (size_t i = 0; i < 8; i++)
		in_work(i, drawn(2), (int64_t)drawn(40) * S);
	while (forecast.job_count < MANY)
		job(drawn(100), drawn(2));
}

static void
assert_none_later(void)
{
	for (size_t i = 0; i < MANY; i++)
		assert_true(ends_more[i] <= ends[i]);
}

static void
no_application_ends_later_with_one_more_bay_or_prekeyed_token(void **state)
{
	(void)state;
	seed = 5;
	for (int i = 0; i < 50; i++) {
		draw();
		for (forecast.bays = 1; forecast.bays < 40; forecast.bays++) {
			forecast_run(&forecast, FORECAST_P50, ends);
			kinds[0].stock++;
			forecast_run(&forecast, FORECAST_P50, ends_more);
			assert_none_later();
			kinds[0].stock--;
			forecast.bays++;
			forecast_run(&forecast, FORECAST_P50, ends_more);
			forecast.bays--;
			assert_none_later();
		}
	}
}

/* Whatever bisection says must be the first number that does it when all are tried one after the other. */
static void
bisection_finds_what_trying_all_finds(void **state)
{
	(void)state;
	seed = 6;
	for (int round = 0; round < 50; round++) {
		size_t found, past, bays = 1;

		draw();
		for (size_t i = 0; i < MANY; i++)
			due[i] = drawn(40) == 0 ? -1 : (int64_t)(100 + drawn(400)) * S;
		found = forecast_bays(&forecast, FORECAST_P50, ends);
		for (; bays <= FORECAST_BAYS_SOUGHT_MAX; bays++) {
			forecast.bays = bays;
			forecast_run(&forecast, FORECAST_P50, ends);
			if (forecast_late(&forecast, ends, &past) == past)
				break;
		}
		assert_int_equal(found, bays > FORECAST_BAYS_SOUGHT_MAX ? 0 : bays);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bays_take_the_next_as_they_become_free, set_up),
		cmocka_unit_test_setup(what_is_in_work_has_only_the_rest_before_it, set_up),
		cmocka_unit_test_setup(stock_goes_to_the_first_of_its_key_type, set_up),
		cmocka_unit_test_setup(late_is_after_the_deadline_and_not_at_it, set_up),
		cmocka_unit_test_setup(smallest_number_of_bays_is_found, set_up),
		cmocka_unit_test_setup(not_even_64_bays_is_said, set_up),
		cmocka_unit_test_setup(smallest_number_of_prekeyed_tokens_is_found, set_up),
		cmocka_unit_test_setup(without_a_bay_nothing_ends, set_up),
		cmocka_unit_test_setup(percentiles_are_the_nearest_ranks, set_up),
		cmocka_unit_test_setup(unknown_key_type_is_reckoned_as_rsa, set_up),
		cmocka_unit_test_setup(no_application_ends_later_with_one_more_bay_or_prekeyed_token, set_up),
		cmocka_unit_test_setup(bisection_finds_what_trying_all_finds, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
