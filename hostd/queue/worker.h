/* The channel of a bay's worker: who says what when, and what is refused. */
#ifndef MINT_QUEUE_WORKER_H
#define MINT_QUEUE_WORKER_H

struct bay;
struct queue;

/* mintd has started the worker of this lease and passed its end of the channel (taken over). */
int worker_connect(struct queue *queue, struct bay *bay, int fd);

#endif
