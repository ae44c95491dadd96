/* UTF-8, what must not stand in names, cutting and masking, and finding a place in JSON text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/base/json_place.h"
#include "hostd/base/text.h"

static uint32_t
first(const char *text)
{
	return text_next(&text, text + strlen(text));
}

static void
well_formed_characters_are_decoded(void **state)
{
	(void)state;
	assert_int_equal(first("A"), 'A');
	assert_int_equal(first("é"), 0xe9);
	assert_int_equal(first("䶮"), 0x4dae); /* Unicode code charts, CJK extension A */
	assert_int_equal(first("㛃"), 0x36c3);
	assert_int_equal(first("𠮷"), 0x20bb7);
}

static void
malformed_utf8_is_invalid_and_moves_by_one_byte(void **state)
{
	/* RFC 3629, sections 3 and 10. */
	static const char *const bad[] = {
		"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xe4\xb8", "\xe4", "\xe4\x41\x41", "\xf0\x9f\x92",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *at = bad[i];

		assert_true(text_next(&at, bad[i] + strlen(bad[i])) == TEXT_INVALID);
		assert_ptr_equal(at, bad[i] + 1);
	}
}

static void
length_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(text_length(""), 0);
	assert_int_equal(text_length("a䶮𠮷"), 3);
}

static void
faults_of_names_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		enum text_fault fault;
		uint32_t character;
	} cases[] = {
		{ "张䶮", TEXT_OK, 0 },
		{ "买买提江·阿不都热西提", TEXT_OK, 0 },
		{ "A B", TEXT_OK, 0 },
		{ "", TEXT_BLANK, 0 },
		{ " 　", TEXT_BLANK, 0 },
		{ " 张", TEXT_EDGE, 0 },
		{ "张　", TEXT_EDGE, 0 },
		{ "张\t三", TEXT_CONTROL, 9 },
		{ "张\x7f", TEXT_CONTROL, 0x7f },
		{ "张\xc2\x85", TEXT_CONTROL, 0x85 },
		{ "张\u200b三", TEXT_CONTROL, 0x200b },
		{ "张\u202e三", TEXT_CONTROL, 0x202e }, /* turns what follows around */
		{ "\ufeff张", TEXT_CONTROL, 0xfeff },
		{ "张\ufffd", TEXT_LOST, 0xfffd },
		{ "张\ue863", TEXT_PRIVATE_USE, 0xe863 }, /* where GBK fonts keep 䶮 */
		{ "张\U000f0000", TEXT_PRIVATE_USE, 0xf0000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint32_t character;

		assert_int_equal(text_check(cases[i].text, &character), cases[i].fault);
		assert_int_equal(character, cases[i].character);
	}
}

static void
copies_are_cut_between_characters(void **state)
{
	char copy[10];

	(void)state;
	text_copy(copy, sizeof copy, "张三", 6);
	assert_string_equal(copy, "张三");
	text_copy(copy, sizeof copy, "张三李", 9);
	assert_string_equal(copy, "张三李");
	text_copy(copy, sizeof copy, "张三李四", 12);
	assert_string_equal(copy, "张三…");
	text_copy(copy, sizeof copy, "a\nb\xff", 4);
	assert_string_equal(copy, "a?b?");
	text_copy(copy, 4, "abcd", 4);
	assert_string_equal(copy, "…");
}

static void
masks_show_one_character(void **state)
{
	char mask[8];

	(void)state;
	text_mask(mask, sizeof mask, "䶮三");
	assert_string_equal(mask, "䶮***");
	text_mask(mask, sizeof mask, "𠮷");
	assert_string_equal(mask, "𠮷***");
	text_mask(mask, sizeof mask, "");
	assert_string_equal(mask, "***");
}

/* The place of the mark ^ (taken out of the text). */
static void
assert_place(const char *marked, const char *expected)
{
	char text[256], path[96];
	size_t offset = strcspn(marked, "^");

	snprintf(text, sizeof text, "%.*s%s", (int)offset, marked, marked + offset + 1);
	json_place(text, strlen(text), offset, path, sizeof path);
	assert_string_equal(path, expected);
}

static void
places_in_json_are_named(void **state)
{
	(void)state;
	assert_place("^{\"a\":1}", "");
	assert_place("{\"a\":^1}", "a");
	assert_place("{\"a\":1,^\"b\":2}", "");
	assert_place("{\"a\":1,\"b^\":2}", "b");
	assert_place("{\"a\":1,\"b\":{\"c\":[1,{\"d\":^", "b.c[1].d");
	assert_place("{\"a\":{\"x\":1},\"b\":^2}", "b");
	assert_place("{\"a\\\"{\":[1,2,^3]}", "a\\\"{[2]");
	assert_place("{\"a\":\"}{,[^", "a");
	assert_place("]]}}^", "");
	assert_place("[[[[[[[[[[[[[[[[^", "[0][0][0][0][0][0][0][0][0][0]");
}

static void
pattern_fits_the_whole_text_or_not_at_all(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool        fits;
	} rows[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true }, { "*", "abc", true }, { "?", "", false }, { "a?c", "abc", true },
		{ "a?c", "abbc", false }, { "FT ePass2003*", "FT ePass2003Auto 00 00", true }, { "*00 01", "Bench 00 00 00", false },
		{ "*00 01", "Bench 00 01 00 01", true }, { "a*b*c", "aXbYbZc", true }, { "a*b*c", "aXbYbZ", false }, { "[ab]", "a", false },
		{ "[ab]", "[ab]", true }, { "a*", "ba", false }, { "***a", "a", true }, { "*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (text_fits(rows[i].pattern, rows[i].text) != rows[i].fits)
			fail_msg("\"%s\" and \"%s\"", rows[i].pattern, rows[i].text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_characters_are_decoded),
		cmocka_unit_test(malformed_utf8_is_invalid_and_moves_by_one_byte),
		cmocka_unit_test(length_counts_characters),
		cmocka_unit_test(faults_of_names_are_told_apart),
		cmocka_unit_test(copies_are_cut_between_characters),
		cmocka_unit_test(masks_show_one_character),
		cmocka_unit_test(places_in_json_are_named),
		cmocka_unit_test(pattern_fits_the_whole_text_or_not_at_all),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
