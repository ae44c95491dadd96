#include "hostd/queue/restored.h"
#include "hostd/queue/queue.h"
#include "schemas/errors.h"

static const char fact[] = "restored_unsettled"; /* written by mintctl/restore_record.c */

int
restored_is_unsettled(struct queue *queue)
{
	/* Where the record cannot be read nothing new is begun either. */
	int r = store_get(queue->store, QUEUE_fact_get, "s", fact);

	if (r == 0)
		store_done(queue->store, QUEUE_fact_get);
	return r != MINT_NOT_FOUND;
}

int
restored_settle(struct queue *queue)
{
	if (!restored_is_unsettled(queue))
		return MINT_REFUSED;
	queue->wake = 1;
	return store_run(queue->store, QUEUE_fact_drop, "s", fact);
}
