/* VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, logging out, and writing a PIN. */
#include "tools/vtoken/card_internal.h"

/* Status word for a comparison that left `tries` tries. */
static uint16_t
word_for(enum pin_answer answer, unsigned tries)
{
	switch (answer) {
	case PIN_RIGHT:
		return SW_OK;
	case PIN_WRONG:
		return (uint16_t)(SW_TRIES_LEFT | tries);
	case PIN_BLOCKED:
		return SW_BLOCKED;
	case PIN_ABSENT:
		return SW_NO_REFERENCE;
	}
	return SW_INTERNAL;
}

static void
mark_changed(struct card *card, bool changed)
{
	if (changed)
		card_note_change(card, 0); /* the recorded counter does not move with PINs */
}

static void
forget(struct card *card, unsigned reference)
{
	card->verified &= (uint16_t)~(1u << reference);
	card->fresh &= (uint16_t)~(1u << reference);
}

/* Without data: how things stand, at the price of no try. */
static uint16_t
ask(const struct card *card, unsigned reference)
{
	unsigned tries;

	if (!pins_exist(card->pins, reference))
		return SW_NO_REFERENCE;
	if (card->verified & 1u << reference)
		return SW_OK;
	tries = pins_tries_left(card->pins, reference);
	return tries ? (uint16_t)(SW_TRIES_LEFT | tries) : SW_BLOCKED;
}

uint16_t
card_do_verify(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	enum pin_answer answer;
	bool changed = false;

	(void)reply;
	if (apdu->data_len == 0)
		return ask(card, apdu->p2);
	if (apdu->data_len != PIN_LEN)
		return SW_LENGTH;
	answer = pins_verify(card->pins, apdu->p2, apdu->data, &changed);
	mark_changed(card, changed);
	forget(card, apdu->p2);
	if (answer == PIN_RIGHT) {
		card->verified |= (uint16_t)(1u << apdu->p2);
		card->fresh |= (uint16_t)(1u << apdu->p2);
	}
	return word_for(answer, pins_tries_left(card->pins, apdu->p2));
}

uint16_t
card_do_change_pin(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	enum pin_answer answer;
	bool changed = false;

	(void)reply;
	answer = pins_change(card->pins, apdu->p2, apdu->data, apdu->data + PIN_LEN, &changed);
	mark_changed(card, changed);
	if (answer != PIN_RIGHT)
		forget(card, apdu->p2);
	return word_for(answer, pins_tries_left(card->pins, apdu->p2));
}

uint16_t
card_do_unblock(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	enum pin_answer answer;
	bool changed = false;

	(void)reply;
	answer = pins_unblock(card->pins, apdu->p2, apdu->data, apdu->data + PIN_LEN, &changed);
	mark_changed(card, changed);
	forget(card, apdu->p2);
	return word_for(answer, pins_puk_tries_left(card->pins, apdu->p2));
}

/* P2 00 means every PIN. */
uint16_t
card_do_logout(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	(void)reply;
	if (apdu->p2)
		forget(card, apdu->p2);
	else
		card->verified = card->fresh = 0;
	return SW_OK;
}

/* PUT DATA, P2 the PIN's number: PIN, PUK, tries of both, flags. Free while the applet is in creation; afterwards only
 * a number that was never used, by whoever may initialise the applet. */
uint16_t
card_do_put_pin(struct card *card, const struct apdu *apdu, struct card_reply *reply)
{
	const uint8_t *puk = apdu->data + PIN_LEN, *tries = puk + PIN_LEN;

	(void)reply;
	if (card->life == CARD_OPERATIONAL && pins_exist(card->pins, apdu->p2))
		return SW_CONDITIONS;
	if (!card_allows(card, files_master(card->files), RIGHT_DELETE))
		return SW_SECURITY;
	if (tries[0] < 1 || tries[0] > 15 || tries[1] < 1 || tries[1] > 15)
		return SW_DATA;
	if (pins_set(card->pins, apdu->p2, apdu->data, puk, tries[0], tries[1]))
		return SW_INTERNAL;
	forget(card, apdu->p2);
	card_note_change(card, 0);
	return SW_OK;
}
