#include "tools/vtoken/card_internal.h"

#include "schemas/errors.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1

/* T=1, historical bytes "MyEID" behind category byte and one of Aventra's. */
const uint8_t card_atr[] = {
	0x3B, 0xF5, 0x18, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45, 0x4D, 0x79, 0x45, 0x49, 0x44, 0x9A,
};
const size_t card_atr_len = sizeof card_atr;

static const uint8_t application_aid[] = { 0xA0, 0x00, 0x00, 0x00, 0x63, 'P', 'K', 'C', 'S', '-', '1', '5' };
static const uint8_t factory_master_access[3] = { 0x11, 0x3F, 0xFF };
static const uint8_t factory_application_access[3] = { 0x11, 0x1F, 0xFF };

#define ANY_P1 0, 0xFF
#define ANY_P2 0, 0xFF
#define ONLY(value) value, value

/* Every command: the first row whose INS and parameters match is taken. Data outside its bounds gets SW_LENGTH. */
static const struct command {
	uint8_t ins, p1_from, p1_to, p2_from, p2_to;
	uint16_t data_min, data_max;
	card_handler *handler;
} commands[] = {
	{ 0x20, ONLY(0x00), PIN_FIRST, PIN_LAST, 0, PIN_LEN, card_do_verify },
	{ 0x22, 0x01, 0xFF, ANY_P2, 3, 64, card_do_environment },
	{ 0x24, ONLY(0x00), PIN_FIRST, PIN_LAST, 2 * PIN_LEN, 2 * PIN_LEN, card_do_change_pin },
	{ 0x2A, ONLY(0x9E), ONLY(0x9A), 1, KEY_DATA_MAX, card_do_sign },
	{ 0x2A, ONLY(0x80), ONLY(0x86), 2, KEY_DATA_MAX + 1, card_do_decipher },
	{ 0x2C, ONLY(0x00), PIN_FIRST, PIN_LAST, 2 * PIN_LEN, 2 * PIN_LEN, card_do_unblock },
	{ 0x2E, ONLY(0x00), 0, PIN_LAST, 0, 0, card_do_logout },
	{ 0x44, ONLY(0x04), ONLY(0x00), 1, AID_MAX, card_do_activate },
	{ 0x46, ONLY(0x00), ONLY(0x00), 0, 64, card_do_generate },
	{ 0x84, ONLY(0x00), ONLY(0x00), 0, 0, card_do_challenge },
	{ 0x86, ONLY(0x00), ONLY(0x00), 4, 300, card_do_derive },
	{ 0xA4, ANY_P1, ANY_P2, 0, AID_MAX, card_do_select },
	{ 0xB0, 0x00, 0x7F, ANY_P2, 0, 0, card_do_read },
	{ 0xC0, ONLY(0x00), ONLY(0x00), 0, 0, card_do_response },
	{ 0xCA, ONLY(0x01), ONLY(0x01), 0, 0, card_do_modulus },
	{ 0xCA, ONLY(0x01), ONLY(0x02), 0, 0, card_do_exponent },
	{ 0xCA, ONLY(0x01), ONLY(0x86), 0, 0, card_do_point },
	{ 0xCA, ONLY(0x01), ONLY(0xA0), 0, 0, card_do_info },
	{ 0xCA, ONLY(0x01), ONLY(0xA1), 0, 0, card_do_list },
	{ 0xCA, ONLY(0x01), ONLY(0xAA), 0, 0, card_do_capabilities },
	{ 0xCA, ANY_P1, ANY_P2, 0, 0, card_do_unknown_data },
	{ 0xD6, 0x00, 0x7F, ANY_P2, 1, CHAIN_MAX, card_do_update },
	{ 0xDA, ONLY(0x01), PIN_FIRST, PIN_LAST, 2 * PIN_LEN + 3, 2 * PIN_LEN + 3, card_do_put_pin },
	{ 0xDA, ONLY(0x01), 0x80, 0x87, 1, KEY_DATA_MAX + 1, card_do_put_part },
	{ 0xDA, ONLY(0x01), ONLY(0xE0), 8, 8, card_do_initialise },
	{ 0xE0, ONLY(0x00), ONLY(0x00), 2, 255, card_do_create },
	{ 0xE4, ONLY(0x00), ONLY(0x00), 0, 0, card_do_delete },
};

int
card_blank(struct card *card, const uint8_t master_access[3], const uint8_t application_access[3])
{
	struct file wanted = { .fid = FID_APPLICATION, .type = FILE_DF, .property = { 0x00, 0x02 } }, *application;
	struct files *files = files_new();
	struct pins *pins = pins_new();

	memcpy(wanted.access, application_access, sizeof wanted.access);
	memcpy(wanted.aid, application_aid, sizeof application_aid);
	wanted.aid_len = sizeof application_aid;
	if (!files || !pins || files_create(files, files_master(files), &wanted, &application)) {
		files_free(&files);
		pins_free(&pins);
		return MINT_MEMORY;
	}
	memcpy(files_master(files)->access, master_access, 3);
	files_master(files)->property[1] = 0x02;
	files_free(&card->files);
	pins_free(&card->pins);
	files_limit(files, card->memory);
	card->files = files;
	card->pins = pins;
	card->life = CARD_CREATION;
	card_reset(card);
	return 0;
}

static void
set_serial(struct card *card, const uint8_t serial[CARD_SERIAL_LEN])
{
	memcpy(card->serial, serial, CARD_SERIAL_LEN);
	for (int i = 0; i < CARD_SERIAL_LEN; i++)
		snprintf(card->serial_text + 2 * i, 3, "%02X", serial[i]);
}

struct card *
card_new(const uint8_t serial[CARD_SERIAL_LEN])
{
	struct card *card = calloc(1, sizeof *card);

	if (!card)
		return NULL;
	set_serial(card, serial);
	card->memory = FILES_BYTES_MAX;
	card->changes = 1; /* as the recorded card starts */
	if (card_blank(card, factory_master_access, factory_application_access))
		card_free(&card);
	return card;
}

void
card_free(struct card **card)
{
	if (!*card)
		return;
	files_free(&(*card)->files);
	pins_free(&(*card)->pins);
	key_parts_free(&(*card)->parts);
	OPENSSL_clear_free(*card, sizeof **card);
	*card = NULL;
}

/* Session objects live until the next reset (property byte 2, bit 1). */
static void
remove_session_files(struct card *card)
{
	struct file *file = NULL, *application = files_find(card->files, files_master(card->files), FID_APPLICATION);

	while (application && (file = files_next(card->files, application, file))) {
		if ((!file_is_key(file) && file->type != FILE_SECRET) || !(file->property[1] & 0x01))
			continue;
		files_remove(card->files, file);
		file = NULL;
	}
}

void
card_reset(struct card *card)
{
	remove_session_files(card);
	card->df = files_master(card->files);
	card->ef = NULL;
	card->verified = card->fresh = 0;
	card->generating = NULL;
	card->environment.purpose = PURPOSE_NONE;
	card->chain.len = card->chain.ins = 0;
	card->rest.len = card->rest.sent = 0;
	card->half.len = 0;
	key_parts_free(&card->parts);
	OPENSSL_cleanse(card->rest.bytes, sizeof card->rest.bytes);
	OPENSSL_cleanse(card->chain.bytes, sizeof card->chain.bytes);
}

void
card_say(struct card_reply *reply, const void *bytes, size_t len)
{
	memcpy(reply->bytes + reply->len, bytes, len);
	reply->len += len;
}

uint16_t
card_say_long(struct card *card, const struct apdu *apdu, struct card_reply *reply, const uint8_t *bytes, size_t len)
{
	size_t now = len, left;

	if (apdu->le && apdu->le < now)
		now = apdu->le;
	if (now > 256 && apdu->le <= 256)
		now = 256;
	card_say(reply, bytes, now);
	left = len - now;
	if (left == 0)
		return SW_OK;
	memcpy(card->rest.bytes, bytes + now, left);
	card->rest.len = left;
	card->rest.sent = 0;
	return (uint16_t)(SW_MORE | (left < 256 ? left : 0));
}

void
card_refuse(struct card_reply *reply, uint16_t sw)
{
	uint8_t bytes[2] = { (uint8_t)(sw >> 8), (uint8_t)sw };

	reply->len = 0;
	card_say(reply, bytes, sizeof bytes);
}

void
card_note_change(struct card *card, unsigned by)
{
	card->changes = (uint16_t)(card->changes + by);
	card->changed = true;
}

bool
card_changed(struct card *card)
{
	bool changed = card->changed;

	card->changed = false;
	return changed;
}

bool
card_allows(const struct card *card, const struct file *file, enum file_right right)
{
	uint8_t condition = file_condition(file, right);

	if (card->life == CARD_CREATION || condition == CONDITION_ALWAYS)
		return true;
	return condition != CONDITION_NEVER && card->verified & 1u << condition;
}

static const struct command *
find_command(const struct apdu *apdu, uint16_t *sw)
{
	*sw = SW_INS;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *row = &commands[i];

		if (row->ins != apdu->ins)
			continue;
		*sw = SW_P1_P2;
		if (apdu->p1 >= row->p1_from && apdu->p1 <= row->p1_to && apdu->p2 >= row->p2_from &&
		    apdu->p2 <= row->p2_to)
			return row;
	}
	return NULL;
}

/* Collects the data of a chain (ISO/IEC 7816-4:2020, 5.3.3) and gives, at its last command, the whole. SW_OK with
 * *complete false: more is to come. */
static uint16_t
collect(struct card *card, struct apdu *apdu, bool *complete)
{
	bool more = apdu->cla & APDU_CLA_CHAIN;
	bool started = card->chain.len > 0;

	*complete = !more;
	if (started && (card->chain.ins != apdu->ins || card->chain.p1 != apdu->p1 || card->chain.p2 != apdu->p2)) {
		card->chain.len = 0;
		return SW_CHAINING;
	}
	if (!started && !more)
		return SW_OK;
	if (card->chain.len + apdu->data_len > CHAIN_MAX) {
		card->chain.len = 0;
		return SW_LENGTH;
	}
	card->chain.ins = apdu->ins;
	card->chain.p1 = apdu->p1;
	card->chain.p2 = apdu->p2;
	if (apdu->data_len)
		memcpy(card->chain.bytes + card->chain.len, apdu->data, apdu->data_len);
	card->chain.len += apdu->data_len;
	apdu->data = card->chain.bytes;
	apdu->data_len = card->chain.len;
	if (!more)
		card->chain.len = 0;
	return SW_OK;
}

static uint16_t
dispatch(struct card *card, struct apdu *apdu, struct card_reply *reply)
{
	const struct command *row;
	bool complete;
	uint16_t sw;

	/* OpenSC's driver deletes files with class A0, left over from GSM cards. */
	if ((apdu->cla & ~APDU_CLA_CHAIN) != 0x00 && !(apdu->cla == 0xA0 && apdu->ins == 0xE4))
		return SW_CLA;
	row = find_command(apdu, &sw);
	if (!row)
		return sw;
	if (apdu->ins != 0xC0)
		card->rest.len = 0;
	sw = collect(card, apdu, &complete);
	if (sw != SW_OK || !complete)
		return sw;
	if (apdu->data_len < row->data_min || apdu->data_len > row->data_max)
		return SW_LENGTH;
	return row->handler(card, apdu, reply);
}

static void
close_reply(struct card_reply *reply, uint16_t sw)
{
	uint8_t bytes[2] = { (uint8_t)(sw >> 8), (uint8_t)sw };

	card_say(reply, bytes, sizeof bytes);
}

enum card_answer
card_command(struct card *card, const uint8_t *command, size_t len, struct card_reply *reply, struct card_order *order)
{
	struct apdu apdu;
	uint16_t sw = SW_LENGTH;

	reply->len = 0;
	card->generating = NULL;
	if (apdu_parse(&apdu, command, len) == 0)
		sw = dispatch(card, &apdu, reply);
	if (card->generating) {
		*order = card->order;
		return CARD_GENERATE;
	}
	close_reply(reply, sw);
	return CARD_REPLY;
}

const char *
card_serial(const struct card *card)
{
	return card->serial_text;
}

uint32_t
card_generations(const struct card *card)
{
	return card->generations;
}

void
card_limit(struct card *card, size_t memory)
{
	card->memory = memory;
	files_limit(card->files, memory);
}

void
card_summary(const struct card *card, struct card_summary *summary)
{
	const struct file *file = NULL;

	*summary = (struct card_summary){
		.operational = card->life == CARD_OPERATIONAL,
		.bytes = files_bytes(card->files),
		.memory = card->memory,
		.verified = card->verified,
	};
	while ((file = files_any(card->files, file))) {
		summary->files++;
		summary->keys += file->key != NULL;
	}
	for (unsigned n = PIN_FIRST; n <= PIN_LAST; n++) {
		summary->pins[n].exists = pins_exist(card->pins, n);
		summary->pins[n].tries = (uint8_t)pins_tries_left(card->pins, n);
		summary->pins[n].puk_tries = (uint8_t)pins_puk_tries_left(card->pins, n);
	}
}

int
card_put(const struct card *card, struct wire_out *out)
{
	int error;

	wire_put_u8(out, STATE_VERSION);
	wire_put_bytes(out, card->serial, CARD_SERIAL_LEN);
	wire_put_u8(out, (uint8_t)card->life);
	wire_put_u16(out, card->changes);
	wire_put_u32(out, card->generations);
	pins_put(card->pins, out);
	error = files_put(card->files, out);
	return error ? error : out->failed ? MINT_MEMORY : 0;
}

static int
get_state(struct card *card, struct wire_in *in)
{
	uint8_t version = wire_get_u8(in), serial[CARD_SERIAL_LEN], life;
	int error;

	wire_get_bytes(in, serial, CARD_SERIAL_LEN);
	set_serial(card, serial);
	life = wire_get_u8(in);
	card->changes = wire_get_u16(in);
	card->generations = wire_get_u32(in);
	if (in->failed || version != STATE_VERSION || (life != CARD_CREATION && life != CARD_OPERATIONAL))
		return MINT_SYNTAX;
	card->life = (enum card_life)life;
	card->memory = FILES_BYTES_MAX;
	card->pins = pins_new();
	if (!card->pins)
		return MINT_MEMORY;
	error = pins_get(card->pins, in);
	if (!error)
		error = files_get(&card->files, in);
	if (!error && in->at != in->end)
		error = MINT_SYNTAX;
	return error;
}

int
card_get(struct card **card, const uint8_t *state, size_t len)
{
	struct wire_in in = { .at = state, .end = state + len };
	int error;

	*card = calloc(1, sizeof **card);
	if (!*card)
		return MINT_MEMORY;
	error = get_state(*card, &in);
	if (error)
		card_free(card);
	else
		card_reset(*card);
	return error;
}
