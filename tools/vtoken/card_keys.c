/* Security environment, signing, deciphering, key agreement, and getting keys onto the card. */
#include "tools/vtoken/card_internal.h"

#include "schemas/errors.h"

#include <openssl/crypto.h>

#include <string.h>

/* How far the recorded change counter moves with a generation. */
#define CHANGES_OF_EC_GENERATION 3
#define CHANGES_OF_RSA_GENERATION 11

/* Padding indicator of a cryptogram: whole, or its halves in two commands (MyEID before 4.5 knew no chaining). */
enum { INDICATOR_WHOLE = 0x00, INDICATOR_FIRST = 0x81, INDICATOR_SECOND = 0x82 };

/* P1 41: for computing and deciphering. Tag 80 algorithm, 81 key file, 84 key reference (only 00 exists). */
uint16_t
card_do_environment(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	const uint8_t *value;
	size_t len;

	(void)reply;
	if (apdu->p1 != 0x41 ||
	    (apdu->p2 != PURPOSE_SIGN && apdu->p2 != PURPOSE_DECIPHER && apdu->p2 != PURPOSE_DERIVE))
		return SW_P1_P2;
	card->environment.purpose = PURPOSE_NONE;
	card->environment.fid = 0;
	card->half.len = 0;
	value = tlv_find(apdu->data, apdu->data_len, 0x80, &len);
	if (!value || len != 1)
		return SW_DATA;
	card->environment.algorithm = *value;
	value = tlv_find(apdu->data, apdu->data_len, 0x81, &len);
	if (value && len == 2)
		card->environment.fid = (uint16_t)(value[0] << 8 | value[1]);
	value = tlv_find(apdu->data, apdu->data_len, 0x84, &len);
	if (value && (len != 1 || *value != 0))
		return SW_NO_REFERENCE;
	card->environment.purpose = (enum card_purpose)apdu->p2;
	return SW_OK;
}

/* The key that the environment names, when it may be used now. Spends the consent a key asks for. */
static struct key *
key_to_use(struct card *card, enum card_purpose purpose, uint16_t *sw)
{
	struct file *file = card->ef;
	unsigned consent;

	*sw = SW_CONDITIONS;
	if (card->environment.purpose != purpose)
		return NULL;
	if (card->environment.fid)
		file = files_find(card->files, card->df, card->environment.fid);
	*sw = SW_NO_REFERENCE;
	if (!file || !file_is_key(file) || !file->key)
		return NULL;
	*sw = SW_SECURITY;
	if (!card_allows(card, file, RIGHT_USE))
		return NULL;
	consent = file->property[0] >> 4;
	if (card->life == CARD_OPERATIONAL && consent) {
		if (!(card->fresh & 1u << consent))
			return NULL;
		card->fresh &= (uint16_t)~(1u << consent);
	}
	return file->key;
}

static uint16_t
say_result(struct card *card, const struct apdu *apdu, struct card_reply *reply, uint8_t out[KEY_DATA_MAX], int len)
{
	uint16_t sw = SW_DATA;

	if (len >= 0)
		sw = card_say_long(card, apdu, reply, out, (size_t)len);
	OPENSSL_cleanse(out, KEY_DATA_MAX);
	return sw;
}

uint16_t
card_do_sign(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t out[KEY_DATA_MAX];
	uint16_t sw;
	struct key *key = key_to_use(card, PURPOSE_SIGN, &sw);

	if (!key)
		return sw;
	return say_result(card, apdu, reply, out,
			  key_sign(key, card->environment.algorithm, apdu->data, apdu->data_len, out));
}

/* Puts the two halves of a cryptogram together; SW_OK with *complete false after the first. */
static uint16_t
gather(struct card *card, const struct apdu *apdu, bool *complete)
{
	const uint8_t *part = apdu->data + 1;
	size_t len = apdu->data_len - 1;

	*complete = apdu->data[0] != INDICATOR_FIRST;
	if (apdu->data[0] != INDICATOR_SECOND)
		card->half.len = 0;
	else if (card->half.len == 0)
		return SW_CONDITIONS;
	if (apdu->data[0] != INDICATOR_WHOLE && apdu->data[0] != INDICATOR_FIRST && apdu->data[0] != INDICATOR_SECOND)
		return SW_DATA;
	if (card->half.len + len > sizeof card->half.bytes)
		return SW_LENGTH;
	memcpy(card->half.bytes + card->half.len, part, len);
	card->half.len += len;
	return SW_OK;
}

uint16_t
card_do_decipher(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t out[KEY_DATA_MAX];
	struct key *key;
	bool complete;
	size_t len;
	uint16_t sw;

	if (card->environment.purpose != PURPOSE_DECIPHER)
		return SW_CONDITIONS;
	sw = gather(card, apdu, &complete);
	if (sw != SW_OK || !complete)
		return sw;
	len = card->half.len;
	card->half.len = 0;
	key = key_to_use(card, PURPOSE_DECIPHER, &sw);
	if (!key)
		return sw;
	return say_result(card, apdu, reply, out,
			  key_decipher(key, card->environment.algorithm, card->half.bytes, len, out));
}

/* GENERAL AUTHENTICATE with the other side's point: 7C { 85 point }. */
uint16_t
card_do_derive(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint8_t out[KEY_DATA_MAX];
	const uint8_t *outer, *point;
	size_t outer_len, point_len;
	struct key *key;
	uint16_t sw;

	outer = tlv_find(apdu->data, apdu->data_len, 0x7C, &outer_len);
	point = outer ? tlv_find(outer, outer_len, 0x85, &point_len) : NULL;
	if (!point)
		return SW_DATA;
	key = key_to_use(card, PURPOSE_DERIVE, &sw);
	if (!key)
		return sw;
	return say_result(card, apdu, reply, out, key_derive(key, point, point_len, out));
}

/* SW_OK when the selected file is a key file open for `right`. */
static uint16_t
check_key_file(const struct card *card, enum file_right right)
{
	if (!card->ef)
		return SW_NO_FILE;
	if (!file_is_key(card->ef))
		return SW_FILE_STRUCTURE;
	return card_allows(card, card->ef, right) ? SW_OK : SW_SECURITY;
}

static enum key_type
type_of(const struct file *file)
{
	return file->type == FILE_RSA ? KEY_RSA : KEY_EC;
}

/* RSA may carry { 81 exponent }, of which only 65537 is offered. The key itself is the caller's to make: it may take
 * a minute on the cards this one imitates. */
uint16_t
card_do_generate(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	static const uint8_t parameters[] = { 0x30, 0x05, 0x81, 0x03, 0x01, 0x00, 0x01 };
	uint16_t sw = check_key_file(card, RIGHT_GENERATE);

	(void)reply;
	if (sw != SW_OK)
		return sw;
	if (apdu->data_len && (apdu->data_len != sizeof parameters || memcmp(apdu->data, parameters, sizeof parameters)))
		return SW_DATA;
	card->generating = card->ef;
	card->order.type = type_of(card->ef);
	card->order.bits = card->ef->size;
	return SW_OK;
}

void
card_generated(struct card *card, struct key *key, struct card_reply *reply)
{
	struct file *file = card->generating;

	card->generating = NULL;
	if (!file || !key || key_type(key) != type_of(file) || key_bits(key) != file->size) {
		key_free(&key);
		card_refuse(reply, SW_INTERNAL);
		return;
	}
	key_free(&file->key);
	file->key = key;
	card->generations++;
	card_note_change(card, file->type == FILE_EC ? CHANGES_OF_EC_GENERATION : CHANGES_OF_RSA_GENERATION);
	card_refuse(reply, SW_OK);
}

/* PUT DATA, P2 the part. The parts wait off the file until they make a key: a half-written key is never stored. */
uint16_t
card_do_put_part(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	uint16_t sw = check_key_file(card, RIGHT_UPDATE);
	struct key *key;
	enum key_type type;

	(void)reply;
	if (sw != SW_OK)
		return sw;
	type = type_of(card->ef);
	if (!card->parts)
		card->parts = key_parts_new();
	if (!card->parts)
		return SW_INTERNAL;
	if (key_parts_add(card->parts, apdu->p2, apdu->data, apdu->data_len))
		return SW_DATA;
	if (!key_parts_complete(card->parts, type))
		return SW_OK;
	if (key_parts_join(card->parts, type, card->ef->size, &key)) {
		key_parts_free(&card->parts);
		return SW_DATA;
	}
	key_parts_free(&card->parts);
	key_free(&card->ef->key);
	card->ef->key = key;
	card_note_change(card, 1);
	return SW_OK;
}
