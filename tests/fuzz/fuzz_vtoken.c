/* The card against any commands: the input is a sequence of APDUs, each behind a length of two bytes (big-endian); a
 * length of zero resets the card. Starts from a card in use, so that files, PINs and keys are there to be reached.
 *
 * Made to be fast, so that ten million runs are a matter of minutes: a key that the card asks for comes from a few made
 * at the start, and the RSA keys are short enough that a signature costs no more than an ECDSA one. */
#include "tools/vtoken/card.h"

#include <stdlib.h>
#include <string.h>

static struct wire_out finished;

/* One key of each size that is worth having here, as bytes; the others are refused as if no key could be made. */
static struct made {
	enum key_type type;
	unsigned bits;
	struct key *key;
	const uint8_t *der; /* borrowed from the key */
	size_t len;
} made[] = {
	{ .type = KEY_EC, .bits = 192 },  { .type = KEY_EC, .bits = 256 },   { .type = KEY_EC, .bits = 384 },
	{ .type = KEY_EC, .bits = 521 },  { .type = KEY_RSA, .bits = 512 },  { .type = KEY_RSA, .bits = 1024 },
	{ .type = KEY_RSA, .bits = 3072 },
};
#define MADE (sizeof made / sizeof made[0])

static void
make_keys(void)
{
	for (size_t n = 0; n < MADE; n++)
		if (key_generate(&made[n].key, made[n].type, made[n].bits) ||
		    key_to_der(made[n].key, &made[n].der, &made[n].len))
			abort();
}

static struct key *
made_key(const struct card_order *order)
{
	struct key *key = NULL;

	for (size_t n = 0; n < MADE; n++)
		if (made[n].type == order->type && made[n].bits == order->bits)
			key_from_stored(&key, made[n].type, made[n].bits, made[n].der, made[n].len);
	return key;
}

static void
say(struct card *card, const uint8_t *command, size_t len, struct card_reply *reply)
{
	struct card_order order;
	uint8_t *exact = malloc(len);

	memcpy(exact, command, len); /* so that a read beyond the command is seen */
	if (card_command(card, exact, len, reply, &order) == CARD_GENERATE)
		card_generated(card, made_key(&order), reply);
	free(exact);
	if (reply->len < 2 || reply->len > sizeof reply->bytes)
		abort();
}

/* PIN 1 "12345678", PIN 3 "43211234", a plain file 4401, an EC key 4B01, an RSA key 4B02 of 512 bits, and an RSA key
 * 4B03 of 3072 bits whose modulus needs GET RESPONSE. */
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
		{ 30, "\x00\xE0\x00\x00\x19\x62\x17\x81\x02\x02\x00\x82\x01\x11\x83\x02\x4B\x02\x86\x03\x11\x11\xFF"
		      "\x85\x02\x00\x00\x8A\x01\x00" },
		{ 12, "\x00\x46\x00\x00\x07\x30\x05\x81\x03\x01\x00\x01" },
		{ 30, "\x00\xE0\x00\x00\x19\x62\x17\x81\x02\x0C\x00\x82\x01\x11\x83\x02\x4B\x03\x86\x03\xF1\x11\xFF"
		      "\x85\x02\x00\x00\x8A\x01\x00" },
		{ 12, "\x00\x46\x00\x00\x07\x30\x05\x81\x03\x01\x00\x01" },
		{ 17, "\x00\x44\x04\x00\x0C\xA0\x00\x00\x00\x63PKCS-15" },
	};
	struct card *card = card_new(serial);

	for (size_t n = 0; n < sizeof commands / sizeof commands[0]; n++) {
		say(card, (const uint8_t *)commands[n].bytes, commands[n].len, reply);
		if (reply->bytes[reply->len - 2] != 0x90)
			abort();
	}
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

	if (!finished.len) {
		make_keys();
		make_finished(&reply);
	}
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
