/* Messages: what is put is got, and nothing else is. */
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t packet[MESSAGE_MAX_BYTES];

static int
put_bay(const char *reader, const uint8_t *atr, uint32_t atr_bytes)
{
	struct message message = { .type = MESSAGE_bay };

	message.bay = (struct message_bay){
		.bay = 7, .presence = PRESENCE_TOKEN, .reader = reader, .atr = { atr, atr_bytes },
	};
	return message_put(&message, packet, sizeof packet);
}

static void
wire_form_is_little_endian_with_lengths(void **state)
{
	static const uint8_t expected[] = {
		20, 0,                                      /* number of `bay` */
		7, 0, 0, 0, PRESENCE_TOKEN,
		3, 0, 0, 0, 0xe4, 0xbd, 0x8d,               /* U+4F4D in UTF-8 */
		2, 0, 0, 0, 0x3b, 0xf5,
		0, 0, 0, 0,                                 /* no label */
		0, 0, 0, 0,                                 /* no port */
	};
	static const uint8_t atr[] = { 0x3b, 0xf5 };
	int length = put_bay("\u4f4d", atr, sizeof atr);

	(void)state;
	assert_int_equal(length, sizeof expected);
	assert_memory_equal(packet, expected, sizeof expected);
}

static void
decoded_message_equals_what_was_put(void **state)
{
	static const uint8_t atr[] = { 0x3b, 0x00, 0xff };
	struct message message;
	int length = put_bay("Bench 00 00 01", atr, sizeof atr);

	(void)state;
	assert_int_equal(message_get(&message, packet, (size_t)length), 0);
	assert_int_equal(message.type, MESSAGE_bay);
	assert_int_equal(message.bay.bay, 7);
	assert_string_equal(message.bay.reader, "Bench 00 00 01");
	assert_int_equal(message.bay.atr.length, sizeof atr);
	assert_memory_equal(message.bay.atr.data, atr, sizeof atr);
	message_clear(&message);
}

static void
every_shortened_packet_is_refused(void **state)
{
	struct message message;
	int length = put_bay("reader", (const uint8_t *)"\x3b", 1);

	(void)state;
	for (int i = 0; i < length; i++)
		assert_int_equal(message_get(&message, packet, (size_t)i), MINT_PROTOCOL);
}

static void
bytes_left_over_are_refused(void **state)
{
	struct message message;
	int length = put_bay("reader", NULL, 0);

	(void)state;
	packet[length] = 0;
	assert_int_equal(message_get(&message, packet, (size_t)length + 1), MINT_PROTOCOL);
}

static void
field_over_its_limit_is_refused_on_both_sides(void **state)
{
	static uint8_t atr[34];
	struct message message;
	int length;

	(void)state;
	assert_int_equal(put_bay("reader", atr, 34), MINT_PROTOCOL);
	length = put_bay("", atr, 33);
	assert_true(length > 0);
	packet[length - 4 - 4 - 33 - 4] = 34;
	assert_int_equal(message_get(&message, packet, (size_t)length), MINT_PROTOCOL);
}

static void
text_that_is_not_utf8_is_refused(void **state)
{
	/* Overlong, surrogate, beyond U+10FFFF, lone continuation, cut short (RFC 3629). */
	static const char *const bad[] = { "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xe4\xbd" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(put_bay(bad[i], NULL, 0), MINT_PROTOCOL);
}

static void
nul_inside_a_text_is_refused(void **state)
{
	struct message message;
	int length = put_bay("ab", NULL, 0);

	(void)state;
	packet[12] = 0;
	assert_int_equal(message_get(&message, packet, (size_t)length), MINT_PROTOCOL);
}

static void
unknown_number_is_refused(void **state)
{
	static const uint8_t unknown[] = { 0xff, 0xff };
	struct message message;

	(void)state;
	assert_int_equal(message_get(&message, unknown, sizeof unknown), MINT_PROTOCOL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_form_is_little_endian_with_lengths),
		cmocka_unit_test(decoded_message_equals_what_was_put),
		cmocka_unit_test(every_shortened_packet_is_refused),
		cmocka_unit_test(bytes_left_over_are_refused),
		cmocka_unit_test(field_over_its_limit_is_refused_on_both_sides),
		cmocka_unit_test(text_that_is_not_utf8_is_refused),
		cmocka_unit_test(nul_inside_a_text_is_refused),
		cmocka_unit_test(unknown_number_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
