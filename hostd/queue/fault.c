#include "hostd/queue/fault.h"
#include "hostd/base/config.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/secret.h"
#include "hostd/queue/stock.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

enum { HOST_TRIES = 2, GONE_TRIES = 16 };

/* --- parking */

int
fault_park(struct queue *queue, int64_t credential, enum state from, const char *error, const char *detail)
{
	int r = store_run(queue->store, QUEUE_credential_park, "isss", credential, states_name(from), error, detail);

	log_warning("credential %lld: parked: %s", (long long)credential, error);
	return r == 0 ? states_apply(queue, MACHINE_credential, credential, "park", error) : r;
}

int
fault_unpark(struct queue *queue, int64_t credential, enum state from)
{
	char event[64];
	int r;

	snprintf(event, sizeof event, "retry_%s", states_name(from));
	r = states_apply(queue, MACHINE_credential, credential, event, NULL);
	if (from == STATE_credential_waiting)
		queue->wake = 1;
	return r == 0 ? store_run(queue->store, QUEUE_credential_unpark, "i", credential) : r;
}

int
fault_gone(struct queue *queue, const struct work *work)
{
	return fault_park(queue, work->credential, work->state, "TOKEN_GONE", work->serial);
}

int
fault_is_missed(struct queue *queue, int64_t credential)
{
	struct work work;
	int missed = work_of_credential(queue, credential, &work) == 0 && work.state == STATE_credential_parked &&
	             strcmp(work.parked_error, "TOKEN_GONE") == 0;

	work_wipe(&work);
	return missed;
}

int
fault_came_back(struct bay *bay, const struct work *work)
{
	return strcmp(work->parked_error, "TOKEN_GONE") == 0 ? fault_unpark(bay->queue, work->credential, work->parked_from) : 0;
}

/* --- giving up a token */

/* The credential leaves the token. 1 when a certificate has to be revoked first, 0 when not, or a negative error. */
static int
part(struct queue *queue, const struct work *work, const char *outcome)
{
	int r;

	if (!work->credential)
		return stock_give_up(queue, work->use, outcome);
	r = store_run(queue->store, QUEUE_use_end, "isi", work->use, outcome, queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_credential_unbind, "i", work->credential);
	return r == 0 ? certify_drop(queue, work->credential) : r;
}

int
fault_quarantine(struct queue *queue, int64_t token, const char *error, const char *detail)
{
	int r = store_run(queue->store, QUEUE_token_failed, "iss", token, error, detail);

	secret_drop(queue, token);
	return r == 0 ? states_apply(queue, MACHINE_token, token, "quarantine", error) : r;
}

int
fault_settled(struct queue *queue, int64_t credential, const char *pending)
{
	enum state state = states_of(queue, MACHINE_credential, credential);
	int r = store_run(queue->store, QUEUE_credential_pending, "is", credential, NULL);

	/* A credential in mid-work is given up by way of `parked`: the table knows no shorter one. */
	if (r == 0 && strcmp(pending, "abandon") == 0 && state != STATE_credential_waiting && state != STATE_credential_parked)
		r = states_apply(queue, MACHINE_credential, credential, "redo", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, credential, pending, NULL);
	if (r == 0)
		r = store_run(queue->store, QUEUE_credential_unpark, "i", credential);
	queue->wake = 1;
	return r == 0 ? finish_reopened(queue, credential) : r;
}

/* Another token, at once or when the CA has revoked. */
static int
again(struct queue *queue, const struct work *work, int revoking, const char *error, const char *detail)
{
	if (work->attempt >= queue->config->attempts_max)
		return fault_park(queue, work->credential, STATE_credential_waiting, error, detail);
	if (revoking)
		return store_run(queue->store, QUEUE_credential_pending, "is", work->credential, "redo");
	return fault_settled(queue, work->credential, "redo");
}

static int
journal_close(struct bay *bay, const char *outcome, const char *error, const char *detail)
{
	int64_t journal = bay->journal;

	if (!journal || !bay->step || bay->step->performer == PERFORMER_ca)
		return 0;
	bay->journal = 0;
	return journal_end(bay->queue, journal, outcome, error, detail);
}

static int
journal_failed(struct bay *bay, const char *error, const char *detail)
{
	return journal_close(bay, "failed", error, detail);
}

static int
leave_bay(struct bay *bay, enum after after, const char *trouble)
{
	bay->credential = 0;
	if (bay->lease)
		return bay_finish(bay, after, trouble);
	return after == AFTER_TROUBLE ? bay_set(bay, STATE_bay_trouble, trouble) : bay_wake(bay);
}

int
fault_token(struct bay *bay, const struct work *work, const char *error, const char *detail)
{
	struct queue *queue = bay->queue;
	int revoking, r = journal_failed(bay, error, detail);

	log_warning("%s: token %s in bay %d: %s: %s", work->name, work->serial, bay->number, error, detail);
	if (r != 0)
		return r;
	revoking = part(queue, work, "failed");
	if (revoking < 0)
		return revoking;
	r = fault_quarantine(queue, work->token, error, detail);
	if (r == 0 && work->credential)
		r = again(queue, work, revoking, error, detail);
	return r == 0 ? leave_bay(bay, AFTER_TROUBLE, error_by_name(error)->name) : r;
}

/* No credential is to blame, and the next token of its kind would do no better: the bay stands still, a person looks. */
static int
stock_order_failed(struct bay *bay, const struct work *work, const char *error, const char *detail)
{
	int r = journal_failed(bay, error, detail);

	if (r == 0)
		r = stock_give_up(bay->queue, work->use, "abandoned");
	if (r == 0)
		r = states_apply(bay->queue, MACHINE_token, work->token, "unbind", NULL);
	return r == 0 ? leave_bay(bay, AFTER_TROUBLE, error_by_name(error)->name) : r;
}

int
fault_order(struct queue *queue, const struct work *work, const char *error, const char *detail)
{
	struct bay *bay = queue_bay_of_credential(queue, work->credential);
	int r = bay ? journal_failed(bay, error, detail) : 0;
	int revoking;

	if (r != 0)
		return r;
	revoking = part(queue, work, "abandoned");
	if (revoking < 0)
		return revoking;
	r = states_apply(queue, MACHINE_token, work->token, "unbind", NULL);
	if (r == 0 && work->state != STATE_credential_parked)
		r = fault_park(queue, work->credential, STATE_credential_waiting, error, detail);
	else if (r == 0)
		r = store_run(queue->store, QUEUE_credential_park, "isss", work->credential, "waiting", error, detail);
	if (r != 0 || !bay)
		return r;
	return leave_bay(bay, AFTER_PROBE, NULL);
}

/* --- a worker's `failed` */

/* The same token once more by a fresh process; then a person looks at the host. */
static int
host_failed(struct bay *bay, const struct work *work, const char *error, const char *detail)
{
	const struct step *step = bay->step;
	int r = journal_failed(bay, error, detail);

	if (r != 0)
		return r;
	if (bay->lost_at != step)
		bay->losses = 0;
	bay->lost_at = step;
	if (++bay->losses < HOST_TRIES)
		return bay_finish(bay, AFTER_PROBE, NULL);
	bay->losses = 0;
	r = work && work->credential ? fault_park(bay->queue, work->credential, work->state, error, detail) : 0;
	return r == 0 ? bay_finish(bay, AFTER_TROUBLE, error_by_name(error)->name) : r;
}

/* What the step had done before the token went, nobody knows: a probe will tell when it comes back.
 * Whether the token is really out, mint-bench says; until then it is simply looked at again, but not for ever: a reader that
 * cannot be opened, or a card whose ATR changes, is for a person. */
static int
gone(struct bay *bay, const struct work *work, const char *error, const char *detail)
{
	int r = journal_close(bay, "lost", error, detail);

	if (r == 0 && work && work->credential)
		r = fault_gone(bay->queue, work);
	if (r != 0 || ++bay->gone < GONE_TRIES)
		return r == 0 ? bay_finish(bay, bay->is_slot ? AFTER_WATCH : AFTER_PROBE, NULL) : r;
	bay->gone = 0;
	return bay_finish(bay, AFTER_TROUBLE, error_by_name(error)->name);
}

static int
by_fault(struct bay *bay, const struct work *work, uint8_t fault, const char *error, const char *detail)
{
	switch (fault) {
	case FAULT_TOKEN:
		/* A slow token is not a dead one (law 3): a fresh process looks first, and the second time it is to blame. */
		if (work && strcmp(error, "TIMEOUT") == 0) {
			bay->hung = 1;
			return bay_kill(bay, AFTER_LOST, NULL);
		}
		return work ? fault_token(bay, work, error, detail) : bay_finish(bay, AFTER_TROUBLE, error_by_name(error)->name);
	case FAULT_HOST:
		return host_failed(bay, work, error, detail);
	case FAULT_GONE:
		return gone(bay, work, error, detail);
	case FAULT_ORDER:
		if (work && !work->credential)
			return stock_order_failed(bay, work, error, detail);
		return work ? fault_order(bay->queue, work, error, detail) : host_failed(bay, NULL, error, detail);
	default:
		return MINT_PROTOCOL;
	}
}

int
fault_failed(struct bay *bay, const struct message_failed *failed)
{
	const struct error_info *info = error_info((int)failed->error);
	const char *error = error_by_name(info->name) ? info->name : "TOKEN_ERROR";
	struct work work;
	int r = work_of_bay(bay, &work);

	if (r != 0 && r != MINT_NOT_FOUND)
		return r;
	/* Before any order was given, whatever the token was in work for stays as it is. */
	r = by_fault(bay, r == 0 && bay->step ? &work : NULL, failed->fault, error, failed->detail);
	work_wipe(&work);
	return r;
}

int
fault_lost(struct bay *bay, const struct step *step)
{
	struct work work;
	int r = step ? work_of_bay(bay, &work) : MINT_NOT_FOUND;

	bay->losses = 0;
	if (r == MINT_NOT_FOUND)
		return bay_set(bay, STATE_bay_trouble, "MODULE");
	if (r == 0)
		r = fault_token(bay, &work, "TIMEOUT", "the worker was lost twice at the same step");
	work_wipe(&work);
	return r;
}

/* --- a person's decisions */

/* It may go on, but its token is in no bay: from now on that is what it waits for. */
static int
wait_for_token(struct queue *queue, const struct work *work)
{
	struct happening happening = {
		.kind = "credential.parked", .application = work->application, .credential = work->credential, .token = work->token,
		.error = "TOKEN_GONE",
	};
	int r = store_run(queue->store, QUEUE_credential_park, "isss", work->credential, states_name(work->parked_from),
	    "TOKEN_GONE", work->serial);

	return r == 0 ? feed_add(queue, &happening) : r;
}

/* It is on no token: another one may be tried, unless something that was signed still has to be revoked. */
static int
retry_waiting(struct queue *queue, int64_t credential)
{
	int r;

	if (states_of(queue, MACHINE_credential, credential) != STATE_credential_parked)
		return MINT_REFUSED;
	if (store_value(queue->store, QUEUE_certificate_of_credential, 0, "i", credential))
		return MINT_BUSY;
	r = store_run(queue->store, QUEUE_credential_fresh_attempts, "i", credential);
	return r == 0 ? fault_unpark(queue, credential, STATE_credential_waiting) : r;
}

static int
retry_on_token(struct queue *queue, const struct work *work)
{
	struct bay *bay = queue_bay_with(queue, work->credential);
	int r;

	if (work->state != STATE_credential_parked)
		return MINT_REFUSED;
	if (!bay)
		return wait_for_token(queue, work);
	r = fault_unpark(queue, work->credential, work->parked_from);
	return r == 0 ? bay_wake(bay) : r;
}

int
fault_retry(struct queue *queue, int64_t credential)
{
	struct work work;
	int r = work_of_credential(queue, credential, &work);

	if (r == MINT_NOT_FOUND)
		r = retry_waiting(queue, credential);
	else if (r == 0)
		r = retry_on_token(queue, &work);
	work_wipe(&work);
	return r;
}

int
fault_give_up(struct queue *queue, int64_t credential, const char *pending, const char *why)
{
	struct work work;
	struct bay *bay = queue_bay_with(queue, credential);
	enum state state = states_of(queue, MACHINE_credential, credential);
	int revoking, r;

	if (state == STATE_credential_packed || state == STATE_credential_revoked ||
	    (state == STATE_credential_waiting && strcmp(pending, "redo") == 0))
		return MINT_REFUSED;
	r = bay ? journal_failed(bay, "REFUSED", "given up by a person") : 0;
	if (r != 0)
		return r;
	r = work_of_credential(queue, credential, &work);
	if (r == MINT_NOT_FOUND)
		revoking = certify_drop(queue, credential);
	else
		revoking = r == 0 ? part(queue, &work, "abandoned") : r;
	if (r == 0 && revoking >= 0)
		r = fault_quarantine(queue, work.token, "TOKEN_ERROR", why);
	else if (r == MINT_NOT_FOUND && revoking >= 0)
		r = 0;
	work_wipe(&work);
	if (r != 0 || revoking < 0)
		return r != 0 ? r : revoking;
	r = revoking ? store_run(queue->store, QUEUE_credential_pending, "is", credential, pending)
	             : fault_settled(queue, credential, pending);
	if (r == 0)
		r = bay_found(queue, credential); /* nobody misses its token any more */
	return r == 0 && bay ? leave_bay(bay, AFTER_TROUBLE, "TOKEN_ERROR") : r;
}
