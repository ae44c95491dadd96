/* Which USB port is which bay's: on record, told to mint-bench, learned by powering one bay after the other. */
#ifndef MINT_QUEUE_WIRING_H
#define MINT_QUEUE_WIRING_H

#include "hostd/queue/queue.h"

#include <jansson.h>

/* Into memory, from the configuration and, where that says nothing, from the record. 0 or MINT_STORAGE. */
int wiring_load(struct queue *queue);

/* To a mint-bench that has just come: what is on record. */
int wiring_tell(struct queue *queue);

/* What the bay shows is at another port than the bay's own. */
int wiring_differs(const struct bay *bay);

/* A person's order. MINT_REFUSED with the reason, and where it is that the bays in question, in *detail. */
int wiring_learn(struct queue *queue, const char *actor, json_t **detail);

/* What mint-bench has found; with the last of it the record changes. */
int wiring_learned(struct queue *queue, const struct message_learned *learned);

/* The end of it could not be put on record, and was taken back: it has ended without a result, and why. */
int wiring_failed(struct queue *queue, int error);

/* Storage works again: that the learning was cut short goes on record; a mint-bench that came meanwhile has heard of no wiring yet. */
int wiring_go_on(struct queue *queue);

/* mint-bench is gone in the midst of it: all stays as it was. */
int wiring_lost(struct queue *queue);

#endif
