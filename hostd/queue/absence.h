/* A token that is not seen any more: taken out by a person, or gone with its bay's power.
 *
 * Only what a person did goes on record as done by one. A token that vanishes while its bay has no power is thought to be where it was and
 * waited for when the power is back; only then does its absence count. And as pcscd tells of a reader and the board of its power in no
 * order that could be relied on, a vanished token whose absence would go on record is in doubt for a moment, though the bay shows at once
 * that it is empty. Bays that nothing can cut know no doubt.
 */
#ifndef MINT_QUEUE_ABSENCE_H
#define MINT_QUEUE_ABSENCE_H

#include "hostd/queue/queue.h"

/* Whether a token can vanish from the bay without anybody's doing: something switches its power, or an emergency stop cuts it. */
int absence_may_be_power(const struct bay *bay);

/* The bay has no power, or may have none: its board has just gone, or (not `watched`: nobody saw the token go) has not told yet. */
int absence_is_explained(const struct bay *bay, int watched);

/* Whether the bay is not thought to be empty and shows no token, which nothing has been made of yet. */
int absence_is_open(const struct bay *bay);

/* The token that is thought to be in the bay does not show, and no worker is there. `watched`: it was seen to go. */
int absence_begin(struct bay *bay, int watched);

/* The bay is without power: what is thought to be in it stays so. Also when that is so already, and its cause is another one now. */
int absence_hold(struct bay *bay);

/* Whether what the bay was just told to show, having shown a token before or not, may follow from its power; then what is done with it. */
int absence_explains(const struct bay *bay, int had_token);
int absence_report(struct bay *bay, int had_token, int watched);

/* The power is back: its token is waited for, where one is thought to be. */
int absence_wait(struct bay *bay);

/* What the bay shows now counts. */
int absence_settle(struct bay *bay);

/* The deadline of the doubt, of the power, of the token is over. */
int absence_overdue(struct bay *bay);

/* After a start, and after storage has failed: what the record says of the bays that an absence may be the power's in. Before the rows are
 * cleared. */
int absence_recall(struct queue *queue);

#endif
