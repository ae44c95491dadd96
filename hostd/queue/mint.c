#include "hostd/queue/mint.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/certify.h"
#include "hostd/queue/digest.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/secret.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <string.h>

/* A token that vanishes each time it is initialised and comes back is not worth more. */
enum { INITIALISE_TRIES = 6 };

/* --- going on */

static int
next(struct bay *bay, struct work *work)
{
	switch ((int)work->state) {
	case STATE_credential_claimed:
		if (journal_begun(bay->queue, work, STEP_initialise) >= INITIALISE_TRIES)
			return fault_token(bay, work, "TOKEN_INIT", "its initialisation was begun again and again and never came to an end");
		return steps_begin(bay, work, STEP_initialise);
	case STATE_credential_initialised:
		return steps_begin(bay, work, STEP_key);
	case STATE_credential_keyed:
		return work->credential ? steps_begin(bay, work, STEP_request) : bay_finish(bay, AFTER_PROVE, NULL);
	case STATE_credential_requested:
		return certify_wait(bay, work);
	case STATE_credential_certified:
		return steps_begin(bay, work, STEP_burn);
	case STATE_credential_burned:
	case STATE_credential_verified:
		return bay_finish(bay, AFTER_PROVE, NULL);
	case STATE_credential_sealed:
		return bay_finish(bay, AFTER_TAKE, NULL);
	default:
		log_error("%s: is %s: nothing is to be done with its token in bay %d", work->name, states_name(work->state),
		    bay->number);
		return bay_finish(bay, AFTER_TROUBLE, work->parked_error[0] ? error_by_name(work->parked_error)->name : "REFUSED");
	}
}

int
mint_next(struct bay *bay, int64_t use)
{
	struct work work;
	int r = work_load(bay->queue, use, &work);

	if (r == 0)
		r = next(bay, &work);
	work_wipe(&work);
	return r;
}

/* --- coming back to a token in work (law 3) */

static int
key_is(const struct work *work, const struct message_probed *probed)
{
	return probed->spki.length == work->spki_bytes && work->spki_bytes &&
	       memcmp(probed->spki.data, work->spki, work->spki_bytes) == 0;
}

static int
key_id_is_ours(const struct work *work, const struct message_probed *probed)
{
	return probed->key_id.length == KEY_ID_BYTES && memcmp(probed->key_id.data, work->key_id, KEY_ID_BYTES) == 0;
}

static int
take_key(struct bay *bay, const struct work *work, const struct blob *spki, uint64_t duration_us)
{
	struct queue *queue = bay->queue;
	struct blob key_id = { .data = work->key_id, .length = KEY_ID_BYTES };
	uint8_t hash[DIGEST_BYTES];
	struct blob sha256 = { .data = hash, .length = sizeof hash };

	digest_sha256(spki, hash);
	return store_run(queue->store, QUEUE_key_add, "iisbbbii", work->token, work->use, work->key_type, &key_id, spki, &sha256,
	    (int64_t)duration_us, queue_now(queue));
}

/* A key that our own step may have made before it was cut short: it is taken over, not made a second time. */
static int
adopt_key(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	int r = take_key(bay, work, &probed->spki, 0);

	if (r == MINT_EXISTS)
		return fault_token(bay, work, "KEY_SEEN", "the key found on the token is on record for another use");
	if (r == 0)
		r = work_apply(bay->queue, work, "key_made");
	return r == 0 ? mint_next(bay, work->use) : r;
}

/* The token is good but not as the record has it: from the start. */
static int
restart(struct bay *bay, const struct work *work)
{
	int r = work_apply(bay->queue, work, "restart");

	return r == 0 ? mint_next(bay, work->use) : r;
}

/* A generation that was cut short may have left a private key without its public one: the card then refuses its id for good,
 * although no key shows. Only a token on which none was ever begun goes on as it is. */
static int
resume_initialised(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	int begun = journal_begun(bay->queue, work, STEP_key) > 0;

	/* A model may make the key with all else: then it is there before its own step begins. */
	if (probed->content == CONTENT_MARKED && key_id_is_ours(work, probed))
		return adopt_key(bay, work, probed);
	if (probed->content != CONTENT_MARKED)
		return restart(bay, work);
	if (probed->spki.length == 0)
		return begun ? restart(bay, work) : mint_next(bay, work->use);
	return restart(bay, work);
}

static int
resume_keyed(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	return key_is(work, probed) ? mint_next(bay, work->use) : restart(bay, work);
}

static int
resume_certified(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	struct blob certificate = { .data = work->certificate, .length = work->certificate_bytes };
	uint8_t hash[DIGEST_BYTES];
	int r;

	digest_sha256(&certificate, hash);
	if (probed->certificate_sha256.length != sizeof hash || memcmp(probed->certificate_sha256.data, hash, sizeof hash) != 0)
		return mint_next(bay, work->use);
	r = states_apply(bay->queue, MACHINE_credential, work->credential, "burned", NULL);
	return r == 0 ? mint_next(bay, work->use) : r;
}

static int
resume(struct bay *bay, const struct work *work, const struct message_probed *probed)
{
	if (work->state == STATE_credential_claimed)
		return mint_next(bay, work->use);
	if (work->state == STATE_credential_initialised)
		return resume_initialised(bay, work, probed);
	if (work->state == STATE_credential_keyed)
		return resume_keyed(bay, work, probed);
	/* From here a certificate may exist for the key: a token without it can never carry the credential again. */
	if (!key_is(work, probed))
		return fault_token(bay, work, "PROOF_KEY", "the key on record is not on the token");
	if (work->state == STATE_credential_certified)
		return resume_certified(bay, work, probed);
	return mint_next(bay, work->use);
}

int
mint_resume(struct bay *bay, int64_t use, const struct message_probed *probed)
{
	struct work work;
	int r = work_load(bay->queue, use, &work);

	if (r == 0 && work.state == STATE_credential_parked) {
		r = fault_came_back(bay, &work);
		if (r == 0)
			r = work_load(bay->queue, use, &work);
	}
	if (r == 0)
		r = work.state == STATE_credential_parked ? next(bay, &work) : resume(bay, &work, probed);
	work_wipe(&work);
	return r;
}

/* --- answers */

static int
answered(struct bay *bay, struct work *work, const char *event)
{
	struct queue *queue = bay->queue;
	int r = work_of_bay(bay, work);

	if (r == 0)
		r = journal_end(queue, bay->journal, "done", NULL, NULL);
	if (r == 0 && event)
		r = work_apply(queue, work, event);
	return r;
}

int
mint_initialised(struct bay *bay, const struct message *message)
{
	const struct message_initialised *answer = &message->initialised;
	struct work work;
	int r = work_of_bay(bay, &work);

	if (r == 0 && (strcmp(answer->serial, work.serial) != 0 || strcmp(answer->label, work.marker) != 0))
		r = fault_token(bay, &work, "TOKEN_OTHER", "serial or label after initialisation are not those asked for");
	else if (r == 0 && (r = answered(bay, &work, "initialised")) == 0) {
		bay->content = CONTENT_MARKED;
		secret_drop(bay->queue, work.token);
		r = store_run(bay->queue->store, QUEUE_token_clean, "i", work.token);
		if (r == 0)
			r = mint_next(bay, work.use);
	}
	work_wipe(&work);
	return r;
}

int
mint_key_made(struct bay *bay, const struct message *message)
{
	const struct message_key_made *answer = &message->key_made;
	struct work work;
	int r = work_of_bay(bay, &work);

	if (r == 0)
		r = take_key(bay, &work, &answer->spki, answer->duration_us);
	if (r == MINT_EXISTS)
		r = fault_token(bay, &work, "KEY_SEEN", "the token made a key that is on record already");
	else if (r == 0 && (r = answered(bay, &work, "key_made")) == 0)
		r = mint_next(bay, work.use);
	work_wipe(&work);
	return r;
}

int
mint_request_made(struct bay *bay, const struct message *message)
{
	struct work work;
	int r = answered(bay, &work, "request_made");

	if (r == 0)
		r = certify_reserve(bay->queue, &work, &message->request_made.request);
	if (r == 0)
		r = mint_next(bay, work.use);
	work_wipe(&work);
	return r;
}

int
mint_burned(struct bay *bay, const struct message *message)
{
	struct work work;
	int r = answered(bay, &work, "burned");

	(void)message;
	if (r == 0)
		r = bay_finish(bay, AFTER_PROVE, NULL);
	work_wipe(&work);
	return r;
}
