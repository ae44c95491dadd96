/* The channels to mintd and to the programs beside us: who is there, who said what, who broke the protocol. */
#ifndef MINT_QUEUE_CHANNELS_H
#define MINT_QUEUE_CHANNELS_H

struct queue;

/* Takes over the channel to mintd, says hello and that peers are welcome. MINT_MEMORY. */
int channels_open(struct queue *queue, int mintd_fd);
void channels_close(struct queue *queue);

/* mint-bench is not to go on with what it does: it ends, and mintd starts a new one. Storage has failed. */
void channels_drop_bench(struct queue *queue, const char *why);

#endif
