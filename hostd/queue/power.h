/* The power of the bays: what an emergency stop or a cut supply means for what a bay shows, and the power cycle, which is how a token
 * that does not answer any more is asked once more (law 3: a look comes after it, nothing is repeated blindly).
 *
 * What follows when a token vanishes with its power: absence.h.
 */
#ifndef MINT_QUEUE_POWER_H
#define MINT_QUEUE_POWER_H

#include "hostd/queue/queue.h"

/* Why nothing may be begun in the bay now: a name of schemas/errors.def; NULL nothing is in the way. */
const char *power_hindrance(const struct bay *bay);

/* Nothing is begun in any bay: the emergency stop, or the wiring is being learned. */
int power_stands_still(const struct queue *queue);
int power_is_stopped(const struct queue *queue);

/* "over_current"; NULL when nothing switches the bay. */
const char *power_supply_name(const struct bay *bay);

/* No power is known to come to it. */
int power_is_out(const struct bay *bay);

/* A token that answers, or a mute one. */
int power_shows_token(const struct bay *bay);

/* It shows a token: a supply that was told to be off is not known. */
int power_contradict(struct bay *bay);

/* What the bay shows is believed again. */
void power_believe(struct bay *bay);

/* Whether mint-bench can cut the bay's power now; whether that was not done yet for this token and this reason. */
int power_can_cycle(const struct bay *bay);
int power_may_help(const struct bay *bay, const char *because);

/* Writes the intent and orders it; no worker is in the bay. What is in it afterwards is looked at. */
int power_cycle(struct bay *bay, const char *because);

/* mint-bench's answer; one that nobody waits for is left alone. */
int power_cycled(struct bay *bay, const struct message_cycled *cycled);

/* A part of a turn: mint-bench or the token (struct bay *) was waited for too long. */
int power_overdue(struct queue *queue, void *bay);

/* mint-bench tells of the bay's supply. */
int power_supply(struct bay *bay, const struct message_supply *supply);

/* The emergency stop, the learning of the wiring or a supply has changed: each bay stops, or goes on. */
int power_changed(struct queue *queue);

/* mint-bench is gone, and with it what it was told to do. */
int power_lost(struct bay *bay);

#endif
