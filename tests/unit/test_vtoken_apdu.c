/* Command APDUs and BER-TLV, against ISO/IEC 7816-3:2006, 12.1.3 and ISO/IEC 7816-4:2020, 6.3. */
#include "schemas/errors.h"
#include "tools/vtoken/apdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Bytes in a block of exactly their length, so that a read beyond them is seen by ASan. */
static int
parse(struct apdu *apdu, const char *bytes, size_t len)
{
	static uint8_t *kept;

	free(kept);
	kept = malloc(len ? len : 1);
	assert_non_null(kept);
	memcpy(kept, bytes, len);
	return apdu_parse(apdu, kept, len);
}
#define PARSE(apdu, literal) parse(apdu, literal, sizeof(literal) - 1)

static void
the_four_short_cases_are_told_apart(void **state)
{
	struct apdu apdu;

	(void)state;
	assert_int_equal(PARSE(&apdu, "\x00\x46\x01\x02"), 0);
	assert_int_equal(apdu.ins, 0x46);
	assert_int_equal(apdu.p1, 1);
	assert_int_equal(apdu.p2, 2);
	assert_int_equal(apdu.data_len, 0);
	assert_int_equal(apdu.le, 0);
	assert_int_equal(PARSE(&apdu, "\x00\xB0\x00\x00\x80"), 0);
	assert_int_equal(apdu.le, 0x80);
	assert_int_equal(PARSE(&apdu, "\x00\xB0\x00\x00\x00"), 0);
	assert_int_equal(apdu.le, 256);
	assert_int_equal(PARSE(&apdu, "\x00\x20\x00\x01\x02PQ"), 0);
	assert_int_equal(apdu.data_len, 2);
	assert_memory_equal(apdu.data, "PQ", 2);
	assert_int_equal(apdu.le, 0);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00\x00\x02\x3F\x00\x00"), 0);
	assert_int_equal(apdu.data_len, 2);
	assert_int_equal(apdu.le, 256);
}

static void
extended_lengths_are_read(void **state)
{
	struct apdu apdu;
	char large[7 + 300 + 2] = { 0x00, (char)0xD6, 0, 0, 0, 0x01, 0x2C };

	(void)state;
	assert_int_equal(PARSE(&apdu, "\x00\xB0\x00\x00\x00\x01\x00"), 0);
	assert_int_equal(apdu.le, 256);
	assert_int_equal(PARSE(&apdu, "\x00\xB0\x00\x00\x00\x00\x00"), 0);
	assert_int_equal(apdu.le, 65536);
	assert_int_equal(parse(&apdu, large, 7 + 300), 0);
	assert_int_equal(apdu.data_len, 300);
	assert_int_equal(apdu.le, 0);
	assert_int_equal(parse(&apdu, large, 7 + 300 + 2), 0);
	assert_int_equal(apdu.data_len, 300);
	assert_int_equal(apdu.le, 65536);
}

static void
lengths_that_do_not_fit_are_refused(void **state)
{
	struct apdu apdu;

	(void)state;
	assert_int_equal(PARSE(&apdu, ""), MINT_PROTOCOL);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00"), MINT_PROTOCOL);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00\x00\x02\x3F"), MINT_PROTOCOL);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00\x00\x01\x3F\x00\x00"), MINT_PROTOCOL);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00\x00\x00\x00\x02\x3F"), MINT_PROTOCOL);
	assert_int_equal(PARSE(&apdu, "\x00\xA4\x00\x00\x00\x00\x00\x3F"), MINT_PROTOCOL);
}

static void
objects_are_found_behind_padding_and_long_lengths(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0x80, 0x01, 0x02, 0x00, 0x85, 0x81, 0x02, 0xAA, 0xBB, 0x84, 0x00 };
	const uint8_t *value;
	size_t len;

	(void)state;
	value = tlv_find(bytes, sizeof bytes, 0x85, &len);
	assert_ptr_equal(value, bytes + 8);
	assert_int_equal(len, 2);
	assert_non_null(tlv_find(bytes, sizeof bytes, 0x84, &len));
	assert_int_equal(len, 0);
	assert_null(tlv_find(bytes, sizeof bytes, 0x83, &len));
}

static void
an_object_that_is_cut_off_is_refused(void **state)
{
	static const uint8_t cut[][4] = { { 0x80, 0x03, 1, 2 }, { 0x80, 0x82, 0x01, 0 }, { 0x80, 0x83, 0, 0 } };
	const uint8_t *at, *value;
	uint8_t tag;
	size_t len;

	(void)state;
	for (size_t n = 0; n < sizeof cut / sizeof cut[0]; n++) {
		at = cut[n];
		assert_int_equal(tlv_next(&at, cut[n] + 4, &tag, &value, &len), MINT_PROTOCOL);
		assert_null(tlv_find(cut[n], 4, 0x80, &len));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_four_short_cases_are_told_apart),
		cmocka_unit_test(extended_lengths_are_read),
		cmocka_unit_test(lengths_that_do_not_fit_are_refused),
		cmocka_unit_test(objects_are_found_behind_padding_and_long_lengths),
		cmocka_unit_test(an_object_that_is_cut_off_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
