#include "tests/unit/vtoken_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

size_t
dialogue_bytes(const char *text, uint8_t *bytes, size_t capacity)
{
	size_t len = 0;
	unsigned byte;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			return len;
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		assert_true(len < capacity);
		bytes[len++] = (uint8_t)byte;
		text += 2;
	}
}

const struct card_reply *
dialogue_say(struct card *card, const char *command)
{
	static struct card_reply reply;
	struct card_order order;
	uint8_t bytes[1024], *exact;
	size_t len = dialogue_bytes(command, bytes, sizeof bytes);
	struct key *key;

	exact = malloc(len); /* so that ASan sees a read beyond the command */
	assert_non_null(exact);
	for (size_t i = 0; i < len; i++)
		exact[i] = bytes[i];
	if (card_command(card, exact, len, &reply, &order) == CARD_GENERATE) {
		assert_int_equal(key_generate(&key, order.type, order.bits), 0);
		card_generated(card, key, &reply);
	}
	free(exact);
	assert_true(reply.len >= 2);
	return &reply;
}

unsigned
dialogue_sw(struct card *card, const char *command)
{
	const struct card_reply *reply = dialogue_say(card, command);

	return (unsigned)reply->bytes[reply->len - 2] << 8 | reply->bytes[reply->len - 1];
}

struct card *
dialogue_card(void)
{
	static const uint8_t serial[CARD_SERIAL_LEN] = { [CARD_SERIAL_LEN - 1] = 1 };
	struct card *card = card_new(serial);

	assert_non_null(card);
	return card;
}

struct card *
dialogue_finished_card(void)
{
	static const char *const commands[] = {
		"00DA0101 13 3132333435363738 3837363534333231 030A00",
		"00DA0103 13 3433323131323334 3837363534333231 030A00",
		"00A40800 02 5015",
		"00E00000 19 6217 80020010 820101 83024401 86 03 03 3F FF 85020000 8A0100",
		"00A40800 02 5015",
		"00E00000 19 6217 81020100 820122 83024B01 86 03 11 11 FF 85020000 8A0100",
		"00460000",
		"00440400 0C A000000063504B43532D3135",
	};
	struct card *card = dialogue_card();

	for (size_t n = 0; n < sizeof commands / sizeof commands[0]; n++)
		assert_int_equal(dialogue_sw(card, commands[n]), 0x9000);
	card_reset(card);
	return card;
}
