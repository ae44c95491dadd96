/* The bays: what each shows, the lease of its worker, and what follows when a worker is gone.
 *
 * A bay has one lease at a time and the next begins when the last process has been reaped: nothing else ever touches a reader.
 */
#ifndef MINT_QUEUE_BAY_H
#define MINT_QUEUE_BAY_H

#include "hostd/queue/queue.h"

struct work;

/* Nothing is done in it but looking after a slot, which may be broken off at any time. */
int bay_is_free(const struct bay *bay);

/* Its token is not seen any more, or nobody has looked yet: taken out under a worker that is being stopped, away with the bay's power, only on
 * record. Where it shows now, there it is. */
int bay_has_lost_sight(const struct bay *bay);

/* What mint-bench says, or a worker that looks after a slot. */
int bay_report(struct bay *bay, const struct message_bay *report);

/* Looks at what the bay shows now, with no worker in it: a token is probed, anything else shown. */
int bay_look(struct bay *bay);

/* The token in the bay is looked at by a fresh worker; does nothing while one is at work or there is no token. */
int bay_wake(struct bay *bay);

/* mintd has started, or reaped, the worker. bay_ended is called when the last message of its channel has been handled too. */
int bay_started(struct bay *bay, uint32_t pid);
int bay_ended(struct bay *bay);

/* The worker has done what it was started for: it leaves in order, then `after` follows. `trouble` for AFTER_TROUBLE. */
int bay_finish(struct bay *bay, enum after after, const char *trouble);

/* The worker is not to be trusted to leave by itself; what follows is `after`. */
int bay_kill(struct bay *bay, enum after after, const char *trouble);

/* A person has ordered that its power is cut and given again: at once, or when its worker, which is killed, is gone. */
int bay_cycle(struct bay *bay);

/* The step the worker is at: shown, and its deadline armed. NULL: it waits for others. */
int bay_at_step(struct bay *bay, const struct step *step, int64_t journal);

/* The token of this credential is in a bay, or is not waited for any more: the bay it was pulled out of stops asking for it. */
int bay_found(struct queue *queue, int64_t credential);

/* Which rows are in the bay; shown. */
int bay_holds(struct bay *bay, int64_t token, int64_t credential);

/* State without a worker, shown. `trouble` names the error of STATE_bay_trouble, or says that an empty bay's own
 * token is missed (TOKEN_GONE), else NULL. */
int bay_set(struct bay *bay, enum state state, const char *trouble);

/* Storage has failed: forgets the worker's business without writing, kills its process. */
void bay_forget(struct bay *bay);

/* What was to follow the end of its worker could not be done: without a lease, for the next report or order. */
void bay_forsaken(struct bay *bay);

/* Its timer is what bay->deadline_us says. */
void bay_rearm(struct bay *bay);

/* Begins to look after the bays that are slots. */
int bays_watch(struct queue *queue, void *unused);

/* Memory and timer of the bays; 0 or MINT_MEMORY. */
int bays_new(struct queue *queue);
void bays_free(struct queue *queue);

#endif
