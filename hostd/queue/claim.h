/* Handing out work: the credential with the earliest deadline to a token that is free. */
#ifndef MINT_QUEUE_CLAIM_H
#define MINT_QUEUE_CLAIM_H

#include <stdint.h>

struct bay;
struct queue;

/* Binds the next waiting credential to the token; *use is the new row that says so. `key_types` are those that the token offers, with
 * blanks between them; "" any. MINT_NOT_FOUND when none waits, MINT_TOKEN_MECHANISM when those that wait want other key types. */
int claim_next(struct queue *queue, struct bay *bay, int64_t token, const char *key_types, int64_t *use);

/* A part of a turn: idle bays look for work, no more of them than credentials wait. */
int claim_wake(struct queue *queue, void *unused);

#endif
