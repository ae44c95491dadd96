/* Print jobs: one for a parcel when its last token is proven, further ones when a person asks. Printing a job's id twice gives
 * one label, so a job is simply sent again when mint-label was away. */
#ifndef MINT_QUEUE_LABEL_H
#define MINT_QUEUE_LABEL_H

#include "schemas/messages.h"

#include <stdint.h>

struct queue;

/* Makes the first job of the application's parcel; and a further one when a token that the last label names was replaced since. */
int label_order(struct queue *queue, int64_t application);

/* One more copy, or the failed one again. MINT_NOT_FOUND before the first was made. */
int label_reprint(struct queue *queue, int64_t application);

/* A failed label is tried again; nothing when none failed. */
int label_retry(struct queue *queue, int64_t application);

/* A person has seen the label that nobody was sure about: MINT_REFUSED when there is no such doubt. */
int label_settle(struct queue *queue, int64_t application);

/* Parts of a turn: mint-label's answers, its coming, and the retries that are due. */
int label_message(struct queue *queue, const struct message *message);
int label_connected(struct queue *queue);
int label_chores(struct queue *queue);

#endif
