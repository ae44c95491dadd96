/* One turn of the loop is one transaction (law 2): every message that was ready is handled, then comes the commit, and only then
 * leaves what they gave rise to (law 1). Each message is a part of its own: one that fails takes nothing else with it. */
#ifndef MINT_QUEUE_TURN_H
#define MINT_QUEUE_TURN_H

#include "hostd/base/ipc.h"

struct bay;
struct queue;

typedef int turn_part_run(struct queue *queue, void *argument);

/* Handles one message or timer as a part. On an error what it wrote and what it wanted to send is taken back and the error
 * returned, and every bay is in memory as it was before, but for what it was said to show. `bay` (may be NULL) is the one that it is
 * about; `actor` stands in every row it writes. */
int turn_part(struct queue *queue, const char *actor, struct bay *bay, turn_part_run *run, void *argument);

/* Keeps a copy of the message; it leaves once the turn is committed. A NULL channel swallows it: the peer is not there, and what
 * it is to do is in the record. 0, MINT_PROTOCOL, MINT_MEMORY. */
int turn_send(struct queue *queue, struct ipc *ipc, const struct message *message);

/* Nothing may be sent to this channel any more. */
void turn_forget(struct queue *queue, const struct ipc *ipc);

/* Throws away what was to leave. */
void turn_discard(struct queue *queue);

/* Commits and lets the messages out. When the commit fails nothing leaves, and the queue stalls: workers are stopped, callers are
 * told, and it goes on by itself once the storage takes writes again. */
void turn_end(struct queue *queue);

/* A part of a turn: the machine's clock is right from now on, says a person; on record at once. 0 or MINT_STORAGE. */
int turn_confirm_clock(struct queue *queue);

#endif
