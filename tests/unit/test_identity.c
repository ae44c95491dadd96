/* Identity numbers against published examples, and against sums done by hand in the comments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hostd/base/date.h"
#include "hostd/base/identity.h"

static void
published_credit_codes_pass(void **state)
{
	/* GB 32100 examples and codes printed on licences of listed companies. */
	static const char *const good[] = { "91350100M000100Y43", "91110000101623741K", "911101066976941872" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(uscc_check(good[i]), USCC_OK);
}

/* By hand for 91350100M000100Y4?: values 9 1 3 5 0 1 0 0 21 0 0 0 1 0 0 30 4 (M is place 21, Y is place 30), weights
 * 1 3 9 27 19 26 16 17 20 29 25 13 8 24 10 30 28: 9+3+27+135+0+26+0+0+420+0+0+0+8+0+0+900+112 = 1640; 1640 mod 31 = 28;
 * 31 − 28 = 3. Its organisation code M000100Y?: values 22 0 0 0 1 0 0 34 by 3 7 9 10 5 8 4 2: 66+5+68 = 139;
 * 139 mod 11 = 7; 11 − 7 = 4. */
static void
check_characters_agree_with_sums_by_hand(void **state)
{
	(void)state;
	assert_int_equal(uscc_check_character("91350100M000100Y4"), '3');
	assert_int_equal(organisation_check_character("M000100Y"), '4');
	/* 10162374: 3+0+9+60+10+24+28+8 = 142; mod 11 = 10; 11 − 10 = 1. */
	assert_int_equal(organisation_check_character("10162374"), '1');
	/* 00000000: 0; 11 − 0 = 11 → 0. 00010000: 10; 11 − 10 = 1. 00002000: 10 → 1. 00010001: 12 mod 11 = 1 → 10 → X. */
	assert_int_equal(organisation_check_character("00000000"), '0');
	assert_int_equal(organisation_check_character("00010000"), '1');
	assert_int_equal(organisation_check_character("00010001"), 'X');
	/* 17 zeros: 0 → 31 → 0. */
	assert_int_equal(uscc_check_character("00000000000000000"), '0');
	/* 7+9+0+5+0+20+2+9+24+27+7+18+30+5+0+0+4 = 167; mod 11 = 2 → X. The standard prints both examples. */
	assert_int_equal(id_card_check_character("11010519491231002"), 'X');
	assert_int_equal(id_card_check_character("44052418800101001"), '4');
}

/* A real company trades under 91350211M0000XUF46. By hand: 9 1 3 5 0 2 1 1 21 0 0 0 0 29 27 15 4 (U is place 27, X 29): 9+3+27+135+0+52+16+17+420+0+0+0+0+696+270+450+112 = 2207;
 * 2207 mod 31 = 6; 31 − 6 = 25 → R, not 6. Organisation code M0000XUF: 66+264+120+30 = 480; mod 11 = 7 → 4: right. */
static void
wrong_check_characters_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(uscc_check("91350211M0000XUF46"), USCC_CHECK);
	assert_int_equal(uscc_check("91350211M0000XUF4R"), USCC_OK);
	/* Organisation digit 5 for 4 adds one times 28 to the sum 1640: 1668 mod 31 = 25; 31 − 25 = 6. */
	assert_int_equal(uscc_check("91350100M000100Y56"), USCC_ORGANISATION);
	assert_int_equal(uscc_check("91350100M000100Y53"), USCC_DIGITS);
	/* One wrong digit inside the organisation code breaks both. */
	assert_int_equal(uscc_check("91350100M000200Y43"), USCC_DIGITS);
	/* One wrong digit before it breaks only the last. */
	assert_int_equal(uscc_check("92350100M000100Y43"), USCC_CHECK);
}

static void
malformed_credit_codes_are_refused(void **state)
{
	(void)state;
	assert_int_equal(uscc_check(""), USCC_LENGTH);
	assert_int_equal(uscc_check("91350100M000100Y4"), USCC_LENGTH);
	assert_int_equal(uscc_check("91350100M000100Y433"), USCC_LENGTH);
	assert_int_equal(uscc_check("91350100I000100Y43"), USCC_CHARACTER);
	assert_int_equal(uscc_check("91350100m000100Y43"), USCC_CHARACTER);
	assert_int_equal(uscc_check("9135010AM000100Y43"), USCC_CHARACTER);
	assert_int_equal(uscc_check("91990100M000100Y43"), USCC_DIVISION);
}

static void
credit_code_and_division_are_compared(void **state)
{
	(void)state;
	assert_true(uscc_names_division("91350100M000100Y43", "350100"));
	assert_false(uscc_names_division("91350100M000100Y43", "350102"));
}

static int64_t
today(void)
{
	return date_day(2026, 3, 2);
}

static void
published_identity_numbers_pass(void **state)
{
	(void)state;
	/* GB 11643-1999, the standard's own examples. */
	assert_int_equal(id_card_check("11010519491231002X", today()), ID_CARD_OK);
	assert_int_equal(id_card_check("440524188001010014", today()), ID_CARD_OK);
}

static void
malformed_identity_numbers_are_refused(void **state)
{
	(void)state;
	assert_int_equal(id_card_check("11010519491231002", today()), ID_CARD_LENGTH);
	assert_int_equal(id_card_check("110105491231002", today()), ID_CARD_LENGTH); /* first generation, 15 digits */
	assert_int_equal(id_card_check("11010519491231002x", today()), ID_CARD_CHARACTER);
	assert_int_equal(id_card_check("1101051949123100X2", today()), ID_CARD_CHARACTER);
	assert_int_equal(id_card_check("11010517990301002X", today()), ID_CARD_DATE);
	assert_int_equal(id_card_check("11010519490229002X", today()), ID_CARD_DATE);
	assert_int_equal(id_card_check("11010519491331002X", today()), ID_CARD_DATE);
	assert_int_equal(id_card_check("110105194912310021", today()), ID_CARD_CHECK);
	/* Two digits exchanged. */
	assert_int_equal(id_card_check("11010519491213002X", today()), ID_CARD_CHECK);
}

/* 11010520260302001?: 1*7+1*9+0+1*5+0+5*4+2*2+0+2*6+6*3+0+3*9+0+2*5+0+0+1*2 = 7+9+5+20+4+12+18+27+10+2 = 114;
 * 114 mod 11 = 4 → 8. 11010520260303001?: the third of March adds 5: 119 mod 11 = 9 → 3. */
static void
nobody_is_born_tomorrow(void **state)
{
	(void)state;
	assert_int_equal(id_card_check("110105202603020018", today()), ID_CARD_OK);
	assert_int_equal(id_card_check("110105202603030013", today()), ID_CARD_DATE);
}

static void
phones_are_mobile_landline_or_neither(void **state)
{
	static const struct {
		const char *phone;
		enum phone_kind kind;
	} cases[] = {
		{ "13800138000", PHONE_MOBILE },       { "19912345678", PHONE_MOBILE },      { "12345678901", PHONE_INVALID },
		{ "1380013800", PHONE_INVALID },       { "138001380000", PHONE_INVALID },    { "1380013800a", PHONE_INVALID },
		{ "+8613800138000", PHONE_INVALID },   { "138 0013 8000", PHONE_INVALID },   { "", PHONE_INVALID },
		{ "010-62345678", PHONE_LANDLINE },    { "01062345678", PHONE_LANDLINE },    { "0755-2345678", PHONE_LANDLINE },
		{ "0755-23456789", PHONE_LANDLINE },   { "075523456789", PHONE_LANDLINE },   { "021-62345678-8001", PHONE_LANDLINE },
		{ "021-62345678-", PHONE_INVALID },    { "021-62345678-1234567", PHONE_INVALID }, { "021-623456", PHONE_INVALID },
		{ "021-623456789", PHONE_INVALID },    { "000-62345678", PHONE_INVALID },    { "0755-12345678", PHONE_INVALID },
		{ "0", PHONE_INVALID },                { "075", PHONE_INVALID },             { "62345678", PHONE_INVALID },
		{ "021-62345678-80a", PHONE_INVALID }, { "021--62345678", PHONE_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (phone_kind(cases[i].phone) != cases[i].kind)
			fail_msg("%s", cases[i].phone);
}

static void
email_addresses_are_checked_for_form(void **state)
{
	static const char *const good[] = { "a@b.cn", "zhang.san+ca@mail.example.com", "x_1@1a-b.example" };
	static const char *const bad[] = {
		"", "a", "@b.cn", "a@", "a@b", "a@b.", "a@.cn", "a..b@c.cn", ".a@c.cn", "a.@c.cn", "a b@c.cn", "a@-b.cn", "a@b-.cn",
		"张@b.cn", "a@b.cn ", "a@b@c.cn",
	};
	char local[80];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!email_valid(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (email_valid(bad[i]))
			fail_msg("%s", bad[i]);
	memset(local, 'a', sizeof local);
	memcpy(local + 64, "@b.cn", 6);
	assert_true(email_valid(local));
	memcpy(local + 65, "@b.cn", 6);
	local[64] = 'a';
	assert_false(email_valid(local));
}

static void
divisions_need_six_digits_and_a_province(void **state)
{
	(void)state;
	assert_int_equal(division_check("350102"), DIVISION_OK);
	assert_int_equal(division_check("35010"), DIVISION_FORM);
	assert_int_equal(division_check("35010x"), DIVISION_FORM);
	assert_int_equal(division_check("990100"), DIVISION_PROVINCE);
	assert_string_equal(division_province("650100"), "新疆维吾尔自治区");
	assert_null(division_province("3"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_credit_codes_pass),
		cmocka_unit_test(check_characters_agree_with_sums_by_hand),
		cmocka_unit_test(wrong_check_characters_are_told_apart),
		cmocka_unit_test(malformed_credit_codes_are_refused),
		cmocka_unit_test(credit_code_and_division_are_compared),
		cmocka_unit_test(published_identity_numbers_pass),
		cmocka_unit_test(malformed_identity_numbers_are_refused),
		cmocka_unit_test(nobody_is_born_tomorrow),
		cmocka_unit_test(phones_are_mobile_landline_or_neither),
		cmocka_unit_test(email_addresses_are_checked_for_form),
		cmocka_unit_test(divisions_need_six_digits_and_a_province),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
