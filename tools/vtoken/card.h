/* One card: a MyEID 4.5 PKI applet behind ISO 7816-4 commands, without transport and without time.
 *
 * Sources: MyEID PKI JavaCard Applet reference manual 2.3.0 (Aventra) for commands and tags, recorded dialogues of
 * OpenSC 0.23 with such a card (tests/golden/) for what is answered. Not offered: symmetric keys, wrapping.
 *
 * The card's state has a lasting part (files, keys, PINs, life cycle, counters), which the caller stores whenever
 * card_changed says so and before it lets the answer out, and a part that lasts until the next reset (what is selected
 * and verified). A card belongs to one thread.
 */
#ifndef MINT_VTOKEN_CARD_H
#define MINT_VTOKEN_CARD_H

#include "tools/vtoken/keys.h"
#include "tools/vtoken/pins.h"
#include "tools/vtoken/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARD_SERIAL_LEN 10
#define CARD_SERIAL_TEXT (2 * CARD_SERIAL_LEN + 1) /* in hexadecimal, with its NUL */
#define CARD_REPLY_MAX (65536 + 2)

extern const uint8_t card_atr[];
extern const size_t card_atr_len;

struct card;

struct card_reply {
	size_t  len; /* at least 2: the status word is at the end */
	uint8_t bytes[CARD_REPLY_MAX];
};

/* What card_command leaves to the caller. */
enum card_answer {
	CARD_REPLY,    /* the reply is complete */
	CARD_GENERATE, /* a key is wanted: make one and call card_generated, or reset the card */
};

/* The key that GENERATE ASYMMETRIC KEY PAIR wants. */
struct card_order {
	enum key_type type;
	unsigned      bits;
};

/* A blank card as it leaves the factory: MF, application DF, no PIN. NULL when out of memory. */
struct card *card_new(const uint8_t serial[CARD_SERIAL_LEN]);
void         card_free(struct card **card);

/* Power on, off or reset: forgets what is selected, verified, chained or being generated. */
void card_reset(struct card *card);

/* One command. Never fails: what is wrong with a command is said in the status word. */
enum card_answer card_command(struct card *card, const uint8_t *command, size_t len, struct card_reply *reply,
			      struct card_order *order);

/* Ends a generation. Takes over `key`; NULL: it could not be made. */
void card_generated(struct card *card, struct key *key, struct card_reply *reply);

/* A reply of only a status word, for callers that must answer in the card's place (SW_MEMORY when storing failed). */
void card_refuse(struct card_reply *reply, uint16_t sw);

/* True once after each command that changed the lasting state. */
bool card_changed(struct card *card);

/* Serial number in hexadecimal, capital letters. Lives as long as the card. */
const char *card_serial(const struct card *card);

/* How much memory the card has for contents and keys, FILES_BYTES_MAX until then; a cheap card has little. Not part of
 * its state: whoever loads a card says it again. */
void card_limit(struct card *card, size_t memory);

/* What an outsider may know of a card without asking it anything. */
struct card_summary {
	bool     operational; /* activated: access rules count */
	unsigned files, keys; /* all files (DFs included); key files that hold a key */
	size_t   bytes, memory; /* in use, of how many */
	unsigned verified;      /* bit n: PIN n is verified now */
	struct { bool exists; uint8_t tries, puk_tries; } pins[PIN_LAST + 1]; /* by PIN number */
};
void card_summary(const struct card *card, struct card_summary *summary);

/* Key pairs generated since the card was made, erasing included: n of the n-th generation. */
uint32_t card_generations(const struct card *card);

/* The lasting state (store.h). card_get builds a card that is reset; MINT_SYNTAX when the bytes are not sound. */
int card_put(const struct card *card, struct wire_out *out);
int card_get(struct card **card, const uint8_t *state, size_t len);

#endif
