/* Slow work off the event loop: items run on threads, their ends are told in the loop. */
#ifndef MINT_VTOKEN_WORK_H
#define MINT_VTOKEN_WORK_H

#include <event2/event.h>

#include <stdbool.h>

struct work;

/* Part of the caller's own struct, which must live until `done` was called. */
struct work_item {
	void (*run)(struct work_item *item);  /* on a thread: touches nothing that the loop touches meanwhile */
	void (*done)(struct work_item *item); /* in the loop; may free the item */
	struct work_item *next;
	bool over; /* run has returned; guarded by the work's lock */
};

/* `idle`: the threads get the processor only when nothing else wants it. MINT_MEMORY, MINT_SYSTEM. */
int work_new(struct work **work, struct event_base *base, unsigned threads, bool idle);

void work_submit(struct work *work, struct work_item *item);

/* Blocks until the item has run, then calls its `done` at once instead of from the loop. Only for short work. */
void work_wait(struct work *work, struct work_item *item);

/* True while items run or wait. */
bool work_busy(struct work *work);

/* Ends the threads; waits for items that run, drops the others. */
void work_free(struct work **work);

#endif
