/* A slot: a reader that may have a token in it. Takes commands from the reader to the card and answers back in
 * the card's own time, after what the command changed is on the disk. */
#ifndef MINT_VTOKEN_SLOT_H
#define MINT_VTOKEN_SLOT_H

#include "tools/vtoken/fault.h"
#include "tools/vtoken/keygen.h"
#include "tools/vtoken/law.h"
#include "tools/vtoken/link.h"
#include "tools/vtoken/status.h"
#include "tools/vtoken/token.h"
#include "tools/vtoken/trail.h"
#include "tools/vtoken/work.h"

#include <event2/event.h>

#include <stdbool.h>
#include <stdint.h>

/* What all slots share; kept, not copied. */
struct slot_world {
	struct event_base *base;
	const struct link_protocol *protocol; /* of the readers */
	struct work       *disk;    /* brings states to the disk */
	struct keygen     *keygen;
	struct trail      *trail;
	const struct law  *law;
	uint64_t           seed;
	uint32_t           apdu_us; /* least time of any command */
	const uint8_t     *atr;
	size_t             atr_len;
	/* Something that slot_status shows has changed. */
	void (*noticed)(void *argument, unsigned slot);
	/* A fault has pulled the token, which is to stay out: remove it. */
	void (*pulled)(void *argument, unsigned slot);
	void              *argument; /* of both */
};

struct slot;

/* An empty slot for the reader on that port. NULL when out of memory. */
struct slot *slot_new(const struct slot_world *world, unsigned number, uint16_t port);
void         slot_free(struct slot **slot);

/* Puts a token in, which the slot takes over. The slot must be empty. */
void slot_insert(struct slot *slot, struct token *token);

/* Pulls the token out, in the middle of a command if need be: that command gets no answer, and a key that was being
 * generated is lost. Returns when no thread works on the token any more. */
void slot_remove(struct slot *slot);

/* Serial number and name of the token, NULL when the slot is empty. */
const char *slot_serial(const struct slot *slot);
const char *slot_name(const struct slot *slot);

/* The card in the slot, NULL when it is empty. */
const struct card *slot_card(const struct slot *slot);

/* Faults of this slot, whatever token is in it. */
struct faults *slot_faults(struct slot *slot);
/* Forgets them all; commands take their usual time again. What one of them holds up stays held up. */
void           slot_clear_faults(struct slot *slot);

void slot_status(const struct slot *slot, struct slot_status *status);

#endif
