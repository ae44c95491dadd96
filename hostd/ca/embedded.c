/* The embedded back end: an issuing CA in this process, its issue log beside it.
 *
 * Questions of one turn of the loop gather here; ca_settle makes their records durable with one sync and only then answers.
 */
#include "hostd/ca/authority.h"
#include "hostd/ca/backend.h"
#include "hostd/ca/certificate.h"
#include "hostd/ca/content.h"
#include "hostd/ca/crl.h"
#include "hostd/ca/file.h"
#include "hostd/ca/ledger.h"
#include "hostd/ca/request.h"
#include "hostd/base/clock.h"
#include "hostd/base/log.h"
#include "schemas/errors.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An answer that waits for the disk. Each question adds at most one record, so a full list is a full batch. */
struct waiting {
	struct ca_answer answer;
	uint8_t         *certificate;           /* owned */
};

struct embedded {
	int                    directory;
	struct authority      *authority;
	struct issuelog       *log;
	struct ledger         *ledger;
	struct ledger_mark     durable;         /* the ledger as the disk has it */
	const struct profiles *profiles;
	int                    crl_days;
	ca_answer_handler     *handler;
	void                  *argument;
	struct waiting         waiting[ISSUELOG_BATCH_MAX];
	unsigned               waiting_count;
	int                    crl_unwritten;   /* its number is used up, its file could not be written */
};

static int
remember(const struct record *record, struct place place, void *argument)
{
	struct embedded *ca = argument;
	int r = ledger_add(ca->ledger, record, place);

	if (r != 0)
		log_error("issue log: record %llu contradicts those before it: restore the log from a backup",
		    (unsigned long long)record->number);
	return r;
}

static void
embedded_close(void *state)
{
	struct embedded *ca = state;

	for (unsigned i = 0; i < ca->waiting_count; i++)
		free(ca->waiting[i].certificate);
	authority_free(&ca->authority);
	issuelog_close(&ca->log);
	ledger_free(&ca->ledger);
	if (ca->directory >= 0)
		close(ca->directory);
	free(ca);
}

static int
load(struct embedded *ca, const struct ca_settings *settings, struct reason *reason)
{
	int r = authority_open(&ca->authority, ca->directory, settings->passphrase, reason);

	if (r == 0)
		r = issuelog_open(&ca->log, ca->directory, ISSUELOG_APPEND, remember, ca, NULL, reason);
	if (r != 0)
		return r;
	if (memcmp(ledger_issuer(ca->ledger), authority_sha256(ca->authority), DIGEST_BYTES) != 0)
		return reason_set(reason, MINT_CONFIG, ISSUELOG_NAME " belongs to another CA than issuing.pem: restore both from one backup");
	ca->durable = ledger_mark(ca->ledger);
	return 0;
}

static int
embedded_open(void **state, const struct ca_settings *settings, struct reason *reason)
{
	struct embedded *ca = calloc(1, sizeof *ca);
	int r;

	if (!ca)
		return reason_set(reason, MINT_MEMORY, "out of memory");
	ca->profiles = settings->profiles;
	ca->crl_days = settings->crl_days;
	ca->handler = settings->handler;
	ca->argument = settings->argument;
	ca->directory = fcntl(settings->directory, F_DUPFD_CLOEXEC, 0);
	ca->ledger = ledger_new();
	r = ca->directory < 0 || !ca->ledger ? reason_set(reason, MINT_MEMORY, "%s", strerror(errno)) : load(ca, settings, reason);
	if (r == 0)
		*state = ca;
	else
		embedded_close(ca);
	return r;
}

static int embedded_settle(void *state);

/* A place for the next answer, whose reason the caller fills in. */
static struct waiting *
next_waiting(struct embedded *ca, enum ca_question question, uint64_t request_id)
{
	struct waiting *waiting;

	if (ca->waiting_count == ISSUELOG_BATCH_MAX)
		(void)embedded_settle(ca);
	waiting = &ca->waiting[ca->waiting_count++];
	*waiting = (struct waiting){ .answer = { .question = question, .request_id = request_id } };
	return waiting;
}

/* A log that cannot be read tells nothing about what was signed; every other failure came before anything was. */
static void
decide(struct waiting *waiting, int r)
{
	waiting->answer.verdict = r == 0 ? CA_SIGNED : r == MINT_STORAGE ? CA_UNKNOWN : CA_NOT_SIGNED;
	waiting->answer.certificate = (struct blob){ waiting->certificate, r == 0 ? waiting->answer.certificate.length : 0 };
}

/* The certificate of an entry that is still good, out of the log. */
static int
answer_from_log(struct embedded *ca, struct waiting *waiting, const struct entry *entry)
{
	struct reason *reason = &waiting->answer.reason;
	struct record record;

	if (entry->revoked_at != 0)
		return reason_set(reason, MINT_REFUSED, "was signed, and revoked since");
	if (issuelog_read(ca->log, entry->place, &record) != 0)
		return reason_set(reason, MINT_STORAGE, "the record cannot be read from the issue log: check the disk");
	waiting->certificate = record.certificate;
	waiting->answer.certificate.length = (uint32_t)record.certificate_bytes;
	record.certificate = NULL;
	record_clear(&record);
	return 0;
}

/* A question on its way to a record. */
struct question {
	const struct ca_request *request;
	struct record            record;
	json_t                  *subject;
	struct request_key       key;
	const struct profile    *profile;       /* NULL when the request id is known */
};

static int
question_read(struct embedded *ca, struct question *q, struct reason *reason)
{
	const struct ca_request *request = q->request;
	int known = ledger_by_request(ca->ledger, request->request_id) != NULL, r;

	if (request->request_id == 0 || request->request_id > INT64_MAX)
		return reason_set(reason, MINT_ARGUMENT, "the request id must be from 1 to 2^63 - 1");
	r = content_serial(q->record.serial, request->serial, reason);
	if (r != 0)
		return r;
	q->profile = known ? NULL : profile_find(ca->profiles, request->profile);
	/* Not NOT_FOUND, which says that nothing was signed under this id: the one who asked would ask again for ever. */
	if (!known && !q->profile)
		return reason_set(reason, MINT_CONFIG, "there is no certificate profile of that name: add it to the CA's profiles");
	q->subject = json_loads(request->subject, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(q->subject))
		return reason_set(reason, MINT_SYNTAX, "the subject data is no JSON object");
	r = request_read(&q->key, request->csr, known ? KEY_ALL : q->profile->key_types, reason);
	if (r != 0)
		return r;
	memcpy(q->record.spki, q->key.spki_sha256, DIGEST_BYTES);
	return content_digest(q->record.content, request->profile, q->record.serial, q->subject, q->record.spki, reason);
}

static int
answer_again(struct embedded *ca, struct waiting *waiting, const struct question *q, const struct entry *entry)
{
	struct reason *reason = &waiting->answer.reason;

	if (memcmp(entry->spki, q->record.spki, DIGEST_BYTES) != 0)
		return reason_set(reason, MINT_DIFFERENT, "this request id was signed for another key");
	if (memcmp(entry->content, q->record.content, DIGEST_BYTES) != 0)
		return reason_set(reason, MINT_DIFFERENT, "this request id was signed with another serial number, profile or subject");
	return answer_from_log(ca, waiting, entry);
}

/* Into the batch and into the ledger, or into neither. */
static int
keep(struct embedded *ca, struct record *record)
{
	struct place place;
	int r = ledger_reserve(ca->ledger);

	if (r == 0)
		r = issuelog_append(ca->log, record, &place);
	if (r == 0 && ledger_add(ca->ledger, record, place) != 0)
		abort(); /* our own bug: what may follow was checked, room was reserved */
	return r;
}

static int
sign_new(struct embedded *ca, struct waiting *waiting, struct question *q)
{
	struct reason *reason = &waiting->answer.reason;
	struct record *record = &q->record;
	struct certificate_plan plan = {
		.authority = ca->authority, .profile = q->profile, .subject = q->subject, .key = q->key.key, .serial = record->serial,
		.now = clock_utc_us(),
	};
	int r;

	if (ledger_by_key(ca->ledger, record->spki))
		return reason_set(reason, MINT_KEY_SEEN, "this public key was signed under another request id");
	if (ledger_by_serial(ca->ledger, record->serial))
		return reason_set(reason, MINT_EXISTS, "this serial number was used before");
	if (plan.now < ledger_newest_at(ca->ledger))
		return reason_set(reason, MINT_CLOCK, "the clock is behind the newest record of the issue log: set it; if it is right now, stop the bench and say so: mintctl ca clock --why …");
	r = certificate_issue(&plan, &record->certificate, &record->certificate_bytes, reason);
	if (r != 0)
		return r;
	record->kind = RECORD_ISSUED;
	record->at = plan.now;
	record->request_id = q->request->request_id;
	snprintf(record->profile, sizeof record->profile, "%s", q->profile->name);
	waiting->certificate = malloc(record->certificate_bytes);
	r = waiting->certificate ? keep(ca, record) : MINT_MEMORY;
	if (r != 0)
		return reason_set(reason, r, "the issue log does not take the record: %s", error_info(r)->what[MINT_EN]);
	memcpy(waiting->certificate, record->certificate, record->certificate_bytes);
	waiting->answer.certificate.length = (uint32_t)record->certificate_bytes;
	return 0;
}

static void
embedded_certify(void *state, const struct ca_request *request)
{
	struct embedded *ca = state;
	struct waiting *waiting = next_waiting(ca, CA_CERTIFY, request->request_id);
	struct question q = { .request = request };
	int r = question_read(ca, &q, &waiting->answer.reason);

	if (r == 0) {
		const struct entry *entry = ledger_by_request(ca->ledger, request->request_id);

		r = entry ? answer_again(ca, waiting, &q, entry) : sign_new(ca, waiting, &q);
	}
	decide(waiting, r);
	OPENSSL_free(q.record.certificate);
	request_key_clear(&q.key);
	json_decref(q.subject);
}

static int
look_up(struct embedded *ca, struct waiting *waiting, uint64_t request_id, struct blob spki)
{
	struct reason *reason = &waiting->answer.reason;
	const struct entry *entry;

	if ((spki.length != 0 && spki.length != DIGEST_BYTES) || (request_id == 0 && spki.length == 0))
		return reason_set(reason, MINT_ARGUMENT, "give a request id, or the SHA-256 of a public key");
	entry = request_id ? ledger_by_request(ca->ledger, request_id) : ledger_by_key(ca->ledger, spki.data);
	if (!entry)
		return reason_set(reason, MINT_NOT_FOUND, "was never signed");
	if (spki.length != 0 && memcmp(entry->spki, spki.data, DIGEST_BYTES) != 0)
		return reason_set(reason, MINT_DIFFERENT, "this request id was signed for another key");
	return answer_from_log(ca, waiting, entry);
}

static void
embedded_lookup(void *state, uint64_t request_id, struct blob spki_sha256)
{
	struct embedded *ca = state;
	struct waiting *waiting = next_waiting(ca, CA_LOOKUP, request_id);

	decide(waiting, look_up(ca, waiting, request_id, spki_sha256));
}

/* A clock gone back does not stop a revocation: it then carries the newest time that the log has seen. */
static int
revoke_entry(struct embedded *ca, struct waiting *waiting, struct blob serial, int code)
{
	const struct entry *entry = ledger_by_request(ca->ledger, waiting->answer.request_id);
	struct record record = { .kind = RECORD_REVOKED, .request_id = waiting->answer.request_id, .reason = code };
	struct reason *reason = &waiting->answer.reason;
	int64_t now = clock_utc_us(), newest = ledger_newest_at(ca->ledger);
	int r = content_serial(record.serial, serial, reason);

	if (r != 0)
		return r;
	if (!crl_reason_is_known(code))
		return reason_set(reason, MINT_ARGUMENT, "reason %d: give 0, 1, 3, 4, 5 or 9 of RFC 5280, 5.3.1", code);
	if (!entry || memcmp(entry->serial, record.serial, SERIAL_BYTES) != 0)
		return reason_set(reason, entry ? MINT_DIFFERENT : MINT_NOT_FOUND,
		    entry ? "this request id was signed under another serial number" : "was never signed");
	if (entry->revoked_at != 0)
		return 0;
	record.at = now > newest ? now : newest;
	r = keep(ca, &record);
	return r == 0 ? 0 : reason_set(reason, r, "the issue log does not take the record: %s", error_info(r)->what[MINT_EN]);
}

static void
embedded_revoke(void *state, uint64_t request_id, struct blob serial, int code)
{
	struct embedded *ca = state;
	struct waiting *waiting = next_waiting(ca, CA_REVOKE, request_id);

	decide(waiting, revoke_entry(ca, waiting, serial, code));
}

static unsigned
embedded_pending(const void *state)
{
	const struct embedded *ca = state;

	return ca->waiting_count;
}

/* One sync for the batch, then the answers. A batch that did not reach the disk is forgotten, and everything that was asked in
 * this turn is unknown: some of it may rest on the batch. */
static int
embedded_settle(void *state)
{
	struct embedded *ca = state;
	struct reason reason = { .error = 0 };
	int r = issuelog_sync(ca->log, &reason), rewound = 0;

	if (r == 0)
		ca->durable = ledger_mark(ca->ledger);
	else
		rewound = ledger_rewind(ca->ledger, ca->durable);
	if (r != 0)
		log_error("issue log: %s", reason.text);
	for (unsigned i = 0; i < ca->waiting_count; i++) {
		struct waiting *waiting = &ca->waiting[i];

		if (r != 0) {
			waiting->answer.verdict = CA_UNKNOWN;
			waiting->answer.reason = reason;
			waiting->answer.certificate = (struct blob){ NULL, 0 };
		}
		ca->handler(&waiting->answer, ca->argument);
		free(waiting->certificate);
	}
	ca->waiting_count = 0;
	if (rewound != 0)
		return rewound;
	return issuelog_is_broken(ca->log) ? MINT_STORAGE : 0;
}

static int64_t
crl_due_at(const struct embedded *ca)
{
	return ledger_crl_next_at(ca->ledger) - (int64_t)ca->crl_days * 86400 * 1000000 / 2;
}

/* The number is used up on the disk before a list carries it: after a crash it is passed over, never used twice. */
static int
use_crl_number(struct embedded *ca, int64_t now, struct record *record, struct reason *reason)
{
	int r;

	*record = (struct record){
		.kind = RECORD_CRL, .at = now, .crl_number = ledger_crl_number(ca->ledger) + 1,
		.crl_next_at = now + (int64_t)ca->crl_days * 86400 * 1000000,
	};
	r = keep(ca, record);
	if (r != 0)
		return reason_set(reason, r, "the issue log does not take the record: %s", error_info(r)->what[MINT_EN]);
	r = issuelog_sync(ca->log, reason);
	if (r == 0)
		ca->durable = ledger_mark(ca->ledger);
	else if (ledger_rewind(ca->ledger, ca->durable) != 0)
		r = MINT_MEMORY;
	return r;
}

static int
write_crl(struct embedded *ca, const uint8_t *der, size_t der_bytes, struct reason *reason)
{
	BIO *pem = BIO_new(BIO_s_mem());
	char *text;
	int r = MINT_MEMORY;

	if (pem && PEM_write_bio(pem, PEM_STRING_X509_CRL, "", der, (long)der_bytes) > 0) {
		long length = BIO_get_mem_data(pem, &text);

		r = file_replace(ca->directory, "crl.der", der, der_bytes, 0644);
		if (r == 0)
			r = file_replace(ca->directory, "crl.pem", text, (size_t)length, 0644);
	}
	BIO_free(pem);
	return r == 0 ? 0 : reason_set(reason, r, "the revocation list cannot be written: %s: check free space", strerror(errno));
}

static int
publish_now(struct embedded *ca, int64_t now, struct reason *reason)
{
	struct record record;
	uint8_t *der = NULL;
	size_t der_bytes = 0;
	int r = use_crl_number(ca, now, &record, reason);

	if (r != 0)
		return r;
	ca->crl_unwritten = 1;
	r = crl_issue(ca->authority, ca->ledger, record.crl_number, record.at, record.crl_next_at, &der, &der_bytes, reason);
	if (r == 0)
		r = write_crl(ca, der, der_bytes, reason);
	OPENSSL_free(der);
	if (r == 0) {
		ca->crl_unwritten = 0;
		log_info("revocation list: number %llu with %zu entries", (unsigned long long)record.crl_number,
		    ledger_revoked_count(ca->ledger));
	}
	return r;
}

static int
embedded_publish(void *state, int force, unsigned *again_s, struct reason *reason)
{
	enum { RETRY_S = 60, DAY_S = 86400 };
	struct embedded *ca = state;
	int64_t now = clock_utc_us(), newest = ledger_newest_at(ca->ledger), left_s;
	int r = embedded_settle(ca);

	if (now < newest)
		now = newest;
	if (r == 0 && (force || ca->crl_unwritten || ledger_crl_is_stale(ca->ledger) || now >= crl_due_at(ca) ||
	    faccessat(ca->directory, "crl.der", F_OK, 0) != 0))
		r = publish_now(ca, now, reason);
	left_s = (crl_due_at(ca) - now) / 1000000;
	if (again_s)
		*again_s = r != 0 ? RETRY_S : left_s < 1 ? 1 : left_s > DAY_S ? DAY_S : (unsigned)left_s;
	return r;
}

const struct ca_backend ca_backend_embedded = {
	.name = "embedded",
	.open = embedded_open,
	.close = embedded_close,
	.certify = embedded_certify,
	.lookup = embedded_lookup,
	.revoke = embedded_revoke,
	.pending = embedded_pending,
	.settle = embedded_settle,
	.publish = embedded_publish,
};
