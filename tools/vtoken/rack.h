/* All slots of one program, the drawer their tokens come from, and what they share. */
#ifndef MINT_VTOKEN_RACK_H
#define MINT_VTOKEN_RACK_H

#include "tools/vtoken/law.h"
#include "tools/vtoken/slot.h"

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RACK_SLOTS_MAX 1024

struct rack_config {
	const uint16_t   *ports; /* one a slot */
	size_t            count;
	const struct link_protocol *protocol; /* of the readers */
	const char       *state_path;
	const char       *pool_path; /* NULL: no pool */
	const char       *log_path;  /* NULL: no APDU log */
	size_t            pool_target;
	struct law       *law; /* the caller's */
	uint64_t          seed;
	uint32_t          apdu_us;
	const uint8_t    *atr;
	size_t            atr_len;
	size_t            memory;    /* of each card (card_limit) */
};

struct rack;

/* Puts back into the slots what was in them when the program ended, as after a power cut. Says itself what is wrong. */
int  rack_new(struct rack **rack, struct event_base *base, const struct rack_config *config);
void rack_free(struct rack **rack);

/* A token into a slot: "new" is a blank one, "serial=HEX" a blank one with that serial number, anything else the name of
 * one that is there (token.h). MINT_NOT_FOUND (slot or token), MINT_EXISTS (the slot is taken), MINT_BUSY (the token is
 * in another slot), and the drawer's. */
int rack_insert(struct rack *rack, size_t slot, const char *which);

/* MINT_NOT_FOUND when there is no such slot, or nothing in it. The serial number of what was taken out goes to
 * `serial` (CARD_SERIAL_TEXT bytes). */
int rack_remove(struct rack *rack, size_t slot, char *serial);

size_t rack_count(const struct rack *rack);
/* Slots as such; n must be below rack_count. */
struct slot *rack_slot(const struct rack *rack, size_t n);
/* Whom to tell that something rack_status shows of a slot has changed; one at a time, NULL for nobody. */
void   rack_watch(struct rack *rack, void (*noticed)(void *argument, unsigned slot), void *argument);
void   rack_status(const struct rack *rack, size_t slot, struct slot_status *status);

/* True while a thread makes a key, which cannot be interrupted. */
bool rack_busy(const struct rack *rack);

#endif
