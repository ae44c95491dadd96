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
	double rsa_mean_s, rsa_min_s, rsa_max_s, ec_mean_s;
} chips[] = {
	{ "jcop4", 5.2, 0.6, 17.3, 0.027 },
	{ "j3a081", 23.0, 3.5, 55.6, 0.104 },
};

static double
draw_s(const char *name, uint64_t seed, uint32_t n)
{
	return (double)law_draw_us(law_by_name(name), seed, "00000000000000000001", n, KEY_RSA, 2048) / 1e6;
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

	(void)state;
	for (size_t chip = 0; chip < sizeof chips / sizeof chips[0]; chip++) {
		sum = 0;
		for (uint32_t n = 0; n < DRAWS; n++)
			sum += draws[n] = draw_s(chips[chip].name, 7, n);
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

	(void)state;
	for (uint32_t n = 0; n < DRAWS; n++)
		draws[n] = draw_s("jcop4", 11, n);
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
	const struct law *law = law_by_name("jcop4");
	uint64_t first = law_draw_us(law, 1, "0A", 1, KEY_RSA, 2048);

	(void)state;
	assert_int_equal(law_draw_us(law, 1, "0A", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 2, "0A", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 1, "0B", 1, KEY_RSA, 2048), first);
	assert_int_not_equal(law_draw_us(law, 1, "0A", 2, KEY_RSA, 2048), first);
}

static void
curves_take_their_mean_and_longer_keys_longer(void **state)
{
	(void)state;
	for (size_t chip = 0; chip < sizeof chips / sizeof chips[0]; chip++) {
		const struct law *law = law_by_name(chips[chip].name);

		assert_int_equal(law_draw_us(law, 1, "1", 1, KEY_EC, 256), (uint64_t)(chips[chip].ec_mean_s * 1e6));
		assert_true(law_draw_us(law, 1, "1", 1, KEY_EC, 521) > law_draw_us(law, 1, "1", 1, KEY_EC, 256));
		assert_in_range(law_draw_us(law, 1, "1", 1, KEY_RSA, 4096) / 16,
				law_draw_us(law, 1, "1", 1, KEY_RSA, 2048) - 1,
				law_draw_us(law, 1, "1", 1, KEY_RSA, 2048) + 1);
	}
}

static void
the_law_none_takes_no_time(void **state)
{
	(void)state;
	assert_int_equal(law_draw_us(law_by_name("none"), 1, "1", 1, KEY_RSA, 2048), 0);
	assert_int_equal(law_draw_us(law_by_name("none"), 1, "1", 1, KEY_EC, 256), 0);
	assert_null(law_by_name("jcop"));
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
