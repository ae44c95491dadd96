/* Handing out work: the credential with the earliest deadline to a token that is free. */
#ifndef MINT_QUEUE_CLAIM_H
#define MINT_QUEUE_CLAIM_H

#include <stdint.h>

struct bay;
struct queue;

/* The most urgent of what waits that the token in the bay can serve, by bay->key_types, and bay->subject_max where its key was made
 * ahead. MINT_NOT_FOUND. */
int claim_find(struct bay *bay, int64_t *credential, int64_t *application);

/* Binds credential, use and token: the claim. */
int claim_bind(struct bay *bay, int64_t token, int64_t use, int64_t credential, int64_t application);

/* Binds the next waiting credential to the token; *use is the new row that says so. MINT_NOT_FOUND when none waits,
 * MINT_TOKEN_MECHANISM when those that wait want other key types. */
int claim_next(struct bay *bay, int64_t token, int64_t *use);

/* How many blank tokens could still be put in now and find work, or be keyed ahead; no more are counted than there are bays. */
int64_t claim_blanks_wanted(struct queue *queue);

/* A part of a turn: idle bays look for work, no more of them than credentials wait; the others key ahead what is wanted. */
int claim_wake(struct queue *queue, void *unused);

#endif
