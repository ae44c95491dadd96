/* After `mintctl restore`: certificates may be out that the record knows nothing of. Until a person has settled them no credential
 * gets a token and no certificate is asked for, or one credential could have two live ones. What is in work already goes on.
 */
#ifndef MINT_QUEUE_RESTORED_H
#define MINT_QUEUE_RESTORED_H

struct queue;

int restored_is_unsettled(struct queue *queue);

/* A person says that they are settled. MINT_REFUSED when nothing waits for that, MINT_STORAGE. */
int restored_settle(struct queue *queue);

#endif
