/* After a start, and after storage has failed: everything is found out again by looking (law 3). */
#ifndef MINT_QUEUE_RECOVER_H
#define MINT_QUEUE_RECOVER_H

struct queue;

/* A part of a turn, first thing: what an earlier process left open is marked lost, what was asked of the CA is in doubt. */
int recover_begin(struct queue *queue, void *unused);

/* A bay's token has been looked at, or it has none. When that holds for all of them, credentials in work that are in no bay are
 * those whose token was taken out while nobody looked. */
int recover_settled(struct queue *queue);

/* A commit has failed: workers are stopped, mint-api's calls of this turn are answered with why, and nothing is begun. */
void recover_stall(struct queue *queue);

/* Tells mint-api whether and why nothing is begun. */
void recover_tell(struct queue *queue);

/* Tries the storage again; when it works, all begins as after a start. */
void recover_try(struct queue *queue);

#endif
