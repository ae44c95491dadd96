/* Who waits for events: long polls and event streams, woken when mint-queue says that more is committed. */
#ifndef MINT_API_FEED_H
#define MINT_API_FEED_H

struct api;
struct feed;

/* NULL when memory is out. */
struct feed *feed_new(struct api *api);

/* Events beyond what was seen are committed: wakes everyone who waits. */
void feed_wake(struct feed *feed);

/* Answers everyone with what there is, then frees. NULL is fine. */
void feed_free(struct feed **feed);

#endif
