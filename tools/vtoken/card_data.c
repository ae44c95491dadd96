/* GET DATA about the card and its keys, initialising (erasing) the applet, GET CHALLENGE, GET RESPONSE. */
#include "tools/vtoken/card_internal.h"

#include "schemas/errors.h"

#include <openssl/rand.h>

#include <string.h>

#define CHALLENGE_MAX 256

/* Says at most what the command wants. */
static uint16_t
say_wanted(const struct apdu *apdu, struct card_reply *reply, const void *bytes, size_t len)
{
	card_say(reply, bytes, apdu->le < len ? apdu->le : len);
	return SW_OK;
}

/* Name, version 4.5.2, serial number, change counter. */
uint16_t
card_do_info(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t info[20] = { 'M', 'y', 'E', 'I', 'D', 4, 5, 2 };

	memcpy(info + 8, card->serial, CARD_SERIAL_LEN);
	info[18] = (uint8_t)(card->changes >> 8);
	info[19] = (uint8_t)card->changes;
	return say_wanted(apdu, reply, info, sizeof info);
}

/* Version, features (RSA 01, EC 08), longest RSA, DES, AES and EC keys in bits, big-endian. */
uint16_t
card_do_capabilities(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	static const uint8_t capabilities[] = { 0x01, 0x00, 0x09, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x09 };

	(void)card;
	return say_wanted(apdu, reply, capabilities, sizeof capabilities);
}

/* Identifiers of all files in the selected DF. */
uint16_t
card_do_list(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t list[2 * FILES_MAX];
	size_t len = 0;
	struct file *file = NULL;

	while ((file = files_next(card->files, card->df, file))) {
		list[len++] = (uint8_t)(file->fid >> 8);
		list[len++] = (uint8_t)file->fid;
	}
	return say_wanted(apdu, reply, list, len);
}

uint16_t
card_do_unknown_data(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	(void)card;
	(void)apdu;
	(void)reply;
	return SW_NO_REFERENCE;
}

/* The key of the selected file; NULL with a reason when there is none. */
static struct key *
selected_key(const struct card *card, uint16_t *sw)
{
	*sw = !card->ef ? SW_NO_FILE : !file_is_key(card->ef) ? SW_FILE_STRUCTURE : SW_NO_REFERENCE;
	return card->ef && file_is_key(card->ef) ? card->ef->key : NULL;
}

static uint16_t
say_public(struct card *card, const struct apdu *apdu, struct card_reply *reply,
	   int (*read)(struct key *, uint8_t *))
{
	uint8_t bytes[KEY_DATA_MAX];
	uint16_t sw;
	struct key *key = selected_key(card, &sw);
	int len;

	if (!key)
		return sw;
	len = read(key, bytes);
	return len < 0 ? SW_NO_REFERENCE : card_say_long(card, apdu, reply, bytes, (size_t)len);
}

uint16_t
card_do_modulus(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	return say_public(card, apdu, reply, key_modulus);
}

uint16_t
card_do_exponent(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	return say_public(card, apdu, reply, key_exponent);
}

/* The recorded card wraps the point into an object of tag 30. */
static int
wrapped_point(struct key *key, uint8_t *out)
{
	uint8_t point[KEY_DATA_MAX];
	int len = key_point(key, point), at = 0;

	if (len < 0)
		return len;
	out[at++] = 0x30;
	if (len >= 0x80)
		out[at++] = 0x81;
	out[at++] = (uint8_t)len;
	memcpy(out + at, point, (size_t)len);
	return at + len;
}

uint16_t
card_do_point(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	return say_public(card, apdu, reply, wrapped_point);
}

/* PUT DATA 01 E0, INITIALISE APPLET: two bytes of size, access bytes of MF and application DF. Everything goes. */
uint16_t
card_do_initialise(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	(void)reply;
	if (!card_allows(card, files_master(card->files), RIGHT_DELETE))
		return SW_SECURITY;
	if (card_blank(card, apdu->data + 2, apdu->data + 5))
		return SW_INTERNAL;
	card_note_change(card, 1);
	return SW_OK;
}

uint16_t
card_do_challenge(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t random[CHALLENGE_MAX];

	(void)card;
	if (apdu->le == 0 || apdu->le > CHALLENGE_MAX)
		return SW_LENGTH;
	if (RAND_bytes(random, (int)apdu->le) != 1)
		return SW_INTERNAL;
	card_say(reply, random, apdu->le);
	return SW_OK;
}

/* The rest of an answer that was too long for the command before (ISO/IEC 7816-4:2020, 11.7.1). */
uint16_t
card_do_response(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	size_t left = card->rest.len - card->rest.sent, now = apdu->le < left ? apdu->le : left;

	if (left == 0)
		return SW_CONDITIONS;
	card_say(reply, card->rest.bytes + card->rest.sent, now);
	card->rest.sent += now;
	left -= now;
	if (left == 0) {
		card->rest.len = card->rest.sent = 0;
		return SW_OK;
	}
	return (uint16_t)(SW_MORE | (left < 256 ? left : 0));
}
