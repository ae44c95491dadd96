/* Asking the CA: reserve, ask, look up when in doubt, revoke what is not used (law 5).
 *
 * A certificate's row goes reserved → asked → signed → live; asked → unknown when the channel broke or the CA does not know;
 * anything → revoking → revoked; reserved, asked or unknown → refused when it is certain that nothing was signed.
 */
#ifndef MINT_QUEUE_CERTIFY_H
#define MINT_QUEUE_CERTIFY_H

#include "schemas/messages.h"

#include <stdint.h>

struct bay;
struct queue;
struct work;

/* Puts request and a fresh serial on record and asks the CA, if it is there. */
int certify_reserve(struct queue *queue, const struct work *work, const struct blob *request);

/* The bay's worker waits for the CA. */
int certify_wait(struct bay *bay, const struct work *work);

/* The certificate of this credential will not be used: 1 when it first has to be revoked or looked up, 0 when nothing was ever
 * signed, or a negative error. */
int certify_drop(struct queue *queue, int64_t credential);

/* Parts of a turn: the CA's messages, its coming and going, and the retries that are due. */
int certify_message(struct queue *queue, const struct message *message);
int certify_connected(struct queue *queue);
int certify_disconnected(struct queue *queue);
int certify_chores(struct queue *queue);

#endif
