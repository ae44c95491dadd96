/* The change feed: one row for everything that happened, in commit order, without personal data. */
#ifndef MINT_QUEUE_FEED_H
#define MINT_QUEUE_FEED_H

#include <stdint.h>

struct queue;

/* Zeros and NULLs are left out of the row. */
struct happening {
	const char *kind;        /* "credential.sealed" */
	int64_t     application, credential, token;
	const char *error;       /* name in schemas/errors.def */
	const char *detail;      /* JSON object */
};

/* Adds the row with the time, actor and bay of the message that is being handled. 0 or MINT_STORAGE. */
int feed_add(struct queue *queue, const struct happening *happening);

/* After the commit: tells mint-api how far the feed reaches, when it grew. */
void feed_publish(struct queue *queue);

#endif
