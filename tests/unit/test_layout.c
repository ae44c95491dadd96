/* The reader of layouts: what it takes, and what it says about the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/label/fields.h"
#include "hostd/label/layout.h"
#include "schemas/errors.h"

/* The page of the least layout, lines 1 to 3; ten dots a millimetre, so that expected values are plain to see. */
static const char *const page[] = { "width_mm = 50", "height_mm = 40", "dpi = 254" };

/* The rest; %s is put at line 4. */
static const char least[] =
    "%s\n"
    "list \"l\" { box = {1, 1, 48, 10}  value = \"{serial}\" }\n"
    "code128 \"c\" { box = {1, 12, 48, 8}  value = \"{application}\" }\n";

static int
parse(const char *extra, struct layout **layout, char why[256])
{
	char text[2048];
	int length = 0;

	for (size_t i = 0; i < sizeof page / sizeof page[0]; i++) /* a key of the page that `extra` gives is left out */
		length += snprintf(text + length, sizeof text - (size_t)length, "%s\n",
		    strncmp(page[i], extra, strcspn(page[i], " ")) == 0 ? "" : page[i]);
	length += snprintf(text + length, sizeof text - (size_t)length, least, extra);
	return layout_parse(text, (size_t)length, layout, why, 256);
}

static void
lengths_become_whole_dots(void **state)
{
	struct layout *layout;
	char why[256];
	const struct item *item;

	(void)state;
	assert_int_equal(parse("text \"t\" { box = {1.04, 25.06, 10, 5}  value = \"{name}\"  size = 7.2  size_min = 5"
	                       "  weight = \"bold\"  align = \"right\"  lines = 3  when = \"waybill\" }", &layout, why), 0);
	assert_int_equal(layout->width, 500);
	assert_int_equal(layout->height, 400);
	item = &layout->items[0];
	assert_int_equal(item->kind, ITEM_TEXT);
	assert_int_equal(item->box.x, 10);
	assert_int_equal(item->box.y, 251);
	assert_int_equal(item->box.width, 100);
	assert_int_equal(item->box.height, 50);
	assert_int_equal(item->size_max, 25); /* 7.2 points are a tenth of an inch */
	assert_true(item->bold);
	assert_int_equal(item->align, ALIGN_END);
	assert_int_equal(item->lines, 3);
	assert_int_equal(item->when, FIELD_waybill);
	assert_int_equal(item->unless, -1);
	assert_string_equal(item->font, "Noto Sans CJK SC");
	layout_free(&layout);
	assert_null(layout);
}

static void
layouts_of_the_house_are_sound(void **state)
{
	static const char *const paths[] = { "data/labels/parcel.conf", "data/labels/collection.conf", "data/labels/packing-list.conf" };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct layout *layout;
		assert_int_equal(layout_load(paths[i], &layout), 0);
		assert_non_null(layout_list(layout));
		layout_free(&layout);
	}
}

/* What is written at line 4, and what is said about it. */
static const struct {
	const char *extra, *says;
} wrong[] = {
	{ "colour = 3", "line 4: no such option 'colour': compare with docs/labels.md" },
	{ "# two\n/* comment\nlines */\ncolour = 3", "line 7: no such option 'colour': compare with docs/labels.md" },
	{ "dpi = fine", "line 4: invalid integer value for option 'dpi': compare with docs/labels.md" },
	{ "font = a\"\"b", "line 4: a name, a value or a brace is not where one is expected: write `name = value` or `name { … }`" },
	{ "dpi = 5", "line 4: dpi is out of range: write what the printer has, such as 203 or 300" },
	{ "width_mm = nan", "line 4: the page is too small or too large: write width_mm 20 to 300, height_mm 20 to 400" },
	{ "height_mm = 1e9", "line 4: the page is too small or too large: write width_mm 20 to 300, height_mm 20 to 400" },
	{ "text \"t\" { value = \"x\" }",
	  "line 4: text \"t\": box needs four numbers: write box = {left, top, width, height} in mm" },
	{ "text \"t\" { box = {1, 25, -3, 5}  value = \"x\" }",
	  "line 4: text \"t\": box has a number below 0 or above 1000: give mm from the top left corner" },
	{ "text \"t\" { box = {45, 25, 10, 5}  value = \"x\" }",
	  "line 4: text \"t\": box leaves the page: keep left + width and top + height inside" },
	{ "text \"t\" { box = {1, 25, 0.01, 5}  value = \"x\" }", "line 4: text \"t\": box is smaller than one dot: make it wider or higher" },
	{ "text \"t\" { box = {1, 25, 9, 5} }", "line 4: text \"t\": value is missing: write value = \"…\"" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"{phon}\" }",
	  "line 4: text \"t\": value names no field at \"{phon}\": take one of the list in docs/labels.md" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  when = \"rain\" }",
	  "line 4: text \"t\": when names no field: take one of the list in docs/labels.md" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  align = \"centre\" }",
	  "line 4: text \"t\": align is unknown: write left, middle or right" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  weight = \"heavy\" }",
	  "line 4: text \"t\": weight is unknown: write regular, bold" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  size = 3 }", "line 4: text \"t\": size is out of range: write 4 to 144" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  lines = 0 }", "line 4: text \"t\": lines is out of range: write 1 to 20" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  leading = 0.5 }", "line 4: text \"t\": leading is out of range: write 1 to 3" },
	{ "text \"t\" { box = {1, 25, 9, 5}  value = \"x\"  columns = 2 }",
	  "line 4: no such option 'columns': compare with docs/labels.md" },
	{ "qr \"q\" { box = {1, 25, 9, 9}  value = \"x\"  module = 2  module_min = 3 }",
	  "line 4: qr \"q\": module_min is above module: make it smaller" },
	{ "frame \"f\" { box = {1, 25, 9, 9}  thickness = 99 }", "line 4: frame \"f\": thickness is out of range: write 0.1 to 10" },
	{ "text \"t\" { box = {40, 19, 5, 5}  value = \"x\" }",
	  "line 6: code128 \"c\": overlaps text \"t\", so scanners may not read it: move one of the two" },
	{ "frame \"f\" { box = {10, 11, 10, 20} }",
	  "line 6: code128 \"c\": overlaps frame \"f\", so scanners may not read it: move one of the two" },
	{ "list \"m\" { box = {1, 25, 9, 5}  value = \"x\" }", "2 lists: write one list without when and unless, for the tokens" },
	{ "fill \"f\" { // four\n box = {1, 25, 9, # five\n  5}\n when = \"rain\" }",
	  "line 7: fill \"f\": when names no field: take one of the list in docs/labels.md" },
	{ "font = \"a\"\nfont = \"b\"", "line 5: font: has a value already at line 4: take one of the two away" },
	{ "font = \"a", "line 4: a quote is not closed: write \" where the text ends, on the same line" },
	{ "font = \"${HOME}\"",
	  "line 4: holds ${…}, and the environment configures nothing here: write the value itself, or '${' in single quotes" },
	{ "fill \"f\" { box = {1, 25, 9, 5} }\n}", "line 5: a brace closes what was not opened: take it away" },
};

static void
what_is_wrong_is_said_with_line_and_remedy(void **state)
{
	struct layout *layout;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(parse(wrong[i].extra, &layout, why), MINT_CONFIG);
		assert_null(layout);
		assert_string_equal(why, wrong[i].says);
	}
}

static void
title_used_twice_is_refused(void **state)
{
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(parse("fill \"f\" { box = {1, 25, 9, 5} }\nfill \"f\" { box = {1, 32, 9, 5} }", &layout, why), MINT_CONFIG);
	assert_memory_equal(why, "line 5: ", 8);
}

static void
unfinished_section_is_refused(void **state)
{
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(parse("fill \"f\" { box = {1, 25, 9,", &layout, why), MINT_CONFIG);
	assert_memory_equal(why, "line 4: a brace is not closed", 29);
	assert_int_equal(parse("fill \"f\" {\n box = {1, 25, 9, 5}", &layout, why), MINT_CONFIG);
	assert_memory_equal(why, "line 4: fill: a brace is not closed", 35);
}

static void
frame_around_a_symbol_is_welcome(void **state)
{
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(parse("frame \"f\" { box = {0, 11, 50, 10}  thickness = 0.3 }", &layout, why), 0);
	layout_free(&layout);
}

static void
things_that_never_meet_may_share_a_place(void **state)
{
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(parse("qr \"q\" { box = {1, 25, 9, 9}  value = \"x\"  when = \"waybill\" }\n"
	                       "text \"t\" { box = {1, 25, 9, 9}  value = \"x\"  unless = \"waybill\" }", &layout, why), 0);
	layout_free(&layout);
}

static void
layout_without_the_application_number_is_refused(void **state)
{
	static const char text[] = "width_mm = 50\nheight_mm = 40\nlist \"l\" { box = {1, 1, 48, 10}  value = \"{serial}\" }\n";
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(layout_parse(text, strlen(text), &layout, why, sizeof why), MINT_CONFIG);
	assert_string_equal(why, "the application number is missing: write a code128 with value = \"{application}\"");
}

static void
nul_byte_and_large_file_are_refused(void **state)
{
	static char large[70000];
	struct layout *layout;
	char why[256];

	(void)state;
	assert_int_equal(layout_parse("dpi = 203\n\0\n", 12, &layout, why, sizeof why), MINT_CONFIG);
	assert_non_null(strstr(why, "NUL byte"));
	memset(large, '\n', sizeof large);
	assert_int_equal(layout_parse(large, sizeof large, &layout, why, sizeof why), MINT_CONFIG);
	assert_non_null(strstr(why, "64 KiB"));
}

static void
missing_file_is_not_found(void **state)
{
	struct layout *layout;

	(void)state;
	assert_int_equal(layout_load("data/labels/none.conf", &layout), MINT_NOT_FOUND);
	assert_null(layout);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_become_whole_dots),
		cmocka_unit_test(layouts_of_the_house_are_sound),
		cmocka_unit_test(what_is_wrong_is_said_with_line_and_remedy),
		cmocka_unit_test(title_used_twice_is_refused),
		cmocka_unit_test(unfinished_section_is_refused),
		cmocka_unit_test(frame_around_a_symbol_is_welcome),
		cmocka_unit_test(things_that_never_meet_may_share_a_place),
		cmocka_unit_test(layout_without_the_application_number_is_refused),
		cmocka_unit_test(nul_byte_and_large_file_are_refused),
		cmocka_unit_test(missing_file_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
