/* The card: files and their access rules, PINs and their counters, keys, life cycle, its state as bytes. */
#include "schemas/errors.h"
#include "tests/unit/vtoken_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define USER_PIN "3132333435363738"
#define SO_PIN "3433323131323334"
#define WRONG_PIN "3030303030303030"
#define NEW_PIN "3939393939393939"
#define PUK "3837363534333231"
#define SELECT_KEY "00A4080C 04 50154B01"
#define SELECT_FILE "00A4080C 04 50154401"
#define PREPARE_SIGNATURE "002241B6 0A 800104 81024B01 840100"
#define SIGN "002A9E9A 20 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F 00"

static int
new_finished(void **state)
{
	*state = dialogue_finished_card();
	return 0;
}

static int
free_card(void **state)
{
	card_free((struct card **)state);
	return 0;
}

static void
unknown_applets_and_files_are_not_found(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00A40400 05 A000000308 00"), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00A40800 02 2F00 00"), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00A40800 04 50154402 00"), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00A40800 03 501544 00"), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00A40400 0C A000000063504B43532D3135 00"), 0x9000);
}

static void
commands_that_do_not_exist_are_refused_by_the_right_word(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "80CA0000 00"), 0x6E00);
	assert_int_equal(dialogue_sw(card, "00FE0000"), 0x6D00);
	assert_int_equal(dialogue_sw(card, "00440000 02 3F00"), 0x6A86);
	assert_int_equal(dialogue_sw(card, "00200000"), 0x6A86);
	assert_int_equal(dialogue_sw(card, "00CA0102 00"), 0x6986);
	assert_int_equal(dialogue_sw(card, "00CA7F68 00"), 0x6A88);
	assert_int_equal(dialogue_sw(card, "00A4"), 0x6700);
	assert_int_equal(dialogue_sw(card, "00B08000 00"), 0x6A86);
}

static void
an_update_needs_the_pin_its_file_names(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(card, "00B00000 10"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D60000 01 55"), 0x6982);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D60000 01 55"), 0x6982);
	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D60000 01 55"), 0x9000);
	assert_int_equal(dialogue_say(card, "00B00000 01")->bytes[0], 0x55);
}

static void
every_guarded_command_is_refused_without_a_pin(void **state)
{
	static const char *const commands[] = {
		"00E00000 19 6217 80020010 820101 83024402 8603000000 85020000 8A0100",
		"00460000",
		"00DA0187 20 0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20",
		"A0E40000",
		"00DA01E0 08 FFFF113FFF111FFF",
		"00DA0102 13 3132333435363738 3837363534333231 030A00",
	};
	struct card *card = *state;

	card_changed(card); /* making it changed it */
	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x9000);
	for (size_t n = 0; n < sizeof commands / sizeof commands[0]; n++)
		assert_int_equal(dialogue_sw(card, commands[n]), 0x6982);
	assert_int_equal(dialogue_sw(card, "00DA0101 13 3132333435363738 3837363534333231 030A00"), 0x6985);
	assert_int_equal(dialogue_sw(card, PREPARE_SIGNATURE), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x6982);
	assert_false(card_changed(card));
}

static void
a_wrong_pin_counts_down_blocks_and_is_unblocked_by_the_puk(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00200001"), 0x63C3);
	assert_int_equal(dialogue_sw(card, "00200001 08" WRONG_PIN), 0x63C2);
	assert_true(card_changed(card));
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001 08" WRONG_PIN), 0x63C2);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x63C2);
	assert_int_equal(dialogue_sw(card, "00240001 10" WRONG_PIN NEW_PIN), 0x63C1);
	assert_int_equal(dialogue_sw(card, "00200001 08" WRONG_PIN), 0x63C0);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x6983);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x6983);
	assert_int_equal(dialogue_sw(card, "002C0001 10" WRONG_PIN NEW_PIN), 0x63C9);
	assert_int_equal(dialogue_sw(card, "002C0001 10" PUK NEW_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x63C3);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x63C2);
	assert_int_equal(dialogue_sw(card, "00200001 08" NEW_PIN), 0x9000);
}

static void
a_puk_blocks_as_well(void **state)
{
	struct card *card = *state;

	for (unsigned left = 9; left > 0; left--)
		assert_int_equal(dialogue_sw(card, "002C0001 10" WRONG_PIN NEW_PIN), 0x63C0 + left);
	assert_int_equal(dialogue_sw(card, "002C0001 10" WRONG_PIN NEW_PIN), 0x63C0);
	assert_int_equal(dialogue_sw(card, "002C0001 10" PUK NEW_PIN), 0x6983);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
}

static void
a_changed_pin_replaces_the_old_one(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00240001 10" USER_PIN NEW_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x63C2);
	assert_int_equal(dialogue_sw(card, "00200001 08" NEW_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200002 08" NEW_PIN), 0x6A88);
	assert_int_equal(dialogue_sw(card, "00200001 04 31323334"), 0x6700);
}

static void
logging_out_and_reset_forget_what_was_verified(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "002E0003"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200003"), 0x63C3);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x9000);
	assert_int_equal(dialogue_sw(card, "002E0000"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x63C3);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	card_reset(card);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x63C3);
}

static void
reads_and_writes_stay_within_the_file(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00B00000 10"), 0x6986);
	assert_int_equal(dialogue_sw(card, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(card, "00B00000 11"), 0x6282);
	assert_int_equal(dialogue_say(card, "00B00008 00")->len, 8 + 2);
	assert_int_equal(dialogue_sw(card, "00B00010 01"), 0x6B00);
	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D6000F 01 AA"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D6000F 02 AAAA"), 0x6A84);
	assert_int_equal(dialogue_sw(card, "00D60010 01 AA"), 0x6B00);
	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x9000);
	assert_int_equal(dialogue_sw(card, "00B00000 10"), 0x6981);
}

static void
a_file_is_created_once_and_deleted_by_who_may(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 80020010 820101 83024401 8603010000 85020000 8A0100"), 0x6A89);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 80020000 820101 83024402 8603010000 85020000 8A0100"), 0x6A80);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 8102FFFF 820111 83024402 8603010000 85020000 8A0100"), 0x6A80);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 80020010 820101 83024402 860301F000 85020000 8A0100"), 0x9000);
	assert_int_equal(dialogue_sw(card, "A0E40000"), 0x6982); /* condition 15: never */
	assert_int_equal(dialogue_sw(card, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(card, "A0E40000"), 0x6982);
	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "A0E40000"), 0x9000);
	assert_int_equal(dialogue_sw(card, SELECT_FILE), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00A4080C 02 3F00"), 0x9000);
	assert_int_equal(dialogue_sw(card, "A0E40000"), 0x6985);
}

static void
the_card_is_full_when_its_memory_is(void **state)
{
	struct card *card = dialogue_card();
	char command[80];
	unsigned sw = 0x9000;
	int n;

	(void)state;
	for (n = 0; n < 40 && sw == 0x9000; n++) {
		assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
		snprintf(command, sizeof command, "00E00000 19 6217 80020FFF 820101 830250%02X 8603000000 85020000 8A0100", n);
		sw = dialogue_sw(card, command);
	}
	assert_int_equal(sw, 0x6A84);
	assert_int_equal(n, 17); /* sixteen times 4095 bytes fit into 64 KiB */
	card_free(&card);
}

static void
keys_take_memory_as_well_and_give_it_back(void **state)
{
	struct card *card = dialogue_card();
	struct card_summary summary;

	(void)state;
	card_limit(card, 1000);
	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020800 820111 83024B01 8603000000 85020000 8A0100"), 0x9000);
	card_summary(card, &summary);
	assert_int_equal(summary.bytes, 896); /* 256 bytes of modulus, five halves of it */
	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020209 820122 83024B02 8603000000 85020000 8A0100"), 0x6A84);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020100 820122 83024B02 8603000000 85020000 8A0100"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00A4080C 04 50154B01"), 0x9000);
	assert_int_equal(dialogue_sw(card, "A0E40000"), 0x9000);
	card_summary(card, &summary);
	assert_int_equal(summary.bytes, 96);
	card_free(&card);
}

/* What does not fit into less memory stays readable; erasing does not give the card more. */
static void
a_card_with_less_memory_than_it_holds_keeps_what_it_holds(void **state)
{
	struct card *card = *state, *copy;
	struct wire_out out = { 0 };

	assert_int_equal(card_put(card, &out), 0);
	assert_int_equal(card_get(&copy, out.bytes, out.len), 0);
	card_limit(copy, 20);
	assert_int_equal(dialogue_sw(copy, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(copy, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(copy, "00DA01E0 08 FFFF113FFF111FFF"), 0x9000);
	assert_int_equal(dialogue_sw(copy, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(copy, "00E00000 19 6217 80020015 820101 83024401 8603000000 85020000 8A0100"), 0x6A84);
	assert_int_equal(dialogue_sw(copy, "00E00000 19 6217 80020014 820101 83024401 8603000000 85020000 8A0100"), 0x9000);
	wire_clear(&out);
	card_free(&copy);
}

static void
a_summary_says_how_the_card_stands(void **state)
{
	struct card *card = *state, *blank = dialogue_card();
	struct card_summary summary;

	card_summary(blank, &summary);
	assert_false(summary.operational);
	assert_int_equal(summary.files, 2);
	assert_int_equal(summary.keys, 0);
	assert_false(summary.pins[1].exists);
	card_free(&blank);
	assert_int_equal(dialogue_sw(card, "00200001 08" WRONG_PIN), 0x63C2);
	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	card_summary(card, &summary);
	assert_true(summary.operational);
	assert_int_equal(summary.files, 4);
	assert_int_equal(summary.keys, 1);
	assert_int_equal(summary.verified, 1 << 3);
	assert_true(summary.pins[1].exists);
	assert_int_equal(summary.pins[1].tries, 2);
	assert_int_equal(summary.pins[1].puk_tries, 10);
	assert_false(summary.pins[2].exists);
}

static EVP_PKEY *
public_of(struct card *card)
{
	const struct card_reply *reply;
	EVP_PKEY *parameters = EVP_EC_gen("P-256");

	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x9000);
	reply = dialogue_say(card, "00CA0186 00");
	assert_int_equal(reply->len, 2 + 65 + 2);
	assert_int_equal(reply->bytes[0], 0x30);
	assert_int_equal(reply->bytes[1], 65);
	assert_int_equal(EVP_PKEY_set1_encoded_public_key(parameters, reply->bytes + 2, 65), 1);
	return parameters;
}

static void
a_signature_is_that_of_the_public_key(void **state)
{
	struct card *card = *state;
	EVP_PKEY *public = public_of(card);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);
	const struct card_reply *reply;
	uint8_t digest[32];

	for (size_t i = 0; i < sizeof digest; i++)
		digest[i] = (uint8_t)i;
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x6985); /* no environment yet */
	assert_int_equal(dialogue_sw(card, PREPARE_SIGNATURE), 0x9000);
	reply = dialogue_say(card, SIGN);
	assert_int_equal(EVP_PKEY_verify_init(context), 1);
	assert_int_equal(EVP_PKEY_verify(context, reply->bytes, reply->len - 2, digest, sizeof digest), 1);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(public);
}

static void
a_shared_secret_is_the_one_the_other_side_computes(void **state)
{
	struct card *card = *state;
	EVP_PKEY *public = public_of(card), *own = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
	const struct card_reply *reply;
	uint8_t *point, secret[32];
	char command[200] = "00860000 45 7C43 8541", *at = command + strlen(command);
	size_t len = sizeof secret, point_len = EVP_PKEY_get1_encoded_public_key(own, &point);

	for (size_t i = 0; i < point_len; i++)
		at += sprintf(at, "%02X", point[i]);
	memcpy(at, "20", sizeof "20");
	assert_int_equal(EVP_PKEY_derive_init(context), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(context, public), 1);
	assert_int_equal(EVP_PKEY_derive(context, secret, &len), 1);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "002241A4 0A 800104 81024B01 840100"), 0x9000);
	reply = dialogue_say(card, command);
	assert_int_equal(reply->len, sizeof secret + 2);
	assert_memory_equal(reply->bytes, secret, sizeof secret);
	OPENSSL_free(point);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(own);
	EVP_PKEY_free(public);
}

/* What OpenSC does for C_DeriveKey: a place for the secret first, to last for the session. */
static void
a_derived_secret_has_a_place_until_the_next_reset(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020100 820141 83024D01 86031111FF 85020009 8A0100"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020000 820141 83024D02 86031111FF 85020000 8A0100"), 0x6A80);
	assert_int_equal(dialogue_sw(card, "00A4080C 04 50154D01"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00B00000 10"), 0x6981);
	assert_int_equal(dialogue_sw(card, "00460000"), 0x6981);
	assert_int_equal(dialogue_sw(card, "002241B6 0A 800104 81024D01 840100"), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x6A88);
	card_reset(card);
	assert_int_equal(dialogue_sw(card, "00A4080C 04 50154D01"), 0x6A82);
	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x9000);
}

static void
a_long_answer_is_fetched_in_pieces(void **state)
{
	struct card *card = dialogue_card();

	(void)state;
	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020C00 820111 83024B01 8603000000 85020000 8A0100"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00460000 07 30058103010001"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00CA0101 00"), 0x6180); /* 384 bytes */
	assert_int_equal(dialogue_say(card, "00C00000 40")->len, 0x40 + 2);
	assert_int_equal(dialogue_sw(card, "00C00000 40"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00C00000 40"), 0x6985);
	card_free(&card);
}

static void
a_chain_is_one_command_and_must_not_change(void **state)
{
	struct card *card = *state;

	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(card, "10D60000 02 1122"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D60000 02 3344"), 0x9000);
	assert_memory_equal(dialogue_say(card, "00B00000 04")->bytes, "\x11\x22\x33\x44", 4);
	assert_int_equal(dialogue_sw(card, "10D60000 02 5566"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00D60004 02 7788"), 0x6883);
	assert_memory_equal(dialogue_say(card, "00B00000 04")->bytes, "\x11\x22\x33\x44", 4);
}

static void
a_key_that_asks_for_consent_signs_once_for_each_pin(void **state)
{
	struct card *card = dialogue_card();

	(void)state;
	assert_int_equal(dialogue_sw(card, "00DA0101 13" USER_PIN PUK "030A00"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00A4080C 02 5015"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00E00000 19 6217 81020100 820122 83024B01 86031111FF 85021000 8A0100"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00460000"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00440400 0C A000000063504B43532D3135"), 0x9000);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, PREPARE_SIGNATURE), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x6982);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, SIGN), 0x9000);
	card_free(&card);
}

static void
erasing_leaves_a_blank_card_of_the_same_serial_number(void **state)
{
	struct card *card = *state;
	uint32_t generations = card_generations(card);

	assert_int_equal(dialogue_sw(card, "00200003 08" SO_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, "00DA01E0 08 FFFF113FFF111FFF"), 0x9000);
	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x6A82);
	assert_int_equal(dialogue_sw(card, "00200001"), 0x6A88);
	assert_string_equal(card_serial(card), "00000000000000000001");
	assert_int_equal(card_generations(card), generations);
	assert_int_equal(dialogue_sw(card, "00DA0101 13" USER_PIN PUK "030A00"), 0x9000);
}

static void
its_state_comes_back_as_it_was(void **state)
{
	struct card *card = *state, *copy;
	struct wire_out first = { 0 }, second = { 0 };
	EVP_PKEY *before = public_of(card), *after;

	assert_int_equal(dialogue_sw(card, "00200001 08" WRONG_PIN), 0x63C2);
	assert_int_equal(card_put(card, &first), 0);
	assert_int_equal(card_get(&copy, first.bytes, first.len), 0);
	assert_int_equal(card_put(copy, &second), 0);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.bytes, second.bytes, first.len);
	after = public_of(copy);
	assert_int_equal(EVP_PKEY_eq(before, after), 1);
	assert_int_equal(dialogue_sw(copy, "00200001"), 0x63C2);
	assert_int_equal(dialogue_sw(copy, SELECT_FILE), 0x9000);
	assert_int_equal(dialogue_sw(copy, "00D60000 01 55"), 0x6982);
	EVP_PKEY_free(before);
	EVP_PKEY_free(after);
	card_free(&copy);
	wire_clear(&first);
	wire_clear(&second);
}

static void
a_state_that_is_cut_or_longer_is_refused(void **state)
{
	struct card *card = *state, *copy;
	struct wire_out out = { 0 };
	uint8_t *exact;

	assert_int_equal(card_put(card, &out), 0);
	for (size_t len = 0; len < out.len; len++) {
		exact = malloc(len ? len : 1);
		assert_non_null(exact);
		memcpy(exact, out.bytes, len);
		assert_int_equal(card_get(&copy, exact, len), MINT_SYNTAX);
		assert_null(copy);
		free(exact);
	}
	wire_put_u8(&out, 0);
	assert_int_equal(card_get(&copy, out.bytes, out.len), MINT_SYNTAX);
	wire_clear(&out);
}

static void
a_key_that_does_not_fit_its_file_is_not_taken(void **state)
{
	struct card *card = *state;
	struct card_reply *reply = malloc(sizeof *reply);
	struct card_order order;
	struct key *key;
	uint8_t command[] = { 0x00, 0x46, 0x00, 0x00 };

	assert_non_null(reply);
	assert_int_equal(dialogue_sw(card, "00200001 08" USER_PIN), 0x9000);
	assert_int_equal(dialogue_sw(card, SELECT_KEY), 0x9000);
	card_changed(card);
	assert_int_equal(card_command(card, command, sizeof command, reply, &order), CARD_GENERATE);
	assert_int_equal(order.type, KEY_EC);
	assert_int_equal(order.bits, 256);
	assert_int_equal(key_generate(&key, KEY_EC, 384), 0);
	card_generated(card, key, reply);
	assert_int_equal(reply->bytes[0], 0x6F);
	assert_false(card_changed(card));
	free(reply);
}

#define ON_FINISHED(test) cmocka_unit_test_setup_teardown(test, new_finished, free_card)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ON_FINISHED(unknown_applets_and_files_are_not_found),
		ON_FINISHED(commands_that_do_not_exist_are_refused_by_the_right_word),
		ON_FINISHED(an_update_needs_the_pin_its_file_names),
		ON_FINISHED(every_guarded_command_is_refused_without_a_pin),
		ON_FINISHED(a_wrong_pin_counts_down_blocks_and_is_unblocked_by_the_puk),
		ON_FINISHED(a_puk_blocks_as_well),
		ON_FINISHED(a_changed_pin_replaces_the_old_one),
		ON_FINISHED(logging_out_and_reset_forget_what_was_verified),
		ON_FINISHED(reads_and_writes_stay_within_the_file),
		ON_FINISHED(a_file_is_created_once_and_deleted_by_who_may),
		cmocka_unit_test(the_card_is_full_when_its_memory_is),
		cmocka_unit_test(keys_take_memory_as_well_and_give_it_back),
		ON_FINISHED(a_card_with_less_memory_than_it_holds_keeps_what_it_holds),
		ON_FINISHED(a_summary_says_how_the_card_stands),
		ON_FINISHED(a_signature_is_that_of_the_public_key),
		ON_FINISHED(a_shared_secret_is_the_one_the_other_side_computes),
		ON_FINISHED(a_derived_secret_has_a_place_until_the_next_reset),
		cmocka_unit_test(a_long_answer_is_fetched_in_pieces),
		ON_FINISHED(a_chain_is_one_command_and_must_not_change),
		cmocka_unit_test(a_key_that_asks_for_consent_signs_once_for_each_pin),
		ON_FINISHED(erasing_leaves_a_blank_card_of_the_same_serial_number),
		ON_FINISHED(its_state_comes_back_as_it_was),
		ON_FINISHED(a_state_that_is_cut_or_longer_is_refused),
		ON_FINISHED(a_key_that_does_not_fit_its_file_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
