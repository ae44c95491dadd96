/* SELECT, READ and UPDATE BINARY, CREATE and DELETE FILE, ACTIVATE APPLET. */
#include "tools/vtoken/card_internal.h"

#include "schemas/errors.h"

#include <string.h>

#define DF_FREE_BYTES 0x7FFF /* what the recorded card says of every DF */

static uint16_t
be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

void
card_select(struct card *card, struct file *file)
{
	key_parts_free(&card->parts);
	if (file->type == FILE_DF) {
		card->df = file;
		card->ef = NULL;
	} else {
		card->df = file->parent;
		card->ef = file;
	}
}

/* File control information (ISO/IEC 7816-4:2020, 7.4), objects in the recorded order. */
static void
say_control_information(const struct card *card, const struct file *file, struct card_reply *reply)
{
	bool is_df = file->type == FILE_DF;
	uint16_t size = is_df ? DF_FREE_BYTES : file->size;
	const uint8_t head[] = {
		0x6F, (uint8_t)(23 + (file->aid_len ? 2 + file->aid_len : 0)),
		file->type == FILE_PLAIN ? 0x80 : 0x81, 0x02, (uint8_t)(size >> 8), (uint8_t)size,
		0x82, 0x01, file->type,
		0x83, 0x02, (uint8_t)(file->fid >> 8), (uint8_t)file->fid,
		0x86, 0x03, file->access[0], file->access[1], file->access[2],
		0x85, 0x02, file->property[0], file->property[1],
		0x8A, 0x01, (uint8_t)card->life,
	};
	const uint8_t name[] = { 0x84, file->aid_len };

	card_say(reply, head, sizeof head);
	if (file->aid_len) {
		card_say(reply, name, sizeof name);
		card_say(reply, file->aid, file->aid_len);
	}
}

/* Follows a path of file identifiers; one of the master file in front is skipped. */
static struct file *
walk(const struct card *card, struct file *from, const uint8_t *path, size_t len)
{
	if (len % 2 || len == 0)
		return NULL;
	if (be16(path) == FID_MASTER) {
		from = files_master(card->files);
		path += 2;
		len -= 2;
	}
	for (; len && from; path += 2, len -= 2)
		from = files_find(card->files, from, be16(path));
	return from;
}

static struct file *
by_identifier(const struct card *card, const struct apdu *apdu)
{
	if (apdu->data_len == 0)
		return files_master(card->files);
	return apdu->data_len == 2 ? walk(card, card->df, apdu->data, 2) : NULL;
}

static struct file *
by_name(const struct card *card, const struct apdu *apdu)
{
	return files_find_aid(card->files, apdu->data, apdu->data_len);
}

static struct file *
by_path(const struct card *card, const struct apdu *apdu)
{
	return walk(card, files_master(card->files), apdu->data, apdu->data_len);
}

static struct file *
by_path_from_here(const struct card *card, const struct apdu *apdu)
{
	return walk(card, card->df, apdu->data, apdu->data_len);
}

/* SELECT: P1 says how, P2 whether control information is wanted (ISO/IEC 7816-4:2020, 11.2.2). */
uint16_t
card_do_select(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	static const struct { uint8_t p1; struct file *(*find)(const struct card *, const struct apdu *); } ways[] = {
		{ 0x00, by_identifier }, { 0x04, by_name }, { 0x08, by_path }, { 0x09, by_path_from_here },
	};
	struct file *file;

	if (apdu->p2 != 0x00 && apdu->p2 != 0x0C)
		return SW_P1_P2;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		if (ways[i].p1 != apdu->p1)
			continue;
		file = ways[i].find(card, apdu);
		if (!file)
			return SW_NOT_FOUND;
		card_select(card, file);
		if (apdu->p2 == 0x00)
			say_control_information(card, file, reply);
		return SW_OK;
	}
	return SW_P1_P2;
}

/* SW_OK when the selected file holds bytes, is open for `right`, and `offset` lies in it. */
static uint16_t
check_plain(const struct card *card, enum file_right right, size_t offset)
{
	if (!card->ef)
		return SW_NO_FILE;
	if (card->ef->type != FILE_PLAIN)
		return SW_FILE_STRUCTURE;
	if (!card_allows(card, card->ef, right))
		return SW_SECURITY;
	return offset < card->ef->size ? SW_OK : SW_OFFSET;
}

uint16_t
card_do_read(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	size_t offset = (size_t)apdu->p1 << 8 | apdu->p2, left;
	uint16_t sw = check_plain(card, RIGHT_READ, offset);

	if (sw != SW_OK)
		return sw;
	left = card->ef->size - offset;
	card_say(reply, card->ef->data + offset, apdu->le < left ? apdu->le : left);
	return apdu->le > left ? SW_END_OF_FILE : SW_OK;
}

uint16_t
card_do_update(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	size_t offset = (size_t)apdu->p1 << 8 | apdu->p2;
	uint16_t sw = check_plain(card, RIGHT_UPDATE, offset);

	(void)reply;
	if (sw != SW_OK)
		return sw;
	if (apdu->data_len > card->ef->size - offset)
		return SW_FULL;
	memcpy(card->ef->data + offset, apdu->data, apdu->data_len);
	card_note_change(card, 1);
	return SW_OK;
}

/* Copies an object of at most `capacity` bytes, exactly that many when `exact`. */
static bool
take_object(const uint8_t *bytes, size_t bytes_len, uint8_t tag, uint8_t *out, size_t *len, size_t least, size_t most)
{
	const uint8_t *value = tlv_find(bytes, bytes_len, tag, len);

	if (!value || *len < least || *len > most)
		return false;
	memcpy(out, value, *len);
	return true;
}

/* Reads the file control parameters of CREATE FILE (template 62). */
static bool
parse_template(const struct apdu *apdu, struct file *wanted)
{
	uint8_t number[2];
	const uint8_t *body;
	size_t body_len, len;

	*wanted = (struct file){ 0 };
	body = tlv_find(apdu->data, apdu->data_len, 0x62, &body_len);
	if (!body || !take_object(body, body_len, 0x82, &wanted->type, &len, 1, 1) ||
	    !take_object(body, body_len, 0x83, number, &len, 2, 2))
		return false;
	wanted->fid = be16(number);
	if (take_object(body, body_len, 0x80, number, &len, 2, 2) ||
	    take_object(body, body_len, 0x81, number, &len, 2, 2))
		wanted->size = be16(number);
	if (!take_object(body, body_len, 0x86, wanted->access, &len, 2, 3))
		return false;
	take_object(body, body_len, 0x85, wanted->property, &len, 2, 2);
	if (take_object(body, body_len, 0x84, wanted->aid, &len, 1, AID_MAX))
		wanted->aid_len = (uint8_t)len;
	return true;
}

uint16_t
card_do_create(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	static const struct { int error; uint16_t sw; } words[] = {
		{ 0, SW_OK }, { MINT_EXISTS, SW_EXISTS }, { MINT_TOKEN_FULL, SW_FULL }, { MINT_ARGUMENT, SW_DATA },
	};
	struct file wanted, *created;
	int error;

	(void)reply;
	if (!parse_template(apdu, &wanted))
		return SW_DATA;
	if (!card_allows(card, card->df, wanted.type == FILE_DF ? RIGHT_CREATE_DF : RIGHT_CREATE_EF))
		return SW_SECURITY;
	error = files_create(card->files, card->df, &wanted, &created);
	if (!error) {
		card_select(card, created); /* ISO/IEC 7816-9:2017, 7.1 */
		card_note_change(card, 1);
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].error == error)
			return words[i].sw;
	return SW_INTERNAL;
}

/* Deletes what is selected; afterwards its DF is selected. */
uint16_t
card_do_delete(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	struct file *file = card->ef ? card->ef : card->df, *parent = file->parent;

	(void)apdu;
	(void)reply;
	if (!parent)
		return SW_CONDITIONS; /* the master file goes only with the whole applet */
	if (!card_allows(card, file, RIGHT_DELETE))
		return SW_SECURITY;
	card_select(card, parent);
	files_remove(card->files, file);
	card_note_change(card, 1);
	return SW_OK;
}

/* From here on access rules count. Doing it again changes nothing. */
uint16_t
card_do_activate(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	(void)reply;
	if (!files_find_aid(card->files, apdu->data, apdu->data_len))
		return SW_NOT_FOUND;
	if (card->life != CARD_OPERATIONAL) {
		card->life = CARD_OPERATIONAL;
		card_note_change(card, 0);
	}
	return SW_OK;
}
