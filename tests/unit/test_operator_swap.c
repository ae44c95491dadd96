/* The hands' time for a swap, against the mean and variation that were asked for. */
#include "tools/operator/swap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DRAWS 20000

static void
swaps_have_the_mean_and_variation_they_were_given(void **state)
{
	struct swap *swap = swap_new("500,0.4", 3);
	double sum = 0, squares = 0, mean;

	(void)state;
	for (int n = 0; n < DRAWS; n++) {
		double draw = (double)swap_draw_ms(swap, 1 + n % 16) + 0.5;

		sum += draw;
		squares += draw * draw;
	}
	mean = sum / DRAWS;
	assert_true(mean > 490 && mean < 510);
	assert_true(squares / DRAWS - mean * mean > 180 * 180 && squares / DRAWS - mean * mean < 220 * 220);
	swap_free(&swap);
	assert_null(swap);
}

/* The n-th swap of a bay takes its time whatever happened at the others. */
static void
a_draw_depends_on_seed_bay_and_count_only(void **state)
{
	struct swap *one = swap_new("4000000", 1), *other = swap_new("3000000", 1), *third;
	uint64_t first, second;

	(void)state;
	assert_null(one); /* over an hour */
	one = swap_new("3000000", 1);
	third = swap_new("3000000", 2);
	first = swap_draw_ms(one, 5);
	second = swap_draw_ms(one, 5);
	assert_int_not_equal(first, second);
	assert_int_not_equal(swap_draw_ms(other, 6), first);
	assert_int_equal(swap_draw_ms(other, 5), first);
	assert_int_equal(swap_draw_ms(other, 5), second);
	assert_int_not_equal(swap_draw_ms(third, 5), first);
	swap_free(&one);
	swap_free(&other);
	swap_free(&third);
}

static void
what_is_no_time_is_refused(void **state)
{
	static const char *const wrong[] = { "", "fast", "-5", ",0.5", "500,", "500,x", "500,6", "500;1", "500,0.5,1", "500,0.5/2" };
	struct swap *swap = swap_new("0", 1);

	(void)state;
	assert_non_null(swap);
	assert_int_equal(swap_draw_ms(swap, 256), 0);
	swap_free(&swap);
	for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++)
		assert_null(swap_new(wrong[n], 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(swaps_have_the_mean_and_variation_they_were_given),
		cmocka_unit_test(a_draw_depends_on_seed_bay_and_count_only),
		cmocka_unit_test(what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
