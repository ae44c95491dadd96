/* What follows when a step fails: the token's fault, the host's, the order's, or the token is gone. One place, used by live
 * faults, by lost workers and by a person's decisions. */
#ifndef MINT_QUEUE_FAULT_H
#define MINT_QUEUE_FAULT_H

#include "hostd/queue/steps.h"
#include "schemas/messages.h"

struct bay;
struct queue;
struct work;

/* `failed` of a worker. */
int fault_failed(struct bay *bay, const struct message_failed *failed);

/* The worker was lost at the same step too often (NULL: before any step); no worker is there now. */
int fault_lost(struct bay *bay, const struct step *step);

/* The token is to blame: into quarantine with it; its credential waits for another one, or is parked after the last try. A bay
 * with a worker lets it go. */
int fault_token(struct bay *bay, const struct work *work, const char *error, const char *detail);

/* A token on no credential goes into quarantine: why it does. A person's word that it may be erased is used up. */
int fault_quarantine(struct queue *queue, int64_t token, const char *error, const char *detail);

/* The order is to blame: the credential is parked, the token is free for another. */
int fault_order(struct queue *queue, const struct work *work, const char *error, const char *detail);

/* The token was taken out in mid-work: the credential waits for it by name. */
int fault_gone(struct queue *queue, const struct work *work);

/* It waits for its token, whoever noticed first that it was gone: the worker or mint-bench. */
int fault_is_missed(struct queue *queue, int64_t credential);

/* The token of a parked credential is in a bay again: goes on where it stood, when that was all it waited for. */
int fault_came_back(struct bay *bay, const struct work *work);

/* Why a credential stands still: state to go back to, error, detail. */
int fault_park(struct queue *queue, int64_t credential, enum state from, const char *error, const char *detail);

/* Back from parked to the state it was in. */
int fault_unpark(struct queue *queue, int64_t credential, enum state from);

/* A person's decision: on from where it stood, with the same token when it is on one; at once, or
 * as soon as that token is in a bay again. MINT_REFUSED unless it is parked; MINT_BUSY
 * while what was signed for it is being revoked. */
int fault_retry(struct queue *queue, int64_t credential);

/* A person's decision: its token is given up, what was signed is revoked, and then `pending` follows: "redo" or "abandon". */
int fault_give_up(struct queue *queue, int64_t credential, const char *pending, const char *why);

/* What was signed for the credential is revoked now, or was never signed. */
int fault_settled(struct queue *queue, int64_t credential, const char *pending);

#endif
