/* What a person gave with an order and no record may hold: the SO-PIN of a token that is to be erased. In memory alone, wiped
 * when it was used and after ten minutes in any case; a restart forgets it. */
#ifndef MINT_QUEUE_SECRET_H
#define MINT_QUEUE_SECRET_H

#include <stdint.h>

struct queue;

/* Keeps `text` (at most 64 bytes, copied) for the token, in place of one given before. MINT_ARGUMENT, MINT_MEMORY. */
int secret_keep(struct queue *queue, int64_t token, const char *text);

/* What was given for the token, "" when nothing was or its time is over. The queue's, until the next call of this file. */
const char *secret_of(struct queue *queue, int64_t token);

/* Wipes what was given for the token; nothing to do when there is none. */
void secret_drop(struct queue *queue, int64_t token);

/* Wipes what is too old. */
void secret_expire(struct queue *queue);

void secrets_free(struct queue *queue);

#endif
