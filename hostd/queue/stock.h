/* Tokens that are keyed ahead: in quiet hours a blank token is initialised, keyed and checked under transport codes, so that at a peak a
 * bay only has to request, write and prove. It is a use of the token like any other, with its steps in the journal, but without a
 * credential: that is bound to it when the token comes into a bay and there is work, and then the same use goes on. */
#ifndef MINT_QUEUE_STOCK_H
#define MINT_QUEUE_STOCK_H

#include "schemas/messages.h"

#include <stdint.h>

struct bay;
struct queue;
struct work;

/* Whether a token that offers what the one in the bay does is to be keyed ahead now: ordered, or to keep the level. */
int stock_wants(struct bay *bay);

/* Whether tokens are to be keyed ahead and the one in the bay, which serves nothing that waits, is of no use for that. */
int stock_wants_others(struct bay *bay);

/* How many blank tokens are still to be put in for what is ordered, and for the level that the configuration keeps. */
int64_t stock_blanks_wanted(struct queue *queue);

/* Begins to key the token of the bay ahead: *use. MINT_NOT_FOUND when none is wanted. */
int stock_begin(struct bay *bay, int64_t token, int64_t *use);

/* A token that is in stock is in the bay: what is on it is compared with the record, then it serves what waits, or is of no use now. */
int stock_found(struct bay *bay, int64_t use, const struct message_probed *probed);

/* It can not be what was put into stock. */
int stock_refuse(struct bay *bay, int64_t use, const char *detail);

/* The worker's `checked`. */
int stock_checked(struct bay *bay, const struct message *message);

/* The token of the bay leaves it: when it was ready, that is when it goes into the stock box. */
int stock_left(struct bay *bay);

/* The use ends without having served anyone; the token's own state is the caller's. `outcome`: failed or abandoned. */
int stock_give_up(struct queue *queue, int64_t use, const char *outcome);

/* A person destroys a token, or has lost it: one in stock or cut short leaves the stock, any other is only scrapped. MINT_REFUSED in a
 * state in which that cannot be. */
int stock_scrap(struct queue *queue, int64_t token);

/* A person's orders: so many more of this key type, from this lot (may be NULL); no more ("any": of no type). MINT_ARGUMENT,
 * MINT_NOT_FOUND when nothing is ordered. */
int stock_order(struct queue *queue, const char *key_type, int64_t count, const char *lot, const char *actor);
int stock_stop(struct queue *queue, const char *key_type);

#endif
