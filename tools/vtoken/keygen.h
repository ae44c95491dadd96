/* Key pairs for the slots: from the pool, else made on a thread; and the thread that keeps the pool filled. */
#ifndef MINT_VTOKEN_KEYGEN_H
#define MINT_VTOKEN_KEYGEN_H

#include "tools/vtoken/keys.h"
#include "tools/vtoken/pool.h"

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>

struct keygen;

/* An order that is being carried out. */
struct keygen_order;

/* `key` is the receiver's, NULL when none could be made; `source` is "pool" or "made". */
typedef void keygen_receiver(void *argument, struct key *key, const char *source);

/* `pool_path` may be NULL: every key is then made when it is wanted. `target`: how many keys of each kind the filling
 * thread keeps in the pool, 0 for none. */
int  keygen_new(struct keygen **keygen, struct event_base *base, const char *pool_path, size_t target);
void keygen_free(struct keygen **keygen);

/* Calls the receiver from the loop when the key is there. NULL when out of memory. */
struct keygen_order *keygen_ask(struct keygen *keygen, enum key_type type, unsigned bits, keygen_receiver *receiver,
				void *argument);

/* The receiver will not be called; a key that comes is thrown away. Clears the caller's pointer. */
void keygen_forget(struct keygen_order **order);

/* True while a thread makes a key. */
bool keygen_busy(struct keygen *keygen);

/* Fills the pool with `threads` threads until it holds `wanted` keys of this kind, and returns then. */
int keygen_fill(struct pool *pool, const struct pool_type *type, size_t wanted, unsigned threads);

#endif
