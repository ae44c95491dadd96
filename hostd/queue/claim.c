#include "hostd/queue/claim.h"
#include "hostd/base/config.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/restored.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/subject.h"
#include "schemas/errors.h"

#include <string.h>

/* A token that was keyed ahead has its room for names already: an application with a longer one is left for a blank token. */
static int
fits(struct bay *bay, int64_t application)
{
	enum queue_statement g = QUEUE_person_record;
	struct store *store = bay->queue->store;
	uint32_t bytes = 0;

	if (!bay->in_stock || bay->subject_max == 0)
		return 1;
	if (store_get(store, g, "i", application) == 0) {
		bytes = subject_bytes(store_text(store, g, 0));
		store_done(store, g);
	}
	return bytes <= bay->subject_max;
}

int
claim_find(struct bay *bay, int64_t *credential, int64_t *application)
{
	struct store *store = bay->queue->store;
	enum queue_statement g = QUEUE_credential_next;
	int r;

	if (restored_is_unsettled(bay->queue))
		return MINT_NOT_FOUND;
	for (r = store_get(store, g, "s", bay->key_types); r == 0; r = store_next(store, g)) {
		*credential = store_i64(store, g, 0);
		*application = store_i64(store, g, 1);
		if (fits(bay, *application))
			break;
	}
	store_done(store, g);
	return r;
}

int
claim_bind(struct bay *bay, int64_t token, int64_t use, int64_t credential, int64_t application)
{
	struct queue *queue = bay->queue;
	int r = store_run(queue->store, QUEUE_credential_bind, "ii", credential, use);

	if (r == 0)
		r = states_apply(queue, MACHINE_credential, credential, "claim", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, token, "bind", NULL);
	if (r == 0 && states_of(queue, MACHINE_application, application) == STATE_application_approved)
		r = states_apply(queue, MACHINE_application, application, "claim", NULL);
	return r == 0 ? bay_holds(bay, token, credential) : r;
}

int
claim_next(struct bay *bay, int64_t token, int64_t *use)
{
	struct queue *queue = bay->queue;
	int64_t credential, application;
	int r = claim_find(bay, &credential, &application);

	if (r == MINT_NOT_FOUND && !restored_is_unsettled(queue) && store_value(queue->store, QUEUE_credential_waiting, 0, "i", (int64_t)1) > 0)
		return MINT_TOKEN_MECHANISM;
	if (r == 0)
		r = store_run(queue->store, QUEUE_use_add, "iidi", credential, token, bay->number, queue_now(queue));
	if (r != 0)
		return r;
	*use = store_last_id(queue->store);
	return claim_bind(bay, token, *use, credential, application);
}

/* A worker that has been started and has not claimed yet: it will take one. Not one that keys ahead or checks that: it serves nobody. */
static int
is_starting(const struct bay *bay)
{
	return !bay_is_free(bay) && !bay->credential && bay->after == AFTER_LOST && bay->role == ROLE_MINT && !bay->step;
}

static int64_t
starting(const struct queue *queue)
{
	int64_t count = 0;

	for (size_t i = 0; i < queue->config->bay_count; i++)
		count += is_starting(&queue->bays[i]);
	return count;
}

int64_t
claim_blanks_wanted(struct queue *queue)
{
	int64_t limit = (int64_t)queue->config->bay_count, wanted;

	if (restored_is_unsettled(queue))
		return 0;
	wanted = store_value(queue->store, QUEUE_credential_waiting, 0, "i", limit) + stock_blanks_wanted(queue) - starting(queue);
	return wanted < limit ? wanted : limit;
}

/* A good token with nothing to do; or one that was keyed ahead and not taken out yet. */
static int
is_ready(const struct bay *bay)
{
	return (bay->state == STATE_bay_idle || bay->state == STATE_bay_stock) && bay_is_free(bay);
}

/* A good token that can be used for nothing that is to be made says so, as long as that is so. */
static int
say_whether_useful(struct bay *bay)
{
	int said = bay->trouble && strcmp(bay->trouble, "TOKEN_MECHANISM") == 0;

	if (bay->state != STATE_bay_idle || bay->in_stock || (bay->trouble && !said))
		return 0;
	if (stock_wants_others(bay))
		return said ? 0 : bay_set(bay, STATE_bay_idle, "TOKEN_MECHANISM");
	return said && store_value(bay->queue->store, QUEUE_credential_waiting, 0, "i", (int64_t)1) == 0 ? bay_set(bay, STATE_bay_idle, NULL) : 0;
}

static int
wake(struct bay *bay, int64_t *wanted)
{
	int64_t credential, application;

	if (!is_ready(bay))
		return 0;
	if (*wanted > 0 && claim_find(bay, &credential, &application) == 0) {
		(*wanted)--;
		return bay_wake(bay);
	}
	return stock_wants(bay) ? bay_wake(bay) : say_whether_useful(bay);
}

int
claim_wake(struct queue *queue, void *unused)
{
	int64_t limit = (int64_t)queue->config->bay_count;
	int64_t wanted = store_value(queue->store, QUEUE_credential_waiting, 0, "i", limit) - starting(queue);
	int r = 0;

	(void)unused;
	queue->wake = 0;
	if (restored_is_unsettled(queue))
		return 0;
	for (size_t i = 0; r == 0 && i < queue->config->bay_count; i++)
		r = wake(&queue->bays[i], &wanted);
	return r;
}
