/* From the last steps to issued: tokens that leave their bays, and what an application becomes when all of its tokens got
 * somewhere. */
#ifndef MINT_QUEUE_FINISH_H
#define MINT_QUEUE_FINISH_H

#include <stdint.h>

struct queue;

/* The token of this credential is no longer in its bay: taken when it was finished, else parked until it comes back. */
int finish_left(struct queue *queue, int64_t credential);

/* A credential has gone back to waiting, or was given up: its application is as far as the others are. */
int finish_reopened(struct queue *queue, int64_t credential);

/* Whatever the application's credentials and label allow now: the label is ordered, minted, packed, issued. */
int finish_check(struct queue *queue, int64_t application);

#endif
