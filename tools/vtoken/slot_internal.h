/* Between slot.c (the way of a command) and slot_fault.c (what goes wrong on it). */
#ifndef MINT_VTOKEN_SLOT_INTERNAL_H
#define MINT_VTOKEN_SLOT_INTERNAL_H

#include "tools/vtoken/slot.h"
#include "tools/vtoken/link.h"

/* The command in progress goes through these one after the other; any may be skipped. */
enum stage {
	STAGE_NONE,
	STAGE_HELD,       /* a fault keeps it from the card for a while */
	STAGE_GENERATING, /* a thread makes or fetches the key; then what its drawn time has left */
	STAGE_SAVING,     /* a thread brings the new state to the disk */
	STAGE_WAITING,    /* everything is done, its time is not yet over */
	STAGE_SILENT,     /* a fault keeps it for ever: only reset and removal end it */
};

struct slot {
	const struct slot_world *world;
	unsigned number;
	uint16_t port;
	struct link *link;
	struct token *token;
	uint64_t commands, changes;
	struct faults *faults;
	uint32_t slow_us;     /* least time of any command, by a fault */
	struct event *after_cut;
	bool stays_out;       /* the token that a fault pulled */
	enum stage stage;
	/* of the command in progress */
	struct work_item save;
	int save_error;
	struct keygen_order *order;
	struct key *key;      /* made, its time not yet over */
	struct event *due;
	uint64_t at_us, started_us, least_us; /* UTC; monotonic; how long the command takes at least */
	bool generated;
	struct trail_generation generation;
	char key_name[16];
	uint8_t *command;
	size_t command_len;
	struct card_reply reply;
};

/* slot.c */
/* Goes on in `stage` after that time. */
void slot_wait(struct slot *slot, enum stage stage, uint64_t us);
/* Sends slot->reply now, whatever faults there are. */
void slot_send(struct slot *slot);
/* Stops what is in progress; it will not be answered. */
void slot_abandon(struct slot *slot);

/* slot_fault.c: each is asked at its moment and gives true when the fault has taken the command over. */
bool slot_fault_before(struct slot *slot);   /* the card has not seen it */
bool slot_fault_unstored(struct slot *slot); /* it changed the card, and that is not on the disk */
bool slot_fault_after(struct slot *slot);    /* slot->reply could go out; may have been altered */
/* The timer of a token that a fault pulled. */
void slot_fault_over(struct slot *slot);

#endif
