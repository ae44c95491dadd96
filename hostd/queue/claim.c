#include "hostd/queue/claim.h"
#include "hostd/base/config.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/restored.h"
#include "schemas/errors.h"

int
claim_next(struct queue *queue, struct bay *bay, int64_t token, const char *key_types, int64_t *use)
{
	struct store *store = queue->store;
	int64_t credential, application;
	int r;

	if (restored_is_unsettled(queue))
		return MINT_NOT_FOUND;
	r = store_get(store, QUEUE_credential_next, "s", key_types);
	if (r == MINT_NOT_FOUND && store_value(store, QUEUE_credential_waiting, 0, "i", (int64_t)1) > 0)
		return MINT_TOKEN_MECHANISM;
	if (r != 0)
		return r;
	credential = store_i64(store, QUEUE_credential_next, 0);
	application = store_i64(store, QUEUE_credential_next, 1);
	store_done(store, QUEUE_credential_next);
	r = store_run(store, QUEUE_use_add, "iidi", credential, token, bay->number, queue_now(queue));
	if (r != 0)
		return r;
	*use = store_last_id(store);
	r = store_run(store, QUEUE_credential_bind, "ii", credential, *use);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, credential, "claim", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, token, "bind", NULL);
	if (r == 0 && states_of(queue, MACHINE_application, application) == STATE_application_approved)
		r = states_apply(queue, MACHINE_application, application, "claim", NULL);
	return r == 0 ? bay_holds(bay, token, credential) : r;
}

/* Workers that have been started and have not claimed yet: each will take one. */
static int64_t
starting(const struct queue *queue)
{
	int64_t count = 0;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		count += !bay_is_free(&queue->bays[i]) && !queue->bays[i].credential && queue->bays[i].after == AFTER_LOST;
	return count;
}

/* Whether anything waits that the token in the bay can do. */
static int
has_work(struct bay *bay)
{
	struct store *store = bay->queue->store;

	if (store_get(store, QUEUE_credential_next, "s", bay->key_types) != 0)
		return 0;
	store_done(store, QUEUE_credential_next);
	return 1;
}

int
claim_wake(struct queue *queue, void *unused)
{
	int64_t limit = (int64_t)queue->config->bay_count;
	int64_t wanted = store_value(queue->store, QUEUE_credential_waiting, 0, "i", limit) - starting(queue);
	int r = 0;

	(void)unused;
	queue->wake = 0;
	if (wanted > 0 && restored_is_unsettled(queue))
		return 0;
	for (size_t i = 0; r == 0 && wanted > 0 && i < queue->config->bay_count; i++)
		if (queue->bays[i].state == STATE_bay_idle && bay_is_free(&queue->bays[i]) && has_work(&queue->bays[i])) {
			r = bay_wake(&queue->bays[i]);
			wanted--;
		}
	return r;
}
