/* Labels as they come out: barcodes by zbarimg, PNG by libpng, ZPL by a reader of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/label/fields.h"
#include "hostd/label/png.h"
#include "hostd/label/raster.h"
#include "hostd/label/zpl.h"
#include "schemas/errors.h"
#include "tests/unit/label_fixture.h"

static struct renderer *renderer;
static char *directory;

static int
open_renderer(void **state)
{
	(void)state;
	directory = fixture_directory();
	return renderer_open("data/labels", &renderer);
}

static int
close_renderer(void **state)
{
	(void)state;
	renderer_free(&renderer);
	fixture_remove(directory);
	return 0;
}

static struct pages
render(const struct label *label)
{
	struct pages pages;
	char why[256];

	if (render_label(renderer, label, &pages, why, sizeof why) < 0)
		fail_msg("%s", why);
	return pages;
}

static int
render_error(const struct label *label, char *why, size_t why_size)
{
	struct pages pages;
	int result = render_label(renderer, label, &pages, why, why_size);

	assert_int_equal(pages.count, 0);
	return result;
}

/* Writes the page as PNG; the path is valid until the next call. */
static const char *
write_png(const struct raster *page)
{
	static char path[256];
	uint8_t *png;
	size_t length;
	FILE *file;

	snprintf(path, sizeof path, "%s/page.png", directory);
	assert_int_equal(png_make(page, &png, &length), 0);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(png, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	free(png);
	return path;
}

static void
assert_scanned(const struct raster *page, const char *line)
{
	char *text = fixture_scan(write_png(page)), wanted[256];

	snprintf(wanted, sizeof wanted, "%s\n", line);
	if (!strstr(text, wanted))
		fail_msg("\"%s\" is not among: %s", line, text);
	free(text);
}

static bool
same_raster(const struct raster *a, const struct raster *b)
{
	return a->width == b->width && a->height == b->height &&
	    memcmp(a->bits, b->bits, a->stride * (size_t)a->height) == 0;
}

static void
page_has_the_size_of_the_paper(void **state)
{
	struct label label = fixture_label(1);
	struct pages pages = render(&label);

	(void)state;
	assert_int_equal(pages.count, 1);
	assert_int_equal(pages.page[0]->width, 799);  /* 100 mm at 203 dots an inch */
	assert_int_equal(pages.page[0]->height, 1199); /* 150 mm: 1198.8 */
	pages_free(&pages);
}

static void
scanner_reads_application_number_and_qr(void **state)
{
	static const char *const numbers[] = {
		"MB20261123-000042", "1", "202611230000000000000001", "ABCDEFGHIJKLMNOPQRSTUVWXYZ-01", "a_b.c-D",
	};
	struct label label = fixture_label(3);

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char line[128];
		label.application = numbers[i];
		label.kind = i % 2 ? LABEL_COLLECTION : LABEL_SHIPPING;
		struct pages pages = render(&label);
		snprintf(line, sizeof line, "CODE-128:%s", numbers[i]);
		assert_scanned(pages.page[0], line);
		snprintf(line, sizeof line, "QR-Code:MB1 %s 3", numbers[i]);
		assert_scanned(pages.page[0], line);
		pages_free(&pages);
	}
}

static void
waybill_is_printed_only_when_the_courier_gave_one(void **state)
{
	struct label label = fixture_label(1);
	struct pages pages = render(&label);
	char *text = fixture_scan(write_png(pages.page[0]));

	(void)state;
	assert_null(strstr(text, "SF"));
	free(text);
	pages_free(&pages);
	label.waybill = "SF1234567890123";
	label.routing = "591-A12-03";
	pages = render(&label);
	assert_scanned(pages.page[0], "CODE-128:SF1234567890123");
	assert_scanned(pages.page[0], "CODE-128:MB20261123-000042");
	pages_free(&pages);
}

static void
png_and_zpl_show_the_same_dots(void **state)
{
	struct label label = fixture_label(7);
	struct pages pages = render(&label);
	struct picture png = fixture_read_png(write_png(pages.page[0])), zpl;
	size_t length, ink = 0;
	char *text;

	(void)state;
	assert_int_equal(zpl_make(pages.page[0], &text, &length), 0);
	assert_int_equal(strlen(text), length);
	assert_non_null(strstr(text, "^PW799^LL1199^"));
	assert_string_equal(text + length - 4, "^XZ\n");
	zpl = fixture_read_zpl(text, length, 799, NULL);
	assert_true(fixture_same(&png, &zpl));
	for (int i = 0; i < png.width * png.height; i++)
		ink += png.dot[i];
	assert_in_range(ink, 50000, 300000); /* neither blank nor black */
	free(text);
	free(png.dot);
	free(zpl.dot);
	pages_free(&pages);
}

/* CRC-16/XMODEM, check value of the catalogue of parametrised CRC algorithms. */
static void
zpl_crc_has_its_check_value(void **state)
{
	(void)state;
	assert_int_equal(zpl_crc16((const uint8_t *)"123456789", 9), 0x31C3);
}

static void
png_says_its_resolution(void **state)
{
	struct raster *page = raster_new(9, 2, 203);
	/* pHYs: 203 dots an inch are 7992 a metre, both ways, unit metre (ISO/IEC 15948, 11.3.5.3). */
	static const uint8_t chunk[] = { 0, 0, 0, 9, 'p', 'H', 'Y', 's', 0, 0, 0x1F, 0x38, 0, 0, 0x1F, 0x38, 1 };
	uint8_t *png;
	size_t length;

	(void)state;
	assert_non_null(page);
	assert_int_equal(png_make(page, &png, &length), 0);
	assert_non_null(memmem(png, length, chunk, sizeof chunk));
	free(png);
	raster_free(&page);
}

static void
same_label_gives_same_dots(void **state)
{
	struct label label = fixture_label(20), other = fixture_label(20);
	struct pages first = render(&label), between, second;

	(void)state;
	other.name = "王\u4DAE";
	between = render(&other);
	second = render(&label);
	assert_true(same_raster(first.page[0], second.page[0]));
	assert_false(same_raster(first.page[0], between.page[0]));
	pages_free(&first);
	pages_free(&between);
	pages_free(&second);
}

static void
what_is_masked_leaves_no_trace_on_the_page(void **state)
{
	struct label a = fixture_label(1), b = fixture_label(1);
	struct pages first, second;

	(void)state;
	a.name = "欧阳娜娜", b.name = "欧冶子娜";
	a.phone = "13800138000", b.phone = "13812345600";
	a.address = "南京市中山路12号3栋501室", b.address = "南京市中山路12号3栋8室";
	first = render(&a);
	second = render(&b);
	assert_true(same_raster(first.page[0], second.page[0]));
	pages_free(&first);
	pages_free(&second);
}

static void
rare_characters_have_glyphs(void **state)
{
	static const char *const names[] = { "\u4DAE王", "\u36C3王", "\U0002B361王" }; /* 䶮 㛃 𫍡 */
	struct label label = fixture_label(1);

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		label.name = names[i];
		struct pages pages = render(&label);
		pages_free(&pages);
	}
}

static void
character_without_glyph_is_named_by_field_and_code_point(void **state)
{
	struct label label = fixture_label(1);
	char why[256];

	(void)state;
	label.name = "\U0001F9FF伟"; /* no Chinese font has a picture character of plane 1 */
	assert_int_equal(render_error(&label, why, sizeof why), MINT_LABEL_GLYPH);
	assert_string_equal(why, "name: no font has U+1F9FF");
	label = fixture_label(1);
	label.address = "某市\U000F0123路1号"; /* private use */
	assert_int_equal(render_error(&label, why, sizeof why), MINT_LABEL_GLYPH);
	assert_string_equal(why, "address: no font has U+F0123");
}

static void
text_that_does_not_fit_is_refused_without_quoting_it(void **state)
{
	struct label label = fixture_label(1);
	char address[LABEL_TEXT_MAX + 1] = "", why[256];

	(void)state;
	while (strlen(address) + 3 <= 900)
		strcat(address, "路");
	label.address = address;
	assert_int_equal(render_error(&label, why, sizeof why), MINT_LABEL_TOO_LONG);
	assert_string_equal(why, "address: does not fit at the smallest size");
	label = fixture_label(1);
	label.application = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUV"; /* no room for its bars at two dots a module */
	assert_int_equal(render_error(&label, why, sizeof why), MINT_LABEL_TOO_LONG);
	assert_string_equal(why, "application: does not fit at the smallest size");
}

static void
bad_fields_are_named(void **state)
{
	static const char *const empty_serial[] = { "" };
	struct label label;
	char why[256];

	(void)state;
#define ASSERT_REFUSED(member, value, field) \
	label = fixture_label(1); \
	label.member = value; \
	assert_int_equal(render_error(&label, why, sizeof why), MINT_FIELD); \
	assert_memory_equal(why, field ": ", sizeof field + 1)
	ASSERT_REFUSED(application, "", "application");
	ASSERT_REFUSED(application, "../x", "application");
	ASSERT_REFUSED(application, ".x", "application");
	ASSERT_REFUSED(application, "申请", "application");
	ASSERT_REFUSED(name, "", "name");
	ASSERT_REFUSED(name, "\xff\xfe", "name");
	ASSERT_REFUSED(name, "王\n伟", "name");
	ASSERT_REFUSED(name, "\u202E王伟", "name"); /* would turn the writing direction */
	ASSERT_REFUSED(phone, "", "phone");
	ASSERT_REFUSED(address, "", "address");
	ASSERT_REFUSED(serials, empty_serial, "tokens");
	ASSERT_REFUSED(serial_count, 0, "tokens");
#undef ASSERT_REFUSED
}

static void
twenty_tokens_fit_on_one_page(void **state)
{
	struct label label = fixture_label(20);

	(void)state;
	for (int kind = LABEL_SHIPPING; kind <= LABEL_COLLECTION; kind++) {
		label.kind = (enum label_kind)kind;
		struct pages pages = render(&label);
		assert_int_equal(pages.count, 1);
		pages_free(&pages);
	}
}

static void
more_tokens_go_on_on_packing_lists(void **state)
{
	struct label label = fixture_label(100);
	struct pages pages = render(&label);

	(void)state;
	assert_int_equal(pages.count, 3); /* 20, and 54 on each further page */
	for (size_t i = 0; i < pages.count; i++)
		assert_scanned(pages.page[i], "CODE-128:MB20261123-000042");
	pages_free(&pages);
}

static void
reprint_carries_its_mark(void **state)
{
	struct label first = fixture_label(1), again = fixture_label(1);
	struct pages pages = render(&first), copies;

	(void)state;
	again.copy = 1;
	copies = render(&again);
	assert_false(same_raster(pages.page[0], copies.page[0]));
	pages_free(&pages);
	pages_free(&copies);
}

static void
print_time_is_that_of_china(void **state)
{
	struct label label = fixture_label(1);
	struct fields fields;

	(void)state;
	label.printed_at = INT64_C(1767196800000000); /* 2025-12-31T16:00:00Z */
	assert_int_equal(fields_make(&label, &fields), 0);
	assert_string_equal(fields.value[FIELD_printed], "2026-01-01 00:00");
	fields_clear(&fields);
}

static void
template_puts_values_in_and_keeps_braces(void **state)
{
	struct label label = fixture_label(3);
	struct fields fields;
	enum field only;
	char *text;

	(void)state;
	assert_int_equal(fields_make(&label, &fields), 0);
	text = template_expand("{{{tokens}} of {application}{waybill}", &fields, &only);
	assert_string_equal(text, "{3} of MB20261123-000042");
	assert_int_equal(only, FIELD_COUNT);
	free(text);
	text = template_expand("共 {tokens} 支", &fields, &only);
	assert_string_equal(text, "共 3 支");
	assert_int_equal(only, FIELD_tokens);
	free(text);
	assert_null(template_check("{name} {{ }"));
	assert_string_equal(template_check("a {nam} b"), "{nam} b");
	assert_string_equal(template_check("a {name"), "{name");
	fields_clear(&fields);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_has_the_size_of_the_paper),
		cmocka_unit_test(scanner_reads_application_number_and_qr),
		cmocka_unit_test(waybill_is_printed_only_when_the_courier_gave_one),
		cmocka_unit_test(png_and_zpl_show_the_same_dots),
		cmocka_unit_test(zpl_crc_has_its_check_value),
		cmocka_unit_test(png_says_its_resolution),
		cmocka_unit_test(same_label_gives_same_dots),
		cmocka_unit_test(what_is_masked_leaves_no_trace_on_the_page),
		cmocka_unit_test(rare_characters_have_glyphs),
		cmocka_unit_test(character_without_glyph_is_named_by_field_and_code_point),
		cmocka_unit_test(text_that_does_not_fit_is_refused_without_quoting_it),
		cmocka_unit_test(bad_fields_are_named),
		cmocka_unit_test(twenty_tokens_fit_on_one_page),
		cmocka_unit_test(more_tokens_go_on_on_packing_lists),
		cmocka_unit_test(reprint_carries_its_mark),
		cmocka_unit_test(print_time_is_that_of_china),
		cmocka_unit_test(template_puts_values_in_and_keeps_braces),
	};

	return cmocka_run_group_tests(tests, open_renderer, close_renderer);
}
