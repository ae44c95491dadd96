#include "hostd/queue/prove.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/digest.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/finish.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <stdio.h>
#include <string.h>

/* The key tells, too: a marker is only a number, which another bench may have given, and not every module tells a serial number. */
static int
is_the_token(const struct work *work, const struct message_probed *probed)
{
	return (!probed->serial[0] || strcmp(probed->serial, work->serial) == 0) && strcmp(probed->model, work->model) == 0 &&
	       strcmp(probed->label, work->marker) == 0 && probed->spki.length == work->spki_bytes && work->spki_bytes &&
	       memcmp(probed->spki.data, work->spki, work->spki_bytes) == 0;
}

int
prove_probed(struct bay *bay, const struct message_probed *probed)
{
	struct work work;
	int r = work_of_bay(bay, &work);

	bay->content = probed->content;
	if (r == 0 && !is_the_token(&work, probed)) {
		/* Swapped between two processes: a mint worker finds out what this one is. */
		log_warning("bay %d: another token than that of %s: looking at it anew", bay->number, work.name);
		r = work.credential ? fault_gone(bay->queue, &work) : 0;
		if (r == 0)
			r = bay_holds(bay, 0, 0);
		if (r == 0)
			r = bay_finish(bay, AFTER_PROBE, NULL);
	} else if (r == 0 && work.state == STATE_credential_keyed && !work.credential) {
		r = steps_begin(bay, &work, STEP_check);
	} else if (r == 0 && work.state == STATE_credential_burned) {
		r = steps_begin(bay, &work, STEP_prove);
	} else if (r == 0 && work.state == STATE_credential_verified) {
		r = steps_begin(bay, &work, STEP_seal);
	} else if (r == 0) {
		r = bay_finish(bay, AFTER_PROBE, NULL);
	}
	work_wipe(&work);
	return r;
}

/* --- the proof */

static const char *
find_flaw(const struct work *work, const struct message_proved *proved)
{
	struct blob certificate = { .data = work->certificate, .length = work->certificate_bytes };
	struct blob spki = { .data = work->spki, .length = work->spki_bytes };
	uint8_t hash[DIGEST_BYTES];

	digest_sha256(&certificate, hash);
	if (proved->certificate_sha256.length != sizeof hash || memcmp(proved->certificate_sha256.data, hash, sizeof hash) != 0)
		return "PROOF_CERTIFICATE";
	if (proved->challenge.length != DIGEST_BYTES || digest_check_signature(&spki, &proved->challenge, &proved->signature) != 0)
		return "PROOF_CHALLENGE";
	return NULL;
}

static int
keep_proof(struct bay *bay, const struct work *work, const struct message_proved *proved)
{
	struct store *store = bay->queue->store;
	enum queue_statement g = QUEUE_journal_who;
	/* Rows have one clock: the worker says how long ago it was, and nothing of a step was before its intent. */
	int64_t read_at = queue_time_of(bay->queue, proved->read_us, bay->step_at);
	int64_t signed_at = queue_time_of(bay->queue, proved->signed_us, read_at), mint_pid = 0;
	char mint_release[65] = "";

	if (store_get(store, g, "iis", work->credential, work->use, steps[STEP_request].name) == 0) {
		mint_pid = store_i64(store, g, 0);
		store_copy(store, g, 1, mint_release, sizeof mint_release);
		store_done(store, g);
	}
	return store_run(store, QUEUE_proof_add, "iisisbibbi", work->use, (int64_t)bay->pid, bay->release, mint_pid, mint_release,
	    &proved->certificate_sha256, read_at, &proved->challenge, &proved->signature, signed_at);
}

/* --- the codes */

static int
keep_envelope(struct bay *bay, const struct work *work, const struct message_proved *proved)
{
	struct queue *queue = bay->queue;

	return store_run(queue->store, QUEUE_envelope_add, "iidbi", work->token, work->use, (int)proved->codes_left,
	    &proved->envelope, queue_now(queue));
}

static int
is_sealed(struct bay *bay, const struct work *work)
{
	struct queue *queue = bay->queue;
	int r = journal_end(queue, bay->journal, "done", NULL, NULL);

	if (r == 0)
		r = store_run(queue->store, QUEUE_envelope_set, "ii", work->use, queue_now(queue));
	if (r == 0)
		r = store_run(queue->store, QUEUE_token_forget_codes, "i", work->token);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, work->credential, "sealed", NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_token, work->token, "seal", NULL);
	if (r == 0)
		r = store_run(queue->store, QUEUE_certificate_live, "i", work->certificate_id);
	if (r == 0)
		r = finish_check(queue, work->application);
	return r == 0 ? bay_finish(bay, AFTER_TAKE, NULL) : r;
}

/* With the same intent that asked which codes are left, or with a fresh one after the proof. */
static int
set_codes(struct bay *bay, struct work *work, const struct message_proved *proved)
{
	int r;

	bay->codes_known = 1;
	if (proved->codes_left == 0)
		return is_sealed(bay, work);
	if (proved->envelope.length == 0)
		return fault_order(bay->queue, work, "CRYPTO", "the worker made no envelope for the final codes");
	r = keep_envelope(bay, work, proved);
	return r == 0 ? steps_order(bay, work, STEP_seal, bay->journal) : r;
}

static int
first_proof(struct bay *bay, struct work *work, const struct message_proved *proved)
{
	struct queue *queue = bay->queue;
	const char *flaw = find_flaw(work, proved);
	int64_t journal;
	int r;

	if (flaw)
		return fault_token(bay, work, flaw, "the proof of the token does not hold");
	r = keep_proof(bay, work, proved);
	if (r == 0)
		r = journal_end(queue, bay->journal, "done", NULL, NULL);
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, work->credential, "proved", NULL);
	if (r == 0)
		r = finish_check(queue, work->application);
	if (r != 0)
		return r;
	work->state = STATE_credential_verified;
	journal = journal_begin(queue, work, bay, STEP_seal);
	if (journal < 0)
		return (int)journal;
	bay->journal = journal;
	return set_codes(bay, work, proved);
}

int
prove_proved(struct bay *bay, const struct message *message)
{
	struct work work;
	int r = work_of_bay(bay, &work);

	if (r == 0)
		r = work.state == STATE_credential_burned ? first_proof(bay, &work, &message->proved)
		                                           : set_codes(bay, &work, &message->proved);
	work_wipe(&work);
	return r;
}

int
prove_sealed(struct bay *bay, const struct message *message)
{
	struct work work;
	int r = work_of_bay(bay, &work);

	(void)message;
	if (r == 0)
		r = is_sealed(bay, &work);
	work_wipe(&work);
	return r;
}
