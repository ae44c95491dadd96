/* The card against any commands: the input is a sequence of APDUs, each behind a length of two bytes (big-endian); a
 * length of zero resets the card. Starts from a card in use, so that files, PINs and a key are there to be reached. */
#include "tools/vtoken/card.h"

#include <stdlib.h>
#include <string.h>

static struct wire_out finished;

static void
say(struct card *card, const uint8_t *command, size_t len, struct card_reply *reply)
{
	struct card_order order;
	struct key *key = NULL;
	uint8_t *exact = malloc(len);

	memcpy(exact, command, len); /* so that a read beyond the command is seen */
	if (card_command(card, exact, len, reply, &order) == CARD_GENERATE) {
		/* RSA would take too long to be worth it here */
		if (order.type == KEY_EC && key_generate(&key, order.type, order.bits))
			abort();
		card_generated(card, key, reply);
	}
	free(exact);
	if (reply->len < 2 || reply->len > sizeof reply->bytes)
		abort();
}

/* PIN 1 "12345678", PIN 3 "43211234", an EC key and a plain file. */
static void
make_finished(struct card_reply *reply)
{
	static const uint8_t serial[CARD_SERIAL_LEN] = { 1 };
	static const struct { size_t len; const char *bytes; } commands[] = {
		{ 24, "\x00\xDA\x01\x01\x13" "12345678" "87654321" "\x03\x0A\x00" },
		{ 24, "\x00\xDA\x01\x03\x13" "43211234" "87654321" "\x03\x0A\x00" },
		{ 7, "\x00\xA4\x08\x0C\x02\x50\x15" },
		{ 30, "\x00\xE0\x00\x00\x19\x62\x17\x80\x02\x00\x40\x82\x01\x01\x83\x02\x44\x01\x86\x03\x01\x3F\xFF"
		      "\x85\x02\x00\x00\x8A\x01\x00" },
		{ 30, "\x00\xE0\x00\x00\x19\x62\x17\x81\x02\x01\x00\x82\x01\x22\x83\x02\x4B\x01\x86\x03\x11\x11\xFF"
		      "\x85\x02\x00\x00\x8A\x01\x00" },
		{ 4, "\x00\x46\x00\x00" },
		{ 17, "\x00\x44\x04\x00\x0C\xA0\x00\x00\x00\x63PKCS-15" },
	};
	struct card *card = card_new(serial);

	for (size_t n = 0; n < sizeof commands / sizeof commands[0]; n++)
		say(card, (const uint8_t *)commands[n].bytes, commands[n].len, reply);
	if (card_put(card, &finished))
		abort();
	card_free(&card);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct card_reply reply;
	struct wire_out after = { 0 };
	struct card *card, *copy;
	size_t len;

	if (!finished.len)
		make_finished(&reply);
	if (card_get(&card, finished.bytes, finished.len))
		abort();
	for (; size >= 2; data += len, size -= len) {
		len = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (len)
			say(card, data, len, &reply);
		else
			card_reset(card);
	}
	/* Whatever was done to it, its state can be stored and read back. */
	if (card_put(card, &after) || card_get(&copy, after.bytes, after.len))
		abort();
	wire_clear(&after);
	card_free(&copy);
	card_free(&card);
	return 0;
}
