#include "hostd/worker/card.h"
#include "schemas/errors.h"
#include "schemas/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

enum {
	ANSWER_MAX = 258, MORE_MAX = 4, SW1_MORE = 0x61, SW1_LENGTH = 0x6C, SW_OK = 0x9000, SW_TRIES = 0x63C0, SW_TRIES_MASK = 0xFFF0, SW_BLOCKED = 0x6983, SW_INVALIDATED = 0x6984,
	 SW_NOT_FOUND = 0x6A82, SW_RECORD_NOT_FOUND = 0x6A83
};

/* pcsc-lite's answers, each once. */
static const struct {
	LONG theirs;
	int  ours;
} errors[] = {
	{ SCARD_E_NO_SMARTCARD, MINT_TOKEN_GONE },
	{ SCARD_W_REMOVED_CARD, MINT_TOKEN_GONE },
	{ SCARD_W_RESET_CARD, MINT_TOKEN_GONE },
	{ SCARD_W_UNPOWERED_CARD, MINT_TOKEN_GONE },
	{ SCARD_E_PROTO_MISMATCH, MINT_TOKEN_GONE }, /* the card was changed a moment ago */
	{ SCARD_E_UNKNOWN_READER, MINT_READER },
	{ SCARD_E_READER_UNAVAILABLE, MINT_READER },
	{ SCARD_E_NO_READERS_AVAILABLE, MINT_READER },
	{ SCARD_E_NO_SERVICE, MINT_READER },
	{ SCARD_E_SERVICE_STOPPED, MINT_READER },
	{ SCARD_E_SHARING_VIOLATION, MINT_BUSY },
	{ SCARD_E_TIMEOUT, MINT_TIMEOUT },
	{ SCARD_E_NO_MEMORY, MINT_MEMORY },
};

/* A connection to one card, and what is looked for. */
struct card {
	const struct model_probe *probe;
	enum card_depth depth;
	SCARDCONTEXT context;
	SCARDHANDLE  handle;
	DWORD        protocol;
	LONG        last; /* the last answer of pcsc-lite that was not success */
};

struct answer {
	uint8_t  data[ANSWER_MAX];
	size_t   length; /* without the status word */
	unsigned status;
};

static int
error_of(LONG answer)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].theirs == answer)
			return errors[i].ours;
	return MINT_TOKEN_ERROR;
}

static int
note(struct card *card, LONG answer)
{
	if (answer == SCARD_S_SUCCESS)
		return 0;
	card->last = answer;
	return error_of(answer);
}

/* One exchange: the data goes behind what `answer` has, the status word replaces the last. */
static int
exchange(struct card *card, const uint8_t *command, size_t length, struct answer *answer)
{
	uint8_t buffer[ANSWER_MAX];
	DWORD got = sizeof buffer;
	int r = note(card, SCardTransmit(card->handle, card->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1,
	    command, (DWORD)length, NULL, buffer, &got));

	if (r != 0)
		return r;
	if (got < 2) { /* no status word is no answer: so a driver may say that the card has gone */
		card->last = SCARD_F_COMM_ERROR;
		return error_of(SCARD_F_COMM_ERROR);
	}
	if (got - 2 > sizeof answer->data - answer->length)
		return MINT_TOKEN_ERROR;
	memcpy(answer->data + answer->length, buffer, got - 2);
	answer->length += got - 2;
	answer->status = (unsigned)buffer[got - 2] << 8 | buffer[got - 1];
	return 0;
}

/* A command with data and an expected length goes without the length in T=0, where the answer is fetched by GET RESPONSE. */
static size_t
sent_length(const struct card *card, const struct model_bytes *apdu)
{
	int has_both = apdu->length > 5 && apdu->length == (size_t)apdu->data[4] + 6;

	return card->protocol == SCARD_PROTOCOL_T0 && has_both ? apdu->length - 1 : apdu->length;
}

/* Fetches the rest of an answer and repeats with the length that the card wants (ISO/IEC 7816-4, 5.3.4: 61XX and 6CXX). */
static int
transmit(struct card *card, const struct model_bytes *apdu, struct answer *answer)
{
	const uint8_t *command = apdu->data;
	uint8_t again[MODEL_APDU_MAX];
	int r;

	answer->length = answer->status = 0;
	r = exchange(card, command, sent_length(card, apdu), answer);
	if (r == 0 && answer->status >> 8 == SW1_LENGTH && apdu->length == 5) {
		memcpy(again, command, apdu->length);
		again[4] = (uint8_t)answer->status;
		r = exchange(card, again, apdu->length, answer);
	}
	for (int more = 0; r == 0 && answer->status >> 8 == SW1_MORE && more < MORE_MAX; more++) {
		const uint8_t get_response[] = { command[0] & 0x03, 0xC0, 0x00, 0x00, (uint8_t)answer->status };

		r = exchange(card, get_response, sizeof get_response, answer);
	}
	return r;
}

/* The one-byte value of a tag inside the template 6F of an answer to SELECT (ISO 7816-4, 7.4.3); −1 when it has none. */
static int
template_byte(const struct answer *answer, int tag)
{
	size_t at = 2, end = answer->length;

	if (end < 2 || answer->data[0] != 0x6F || answer->data[1] >= 0x80 || (size_t)answer->data[1] + 2 > end)
		return -1;
	for (end = (size_t)answer->data[1] + 2; at + 2 <= end; at += (size_t)answer->data[at + 1] + 2)
		if (answer->data[at] == tag && answer->data[at + 1] == 1 && at + 3 <= end)
			return answer->data[at + 2];
	return -1;
}

static int
read_serial(struct card *card, const struct model_probe *probe, struct card_look *look, const char **why)
{
	struct answer answer;
	int r = transmit(card, &probe->serial, &answer);

	if (r != 0)
		return r;
	if (answer.status != SW_OK || (int)answer.length < probe->serial_offset + probe->serial_length) {
		*why = "the card does not tell its serial number as the profile expects";
		return MINT_TOKEN_ERROR;
	}
	for (int i = 0; i < probe->serial_length; i++)
		snprintf(look->serial + 2 * i, 3, "%02X", answer.data[probe->serial_offset + i]);
	return 0;
}

/* 1 blank, 0 not, negative error. */
static int
is_blank(struct card *card, const struct model_probe *probe)
{
	struct answer answer;
	int r;

	for (size_t i = 0; i < probe->blank_count; i++) {
		r = transmit(card, &probe->blank[i], &answer);
		if (r != 0)
			return r;
		if (answer.status != SW_NOT_FOUND && answer.status != SW_RECORD_NOT_FOUND)
			return 0;
	}
	return 1;
}

/* VERIFY without data; a code that is not there says nothing. */
static int
read_tries(struct card *card, const struct model_bytes *verify, uint8_t *tries)
{
	struct answer answer;
	int r = verify->length ? transmit(card, verify, &answer) : MINT_NOT_FOUND;

	if (r != 0)
		return r == MINT_NOT_FOUND ? 0 : r;
	if ((answer.status & SW_TRIES_MASK) == SW_TRIES)
		*tries = answer.status & ~SW_TRIES_MASK;
	else if (answer.status == SW_BLOCKED || answer.status == SW_INVALIDATED)
		*tries = 0;
	return 0;
}

static bool
says_finished(const struct model_probe *probe, const struct answer *selected)
{
	return probe->lifecycle_tag && template_byte(selected, probe->lifecycle_tag) == probe->lifecycle_finished;
}

static int
look_inside(struct card *card, struct card_look *look, const char **why)
{
	const struct model_probe *probe = card->probe;
	struct answer selected = { .length = 0 };
	int r = 0, blank;

	if (probe->select.length)
		r = transmit(card, &probe->select, &selected);
	if (r == 0 && probe->select.length && selected.status != SW_OK) {
		*why = "the card does not have the application of its model profile";
		return MINT_TOKEN_UNKNOWN;
	}
	if (r == 0 && probe->serial.length)
		r = read_serial(card, probe, look, why);
	if (r == 0 && says_finished(probe, &selected))
		look->stage = CARD_FINISHED;
	if (r == 0 && card->depth == CARD_WITH_TRIES)
		r = read_tries(card, &probe->user_tries, &look->user_tries);
	if (r == 0 && card->depth == CARD_WITH_TRIES)
		r = read_tries(card, &probe->so_tries, &look->so_tries);
	if (r != 0 || look->stage == CARD_FINISHED || probe->blank_count == 0 || probe->blank_through_driver)
		return r;
	blank = is_blank(card, probe);
	if (blank < 0)
		return blank;
	look->stage = blank ? CARD_BLANK : probe->lifecycle_tag ? CARD_HALF : CARD_FINISHED;
	return 0;
}

static int
same_atr(struct card *card, const uint8_t *atr, size_t atr_length)
{
	uint8_t now[MAX_ATR_SIZE];
	DWORD length = sizeof now;
	int r = note(card, SCardStatus(card->handle, NULL, NULL, NULL, NULL, now, &length));

	if (r != 0)
		return r;
	return atr_length == 0 || (length == atr_length && memcmp(now, atr, atr_length) == 0) ? 0 : MINT_TOKEN_OTHER;
}

static int
look_once(struct card *card, const uint8_t *atr, size_t atr_length, struct card_look *look, const char **why)
{
	int r = same_atr(card, atr, atr_length);

	*look = (struct card_look){ .stage = CARD_NOT_SAID, .user_tries = TRIES_NOT_SAID, .so_tries = TRIES_NOT_SAID };
	return r == 0 ? look_inside(card, look, why) : r;
}

/* A token that was changed a moment ago fails in any way until pcscd has seen it. Looking changes nothing, so it may be
 * repeated: once, after a reset, which also tells an empty reader from a bad card. */
static int
look_twice(struct card *card, const uint8_t *atr, size_t atr_length, struct card_look *look, const char **why)
{
	int r = look_once(card, atr, atr_length, look, why);
	LONG answer;

	if (card->last == SCARD_S_SUCCESS)
		return r;
	answer = SCardReconnect(card->handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_RESET_CARD,
	    &card->protocol);
	if (answer == SCARD_W_UNRESPONSIVE_CARD || answer == SCARD_W_UNPOWERED_CARD)
		return MINT_TOKEN_GONE;
	r = note(card, answer);
	if (r != 0)
		return r;
	card->last = SCARD_S_SUCCESS;
	return look_once(card, atr, atr_length, look, why);
}

/* No context: pcscd's fault, whatever it is called (one that is just being killed answers SCARD_W_SECURITY_VIOLATION), never the token's. */
static int
connect_pcscd(struct card *card)
{
	int r = note(card, SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &card->context));

	return r == 0 || r == MINT_MEMORY ? r : MINT_READER;
}

static int
connect_card(struct card *card, const char *reader)
{
	int r = connect_pcscd(card);

	if (r != 0)
		return r;
	r = note(card, SCardConnect(card->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card->handle,
	    &card->protocol));
	if (r != 0)
		SCardReleaseContext(card->context);
	return r;
}

/* With a reset: nothing stays verified. */
static void
let_go(struct card *card)
{
	SCardDisconnect(card->handle, SCARD_RESET_CARD);
	SCardReleaseContext(card->context);
}

int
card_look(const char *reader, const uint8_t *atr, size_t atr_length, const struct model_probe *probe,
    enum card_depth depth, struct card_look *look, const char **why)
{
	const char *unused = "";
	struct card card = { .probe = probe, .depth = depth, .last = SCARD_S_SUCCESS };
	int r = connect_card(&card, reader);

	why = why ? why : &unused;
	*why = "another card";
	if (r == 0) {
		r = look_twice(&card, atr, atr_length, look, why);
		let_go(&card);
	}
	if (r != 0 && card.last != SCARD_S_SUCCESS)
		*why = pcsc_stringify_error(card.last);
	return r;
}

static int
send_all(struct card *card, const struct model_bytes *apdus, size_t count, const char **why)
{
	struct answer answer;
	int r = note(card, SCardBeginTransaction(card->handle));

	for (size_t i = 0; r == 0 && i < count; i++) {
		r = transmit(card, &apdus[i], &answer);
		if (r == 0 && answer.status != SW_OK) {
			*why = "the card refused a command of the profile";
			r = MINT_TOKEN_INIT;
		}
	}
	return r;
}

int
card_send(const char *reader, const struct model_probe *probe, const char *serial, const struct model_bytes *apdus, size_t count,
    enum card_stage *stage, const char **why)
{
	/* Before, which card it is and nothing more; afterwards, whether it is finished. */
	const struct model_probe which = {
		.select = probe->select, .serial = probe->serial, .serial_offset = probe->serial_offset, .serial_length = probe->serial_length,
	}, done = {
		.select = probe->select, .lifecycle_tag = probe->lifecycle_tag, .lifecycle_finished = probe->lifecycle_finished,
	};
	struct card card = { .probe = &which, .depth = CARD_STAGE_ONLY, .last = SCARD_S_SUCCESS };
	struct card_look look;
	int r = connect_card(&card, reader);

	*why = "another card";
	*stage = CARD_NOT_SAID;
	if (r == 0) {
		r = look_once(&card, NULL, 0, &look, why);
		if (r == 0 && which.serial.length && strcmp(look.serial, serial) != 0)
			r = MINT_TOKEN_OTHER;
		if (r == 0)
			r = send_all(&card, apdus, count, why);
		card.probe = &done;
		if (r == 0 && done.lifecycle_tag)
			r = look_inside(&card, &look, why);
		*stage = look.stage;
		let_go(&card);
	}
	if (r != 0 && card.last != SCARD_S_SUCCESS)
		*why = pcsc_stringify_error(card.last);
	return r;
}

int
card_takes(const char *reader, const uint8_t *atr, size_t atr_length, const struct model_bytes *command)
{
	const struct model_probe select_alone = { .select = *command };
	struct card_look look;
	int r = card_look(reader, atr, atr_length, &select_alone, CARD_STAGE_ONLY, &look, NULL);

	return r == 0 ? 1 : r == MINT_TOKEN_UNKNOWN ? 0 : r;
}

int
card_readers(char **names)
{
	SCARDCONTEXT context;
	DWORD length = 0;
	LONG answer = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);

	*names = NULL;
	if (answer != SCARD_S_SUCCESS)
		return MINT_READER;
	answer = SCardListReaders(context, NULL, NULL, &length);
	if (answer == SCARD_S_SUCCESS) {
		*names = calloc(1, length + 2);
		/* A reader may have come between the two calls: then the second says that the room is too small. */
		answer = *names ? SCardListReaders(context, NULL, *names, &length) : SCARD_E_NO_MEMORY;
	}
	SCardReleaseContext(context);
	if (answer == SCARD_S_SUCCESS)
		return 0;
	free(*names);
	*names = NULL;
	return answer == SCARD_E_NO_MEMORY ? MINT_MEMORY : MINT_READER;
}
