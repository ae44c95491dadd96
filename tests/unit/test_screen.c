/* What mintctl prints: widths, cuts, tables, times, languages. */
#include "tools/mintctl/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
english(void **state)
{
	(void)state;
	screen_open("en");
	return 0;
}

static void
east_asian_characters_take_two_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("制证中"), 6);
	assert_int_equal(text_width("䶮㛃"), 4);     /* extension A */
	assert_int_equal(text_width("\xf0\xab\x8d\xa1"), 2); /* U+2B361, extension C: outside the BMP */
	assert_int_equal(text_width("，"), 2);       /* full-width comma */
	assert_int_equal(text_width("e\xcc\x81"), 1); /* combining acute */
	assert_int_equal(text_width("a\xff" "b"), 3); /* a malformed byte shows as one */
}

static void
cut_never_splits_a_character_or_exceeds_its_columns(void **state)
{
	char out[64];

	(void)state;
	text_cut("制证中心", 8, out, sizeof out);
	assert_string_equal(out, "制证中心");
	text_cut("制证中心", 7, out, sizeof out);
	assert_string_equal(out, "制证中…");
	text_cut("制证中心", 6, out, sizeof out);
	assert_string_equal(out, "制证…");
	for (size_t width = 0; width < 12; width++) {
		text_cut("a制b证c中", width, out, sizeof out);
		assert_true(text_width(out) <= width);
	}
	text_cut("制证中心", 8, out, 5);
	assert_true(strlen(out) < 5);
}

static char *
printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	print(out);
	fclose(out);
	return text;
}

static void
print_three(FILE *out)
{
	struct table *table = table_new(3);

	table_add(table, "名称");
	table_add(table, "n");
	table_add(table, "end");
	table_add(table, "ab");
	table_add_number(table, 12345);
	table_add(table, NULL);
	table_add(table, "\x1b[2J红");
	table_add(table, "x");
	table_add(table, "y");
	table_print(table, out, "nothing");
	table_free(&table);
	assert_null(table);
}

static void
columns_align_by_width_and_controls_are_disarmed(void **state)
{
	char *text = printed(print_three);

	(void)state;
	assert_string_equal(text, "名称    n      end\n"
	                          "ab      12345  -\n"
	                          " [2J红  x      y\n");
	free(text);
}

static void
print_head_only(FILE *out)
{
	struct table *table = table_new(2);

	table_add(table, "a");
	table_add(table, "b");
	table_print(table, out, "nothing");
	table_free(&table);
}

static void
a_table_without_rows_says_so(void **state)
{
	char *text = printed(print_head_only);

	(void)state;
	assert_string_equal(text, "nothing\n");
	free(text);
}

static void
times_are_those_of_the_bench(void **state)
{
	char text[SCREEN_TIME_BYTES];

	(void)state;
	screen_time("2026-01-04T16:00:00.000001Z", text);
	assert_string_equal(text, "2026-01-05 00:00:00");
	screen_time(NULL, text);
	assert_string_equal(text, "-");
	screen_time("2026-01-04", text);
	assert_string_equal(text, "-");
	assert_true(screen_time_us("1970-01-01T00:00:01.500000Z") == 1500000);
	assert_true(screen_time_us("1970-01-01T00:00:01.5+08:00") == -1);
}

static void
spans_grow_coarser(void **state)
{
	char text[SCREEN_SPAN_BYTES];

	(void)state;
	screen_span(59, text);
	assert_string_equal(text, "59 s");
	screen_span(125, text);
	assert_string_equal(text, "2 min 05 s");
	screen_span(3 * 3600 + 2 * 60, text);
	assert_string_equal(text, "3 h 02 min");
	screen_span(-1, text);
	assert_string_equal(text, "-");
}

static void
language_follows_the_environment_as_posix_orders_it(void **state)
{
	(void)state;
	setenv("LANG", "en_US.UTF-8", 1);
	setenv("LC_MESSAGES", "zh_CN.UTF-8", 1);
	setenv("LC_ALL", "", 1); /* empty counts as not set */
	screen_open(NULL);
	assert_int_equal(screen_language(), MINT_ZH);
	assert_string_equal(state_text("credential", "sealed"), "请取出介质");
	setenv("LC_ALL", "C", 1);
	screen_open(NULL);
	assert_int_equal(screen_language(), MINT_EN);
	screen_open("zh_CN");
	assert_int_equal(screen_language(), MINT_ZH);
	screen_open("en");
	assert_string_equal(state_text("credential", "no such state"), "no such state");
	assert_string_equal(step_text("burn"), "write the certificate");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(east_asian_characters_take_two_columns, english),
		cmocka_unit_test_setup(cut_never_splits_a_character_or_exceeds_its_columns, english),
		cmocka_unit_test_setup(columns_align_by_width_and_controls_are_disarmed, english),
		cmocka_unit_test_setup(a_table_without_rows_says_so, english),
		cmocka_unit_test_setup(times_are_those_of_the_bench, english),
		cmocka_unit_test_setup(spans_grow_coarser, english),
		cmocka_unit_test(language_follows_the_environment_as_posix_orders_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
