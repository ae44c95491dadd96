#include "hostd/queue/certify.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "hostd/queue/bay.h"
#include "hostd/queue/digest.h"
#include "hostd/queue/feed.h"
#include "hostd/queue/fault.h"
#include "hostd/queue/journal.h"
#include "hostd/queue/mint.h"
#include "hostd/queue/queue.h"
#include "hostd/queue/restored.h"
#include "hostd/queue/subject.h"
#include "hostd/queue/turn.h"
#include "hostd/queue/work.h"
#include "schemas/errors.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REASON_CESSATION = 5 /* CRLReason cessationOfOperation, RFC 5280, 5.3.1: never handed out */ };

/* A row of :certificate_get. */
struct asked {
	int64_t    id, credential, application, use, asked_at;
	char       state[9], error[33], name[129], reference[129], profile[33], pending[9];
	int        ordinal;
	enum state credential_state, parked_from;
	uint8_t    serial[SERIAL_BYTES], spki_sha256[DIGEST_BYTES], spki[1024], request[4096];
	uint32_t   spki_bytes, request_bytes;
	int        has_certificate;
};

static struct ipc *
ca(const struct queue *queue)
{
	return queue->peers[PROGRAM_CA].ipc;
}

static uint32_t
take_blob(struct blob blob, uint8_t *out, uint32_t room)
{
	uint32_t length = blob.length < room ? blob.length : room;

	if (length)
		memcpy(out, blob.data, length);
	return length;
}

static int
load(struct queue *queue, int64_t id, struct asked *a)
{
	struct store *s = queue->store;
	enum queue_statement g = QUEUE_certificate_get;
	int r = store_get(s, g, "i", id);

	memset(a, 0, sizeof *a);
	if (r != 0)
		return r;
	a->id = id;
	a->credential = store_i64(s, g, 0);
	store_copy(s, g, 1, a->state, sizeof a->state);
	take_blob(store_blob(s, g, 2), a->serial, sizeof a->serial);
	a->request_bytes = take_blob(store_blob(s, g, 3), a->request, sizeof a->request);
	a->spki_bytes = take_blob(store_blob(s, g, 4), a->spki, sizeof a->spki);
	take_blob(store_blob(s, g, 5), a->spki_sha256, sizeof a->spki_sha256);
	store_copy(s, g, 6, a->profile, sizeof a->profile);
	a->application = store_i64(s, g, 7);
	a->use = store_i64(s, g, 8);
	a->credential_state = states_by_name(MACHINE_credential, store_text(s, g, 9));
	a->parked_from = states_by_name(MACHINE_credential, store_text(s, g, 10));
	a->has_certificate = !store_is_null(s, g, 11);
	store_copy(s, g, 12, a->name, sizeof a->name);
	store_copy(s, g, 13, a->pending, sizeof a->pending);
	a->ordinal = (int)store_i64(s, g, 14);
	store_copy(s, g, 15, a->reference, sizeof a->reference);
	a->asked_at = store_i64(s, g, 16);
	store_copy(s, g, 17, a->error, sizeof a->error);
	store_done(s, g);
	return 0;
}

static int
is_state(const struct asked *a, const char *state)
{
	return strcmp(a->state, state) == 0;
}

static int
set_state(struct queue *queue, const struct asked *a, const char *state, const char *error, const char *detail)
{
	return store_run(queue->store, QUEUE_certificate_set_state, "isss", a->id, state, error, detail);
}

/* --- asking */

static char *
subject_of(struct queue *queue, const struct asked *a)
{
	char *subject = NULL;

	if (store_get(queue->store, QUEUE_person_record, "i", a->application) == 0) {
		subject = subject_make(store_text(queue->store, QUEUE_person_record, 0), a->ordinal, a->reference, a->name);
		store_done(queue->store, QUEUE_person_record);
	}
	return subject;
}

/* The clock, the queue's or the CA's, is not trusted: said once in the feed, and in the row, where the status finds it. */
static int
delay_for_clock(struct queue *queue, const struct asked *a, const char *state, const char *detail)
{
	struct happening happening = {
		.kind = "certificate.delayed", .application = a->application, .credential = a->credential,
		.error = error_info(MINT_CLOCK)->name,
	};
	int r = set_state(queue, a, state, happening.error, detail);

	return r == 0 && strcmp(a->error, happening.error) != 0 ? feed_add(queue, &happening) : r;
}

static int
wait_for_clock(struct queue *queue, const struct asked *a)
{
	char behind[32];

	if (is_state(a, "reserved") && strcmp(a->error, error_info(MINT_CLOCK)->name) == 0)
		return 0;
	snprintf(behind, sizeof behind, "%lld s", (long long)(queue->clock.seen - clock_utc_us()) / 1000000);
	return delay_for_clock(queue, a, "reserved", behind);
}

static int
ask(struct queue *queue, const struct asked *a)
{
	struct message message = { .type = MESSAGE_certify };
	char *subject;
	int r;

	queue_now(queue);
	if (queue->clock.back)
		return wait_for_clock(queue, a);
	if (!ca(queue) || restored_is_unsettled(queue))
		return 0; /* asked when it is there, and no certificate of this credential may be about unseen */
	subject = subject_of(queue, a);
	if (!subject)
		return MINT_MEMORY;
	message.certify = (struct message_certify){
		.request_id = (uint64_t)a->id,
		.serial = { .data = a->serial, .length = sizeof a->serial },
		.profile = a->profile,
		.subject = subject,
		.request = { .data = a->request, .length = a->request_bytes },
	};
	r = store_run(queue->store, QUEUE_certificate_asked, "ii", a->id, queue_now(queue));
	if (r == 0)
		r = turn_send(queue, ca(queue), &message);
	OPENSSL_cleanse(subject, strlen(subject));
	free(subject);
	return r;
}

static int
look_up(struct queue *queue, const struct asked *a)
{
	struct message message = { .type = MESSAGE_lookup };

	message.lookup = (struct message_lookup){
		.request_id = (uint64_t)a->id,
		.spki_sha256 = { .data = a->spki_sha256, .length = sizeof a->spki_sha256 },
	};
	return turn_send(queue, ca(queue), &message);
}

static int
revoke(struct queue *queue, const struct asked *a)
{
	struct message message = { .type = MESSAGE_revoke };

	message.revoke = (struct message_revoke){
		.request_id = (uint64_t)a->id, .serial = { .data = a->serial, .length = sizeof a->serial },
		.reason = REASON_CESSATION,
	};
	return turn_send(queue, ca(queue), &message);
}

/* Whatever is due for a row that is open; what may have been signed is looked up before anything else. */
static int
push(struct queue *queue, const struct asked *a)
{
	if (!ca(queue))
		return 0;
	if (is_state(a, "reserved"))
		return ask(queue, a);
	if (is_state(a, "revoking") && a->has_certificate)
		return revoke(queue, a);
	return look_up(queue, a);
}

int
certify_reserve(struct queue *queue, const struct work *work, const struct blob *request)
{
	uint8_t serial[SERIAL_BYTES];
	struct blob number = { .data = serial, .length = sizeof serial };
	struct asked asked;
	int64_t journal;
	int r = digest_serial(serial);

	if (r == 0)
		r = store_run(queue->store, QUEUE_certificate_add, "iiibb", work->credential, work->use, work->key, &number, request);
	if (r != 0)
		return r;
	r = load(queue, store_last_id(queue->store), &asked);
	if (r != 0)
		return r;
	journal = journal_begin(queue, work, NULL, STEP_certify);
	return journal < 0 ? (int)journal : ask(queue, &asked);
}

int
certify_wait(struct bay *bay, const struct work *work)
{
	return bay_at_step(bay, &steps[STEP_certify], journal_open(bay->queue, work->credential, STEP_certify));
}

int
certify_drop(struct queue *queue, int64_t credential)
{
	int64_t id = store_value(queue->store, QUEUE_certificate_of_credential, 0, "i", credential);
	int64_t journal = journal_open(queue, credential, STEP_certify);
	struct asked asked;
	int r;

	if (!id)
		return 0;
	r = load(queue, id, &asked);
	if (r == 0 && journal)
		r = journal_end(queue, journal, "lost", NULL, "the token is given up");
	if (r != 0)
		return r;
	if (is_state(&asked, "reserved"))
		return set_state(queue, &asked, "refused", NULL, NULL);
	if (is_state(&asked, "revoking"))
		return 1;
	r = set_state(queue, &asked, "revoking", NULL, NULL);
	strcpy(asked.state, "revoking");
	if (r == 0)
		r = push(queue, &asked);
	return r == 0 ? 1 : r;
}

/* --- answers */

static int
settle(struct queue *queue, const struct asked *a)
{
	if (!a->pending[0])
		return 0;
	return fault_settled(queue, a->credential, a->pending);
}

/* The CA has given its answer, and it is not a certificate: the step is over. */
static int
step_failed(struct queue *queue, const struct asked *a, const char *error, const char *detail)
{
	int64_t journal = journal_open(queue, a->credential, STEP_certify);

	return journal ? journal_end(queue, journal, "failed", error, detail) : 0;
}

/* The CA signed something else than was asked: it is revoked, and a person looks. */
static int
wrong(struct queue *queue, const struct asked *a, int error)
{
	struct work work;
	int r;

	log_error("%s: the CA's certificate is not what was asked for: %s", a->name, error_info(error)->what[MINT_EN]);
	r = step_failed(queue, a, error_info(error)->name, "the CA's certificate has another key or serial");
	if (r == 0)
		r = work_of_credential(queue, a->credential, &work);
	if (r == 0)
		r = fault_order(queue, &work, error_info(error)->name, "the CA's certificate has another key or serial");
	work_wipe(&work);
	return r;
}

static int
advance(struct queue *queue, const struct asked *a)
{
	struct bay *bay = queue_bay_of_credential(queue, a->credential);
	int64_t journal = journal_open(queue, a->credential, STEP_certify);
	int r = journal ? journal_end(queue, journal, "done", NULL, NULL) : 0;

	if (r == 0 && a->credential_state == STATE_credential_parked && a->parked_from == STATE_credential_requested)
		return store_run(queue->store, QUEUE_credential_parked_from, "is", a->credential,
		    states_name(STATE_credential_certified));
	if (r == 0)
		r = states_apply(queue, MACHINE_credential, a->credential, "certified", NULL);
	if (r == 0 && bay && bay->role == ROLE_MINT && bay->step == &steps[STEP_certify] && !bay->left)
		r = mint_next(bay, a->use);
	return r;
}

static int
on_certified(struct queue *queue, const struct asked *a, const struct message *message)
{
	const struct blob *certificate = &message->certified.certificate;
	struct blob spki = { .data = a->spki, .length = a->spki_bytes };
	struct blob serial = { .data = a->serial, .length = sizeof a->serial };
	int fits = digest_check_certificate(certificate, &spki, &serial);
	int r;

	if (!is_state(a, "asked") && !is_state(a, "unknown") && !is_state(a, "revoking"))
		return 0; /* answered before */
	r = store_run(queue->store, QUEUE_certificate_signed, "ibi", a->id, certificate, queue_now(queue));
	if (r != 0)
		return r;
	if (is_state(a, "revoking"))
		return revoke(queue, a);
	return fits == 0 ? advance(queue, a) : wrong(queue, a, fits);
}

/* Refusals that say nothing about the request: it is asked again later. */
static int
is_passing(int error)
{
	static const enum mint_error passing[] = {
		MINT_SYSTEM, MINT_MEMORY, MINT_TIMEOUT, MINT_CLOSED, MINT_STORAGE, MINT_CLOCK, MINT_BUSY, MINT_CA_DOWN,
	};

	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
		if (-error == (int)passing[i])
			return 1;
	return 0;
}

static int
on_refused(struct queue *queue, const struct asked *a, const struct message *message)
{
	int error = (int)message->certify_refused.error;
	const char *name = error_info(error)->name, *detail = message->certify_refused.detail;
	struct work work;
	int r;

	if (is_state(a, "revoking") && is_passing(error))
		return set_state(queue, a, "revoking", name, detail);
	if (is_state(a, "revoking")) { /* nothing was signed: there is nothing to revoke */
		r = set_state(queue, a, "refused", name, detail);
		return r == 0 ? settle(queue, a) : r;
	}
	if (!is_state(a, "asked") && !is_state(a, "unknown"))
		return 0;
	if (-error == MINT_CLOCK)
		return delay_for_clock(queue, a, is_state(a, "unknown") ? "unknown" : "reserved", detail);
	if (is_passing(error)) /* nothing was said about what may have been signed before: in doubt it stays */
		return set_state(queue, a, is_state(a, "unknown") ? "unknown" : "reserved", name, detail);
	if (-error == MINT_NOT_FOUND)
		return is_state(a, "unknown") ? ask(queue, a) : 0;
	r = set_state(queue, a, "refused", name, detail);
	if (r == 0)
		r = step_failed(queue, a, "CA_REFUSED", detail);
	if (r == 0)
		r = work_of_credential(queue, a->credential, &work);
	if (r == 0)
		r = fault_order(queue, &work, "CA_REFUSED", detail);
	work_wipe(&work);
	return r;
}

static int
on_unknown(struct queue *queue, const struct asked *a, const struct message *message)
{
	const char *state = is_state(a, "revoking") ? "revoking" : "unknown";

	if (!is_state(a, "asked") && !is_state(a, "unknown") && !is_state(a, "revoking"))
		return 0;
	return set_state(queue, a, state, "CA_UNKNOWN", message->certify_unknown.detail);
}

static int
on_revoked(struct queue *queue, const struct asked *a, const struct message *message)
{
	struct happening happening = { .kind = "certificate.revoked", .application = a->application, .credential = a->credential };
	int error = (int)message->revoked.error;
	int r;

	if (!is_state(a, "revoking"))
		return 0;
	if (error != 0) {
		log_warning("%s: its certificate is not revoked yet: %s", a->name, error_info(error)->what[MINT_EN]);
		return set_state(queue, a, "revoking", error_info(error)->name, message->revoked.detail);
	}
	r = store_run(queue->store, QUEUE_certificate_revoked, "ii", a->id, queue_now(queue));
	if (r == 0)
		r = feed_add(queue, &happening);
	return r == 0 ? settle(queue, a) : r;
}

int
certify_message(struct queue *queue, const struct message *message)
{
	struct asked asked;
	/* Each of the CA's answers begins with the request id. */
	int64_t id = (int64_t)message->certified.request_id;
	int r = load(queue, id, &asked);

	if (r == MINT_NOT_FOUND) {
		log_error("mint-ca: answers to request %lld, which was never made", (long long)id);
		return MINT_PROTOCOL;
	}
	if (r != 0)
		return r;
	switch ((int)message->type) {
	case MESSAGE_certified:
		return on_certified(queue, &asked, message);
	case MESSAGE_certify_refused:
		return on_refused(queue, &asked, message);
	case MESSAGE_certify_unknown:
		return on_unknown(queue, &asked, message);
	case MESSAGE_revoked:
		return on_revoked(queue, &asked, message);
	default:
		return MINT_PROTOCOL;
	}
}

/* --- its coming and going, and retries */

static int
push_open(struct queue *queue, int64_t asked_before)
{
	struct asked asked;
	int64_t id = 0;
	int r = 0;

	while (r == 0 && (id = store_value(queue->store, QUEUE_certificate_open, 0, "i", id)) != 0) {
		r = load(queue, id, &asked);
		if (r == 0 && is_state(&asked, "asked")) {
			if (asked.asked_at > asked_before)
				continue; /* its time is not up */
			r = set_state(queue, &asked, "unknown", "TIMEOUT", NULL);
		}
		if (r == 0)
			r = push(queue, &asked);
	}
	return r;
}

int
certify_connected(struct queue *queue)
{
	int r = store_run(queue->store, QUEUE_certificate_doubt, "");

	return r == 0 ? push_open(queue, 0) : r;
}

int
certify_disconnected(struct queue *queue)
{
	return store_run(queue->store, QUEUE_certificate_doubt, "");
}

int
certify_chores(struct queue *queue)
{
	return ca(queue) ? push_open(queue, queue_now(queue) - (int64_t)steps[STEP_certify].timeout_ms * 1000) : 0;
}
