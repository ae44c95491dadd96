/* The station and the bench around it, as mint-bench tells of them. */
#ifndef MINT_QUEUE_STATION_H
#define MINT_QUEUE_STATION_H

#include "schemas/messages.h"

struct queue;

/* What mint-bench says; MINT_PROTOCOL for what it does not say to us. */
int station_message(struct queue *queue, const struct message *message);

/* Nothing can be written now: what it says of boards, bays and their power is kept in memory alone. */
void station_remember(struct queue *queue, const struct message *message);

/* mint-bench has come, is gone. */
int station_connected(struct queue *queue);
int station_disconnected(struct queue *queue);

/* The same while nothing can be written: what the bays show nobody tells now. */
void station_unseen(struct queue *queue);

/* At the start, and when storage works again: the rows are what is known. */
int station_begin(struct queue *queue);

#endif
