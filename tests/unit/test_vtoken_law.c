/* Latency laws, against the measurements they stand for (JCAlgTest: chip means and bounds, pooled quantiles). */
#include "tools/vtoken/law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#define DRAWS 20000

static const struct {
	const char *name;
	double rsa_mean_s, rsa_min_s, rsa_max_s, ec_mean_s; /* EC 0: not measured */
} chips[] = {
	{ "jcop4", 5.2, 0.6, 17.3, 0.027 },
	{ "jcop3", 5.8, 1.9, 11.7, 0.156 },
	{ "h19cr", 3.1, 1.0, 6.0, 0.084 },
	{ "javacos", 6.9, 2.5, 11.7, 0 },
	{ "smartcafe", 3.9, 1.3, 8.8, 0.207 },
	{ "j3a081", 23.0, 3.5, 55.6, 0.104 },
};
#define CHIPS (sizeof chips / sizeof chips[0])

static double
draw_s(const struct law *law, uint64_t seed, uint32_t n)
{
	return (double)law_draw_us(law, seed, "00000000000000000001", n, KEY_RSA, 2048) / 1e6;
}

static int
ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void
draws_have_the_mean_and_bounds_of_the_chip(void **state)
{
	double *draws = calloc(DRAWS, sizeof *draws), sum;
	struct law *law;

	(void)state;
	for (size_t chip = 0; chip < CHIPS; chip++) {
		sum = 0;
		law = law_new(chips[chip].name);
		for (uint32_t n = 0; n < DRAWS; n++)
			sum += draws[n] = draw_s(law, 7, n);
		law_free(&law);
		qsort(draws, DRAWS, sizeof *draws, ascending);
		assert_true(sum / DRAWS > 0.98 * chips[chip].rsa_mean_s && sum / DRAWS < 1.02 * chips[chip].rsa_mean_s);
		assert_true(draws[0] >= chips[chip].rsa_min_s && draws[DRAWS - 1] <= chips[chip].rsa_max_s);
	}
	free(draws);
}

/* JCOP4's bounds leave the pooled quantiles nearly as they are. */
static void
draws_have_the_shape_of_the_pooled_quantiles(void **state)
{
	static const struct { double p, value; } pooled[] = {
		{ 0.50, 0.85 }, { 0.75, 1.30 }, { 0.90, 1.90 }, { 0.95, 2.25 }, { 0.99, 3.10 },
	};
	double *draws = calloc(DRAWS, sizeof *draws), relative;
	struct law *law = law_new("jcop4");

	(void)state;
	for (uint32_t n = 0; n < DRAWS; n++)
		draws[n] = draw_s(law, 11, n);
	law_free(&law);
	qsort(draws, DRAWS, sizeof *draws, ascending);
	for (size_t i = 0; i < sizeof pooled / sizeof pooled[0]; i++) {
		relative = draws[(size_t)(pooled[i].p * DRAWS)] / 5.2;
		assert_true(relative > 0.95 * pooled[i].value && relative < 1.05 * pooled[i].value);
	}
	free(draws);
}

static void
a_draw_depends_on_seed_serial_number_and_count_only(void **state)
{
	struct law *law = law_new("jcop4");
	uint64_t first = law_draw_us(law, 1, "0A", 1, KEY_RSA, 2048);

	(void)state;
	assert_int_equal(law_draw_us(law, 1, "0A", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 2, "0A", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 1, "0B", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 1, "0A", 2, KEY_RSA, 2048), first);
	law_free(&law);
}

static void
curves_take_their_mean_and_longer_keys_longer(void **state)
{
	struct law *law;
	uint64_t p256;

	(void)state;
	for (size_t chip = 0; chip < CHIPS; chip++) {
		law = law_new(chips[chip].name);
		p256 = law_draw_us(law, 1, "1", 1, KEY_EC, 256);
		if (chips[chip].ec_mean_s > 0)
			assert_int_equal(p256, (uint64_t)(chips[chip].ec_mean_s * 1e6));
		else
			assert_in_range(p256, 27000, 207000); /* between the fastest and the slowest that was measured */
		assert_true(law_draw_us(law, 1, "1", 1, KEY_EC, 521) > p256);
		assert_in_range(law_draw_us(law, 1, "1", 1, KEY_RSA, 4096) / 16,
				law_draw_us(law, 1, "1", 1, KEY_RSA, 2048) - 1,
				law_draw_us(law, 1, "1", 1, KEY_RSA, 2048) + 1);
		law_free(&law);
	}
}

static void
the_law_none_takes_no_time(void **state)
{
	struct law *law = law_new("none");

	(void)state;
	assert_int_equal(law_draw_us(law, 1, "1", 1, KEY_RSA, 2048), 0);
	assert_int_equal(law_draw_us(law, 1, "1", 1, KEY_EC, 256), 0);
	law_free(&law);
}

/* Mean and variation of the draws are what was asked for, whatever the key. */
static void
a_custom_law_has_the_mean_and_variation_it_names(void **state)
{
	struct law *law = law_new("custom:3,0.8");
	double draw, sum = 0, squares = 0, mean;

	(void)state;
	for (uint32_t n = 0; n < DRAWS; n++) {
		draw = (double)law_draw_us(law, 3, "1", n, n % 2 ? KEY_EC : KEY_RSA, n % 2 ? 256 : 2048) / 1e6;
		assert_true(draw > 0);
		sum += draw;
		squares += draw * draw;
	}
	mean = sum / DRAWS;
	assert_true(mean > 2.94 && mean < 3.06);
	assert_true(squares / DRAWS - mean * mean > 2.1 * 2.1 && squares / DRAWS - mean * mean < 2.7 * 2.7);
	law_free(&law);
	law = law_new("custom:0.25,0");
	assert_int_equal(law_draw_us(law, 3, "1", 9, KEY_EC, 256), 250000);
	law_free(&law);
}

/* The same draws, each the divisor's part: a compressed day is the day. */
static void
a_divided_law_draws_the_same_times_divided(void **state)
{
	static const char *const pairs[][2] = { { "jcop4", "jcop4/40" }, { "custom:5.2,0.65", "custom:5.2,0.65/40" } };
	struct law *whole, *part;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		whole = law_new(pairs[i][0]);
		part = law_new(pairs[i][1]);
		for (uint32_t n = 0; n < 100; n++)
			assert_in_range(law_draw_us(part, 5, "1", n, KEY_RSA, 2048),
					law_draw_us(whole, 5, "1", n, KEY_RSA, 2048) / 40 - 1,
					law_draw_us(whole, 5, "1", n, KEY_RSA, 2048) / 40 + 1);
		law_free(&whole);
		law_free(&part);
	}
}

static void
what_is_no_law_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "jcop", "jcop4 ", "custom", "custom:", "custom:3", "custom:3,", "custom:3,0.5,", "custom:-1,0", "custom:3,-1",
		"custom:nan,0", "custom:inf,0", "custom:3601,0", "custom:1,6", "custom: 1,0", "custom:1;0",
		"jcop4/", "jcop4/0", "jcop4/0.5", "jcop4/1001", "jcop4/2/2", "jcop4/x", "/2", "jcop4 /2", "custom:1,0/",
	};

	(void)state;
	for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++)
		assert_null(law_new(wrong[n]));
}

static void
every_law_that_is_listed_exists(void **state)
{
	const char *name, *what;
	struct law *law;
	size_t n;

	(void)state;
	for (n = 0; law_list(n, &name, &what); n++) {
		law = law_new(n == CHIPS + 1 ? "custom:1,0" : name);
		assert_non_null(law);
		law_free(&law);
	}
	assert_int_equal(n, CHIPS + 2); /* none and custom besides */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_have_the_mean_and_bounds_of_the_chip),
		cmocka_unit_test(draws_have_the_shape_of_the_pooled_quantiles),
		cmocka_unit_test(a_draw_depends_on_seed_serial_number_and_count_only),
		cmocka_unit_test(curves_take_their_mean_and_longer_keys_longer),
		cmocka_unit_test(the_law_none_takes_no_time),
		cmocka_unit_test(a_custom_law_has_the_mean_and_variation_it_names),
		cmocka_unit_test(a_divided_law_draws_the_same_times_divided),
		cmocka_unit_test(what_is_no_law_is_refused),
		cmocka_unit_test(every_law_that_is_listed_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
