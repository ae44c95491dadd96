/* Between the card's parts: card.c (life and dispatch), card_files.c, card_pins.c, card_keys.c, card_data.c. */
#ifndef MINT_VTOKEN_CARD_INTERNAL_H
#define MINT_VTOKEN_CARD_INTERNAL_H

#include "tools/vtoken/apdu.h"
#include "tools/vtoken/card.h"
#include "tools/vtoken/files.h"
#include "tools/vtoken/pins.h"
#include "tools/vtoken/sw.h"

#define FID_APPLICATION 0x5015
#define CHAIN_MAX 1024 /* bytes of one chained command */

/* Life cycle status byte, tag 8A (ISO/IEC 7816-4:2020, 7.4.10): in creation nothing is guarded. */
enum card_life { CARD_CREATION = 0x01, CARD_OPERATIONAL = 0x07 };

/* What MANAGE SECURITY ENVIRONMENT prepared. P2 of the command names the template. */
enum card_purpose { PURPOSE_NONE = 0, PURPOSE_DERIVE = 0xA4, PURPOSE_SIGN = 0xB6, PURPOSE_DECIPHER = 0xB8 };

struct card {
	/* lasting */
	uint8_t       serial[CARD_SERIAL_LEN];
	char          serial_text[CARD_SERIAL_TEXT];
	enum card_life life;
	uint16_t      changes;     /* the change counter that GET DATA shows */
	uint32_t      generations;
	struct files *files;
	struct pins  *pins;
	/* given by whoever loads the card, not stored */
	size_t        memory;
	/* until reset */
	struct file  *df, *ef;     /* selected; ef is NULL after a DF was selected */
	uint16_t      verified;    /* a bit for each PIN number */
	uint16_t      fresh;       /* verified and not yet spent on a key that asks for consent */
	struct file  *generating;
	struct { enum card_purpose purpose; uint8_t algorithm; uint16_t fid; } environment;
	struct { uint8_t ins, p1, p2; size_t len; uint8_t bytes[CHAIN_MAX]; } chain;
	struct { uint8_t bytes[KEY_DATA_MAX]; size_t len, sent; } rest; /* of an answer, for GET RESPONSE */
	struct { uint8_t bytes[KEY_DATA_MAX]; size_t len; } half;       /* first half of a cryptogram */
	struct key_parts *parts;   /* of the key that is being written into ef */
	struct card_order order;
	bool          changed;
};

/* Handlers give the status word; data of the answer goes into the reply first, by card_say. */
typedef uint16_t card_handler(struct card *card, const struct apdu *apdu, struct card_reply *reply);

void card_say(struct card_reply *reply, const void *bytes, size_t len);
/* An answer of up to KEY_DATA_MAX bytes; what is more than the command wants waits for GET RESPONSE. */
uint16_t card_say_long(struct card *card, const struct apdu *apdu, struct card_reply *reply, const uint8_t *bytes,
		       size_t len);

/* Notes a change of the lasting state that moves the change counter by `by`. */
void card_note_change(struct card *card, unsigned by);

/* Whether the card's state allows `right` on `file`: always in creation, else by its condition. */
bool card_allows(const struct card *card, const struct file *file, enum file_right right);

/* Selects `file`: a DF, or an EF together with its DF. */
void card_select(struct card *card, struct file *file);

/* Back to blank: no PINs, only MF and application DF with these access bytes. 0 or MINT_MEMORY. */
int card_blank(struct card *card, const uint8_t master_access[3], const uint8_t application_access[3]);

/* card_files.c */
card_handler card_do_select, card_do_read, card_do_update, card_do_create, card_do_delete, card_do_activate;
/* card_pins.c */
card_handler card_do_verify, card_do_change_pin, card_do_unblock, card_do_logout, card_do_put_pin;
/* card_keys.c */
card_handler card_do_environment, card_do_sign, card_do_decipher, card_do_derive, card_do_generate, card_do_put_part;
/* card_data.c */
card_handler card_do_info, card_do_list, card_do_capabilities, card_do_modulus, card_do_exponent, card_do_point,
	card_do_initialise, card_do_challenge, card_do_response, card_do_unknown_data;

#endif
